"""
THE TABLE of magic values, and who wins when several speak.

Every agreed input is one row.  The resolver, `mockpay scenarios`, the dashboard, docs/scenarios.md
and the tests read this table; no other file compares with a magic value.

Precedence within a stage: a rule made by control API, the instrument, the amount,
the seller's default, success.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mockpay.domain import upi
from mockpay.domain.plans import Decision, Plan, Source, Stage
from mockpay.kernel.errors import Invalid


class Looks(StrEnum):
    """Which input a row looks at."""

    VPA = "vpa"
    PIN = "pin"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Row:
    """
    One agreed input: `looks` at what, `equals` what, and what then happens at `stage`.

    `equals` may begin or end with ``*``; an exact row goes before such a one.
    `origin` says whose habit it follows.
    """

    name: str
    stage: Stage
    looks: Looks
    equals: str
    outcome: str
    says: str
    origin: str = "mockpay"


_HANDLE = "@mockpay"

_NAMED_VPAS: tuple[tuple[str, str], ...] = (
    ("success", "approved"),
    ("failure", "debit failed, U30"),
    ("pending", "the bank never answers"),
    ("pendingok", "pending, then paid"),
    ("pendingfail", "pending, then failed, U30"),
    ("expired", "nobody answers the request, U69"),
    ("declined", "declined in the app, ZA"),
    ("insufficient", "not enough funds, Z9"),
    ("wrongpin", "wrong UPI PIN, ZM"),
    ("pinlocked", "too many wrong PINs, Z6"),
    ("limit", "over the limit for one payment, Z8"),
    ("frequency", "too many payments, Z7"),
    ("frozen", "account frozen, YE"),
    ("dormant", "dormant account, ZX"),
    ("bankdown", "buyer's bank unavailable, U28"),
    ("psptimeout", "UPI app timed out, UP"),
    ("deemed", "unknown, then paid"),
    ("deemedfail", "unknown, then sent back"),
    ("late", "approved after the order expired, so sent back"),
    ("fraud", "the network's risk check, U16"),
    ("invalid", "no such UPI ID, ZH"),
)

_ALIASES: tuple[tuple[str, str, str], ...] = (
    ("success@razorpay", "success", "Razorpay"),
    ("failure@razorpay", "failure", "Razorpay"),
    ("success@upi", "success", "Juspay"),
    ("failure@upi", "failure", "Juspay"),
    ("*@payu", "success", "PayU"),
    ("testsuccess@gocash", "success", "Cashfree"),
    ("testfailure@gocash", "failure", "Cashfree"),
)

_PINS: tuple[tuple[str, str, str], ...] = (
    ("0000", "ZM", "wrong UPI PIN; the third one locks"),
    ("000000", "ZM", "wrong UPI PIN; the third one locks"),
    ("9999", "Z6", "too many wrong UPI PINs"),
)

#: ISO 8583 field-39 codes worth asking for by amount.
ISO_CODES = (
    "01 03 04 05 07 12 13 14 15 19 41 43 46 51 54 55 57 59 61 62 63 65 68 75 82 91 96".split()
)

#: What the browser brings back to the seller; outcome names are the redirect stage's own.
_REDIRECTS: tuple[tuple[str, str, str], ...] = (
    ("01", "bad_signature", "the result comes back with a wrong signature"),
    ("02", "missing_field", "the result comes back without its reasonCode"),
    ("03", "amount_changed", "the result comes back with another amount"),
    ("04", "order_changed", "the result comes back with another amazonOrderId"),
    ("05", "duplicated", "the result comes back twice"),
    ("06", "delayed", "the result comes back 5 seconds late"),
    ("07", "never_returns", "the browser never comes back; verify finds SUCCESS"),
    ("08", "failure_though_captured", "told FAILURE though captured; the money is sent back"),
)
REDIRECT_OUTCOMES = frozenset({"success"} | {outcome for _, outcome, _ in _REDIRECTS})


def _vpa_rows() -> Iterable[Row]:
    for name, says in _NAMED_VPAS:
        yield Row(f"upi.{name}", Stage.ISSUER, Looks.VPA, name + _HANDLE, name, says)
    for code, row in upi.CODES.items():
        local = code.lower()
        if len(local) >= 2:
            says = f"{row.meaning}, {code}"
            yield Row(f"upi.code.{local}", Stage.ISSUER, Looks.VPA, local + _HANDLE, code, says)
    for vpa, outcome, origin in _ALIASES:
        name = "upi.alias." + vpa.replace("*", "any")
        yield Row(name, Stage.ISSUER, Looks.VPA, vpa, outcome, f"as {outcome}@mockpay", origin)


def _pin_rows() -> Iterable[Row]:
    for pin, outcome, says in _PINS:
        yield Row(f"upi.pin.{pin}", Stage.AUTH, Looks.PIN, pin, outcome, says)


def _amount_rows() -> Iterable[Row]:
    for code in ISO_CODES:
        says = f"issuer answers {code}"
        yield Row(
            f"amount.issuer.{code}", Stage.ISSUER, Looks.AMOUNT, f"1700.{code}", f"iso:{code}", says
        )
    for code, outcome, says in _REDIRECTS:
        yield Row(
            f"amount.redirect.{code}", Stage.REDIRECT, Looks.AMOUNT, f"1703.{code}", outcome, says
        )
    yield Row(
        "amount.issuer.other", Stage.ISSUER, Looks.AMOUNT, "1700.*", "iso:05", "issuer declines"
    )


TABLE: tuple[Row, ...] = (*_vpa_rows(), *_pin_rows(), *_amount_rows())

_EXACT: Mapping[tuple[Looks, str], Row] = {
    (row.looks, row.equals): row for row in TABLE if "*" not in row.equals
}
_WILD: tuple[Row, ...] = tuple(row for row in TABLE if "*" in row.equals)
#: `.00` is always normal, so that ordinary prices stay innocent.
_INNOCENT = ".00"


def find(looks: Looks, value: str) -> Row | None:
    """The row for an input, an exact one first; None where the value is not magic."""
    if looks is Looks.AMOUNT and value.endswith(_INNOCENT):
        return None
    exact = _EXACT.get((looks, value))
    if exact is not None:
        return exact
    return next((row for row in _WILD if row.looks is looks and _fits(row.equals, value)), None)


def _fits(pattern: str, value: str) -> bool:
    head, tail = pattern.split("*", 1)
    return value.startswith(head) and value.endswith(tail)


@dataclass(frozen=True, slots=True)
class Rule:
    """A seller's own row, made by control API; `times` left, None for every time."""

    rule_id: int
    stage: Stage
    match: Mapping[str, str]
    outcome: str
    times: int | None
    probability: float
    expires_at: int | None
    created_at: int

    def fits(self, facts: Mapping[str, str], now: int) -> bool:
        """Whether it is still there and every key of its match is what the attempt has."""
        alive = self.times != 0 and (self.expires_at is None or now < self.expires_at)
        return alive and all(facts.get(key) == value for key, value in self.match.items())

    @property
    def name(self) -> str:
        """How the decision names it."""
        return f"rule {self.rule_id}"


#: What a rule may match on.
MATCH_KEYS = frozenset({"method", "amount", "vpa", "seller_order_id", "amazon_order_id"})
#: Stages that this version decides; the others are normal.
STAGES = (Stage.ISSUER, Stage.REDIRECT)


def check_outcome(stage: Stage, outcome: str) -> None:
    """
    Refuse an outcome that the stage does not know.

    Raises:
        Invalid: code ``scenario.outcome`` or ``scenario.stage``.
    """
    if stage is Stage.ISSUER:
        upi.answer(
            f"iso:{outcome}" if outcome in ISO_CODES and outcome not in upi.CODES else outcome
        )
    elif stage is Stage.REDIRECT:
        if outcome not in REDIRECT_OUTCOMES:
            message = f"The redirect stage has no outcome '{outcome}'."
            raise Invalid(message, code="scenario.outcome", outcome=outcome)
    else:
        message = f"Nothing can be decided at stage '{stage}' yet."
        raise Invalid(message, code="scenario.stage", stage=str(stage))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the resolver may look at: values by input, and what rules match on."""

    inputs: Mapping[Looks, str]
    match: Mapping[str, str]
    magic_amounts: bool = True
    defaults: Mapping[str, str] = field(default_factory=dict)


def resolve(facts: Facts, chosen: Mapping[Stage, Rule]) -> Plan:
    """
    Decide all stages.

    Args:
        facts: The attempt's inputs.
        chosen: The rules that were waiting for this attempt, at most one a stage.
    """
    decisions = {}
    for stage in STAGES:
        decision = _decide(stage, facts, chosen.get(stage))
        if decision is not None:
            decisions[stage] = decision
    return Plan(decisions)


def _decide(stage: Stage, facts: Facts, rule: Rule | None) -> Decision | None:
    if rule is not None:
        return Decision(rule.outcome, Source.RULE, rule.name, "rule")
    for looks, source in ((Looks.VPA, Source.INSTRUMENT), (Looks.AMOUNT, Source.AMOUNT)):
        value = facts.inputs.get(looks)
        if value is None or (looks is Looks.AMOUNT and not facts.magic_amounts):
            continue
        row = find(looks, value)
        if row is not None and row.stage is stage:
            return Decision(row.outcome, source, row.name, value)
    outcome = facts.defaults.get(stage)
    return Decision(outcome, Source.DEFAULT, "seller default", outcome) if outcome else None
