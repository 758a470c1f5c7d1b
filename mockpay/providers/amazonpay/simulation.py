"""
SandboxSimulation: what a seller asks for in a note, in Amazon's own syntax.

``{"SandboxSimulation": {"State": "Declined", "ReasonCode": "AmazonRejected"}}``.  The words,
combinations and bounds are those that Amazon publishes for its sandbox, which has them for an
authorisation and a refund; reading them from India's `sellerNote`, DelaySecs and Hold are ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from mockpay.domain.payments.attempts import Decision, Source, Stage
from mockpay.domain.refunds import PROCESSING_FAILURE, REJECTED
from mockpay.kernel.errors import Invalid

_KEY = "SandboxSimulation"
_PAYMENTS_NOTE, _REFUNDS_NOTE = "sellerNote", "SellerRefundNote"
#: Where it may stand, for people.
WHERE = f"{_KEY} in {_PAYMENTS_NOTE} or {_REFUNDS_NOTE}"
#: Such a note is short and flat; Amazon's notes have 255 characters.
_LONGEST, _MOST_BRACKETS = 2_048, 32
_YEAR = 31_536_000

_Options = Mapping[str, Any]


class _Row(Struct, frozen=True):
    """
    One combination: the stage it acts at, and its outcome.

    `outcome` may depend on the `options`, the further keys that may be there; it is None where
    they contradict each other.
    """

    stage: Stage
    outcome: str | Callable[[_Options], str | None]
    options: frozenset[str] = field(default_factory=frozenset)


def _whole(low: int, high: int) -> Callable[[object], bool]:
    # True is an int in Python, but no number in JSON.
    return lambda value: type(value) is int and low <= value <= high


#: Whether an optional key has a value it may have; SoftDecline is text, as Amazon prints it.
_OPTIONS: Mapping[str, Callable[[object], bool]] = {
    "PaymentMethodUpdateTimeInMins": _whole(1, 240),
    "ExpirationTimeInMins": _whole(1, 60),
    "DelaySecs": _whole(0, _YEAR),
    "SoftDecline": lambda value: value in ("true", "false"),
    "Hold": lambda value: isinstance(value, bool),
}


def _pending_payment(options: _Options) -> str | None:
    if not options.get("Hold"):
        return "pendingok"
    return None if "DelaySecs" in options else "pending"


def _paid(options: _Options) -> str:
    return "pendingok" if options.get("DelaySecs") else "success"


def _expires(options: _Options) -> str:
    return f"expires:{options.get('ExpirationTimeInMins', 60)}"


def _refunded(options: _Options) -> str:
    delay = options.get("DelaySecs")
    return f"delay:{delay}" if delay else "completed"


def _held(options: _Options) -> str | None:
    return "held" if options.get("Hold") else None


_NAMES = ("Constraint", "State", "ReasonCode")
#: By Constraint, State and ReasonCode.
_Table = Mapping[tuple[str | None, str | None, str | None], _Row]

_PAYMENT: _Table = {
    ("PaymentMethodNotAllowed", None, None): _Row(Stage.ISSUER, "iso:57"),
    (None, "Declined", "InvalidPaymentMethod"): _Row(
        Stage.ISSUER, "iso:05", frozenset({"PaymentMethodUpdateTimeInMins", "SoftDecline"})
    ),
    (None, "Declined", "AmazonRejected"): _Row(Stage.ISSUER, "iso:59"),
    (None, "Declined", "TransactionTimedOut"): _Row(Stage.ISSUER, "timedout"),
    (None, "Pending", None): _Row(Stage.ISSUER, _pending_payment, frozenset({"DelaySecs", "Hold"})),
    (None, "Completed", None): _Row(Stage.ISSUER, _paid, frozenset({"DelaySecs"})),
    (None, "Closed", "ExpiredUnused"): _Row(Stage.CAPTURE, _expires, frozenset({"ExpirationTimeInMins"})),
    (None, "Closed", "AmazonClosed"): _Row(Stage.CAPTURE, "closed"),
}
_REFUND: _Table = {
    (None, "Declined", "AmazonRejected"): _Row(Stage.REFUND, REJECTED),
    (None, "Declined", "ProcessingFailure"): _Row(Stage.REFUND, PROCESSING_FAILURE),
    (None, "Completed", None): _Row(Stage.REFUND, _refunded, frozenset({"DelaySecs"})),
    (None, "Pending", None): _Row(Stage.REFUND, _held, frozenset({"Hold"})),
}


def of_payment(note: str | None) -> Mapping[Stage, Decision]:
    """
    What a payment's `sellerNote` asks for; nothing for an ordinary note.

    Raises:
        Invalid: code ``simulation.invalid``: it asks for what cannot be simulated.
    """
    return _read(note, _PAYMENTS_NOTE, _PAYMENT)


def of_refund(note: str | None) -> Mapping[Stage, Decision]:
    """
    What a refund's `SellerRefundNote` asks for; nothing for an ordinary note.

    Raises:
        Invalid: code ``simulation.invalid``: it asks for what cannot be simulated.
    """
    return _read(note, _REFUNDS_NOTE, _REFUND)


def _read(note: str | None, source: str, table: _Table) -> Mapping[Stage, Decision]:
    simulation = _simulation(note, source)
    if simulation is None:
        return {}
    words = {name: simulation[name] for name in _NAMES if isinstance(simulation.get(name), str)}
    options = {name: value for name, value in simulation.items() if name not in words}
    row = table.get((words.get("Constraint"), words.get("State"), words.get("ReasonCode")))
    outcome = _outcome(row, options) if row is not None else None
    if row is None or outcome is None:
        raise _invalid(source)
    name, delay = "/".join(words.values()), options.get("DelaySecs")
    return {row.stage: Decision(outcome, Source.SIMULATION, f"{_KEY} {name}", source, delay)}


def _outcome(row: _Row, options: _Options) -> str | None:
    """The row's outcome; None where an option is unknown to it or has a wrong value."""
    if any(name not in row.options or not _OPTIONS[name](value) for name, value in options.items()):
        return None
    return row.outcome if isinstance(row.outcome, str) else row.outcome(options)


def _simulation(note: str | None, source: str) -> Mapping[str, Any] | None:
    """What stands under SandboxSimulation; None where the note is no JSON object that has it."""
    # Nearly every note ends here, before anything is parsed.
    if note is None or _KEY not in note or not note.lstrip().startswith("{"):
        return None
    if len(note) > _LONGEST or note.count("{") + note.count("[") > _MOST_BRACKETS:
        raise _invalid(source)
    try:
        read = json.loads(note)
    except ValueError:
        return None
    if _KEY not in read:
        return None
    simulation = read[_KEY]
    if not isinstance(simulation, dict):
        raise _invalid(source)
    return simulation


def _invalid(source: str) -> Invalid:
    message = f"{source} asks for a SandboxSimulation that does not exist."
    return Invalid(message, code="simulation.invalid", field=source)
