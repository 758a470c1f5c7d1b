"""The gateway port: what is asked of a payment gateway and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from mockpay.kernel.money import Money


class ResultKind(StrEnum):
    """What is known after a call; NO_ANSWER is not a failure."""

    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"
    AUTH_REQUIRED = "auth_required"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Charge:
    """
    Money to be taken.

    `idempotency_key` is the same for every resend of one attempt to one gateway; `planned` is the outcome that the
    attempt's plan has for the issuer, or what the bank's own book says by now; `fault` the plan of the gateway's
    stage; `agreed` whether a scenario asked for the outcome, and `patience_ms` how long a simulated buyer takes
    otherwise. `secret` is the instrument's secret part: never stored, logged or shown.
    """

    attempt_id: str
    seller_id: str
    amount: Money
    method: str
    instrument: Mapping[str, str]
    idempotency_key: str
    planned: str
    agreed: bool
    patience_ms: int
    fault: str = "success"
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """
    A gateway's answer.

    `code` is the network's response code; `answer_in_ms` how long after an AUTH_REQUIRED
    or PENDING the network itself will answer, None where only the buyer can.
    """

    kind: ResultKind
    code: str
    reference: str | None = None
    answer_in_ms: int | None = None


class Gateway(Protocol):
    """A company that processes for us at the back."""

    name: str

    def charge(self, charge: Charge) -> Result:
        """Ask for the money; never raises for a decline."""
        ...

    def enquire(self, charge: Charge, times: int) -> Result:
        """Ask what became of a charge, for the n-th time."""
        ...
