"""Carrying bytes between two sockets, unread."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection, both ways."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def abort(self) -> None:
        """End it at once; what is not sent is lost."""
        self.writer.transport.abort()


async def join(one: Stream, other: Stream) -> None:
    """Carry bytes both ways until both sides have ended; a broken side ends both."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_carry(one.reader, other.writer))
            group.create_task(_carry(other.reader, one.writer))
    except* OSError:
        one.abort()
        other.abort()
    finally:
        one.writer.close()
        other.writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one way; the end is passed on too, so that a side may stop talking and still listen."""
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        # TLS has no half of an end.
        writer.close()
