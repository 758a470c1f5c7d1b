"""A refund: captured money on its way back to the instrument that it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Decision, Plan, Stage
from mockpay.domain.timeline import Machine, steps
from mockpay.kernel import ids
from mockpay.kernel.clock import DAY, SECOND, indian, parse_time
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.money import Money


class RefundState(StrEnum):
    """Spelt as in the control API; a provider's own spelling lives on its wire only."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    DECLINED = "DECLINED"
    REVERSED = "REVERSED"


_S = RefundState

REFUND: Machine[RefundState] = Machine(
    "refund",
    {
        **steps(
            [_S.PENDING],
            completed=_S.COMPLETED,
            declined=_S.DECLINED,
            held=_S.PENDING,
            released=_S.PENDING,
            expedited=_S.PENDING,
        ),
        **steps([_S.COMPLETED], reversed=_S.REVERSED),
    },
)

REJECTED, PROCESSING_FAILURE = DECLINE_REASONS = ("REJECTED", "PROCESSING_FAILURE")

#: Outcomes of the stage `refund` without a parameter.
PLAIN_OUTCOMES = frozenset(
    {"success", "completed", "held", "reversed", "throttled_once", "lost_answer", *DECLINE_REASONS}
)
_COUNTED = re.compile(r"(?:delay:[0-9]{1,8}|polls:[1-9][0-9]{0,2})")


def known_outcome(outcome: str) -> bool:
    """
    Whether the stage `refund` has this outcome.

    Beside the plain ones ``delay:SECONDS``, ``polls:N`` (settled by the n-th enquiry) and ``at:TIME`` in RFC 3339.
    """
    return outcome in PLAIN_OUTCOMES or bool(_COUNTED.fullmatch(outcome)) or _moment(outcome) is not None


def _moment(outcome: str) -> int | None:
    kind, _, rest = outcome.partition(":")
    try:
        return parse_time(rest) if kind == "at" else None
    except MockpayError:
        return None


class Course(Struct, frozen=True):
    """
    How a refund will end: when (None: only a tester knows), after how many polls, and how.

    `decline` is the reason of a decline.
    """

    due_at: int | None
    polls: int | None = None
    decline: str | None = None


def course(outcome: str, now: int, usual_ms: int, usual_polls: int = 0) -> Course:
    """
    What an outcome of the stage `refund` means for a refund that begins `now`.

    Where it does not say when, the seller's settings do: after `usual_polls`, or `usual_ms`.
    """
    kind, _, rest = outcome.partition(":")
    if kind == "polls":
        return Course(None, polls=int(rest))
    if kind == "delay":
        return Course(now + int(rest) * SECOND)
    if kind == "at":
        return Course(max(parse_time(rest), now))
    if outcome == "completed":
        return Course(now)
    if outcome == "held":
        return Course(None)
    decline = outcome if outcome in DECLINE_REASONS else None
    due_at = None if usual_polls else now + usual_ms
    return Course(due_at, usual_polls or None, decline)


#: Kinds of a refund: who wanted it.
SELLER, CANCELLATION, TESTER = "SELLER", "CANCELLATION", "TESTER"


class RefundRequest(Struct, frozen=True):
    """
    What a seller asks for; `key` names its refund, the same again is the same refund.

    `facts` is what else the company's call said, kept with the refund; `outcomes` what it asks for in so many words.
    `kind` is SELLER for one that the seller's software asked for, CANCELLATION for a cancelled order, TESTER for one
    by control API or dashboard.
    """

    key: str
    amount: Money
    note: str | None = None
    soft_descriptor: str | None = None
    kind: str = SELLER
    facts: Mapping[str, Any] = {}
    outcomes: Mapping[Stage, Decision] = {}

    @property
    def digest(self) -> str:
        """Tells the same values when they come again."""
        values = (self.amount.wire(), self.amount.currency, self.note, self.soft_descriptor)
        return ids.fingerprint(repr((values, sorted(self.facts.items()))).encode())


_KEY = re.compile(r"[A-Za-z0-9_-]{1,32}")
LONGEST_NOTE, LONGEST_DESCRIPTOR = 255, 16
WINDOW_MS = 180 * DAY


def is_reference(text: str) -> bool:
    """Whether a refund may be named so."""
    return bool(_KEY.fullmatch(text))


def check_request(request: RefundRequest) -> None:
    """
    Refuse what no refund can be.

    Raises:
        Invalid: code ``refund.invalid``, with the field's name.
    """
    rules = {
        "reference": (is_reference(request.key), "1 to 32 letters, digits, hyphens or underscores"),
        "note": (len(request.note or "") <= LONGEST_NOTE, f"at most {LONGEST_NOTE} characters"),
        "soft_descriptor": (
            len(request.soft_descriptor or "") <= LONGEST_DESCRIPTOR,
            f"at most {LONGEST_DESCRIPTOR} characters",
        ),
    }
    for name, (valid, rule) in rules.items():
        if not valid:
            raise Invalid(f"'{name}' must have {rule}.", code="refund.invalid", field=name, rule=rule)


class Refund(Struct, frozen=True):
    """
    One refund as stored; instants in ms, amounts in paise.

    `destination` is the instrument that was charged, masked; `bank_reference` its network's number
    (ARN, RRN or UTR, named by `bank_reference_kind`) once the money is there.  `polls_left` counts
    down where polling settles it; `held` waits for a tester.  `facts` is what else the company's call said.
    """

    number: int
    refund_id: str
    seller_id: str
    order_pk: int
    order_id: str
    attempt_id: str
    reference: str
    kind: str
    state: RefundState
    amount: Money
    digest: str
    note: str | None
    soft_descriptor: str | None
    destination: Mapping[str, str]
    plan: Plan
    scenario: str | None
    reason_code: str | None
    decline: str | None
    held: bool
    polls_left: int | None
    bank_reference_kind: str | None
    bank_reference: str | None
    due_at: int | None
    created_at: int
    updated_at: int
    completed_at: int | None
    facts: Mapping[str, Any] = {}


def network_reference(method: str, refund_id: str, seed: str, completed_at: int, bank: str) -> tuple[str, str] | None:
    """
    The number by which a bank finds the credit: its kind and the digits; None for a balance.

    RRN: 12 digits (UPI).  ARN: 23 digits, 7 + acquirer's BIN + day of the year + sequence +
    check digit.  UTR: 16 characters, bank code + N + day of the year + sequence.
    """
    kind = METHODS[method].reference
    if kind is None:
        return None
    day = indian(completed_at)
    of_year = f"{day.timetuple().tm_yday:03d}"
    dice = ids.number(seed, "refund", refund_id, below=10**12)
    if kind == "RRN":
        return kind, f"{day.year % 10}{of_year}{dice % 10**8:08d}"
    if kind == "UTR":
        return kind, f"{(bank or 'MOCK')[:4]:M<4}N{day.year % 100:02d}{of_year}{dice % 10**6:06d}"
    digits = f"7410028{day.year % 10}{of_year}{dice % 10**11:011d}"
    return kind, digits + _check_digit(digits)


def _check_digit(digits: str) -> str:
    """The Luhn digit that makes `digits` right."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
