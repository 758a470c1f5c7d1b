"""
How networks answer, whatever the method: a first code, and what may become of it later.

A code says what is known about the money; UNKNOWN is not a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.domain.payments.attempts import Failure
from mockpay.kernel.errors import Invalid


class MoneyStatus(StrEnum):
    """What a response code says about the money."""

    APPROVED = "approved"
    PENDING = "pending"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Code:
    """One row of a network's code table: meaning in words, and the failure it stands for."""

    code: str
    meaning: str
    reason: str = ""
    source: str = "issuer_bank"
    money: MoneyStatus = MoneyStatus.DECLINED


class Timing(StrEnum):
    """When a later answer comes."""

    NEVER = "never"
    DELAYED = "delayed"
    AFTER_ORDER_EXPIRY = "after_order_expiry"


#: `reversed` is no code: the network sends the money back and says so.
REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first code that a network tells, and what becomes of it later."""

    code: str
    later: str | None = None
    timing: Timing = Timing.NEVER


@dataclass(frozen=True, slots=True)
class ResponseCodes:
    """
    One network's codes, its outcomes by name, and its own code for an ISO 8583 answer.

    Args:
        network: Whose they are, in an error.
        codes: Every code by itself.
        named: Outcomes of the issuer's stage by name; every code is an outcome too.
        from_iso: The network's own code for an ISO code; `other` where there is none.
        approved: The code that took the money.
        step: The step that fails when the issuer refuses.
        speaks_iso: Whether ISO codes are its own.
    """

    network: str
    codes: Mapping[str, Code]
    named: Mapping[str, Answer]
    from_iso: Mapping[str, str]
    other: str
    approved: str = "00"
    speaks_iso: bool = False
    step: str = "payment_authorization"

    def answer(self, outcome: str) -> Answer:
        """
        What the network answers for an outcome: a name, its own code, or ``iso:51``.

        Raises:
            Invalid: code ``scenario.outcome``: nothing of that name.
        """
        if outcome in self.named:
            return self.named[outcome]
        if outcome.startswith("iso:"):
            return self._first(self._own(outcome[4:]))
        if outcome.upper() not in self.codes:
            message = f"{self.network} has no outcome '{outcome}'."
            raise Invalid(message, code="scenario.outcome", outcome=outcome)
        return self._first(outcome.upper())

    def has_outcome(self, outcome: str) -> bool:
        """Whether the outcome means anything to this network."""
        try:
            self.answer(outcome)
        except Invalid:
            return False
        return True

    def _own(self, iso: str) -> str:
        """This network's code for an ISO one; cards speak ISO themselves."""
        if iso in self.from_iso:
            return self.from_iso[iso]
        return iso if self.speaks_iso and iso in self.codes else self.other

    def _first(self, code: str) -> Answer:
        if self.codes[code].money is MoneyStatus.UNKNOWN:
            return Answer(code, self.approved, Timing.DELAYED)
        return Answer(code)

    def money_status(self, code: str) -> MoneyStatus:
        """What a code says about the money."""
        return self.codes[code].money

    def failure(self, code: str, step: str | None = None) -> Failure:
        """The failure record for a code that took no money."""
        row = self.codes[code]
        return Failure(row.source, step or self.step, row.reason, code)


def table(*rows: Code) -> Mapping[str, Code]:
    """Rows by their code."""
    return {row.code: row for row in rows}
