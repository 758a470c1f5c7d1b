"""What a process's open waits share: how many there may be, and one thread that polls for changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Condition, Thread

from mockpay.kernel.errors import DatabaseUnavailable, MockpayError
from mockpay.store.db.engine import reading
from mockpay.store.reads import event_wait
from mockpay.store.unit_of_work import Runtime

#: How often the database is polled, once for all waits.
POLL_SECONDS = 0.02
Marks = tuple[int, int]


class ChangeNotifier:
    """
    Wakes open waits when anything was written, by this process or another one.

    One thread polls while a wait is open.  A wait holds a thread but no connection;
    a quarter of the threads is kept free of waits.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._slots = BoundedSemaphore(max(1, runtime.settings.threads * 3 // 4))
        self._changed = Condition()
        self._marks: Marks = (-1, -1)
        self._open_waits = 0
        self._polling = False

    @contextmanager
    def slot(self) -> Iterator[None]:
        """
        Hold one of the waits that may be open.

        Raises:
            MockpayError: code ``wait.too_many``.
        """
        if not self._slots.acquire(blocking=False):
            message = "Too many waits are open; raise MOCKPAY_THREADS or wait for fewer things."
            raise MockpayError(message, code="wait.too_many")
        try:
            self._count(1)
            yield
        finally:
            self._count(-1)
            self._slots.release()

    def _count(self, number: int) -> None:
        with self._changed:
            self._open_waits += number
            if self._open_waits and not self._polling:
                self._polling = True
                Thread(target=self._poll, name="mockpay-changes", daemon=True).start()

    @property
    def marks(self) -> Marks:
        """The greatest numbers of timelines and journals when last polled."""
        return self._marks

    @property
    def stopping(self) -> bool:
        """Whether the server is about to stop."""
        return self._runtime.stopping.is_set()

    def wait(self, marks: Marks, seconds: float) -> None:
        """Wait until the marks differ from these, the server stops or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._marks != marks or self.stopping, seconds)

    def _poll(self) -> None:
        try:
            while self._still_needed():
                with reading(self._runtime.engine) as connection:
                    marks = event_wait.marks(connection)
                with self._changed:
                    if marks != self._marks or self.stopping:
                        self._marks = marks
                        self._changed.notify_all()
                self._runtime.stopping.wait(POLL_SECONDS)
        except DatabaseUnavailable:
            self._polling = False  # It has told the log, and each wait its caller.
        except Exception:
            # Open waits read by themselves now and then, and the next wait starts another thread.
            self._polling = False
            raise

    def _still_needed(self) -> bool:
        with self._changed:
            self._polling = self._open_waits > 0
            return self._polling
