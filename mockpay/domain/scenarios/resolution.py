"""
THE TABLE of magic values, and who wins when several speak.

Every agreed input is one row (written down in `magic.py`).  The resolver, `mockpay scenarios`,
the dashboard, docs/scenarios.md and the tests read this table; no other file compares with a
magic value.

Precedence within a stage: a rule made by control API, SandboxSimulation in a note, the
instrument, the amount, the seller's default, success.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mockpay.domain import notifications, refunds
from mockpay.domain.methods import registry
from mockpay.domain.methods.registry import ISO_CODES as ISO_CODES
from mockpay.domain.methods.response_codes import ResponseCodes
from mockpay.domain.payments.plans import Decision, Plan, Source, Stage
from mockpay.domain.scenarios.after_payment import (
    CAPTURE_EXPIRES,
    CAPTURE_OUTCOMES,
    VERIFY_OUTCOMES,
    later_rows,
)
from mockpay.domain.scenarios.authentication import auth_rows
from mockpay.domain.scenarios.otp_codes import otp_rows
from mockpay.domain.scenarios.risk import RISK_OUTCOMES, risk_rows
from mockpay.domain.scenarios.table import GATEWAY_OUTCOMES as GATEWAY_OUTCOMES
from mockpay.domain.scenarios.table import REDIRECT_OUTCOMES as REDIRECT_OUTCOMES
from mockpay.domain.scenarios.table import Input as Input
from mockpay.domain.scenarios.table import Row as Row
from mockpay.domain.scenarios.table import amount_rows, bank_rows, card_rows, pin_rows, vpa_rows
from mockpay.kernel.errors import Invalid
from mockpay.threeds.outcomes import OUTCOMES

TABLE: tuple[Row, ...] = (
    *vpa_rows(),
    *pin_rows(),
    *card_rows(),
    *auth_rows(),
    *otp_rows(),
    *risk_rows(),
    *bank_rows(),
    *amount_rows(),
    *later_rows(),
)

_EXACT: Mapping[tuple[Input, str], Row] = {
    (row.input, row.equals): row for row in TABLE if "*" not in row.equals
}
_WILD: tuple[Row, ...] = tuple(row for row in TABLE if "*" in row.equals)
#: `.00` is always normal, so that ordinary prices stay innocent.
_INNOCENT = ".00"
_AMOUNTS = frozenset({Input.AMOUNT, Input.REFUND_AMOUNT, Input.REFUND_OF})


def find(looks: Input, value: str) -> Row | None:
    """The row for an input, an exact one first; None where the value is not magic."""
    if looks in _AMOUNTS and value.endswith(_INNOCENT):
        return None
    exact = _EXACT.get((looks, value))
    if exact is not None:
        return exact
    return next((row for row in _WILD if row.input is looks and _fits(row.equals, value)), None)


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
MATCH_KEYS = frozenset(
    {
        "method",
        "amount",
        "vpa",
        "bank",
        "last4",
        "email",
        "seller_order_id",
        "order_id",
        "notification_type",
        "reference",
    }
)
#: What is decided when an attempt begins, and what when a refund is asked for.
PAYMENT_STAGES = (
    Stage.RISK,
    Stage.AUTH,
    Stage.ISSUER,
    Stage.GATEWAY,
    Stage.CAPTURE,
    Stage.REDIRECT,
    Stage.IPN,
    Stage.VERIFY,
)
REFUND_STAGES = (Stage.REFUND, Stage.IPN)


def _capture_outcome(outcome: str) -> bool:
    minutes = outcome.removeprefix(CAPTURE_EXPIRES)
    if minutes != outcome:
        return minutes.isascii() and minutes.isdigit() and 1 <= int(minutes[:3]) <= 60
    return outcome in CAPTURE_OUTCOMES


#: Whether a stage knows an outcome, for stages whose outcomes are names of their own.
_KNOWS: Mapping[Stage, Callable[[str], bool]] = {
    Stage.RISK: RISK_OUTCOMES.__contains__,
    Stage.AUTH: OUTCOMES.__contains__,
    Stage.GATEWAY: GATEWAY_OUTCOMES.__contains__,
    Stage.REDIRECT: REDIRECT_OUTCOMES.__contains__,
    Stage.CAPTURE: _capture_outcome,
    Stage.IPN: notifications.known_outcome,
    Stage.VERIFY: VERIFY_OUTCOMES.__contains__,
    Stage.REFUND: refunds.known_outcome,
}


def check_outcome(stage: Stage, outcome: str) -> None:
    """
    Refuse an outcome that the stage does not know.

    Raises:
        Invalid: code ``scenario.outcome``.
    """
    if stage is Stage.ISSUER:
        registry.check_outcome(outcome)
    elif not _KNOWS[stage](outcome):
        message = f"The {stage} stage has no outcome '{outcome}'."
        raise Invalid(message, code="scenario.outcome", outcome=outcome)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the resolver may look at: values by input, what rules match on, what a note says.

    `stages` are those to be decided.
    """

    inputs: Mapping[Input, str]
    match: Mapping[str, str]
    network: ResponseCodes
    stages: tuple[Stage, ...] = PAYMENT_STAGES
    simulated: Mapping[Stage, Decision] = field(default_factory=dict)
    magic_amounts: bool = True
    defaults: Mapping[str, str] = field(default_factory=dict)


def resolve(facts: Facts, chosen: Mapping[Stage, Rule]) -> Plan:
    """
    Decide all stages.

    Args:
        facts: The inputs of an attempt or a refund.
        chosen: The rules that were waiting for it, at most one a stage.
    """
    decisions = {}
    for stage in facts.stages:
        decision = _decide(stage, facts, chosen.get(stage))
        if decision is not None:
            decisions[stage] = decision
    return Plan(decisions)


#: Which inputs speak, highest first, and as what.
_SPEAKERS: tuple[tuple[Input, Source], ...] = (
    (Input.CVV, Source.INSTRUMENT),
    (Input.VPA, Source.INSTRUMENT),
    (Input.NAME, Source.INSTRUMENT),
    (Input.PAN, Source.INSTRUMENT),
    (Input.BANK, Source.INSTRUMENT),
    (Input.AMOUNT, Source.AMOUNT),
    (Input.REFUND_AMOUNT, Source.AMOUNT),
    (Input.REFUND_OF, Source.AMOUNT),
)


def _decide(stage: Stage, facts: Facts, rule: Rule | None) -> Decision | None:
    if rule is not None:
        return Decision(rule.outcome, Source.RULE, rule.name, "rule")
    if stage in facts.simulated:
        return facts.simulated[stage]
    for looks, source in _SPEAKERS:
        value = facts.inputs.get(looks)
        if value is None or (looks in _AMOUNTS and not facts.magic_amounts):
            continue
        row = find(looks, value)
        if row is not None and row.stage is stage and row.active:
            return Decision(row.outcome, source, row.name, seen(looks, value))
    outcome = facts.defaults.get(stage)
    if not outcome or (stage is Stage.ISSUER and not facts.network.has_outcome(outcome)):
        return None
    return Decision(outcome, Source.DEFAULT, "seller default", outcome)


def seen(looks: Input, value: str) -> str:
    """What may be kept of the value that decided: of a card its last four, of a CVV nothing."""
    if looks is Input.PAN:
        return f"card …{value[-4:]}"
    return "CVV" if looks is Input.CVV else value
