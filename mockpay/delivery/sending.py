"""What each kind of outbox row has to do to be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mockpay.store.outbox import OutboxRow
from mockpay.store.unit_of_work import Runtime, Sandbox

#: A try is given up when so much of its lease is over: nobody else may begin it meanwhile.
_SHARE_OF_LEASE = 5 / 6


@dataclass(frozen=True, slots=True)
class Sent:
    """What the outbox keeps of a row that was sent, and whether the other side timed out."""

    reason: str | None = None
    timed_out: bool = False


class Sending(Protocol):
    """One row on its way; made in the transaction that claims it, where it reads what it needs."""

    def __init__(self, sandbox: Sandbox, row: OutboxRow) -> None: ...

    def send(self, runtime: Runtime) -> Sent:
        """
        Send it, outside any transaction.

        Raises:
            MockpayError: it cannot be sent, now or later; the row is dead.
        """

    def record(self, sandbox: Sandbox) -> None:
        """Write down what came of it, where nobody else did before."""


def timeout_within_lease(runtime: Runtime, seconds: int) -> float:
    """How long a try may take, in s, so that it ends within its lease."""
    return min(seconds, runtime.settings.lease_seconds * _SHARE_OF_LEASE)
