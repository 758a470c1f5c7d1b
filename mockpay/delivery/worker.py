"""The background thread: due events and outbox rows to send."""

from __future__ import annotations

import logging
from threading import Event, Thread

from mockpay.delivery import scheduler
from mockpay.delivery.sender_pool import SenderPool
from mockpay.kernel.errors import NotFound
from mockpay.store import sellers
from mockpay.store.db.engine import reading
from mockpay.store.unit_of_work import Runtime

#: Other processes schedule without waking this one, so it looks at least this often (seconds).
_LONGEST_SLEEP = 1.0
_log = logging.getLogger(__name__)


class Worker:
    """One background thread of a process; safe beside the workers of other processes."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._senders = SenderPool(runtime)
        self._stop = Event()
        self._thread = Thread(target=self._run, name="mockpay-worker", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Finish what is running and end."""
        self._stop.set()
        self._runtime.wake.set()
        if self._thread.is_alive():  # not where a server is stopped while it starts
            self._thread.join(timeout / 2)
        self._senders.finish(timeout / 2)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._runtime.wake.clear()
            try:
                busy = self.turn()
                pause = 0.0 if busy else self._pause()
            except Exception:  # noqa: BLE001
                # A lost database connection must not end the only worker of the process.
                _log.exception("The worker could not finish its turn.")
                pause = _LONGEST_SLEEP
            if pause:
                self._runtime.wake.wait(pause)

    def turn(self) -> bool:
        """Do what is due now; whether there was anything."""
        now = self._runtime.real_clock.now()
        with reading(self._runtime.engine) as connection:
            due = sellers.with_due_events(connection, now)
        fired = sum(self._fire(seller_id) for seller_id in due)
        return bool(fired + self._senders.take())

    def _fire(self, seller_id: str) -> int:
        try:
            return scheduler.fire_present(self._runtime, seller_id)
        except NotFound:
            return 0  # Deleted between the list and the visit.

    def _pause(self) -> float:
        with reading(self._runtime.engine) as connection:
            due = sellers.next_real_due(connection)
        if due is None:
            return _LONGEST_SLEEP
        return min(max((due - self._runtime.real_clock.now()) / 1000, 0.005), _LONGEST_SLEEP)
