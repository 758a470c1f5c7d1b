"""A process's senders: at most so many parcels of it are on their way at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Condition, Thread

from mockpay.delivery import dispatch
from mockpay.delivery.notifications import Batch, Claimed, tell
from mockpay.services.notifications import NOTIFY
from mockpay.store.outbox import MOST_IN_FLIGHT, Parcel
from mockpay.store.unit_of_work import Runtime

#: Parcels that one process has on their way at most.
SENDERS = 16


class Senders:
    """
    Threads that send what was claimed, made when they are needed.

    Whoever claims never waits for a slow server: a claim takes only as much as there is room
    for, and whoever makes room wakes the worker.  A seller's notifications are one sender's,
    until they take too long; then each goes to a sender of its own.  As long as there is room
    for others, a sender stays with its seller's notifications until none is left.
    """

    def __init__(self, runtime: Runtime, size: int = SENDERS) -> None:
        self._runtime = runtime
        self._free = self._size = size
        self._ending = False
        self._lock = Condition()
        self._batches: list[Batch] = []
        self._watched = False

    def take(self) -> int:
        """Claim what waits and hand it to senders; how many parcels."""
        with self._lock:
            free = self._free
        parcels = dispatch.claim(self._runtime, free) if free else []
        for job in self._jobs(parcels):
            _start(job, "mockpay-sender")
        return len(parcels)

    def send(self, seller_id: str | None) -> int:
        """Claim what waits, of one seller or of all, and send no more than that; how many."""
        self._ending = True
        parcels = dispatch.claim(self._runtime, self._free, seller_id)
        if parcels:
            mine, *others = self._jobs(parcels)
            for job in others:
                _start(job, "mockpay-sender")
            mine()
            self.finish(None)
        return len(parcels)

    def finish(self, timeout: float | None) -> bool:
        """Wait for what is on its way, `timeout` seconds at most; whether all has arrived."""
        with self._lock:
            self._ending = True
            return self._lock.wait_for(lambda: self._free == self._size, timeout)

    def _jobs(self, parcels: list[Parcel]) -> list[Callable[[], None]]:
        """What there is to do for claimed parcels; each at once with the others."""
        letters: dict[str, list[Claimed]] = {}
        alone = []
        for parcel in parcels:
            if parcel.kind == NOTIFY:
                letters.setdefault(parcel.seller_id, []).append(Claimed(parcel))
            else:
                alone.append(parcel)
        batches = [Batch(seller_id, claimed) for seller_id, claimed in letters.items()]
        with self._lock:
            self._free -= len(parcels)
            self._batches += batches
            self._have_watched()
        sends = [partial(self._send, parcel) for parcel in alone]
        return [*sends, *(partial(self._tell, batch) for batch in batches)]

    def _send(self, parcel: Parcel) -> None:
        try:
            dispatch.send(self._runtime, parcel)
        finally:
            with self._lock:
                self._free += 1
                self._lock.notify_all()
            self._runtime.wake.set()

    def _tell(self, batch: Batch) -> None:
        room = partial(self._room, batch)
        try:
            while claimed := tell(self._runtime, batch, room):
                self._go_on(batch, claimed)
        finally:
            self._leave(batch)

    def _room(self, batch: Batch) -> int:
        """How many of its seller's next a sender may take: none where it keeps others waiting."""
        with self._lock:
            if self._ending or self._free <= 0 or self._has_twin(batch):
                return 0
            more = max(min(MOST_IN_FLIGHT - batch.size, self._free - 1), 0)
            self._free -= more
            batch.size += more
            return batch.size

    def _go_on(self, batch: Batch, claimed: list[Claimed]) -> None:
        with self._lock:
            left = batch.size - len(claimed)
            self._free += left
            batch.begin(claimed)
            self._have_watched()
        if left:
            self._runtime.wake.set()

    def _leave(self, batch: Batch) -> None:
        with self._lock:
            # Its twin will look for more, or wake the worker when it leaves in its turn.
            quietly = self._free > 0 and self._has_twin(batch)
            self._batches.remove(batch)
            self._free += batch.size
            self._lock.notify_all()
        if not quietly:
            self._runtime.wake.set()

    def _has_twin(self, batch: Batch) -> bool:
        """Whether another one is as quick with the same seller: one of them is enough."""
        others = (one for one in self._batches if one.seller_id == batch.seller_id)
        return not batch.slow and any(one is not batch and not one.slow for one in others)

    def _have_watched(self) -> None:
        if not self._watched and any(batch.size > 1 for batch in self._batches):
            self._watched = True
            _start(self._watch, "mockpay-patience")

    def _watch(self) -> None:
        """Share out what takes too long, until there is nothing left to share."""
        with self._lock:
            while some := [one for one in self._batches if one.size > 1 and not one.shared]:
                for batch in [one for one in some if one.slow]:
                    for part in batch.share():
                        self._batches.append(part)
                        _start(partial(self._tell, part), "mockpay-sender")
                self._lock.wait(max(min(one.patience for one in some), 0.001))
            self._watched = False


def _start(job: Callable[[], None], name: str) -> None:
    Thread(target=job, name=name, daemon=True).start()
