"""A process's sender threads: one outbox row each, few of one seller, and few that hang."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from threading import Condition, Event, Lock, Thread

from mockpay.delivery import outbox, scheduler
from mockpay.delivery.outbox import Claim
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import DatabaseUnavailable, NotFound
from mockpay.store import outbox as outbox_rows
from mockpay.store import sellers
from mockpay.store.db.engine import reading
from mockpay.store.unit_of_work import Runtime

#: Rows that one process has on their way at most, those that are slow not counted; with them it is so many times that.
SENDERS = 16
_WITH_SLOW = 8
#: What is on its way for so long is slow, in real ms.
SLOW_MS = 500
_log = logging.getLogger(__name__)


class SenderPool:
    """
    Threads that are started when they are needed, and go on until nothing more may be claimed.

    So that no seller waits for another one's server, beside the bounds of `store.outbox`:

    - a seller whose last try timed out, or who has a slow row on its way, hangs: it gets no row beside one that is on
      its way, and those whose last try timed out have half of the pool together;
    - second and further rows of all sellers have a quarter of the pool together, so that many
      sellers who all hang for the first time leave room for others;
    - a slow row gives its place in the pool to another one, so that no number of sellers who hang fills it for longer.

    The threads are daemons: a server that stops does not wait for another one's answer.

    Args:
        seller_id: Whose rows alone are sent.
        refill: Whether a thread that is done claims the next row.
    """

    def __init__(
        self, runtime: Runtime, seller_id: str | None = None, *, size: int = SENDERS, refill: bool = True
    ) -> None:
        self._runtime, self._seller_id = runtime, seller_id
        self._size, self._refill = size, refill
        #: Held by whoever claims; the others record what they sent meanwhile.
        self._claiming = Lock()
        self._changed = Condition()
        #: The seller of each row that is on its way, and since when; by the row's number.
        self._sending: dict[int, tuple[str, int]] = {}
        #: Sellers whose last try timed out.
        self._hanging: set[str] = set()

    @property
    def sends(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._sending)

    def take(self) -> int:
        """Claim what waits, a pool full at most, and begin to send it; how many rows."""
        count = 0
        while count < self._size and (claim := self._claim()) is not None:
            Thread(target=self._run, args=(claim,), name="mockpay-sender", daemon=True).start()
            count += 1
        return count

    def finish(self, timeout: float | None = None) -> bool:
        """Claim nothing more and wait for what is on its way; whether all has arrived in time."""
        with self._claiming:
            self._refill = False
        with self._changed:
            return self._changed.wait_for(lambda: not self._sending, timeout)

    def _claim(self, *, refill: bool = False) -> Claim | None:
        with self._claiming:
            with self._changed:
                now = self._runtime.real_clock.now()
                slow = [seller_id for seller_id, since in self._sending.values() if now - since >= SLOW_MS]
                full = len(self._sending) - len(slow) >= self._size or len(self._sending) >= self._size * _WITH_SLOW
                if full or (refill and not self._refill):
                    return None
                excluded = self._excluded(slow)
            # Whoever has just sent one finds another one as a rule, and need not look first.
            claim = outbox.claim(self._runtime, self._seller_id, excluded, look=not refill)
            if claim is not None:
                with self._changed:
                    self._sending[claim.row.outbox_id] = (claim.row.seller_id, now)
            return claim

    def _excluded(self, slow: Collection[str]) -> set[str]:
        """Sellers that may have no more rows on their way just now."""
        sending = Counter(seller_id for seller_id, _ in self._sending.values())
        excluded = self._hanging & sending.keys()
        if sum(sending[seller_id] for seller_id in excluded) >= self._size // 2:
            excluded |= self._hanging
        brisk = sending - Counter(slow)
        if brisk.total() - len(brisk) >= self._size // 4:
            excluded |= brisk.keys()
        return excluded.union(slow)

    def _run(self, first: Claim) -> None:
        claim: Claim | None = first
        try:
            while claim is not None:
                self._send(claim)
                claim = self._claim(refill=True)
        except DatabaseUnavailable:
            return  # It has told the log; the row is sent again when its lease is over.
        except Exception:  # noqa: BLE001
            # The row is sent again when its lease is over; nobody else would say what happened.
            _log.exception("A sender could not finish.")

    def _send(self, claim: Claim) -> None:
        timed_out, seller_id = False, claim.row.seller_id
        try:
            timed_out = outbox.send(self._runtime, claim)
        finally:
            with self._changed:
                del self._sending[claim.row.outbox_id]
                (self._hanging.add if timed_out else self._hanging.discard)(seller_id)
                self._changed.notify_all()


def send_waiting(
    runtime: Runtime, seller_id: str | None = None, limit: int = SENDERS, timeout: float | None = None
) -> int:
    """
    Send what nobody is sending, of one seller or of all, and wait for it; how many rows.

    Args:
        timeout: Real seconds; what takes longer is sent all the same.
    """
    pool = SenderPool(runtime, seller_id, size=limit, refill=False)
    count = pool.take()
    pool.finish(timeout)
    return count


#: Other processes schedule without waking this one, so it looks at least this often (seconds).
_LONGEST_SLEEP = 1.0
_worker_log = logging.getLogger(__name__)


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
            except DatabaseUnavailable:
                pause = _LONGEST_SLEEP  # It has told the log.
            except Exception:  # noqa: BLE001
                # Whatever it is must not end the only worker of the process.
                _worker_log.exception("The worker could not finish its turn.")
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
        longest = SLOW_MS / SECOND if self._senders.sends else _LONGEST_SLEEP
        with reading(self._runtime.engine) as connection:
            now = self._runtime.real_clock.now()
            dues = (sellers.next_real_due(connection), outbox_rows.next_delayed(connection, now))
        due = min((due for due in dues if due is not None), default=None)
        return longest if due is None else min(max((due - now) / SECOND, 0.005), longest)
