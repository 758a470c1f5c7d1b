"""What the open waits of a process share: how many there may be, and when to look again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Condition, Thread

from mockpay.kernel.errors import MockpayError
from mockpay.store.db.engine import reading
from mockpay.store.reads import event_wait
from mockpay.store.unit_of_work import Runtime

#: How often, in seconds, the database is asked whether anything was written: once for all waits.
EVERY = 0.02
Marks = tuple[int, int]


class ChangeNotifier:
    """
    Tells waits that something was written, in this process or another one.

    One thread asks while anybody waits.  A wait holds a thread but no connection;
    a quarter of the threads is kept free of waits.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._places = BoundedSemaphore(max(1, runtime.settings.threads * 3 // 4))
        self._grown = Condition()
        self._marks: Marks = (-1, -1)
        self._open = 0
        self._beating = False

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
            self._enter(1)
            yield
        finally:
            self._enter(-1)
            self._places.release()

    def _enter(self, number: int) -> None:
        with self._grown:
            self._open += number
            if self._open and not self._beating:
                self._beating = True
                Thread(target=self._beat, name="mockpay-changes", daemon=True).start()

    @property
    def marks(self) -> Marks:
        """How far timelines and journals had grown when last asked."""
        return self._marks

    @property
    def stopping(self) -> bool:
        """Whether the server is about to stop."""
        return self._runtime.stopping.is_set()

    def pause(self, marks: Marks, seconds: float) -> None:
        """Wait until the marks are others than these, the server stops or the time is over."""
        with self._grown:
            self._grown.wait_for(lambda: self._marks != marks or self.stopping, seconds)

    def _beat(self) -> None:
        try:
            while self._anybody():
                with reading(self._runtime.engine) as connection:
                    marks = event_wait.marks(connection)
                with self._grown:
                    if marks != self._marks or self.stopping:
                        self._marks = marks
                        self._grown.notify_all()
                self._runtime.stopping.wait(EVERY)
        except Exception:
            # Waits look by themselves now and then, and the next one starts another thread.
            self._beating = False
            raise

    def _anybody(self) -> bool:
        with self._grown:
            self._beating = self._open > 0
            return self._beating
