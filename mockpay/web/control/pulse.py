"""What the open waits of a process share: how many there may be, and when to look again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from mockpay.kernel.errors import MockpayError
from mockpay.store import waits
from mockpay.store.engine import reading
from mockpay.store.worlds import Runtime

#: How often, in seconds, the database is asked whether anything was written: once for all waits.
EVERY = 0.02


class Pulse:
    """
    Tells waits that something was written, in this process or another one.

    A wait holds a thread but no connection; a quarter of the threads is kept free of waits.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._places = BoundedSemaphore(max(1, runtime.settings.threads * 3 // 4))
        self._asking = Lock()
        self._asked_at = 0.0
        self._marks = (-1, -1)

    @contextmanager
    def place(self) -> Iterator[None]:
        """
        A place for one wait.

        Raises:
            MockpayError: code ``wait.too_many``.
        """
        if not self._places.acquire(blocking=False):
            message = "Too many waits are open; raise MOCKPAY_THREADS or wait for fewer things."
            raise MockpayError(message, code="wait.too_many")
        try:
            yield
        finally:
            self._places.release()

    def pause(self, seconds: float) -> bool:
        """Wait a while; whether the server is stopping."""
        return self._runtime.stopping.wait(min(seconds, EVERY))

    def marks(self) -> tuple[int, int]:
        """What had been written at most `EVERY` seconds ago; one thread asks for all."""
        if time.monotonic() - self._asked_at >= EVERY and self._asking.acquire(blocking=False):
            try:
                with reading(self._runtime.engine) as connection:
                    self._marks = waits.marks(connection)
                self._asked_at = time.monotonic()
            finally:
                self._asking.release()
        return self._marks
