"""
Reading the answer to an HTTP call, all of it by one deadline.

Only what a call that follows no redirect needs: `http.client` gives the headers to the
parser of e-mails, which costs more than all the rest, and waits anew for every piece.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

#: What of a body is read, in bytes.
LIMIT = 1_048_576
_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_NO_BODY = {204, 304}


class BrokenAnswerError(ConnectionError):
    """It is no HTTP, or breaks off."""


class Answer(NamedTuple):
    """What came; `keep` tells that the connection will do for the next call."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    keep: bool


class _Incoming(io.RawIOBase):
    """What comes over a connection until a deadline, however small its pieces are."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self._line = line
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(left)
        return self._line.recv_into(buffer)


_Stream: TypeAlias = "io.BufferedReader[_Incoming]"


def read_answer(line: socket.socket, deadline: float, *, to_head: bool = False) -> Answer:
    """
    Read the final answer from a connection.

    Args:
        deadline: When all of it must have come, as `time.monotonic` tells.
        to_head: It answers a HEAD, so that no body follows whatever its headers say.

    Raises:
        TimeoutError: it was not complete by then.
        BrokenAnswerError: it is no HTTP/1, or breaks off; OSError: the connection does.
    """
    with io.BufferedReader(_Incoming(line, deadline)) as stream:
        version, status, headers = _head(stream)
        while 100 <= status < 200 and status != 101:
            version, status, headers = _head(stream)
        names = {name.lower(): value for name, value in headers.items()}
        lasts = version == b"HTTP/1.1" and "close" not in names.get("connection", "").lower()
        if to_head or status in _NO_BODY:
            return Answer(status, headers, b"", lasts)
        body, whole = _body(stream, names)
        return Answer(status, headers, body, lasts and whole)


def _head(stream: _Stream) -> tuple[bytes, int, dict[str, str]]:
    version, _, rest = _line(stream).partition(b" ")
    code = rest.lstrip()[:3]
    if not version.startswith(b"HTTP/1.") or not (len(code) == 3 and code.isdigit()):
        raise BrokenAnswerError
    headers: dict[str, str] = {}
    for _number in range(_MOST_HEADERS):
        text = _line(stream).decode("latin-1")
        if not text:
            return version, int(code), headers
        name, _, value = text.partition(":")
        headers.setdefault(name.strip(), value.strip())
    raise BrokenAnswerError


def _line(stream: _Stream) -> bytes:
    text = stream.readline(_LONGEST_LINE)
    if not text.endswith(b"\n"):
        raise BrokenAnswerError
    return text.rstrip(b"\r\n")


def _body(stream: _Stream, names: Mapping[str, str]) -> tuple[bytes, bool]:
    """The body, and whether it ended where it said that it would."""
    if names.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(stream)
    told = names.get("content-length", "")
    if not (told.isascii() and told.isdigit()):
        return stream.read(LIMIT), False  # It lasts as long as the connection.
    return _exactly(stream, min(int(told), LIMIT)), int(told) <= LIMIT


def _chunks(stream: _Stream) -> tuple[bytes, bool]:
    body = bytearray()
    while size := _size(_line(stream)):
        body += _exactly(stream, min(size, LIMIT - len(body)))
        if len(body) == LIMIT:
            return bytes(body), False
        if _line(stream):
            raise BrokenAnswerError
    while _line(stream):
        pass  # Trailers tell us nothing.
    return bytes(body), True


def _size(text: bytes) -> int:
    """How many bytes a chunk has, by the line before it."""
    digits = text.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise BrokenAnswerError
    return int(digits, 16)


def _exactly(stream: _Stream, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise BrokenAnswerError
    return body
