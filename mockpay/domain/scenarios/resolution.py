"""
THE TABLE of magic values, and which decides when several apply.

Every agreed input is one row of a method's record or of a topic here. The resolver, `mockpay scenarios`, the
dashboard, docs/scenarios.md and the tests read this table; no other file compares with a magic value.

Precedence within a stage: a rule made by control API, a simulation that a note asks for, the instrument, the amount,
the seller's default, what the called company usually does, success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from msgspec import Struct

from mockpay.domain import notifications, refunds
from mockpay.domain.methods import registry
from mockpay.domain.methods.method import ResponseCodes
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Decision, Plan, Source, Stage
from mockpay.domain.scenarios.after_payment import CAPTURE_EXPIRES, CAPTURE_OUTCOMES, VERIFY_OUTCOMES, later_rows
from mockpay.domain.scenarios.amounts import GATEWAY_OUTCOMES, REDIRECT_OUTCOMES, amount_rows
from mockpay.domain.scenarios.otp_codes import otp_rows
from mockpay.domain.scenarios.risk import RISK_OUTCOMES, risk_rows
from mockpay.domain.scenarios.rows import Input as Input
from mockpay.domain.scenarios.rows import Row as Row
from mockpay.kernel.errors import Invalid

TABLE: tuple[Row, ...] = (
    *(row for method in METHODS.values() for row in method.rows),
    *otp_rows(),
    *risk_rows(),
    *amount_rows(),
    *later_rows(),
)

#: What the authentication of a card may meet.
AUTH_OUTCOMES = frozenset(
    {"success", "otp_locked", "otp_cancelled"}
    | {row.outcome for row in TABLE if row.stage is Stage.AUTH and row.input in {"pan", "name", "amount"}}
)
#: What the payment page's own code may meet, of those.
CODE_OUTCOMES = frozenset({"success", "otp_locked", "otp_cancelled", "otp_undelivered", "timeout"})
#: A value may decide several stages, each once; the first row of a value is the one that a person is told of.
_EXACT: dict[tuple[str, str], list[Row]] = {}
for _row in TABLE:
    if "*" not in _row.equals:
        _EXACT.setdefault((_row.input, _row.equals), []).append(_row)
_WILD: tuple[Row, ...] = tuple(row for row in TABLE if "*" in row.equals)
#: `.00` is always normal, so that ordinary prices stay innocent.
_ALWAYS_NORMAL = ".00"
_AMOUNTS = frozenset({str(Input.AMOUNT), str(Input.REFUND_AMOUNT), str(Input.REFUND_OF)})


def find(source: str, value: str, stage: Stage | None = None) -> Row | None:
    """The row for an input, an exact one first, at a stage or at any; None where the value is not magic there."""
    if source in _AMOUNTS and value.endswith(_ALWAYS_NORMAL):
        return None
    wild = (row for row in _WILD if row.input == source and _fits(row.equals, value))
    rows = chain(_EXACT.get((source, value), ()), wild)
    return next((row for row in rows if stage is None or row.stage is stage), None)


def _fits(pattern: str, value: str) -> bool:
    head, tail = pattern.split("*", 1)
    return value.startswith(head) and value.endswith(tail)


class Rule(Struct, frozen=True):
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
        "kind",
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
    Stage.AUTH: AUTH_OUTCOMES.__contains__,
    Stage.GATEWAY: GATEWAY_OUTCOMES.__contains__,
    Stage.REDIRECT: REDIRECT_OUTCOMES.__contains__,
    Stage.CAPTURE: _capture_outcome,
    Stage.IPN: notifications.known_outcome,
    Stage.VERIFY: VERIFY_OUTCOMES.__contains__,
    Stage.REFUND: refunds.known_outcome,
}


def knows_outcome(stage: Stage, outcome: str) -> bool:
    """Whether a stage has an outcome; of the issuer's, whether any network has."""
    if stage is Stage.ISSUER:
        return any(method.response_codes.has_outcome(outcome) for method in METHODS.values())
    return _KNOWS[stage](outcome)


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


def outcomes_of(stage: Stage, method: str = "") -> dict[str, str]:
    """Outcomes of a stage that have a name, each with what happens; at the issuer those of one method, or of all."""
    if stage is Stage.ISSUER:
        methods = [METHODS[method]] if method else METHODS.values()
        return {name: description for each in methods for name, description in each.response_codes.outcomes().items()}
    rows = {row.outcome: row.description for row in TABLE if row.stage is stage and _KNOWS[stage](row.outcome)}
    return {"success": "nothing is wrong", **rows}


class Facts(Struct, frozen=True):
    """
    What the resolver may look at: values by input, what rules match on, what a note says.

    `stages` are those to be decided, `defaults` the seller's own by stage, `usual` its company's; `impossible` by stage
    is what nothing of that company's can show.
    """

    inputs: Mapping[str, str]
    match: Mapping[str, str]
    response_codes: ResponseCodes
    stages: tuple[Stage, ...] = PAYMENT_STAGES
    simulated: Mapping[Stage, Decision] = {}
    magic_amounts: bool = True
    defaults: Mapping[str, str] = {}
    usual: Mapping[str, str] = {}
    impossible: Mapping[Stage, frozenset[str]] = {}


def resolve(facts: Facts, rules: Mapping[Stage, Rule]) -> Plan:
    """
    Decide all stages.

    Args:
        facts: The inputs of an attempt or a refund.
        rules: The rules that were waiting for it, at most one a stage.
    """
    decisions = {}
    for stage in facts.stages:
        impossible = facts.impossible.get(stage, frozenset())
        for decision in _candidates(stage, facts, rules.get(stage)):
            if decision.outcome not in impossible:
                decisions[stage] = decision
                break
    return Plan(decisions)


def _candidates(stage: Stage, facts: Facts, rule: Rule | None) -> Iterator[Decision]:
    """What could decide a stage; the first one that can be shown does."""
    if rule is not None:
        yield Decision(rule.outcome, Source.RULE, rule.name, "rule")
    if stage in facts.simulated:
        yield facts.simulated[stage]
    decision = instrument_decision(stage, facts.inputs)
    if decision is not None:
        yield decision
    for source, value in facts.inputs.items():
        row = find(source, value, stage) if source in _AMOUNTS and facts.magic_amounts else None
        if row is not None and row.active:
            yield Decision(row.outcome, Source.AMOUNT, row.name, value)
    outcome = facts.defaults.get(stage)
    if outcome and (stage is not Stage.ISSUER or facts.response_codes.has_outcome(outcome)):
        yield Decision(outcome, Source.DEFAULT, "seller default", outcome)
    usual = facts.usual.get(stage)
    if usual is not None:
        yield Decision(usual, Source.COMPANY, value=usual)


def instrument_decision(stage: Stage, inputs: Mapping[str, str]) -> Decision | None:
    """What an instrument decides, which goes before the amount; None where it leaves the stage alone."""
    for source, value in inputs.items():
        row = find(source, value, stage) if source not in _AMOUNTS else None
        if row is not None and row.active:
            return Decision(row.outcome, Source.INSTRUMENT, row.name, redacted(source, value))
    return None


def redacted(source: str, value: str) -> str:
    """What may be kept of the value that decided: of a card its last four, of a CVV nothing."""
    if source == Input.PAN:
        return f"card …{value[-4:]}"
    if source == Input.NAME:
        return f"cardholder’s name {value}"
    return "CVV" if source == Input.CVV else value
