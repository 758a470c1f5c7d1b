"""Carrying bytes between two sockets, unread."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection, both ways."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def abort(self) -> None:
        """End it at once; what is not sent is lost."""
        # A TLS transport that has ended has nothing left to abort; Python 3.11.2 fails there.
        if not self.writer.transport.is_closing():
            self.writer.transport.abort()


async def join(one: Stream, other: Stream) -> None:
    """Carry bytes both ways until both sides have ended, or broken off."""
    try:
        await asyncio.gather(_carry(one, other), _carry(other, one))
    except asyncio.CancelledError:
        one.abort()
        other.abort()
        raise
    finally:
        one.writer.close()
        other.writer.close()


async def _carry(source: Stream, sink: Stream) -> None:
    """
    Carry one way; the end is passed on too, so that a side may stop talking and still listen.

    The other way is left alone: who breaks off may have answered before.
    """
    with contextlib.suppress(OSError):
        while piece := await source.reader.read(_PIECE):
            sink.writer.write(piece)
            await sink.writer.drain()
        if sink.writer.can_write_eof():
            sink.writer.write_eof()
            return
    # TLS has no half of an end, and a broken connection none at all.
    sink.writer.close()
