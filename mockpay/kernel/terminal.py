"""The terminal of a server: a line per call and per delivery, written by a thread of its own."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from threading import Event, Thread
from typing import TextIO
from urllib.parse import urlsplit

from msgspec import Struct

#: How long lines are collected for one write (seconds).
_PAUSE_SECONDS = 0.1
#: What is kept for a terminal that takes nothing; older lines are lost.
_MOST_LINES = 10_000
_LONGEST_BODY = 2_000
#: Files, and what pages and programs look at again and again.
_UNSHOWN = re.compile(r"/static/|/favicon\.ico|/_mockpay/health|/(?:pay|shop)/.*/status$|/_mockpay/ui(?:/|$)")
#: Page tokens, saved methods' tokens, sessions: nothing else in a path of ours is so long without a hyphen before it.
_TOKEN = re.compile(r"(?<=/)(?:tok_\w+|[\w-]{22,})(?=/|$)")
_CONTROL = re.compile(r"[^\x20-\x7e\u00a0-\uffff]")
#: A value after a name that tells of a secret: in JSON, JSON within JSON, a form or XML.
_SECRET = re.compile(
    r"""((?:signature|token|secret|password|otp|cvv|pin|cryptogram|accesskeyid|access_key|number|subscribeurl)\w*"""
    r"""\\*["']?\s*[:=>]\s*\\*["']?)[^"'&<\\\s,}]+""",
    re.IGNORECASE,
)
_CARD_NUMBER = re.compile(r"[0-9]{12,}")
#: Fields of the control API whose values may be shown; others may be somebody's code, number or key.
_OPEN_FIELDS = frozenset(
    "amount bank captured_amount complete currency delivered email event field fired items kind match method mode now "
    "notification_id notification_type order_id outcome probability reference refund_id refunded_amount seconds "
    "seller_id seller_order_id stage state status times timeout ttl_seconds type until waits_for".split()
)
_MOST_ITEMS = 3


class Call(Struct):
    """What becomes known of a request while it is answered."""

    verbose: bool
    operation: str = ""
    seller_id: str = ""
    orders: str = ""
    bodies: list[str] = []


_current: ContextVar[Call | None] = ContextVar("call", default=None)


def current_call() -> Call | None:
    """The request that this thread answers, where somebody wants to see it."""
    return _current.get()


def masked(body: str) -> str:
    """A body as it may be shown: without values of secrets and card numbers, on one line, and not all of it."""
    shown = _CARD_NUMBER.sub("...", _SECRET.sub(r"\1...", " ".join(body.split())))
    return shown if len(shown) <= _LONGEST_BODY else f"{shown[:_LONGEST_BODY]} ..."


def open_fields(value: object) -> object:
    """A value of the control API as it may be shown: fields that are on no list have dots, and lists end soon."""
    if isinstance(value, Mapping):
        return {name: open_fields(field) if name in _OPEN_FIELDS else "..." for name, field in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        more = ["..."] if len(value) > _MOST_ITEMS else []
        return [open_fields(item) for item in value[:_MOST_ITEMS]] + more
    return value


class Terminal:
    """
    Lines for people, as few system calls as there are moments at which something happens.

    Args:
        verbose: Whether lines are followed by bodies.
    """

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._stream = stream
        self._verbose = verbose
        self._lines: deque[tuple[float, str]] = deque(maxlen=_MOST_LINES)
        self._waiting = Event()
        self._stopping = Event()
        self._thread = Thread(target=self._write, name="mockpay-terminal", daemon=True)
        self._thread.start()

    def begin_call(self) -> Call:
        """A request is being answered by this thread."""
        call = Call(self._verbose)
        _current.set(call)
        return call

    def end_call(self, call: Call, method: str, path: str, status: str, seconds: float) -> None:
        """It was answered."""
        _current.set(None)
        if _UNSHOWN.search(path) and method == "GET":
            return
        order = re.search(r"/sellers/[^/]+/orders/([^/]+)", path) if not call.orders else None
        about = f"{call.orders or (order[1] if order else '')}  {call.seller_id}".rstrip()
        what = call.operation or _CARD_NUMBER.sub("...", _TOKEN.sub("...", path))
        self._add(f"{method} {what} {status}  {seconds * 1000:.0f} ms  {about}".rstrip(), call.bodies)

    def add_delivery(
        self, what: str, url: str, answer: str, milliseconds: int, order_id: str, seller_id: str, *bodies: str
    ) -> None:
        """A message was sent, or could not be."""
        line = f"SENT {what} to {urlsplit(url).netloc} {answer}  {milliseconds} ms  {order_id}  {seller_id}"
        self._add(line, [masked(body) for body in bodies] if self._verbose else ())

    def stop(self) -> None:
        """Write what is left, unless the terminal takes nothing."""
        self._stopping.set()
        self._waiting.set()
        self._thread.join(_PAUSE_SECONDS * 2)

    def _add(self, line: str, bodies: Sequence[str]) -> None:
        text = "\n    ".join(_CONTROL.sub("?", part) for part in (line, *bodies))
        self._lines.append((time.time(), text))
        if not self._waiting.is_set():
            self._waiting.set()

    def _write(self) -> None:
        stopping = False
        while not stopping:
            self._waiting.wait()
            stopping = self._stopping.wait(_PAUSE_SECONDS)
            self._waiting.clear()
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            text = "".join(f"{time.strftime('%H:%M:%S', time.localtime(at))} {line}\n" for at, line in lines)
            with suppress(OSError, ValueError):  # Nobody reads any more.
                self._stream.write(text)
                self._stream.flush()
