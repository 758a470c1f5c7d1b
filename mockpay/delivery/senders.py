"""A process's senders: at most so many parcels of it are on their way at once."""

from __future__ import annotations

from threading import Condition, Thread

from mockpay.delivery import outbox
from mockpay.store.outbox import Parcel
from mockpay.store.worlds import Runtime

#: Parcels that one process has on their way at most.
SENDERS = 16


class Senders:
    """
    Threads that send what was claimed, made when they are needed.

    Whoever claims never waits for a slow server: a claim takes only as much as there are free
    senders, and each that becomes free says so by waking the worker.  As long as others are
    free, a sender stays with its seller's notifications until none is left.
    """

    def __init__(self, runtime: Runtime, size: int = SENDERS) -> None:
        self._runtime = runtime
        self._free = self._size = size
        self._ending = False
        self._lock = Condition()

    def take(self) -> int:
        """Claim what waits and hand it to free senders; how many parcels."""
        with self._lock:
            free = self._free
        if not free:
            return 0
        parcels = outbox.claim(self._runtime, free)
        for parcel in parcels:
            self._hand(parcel)
        return len(parcels)

    def finish(self, timeout: float) -> bool:
        """Wait for what is on its way, `timeout` seconds at most; whether all has arrived."""
        with self._lock:
            self._ending = True
            return self._lock.wait_for(lambda: self._free == self._size, timeout)

    def _hand(self, parcel: Parcel) -> None:
        with self._lock:
            self._free -= 1
        Thread(target=self._send, args=(parcel,), name="mockpay-sender", daemon=True).start()

    def _send(self, parcel: Parcel) -> None:
        try:
            outbox.send(self._runtime, parcel, self._go_on)
        finally:
            with self._lock:
                self._free += 1
                self._lock.notify_all()
            self._runtime.wake.set()

    def _go_on(self) -> bool:
        """Whether a sender may stay with its seller: not where it keeps others waiting."""
        return self._free > 0 and not self._ending
