"""The risk check by control API: dry runs, and overrides of its decision."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace
from msgspec.structs import replace as replace_fields

from mockpay.domain.methods.cards import Card, card_fingerprint
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Decision, Stage
from mockpay.domain.scenarios.resolution import Facts, Input, resolve
from mockpay.domain.scenarios.risk import RISK_OUTCOMES
from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.risk import assessment as verbs
from mockpay.risk import risk_table
from mockpay.risk.assessment import FORCE_KEYS, Inputs
from mockpay.risk.risk_table import Override
from mockpay.risk.rules import Verdict
from mockpay.services import buyers
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.control.endpoints import DELETE, GET, POST, Request
from mockpay.web.control.methods import InstrumentParts, instrument
from mockpay.web.control.responses import to_response

_VERDICTS = ", ".join(f"`{verdict.value}`" for verdict in Verdict)
_KEYS = ", ".join(sorted(FORCE_KEYS))
_OUTCOMES = ", ".join(f"`{outcome}`" for outcome in sorted(RISK_OUTCOMES))


class RiskDryRunRequest(InstrumentParts, forbid_unknown_fields=True, kw_only=True):
    """A payment that nobody makes; of a card only the number matters."""

    amount: Annotated[str, Meta(description='As `"1.00"`.')]
    method: Literal["card", "upi", "netbanking", "wallet"] = "upi"
    ip: str | None = None
    device: str | None = None
    buyer_id: Annotated[str | None, Meta(description="Id or e-mail of a buyer who is signed in.")] = None
    buyer_name: str | None = None
    planned: Annotated[
        str | None, Meta(description=f"A scenario's outcome at stage `risk`: {_OUTCOMES}; else as it is.")
    ] = None


class RiskHit(Struct, kw_only=True):
    """A rule that applied: what it observed against which limit, and why."""

    rule: str
    version: int
    outcome: str
    weight: int
    reason_code: str
    explain: str
    observed: int | str
    limit: int | str


class RiskAssessment(Struct, kw_only=True):
    """The decision, a score from 0 to 100, and every rule that applied."""

    decision: Verdict
    score: int
    hits: list[RiskHit]


class RiskDryRunResult(RiskAssessment, kw_only=True):
    """What would be decided of a payment; `scenario` is the magic value that decided, if one did."""

    scenario: str | None


class RiskOverrideCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to decide on the next attempt that fits."""

    decision: Annotated[str, Meta(description=f"{_VERDICTS}.")]
    match: Annotated[dict[str, str], Meta(description=f"{_KEYS}; {{}} fits all.")] = {}
    reason: Annotated[str, Meta(description="As it appears among the hits.", max_length=255)] = "forced by a tester"


class RiskOverride(Struct, kw_only=True):
    """A decision that waits for its attempt."""

    force_id: int
    match: dict[str, str]
    decision: Verdict
    reason: str


class RiskOverrideList(Struct, kw_only=True):
    """Overrides that wait, in the order in which they apply."""

    items: list[RiskOverride]
    next_cursor: str | None


def dry_run_risk(request: Request[None, RiskDryRunRequest]) -> RiskDryRunResult:
    """Magic values count, as they do in a payment."""
    payment = request.body
    with request.read() as sandbox:
        amount = _amount(payment.amount)
        instrument = _instrument(sandbox, payment)
        decision = _scenario_decision(sandbox, instrument, amount)
        facts = verbs.facts_of(amount, instrument, _inputs(sandbox, payment, instrument))
        if not payment.name:
            facts = replace(facts, holder=None)
        planned = payment.planned or (decision.outcome if decision else None)
        assessment = verbs.dry_run(sandbox, facts, planned)
    scenario = decision.scenario if decision and not payment.planned else None
    return to_response(RiskDryRunResult, assessment, scenario=scenario)


def _amount(text: str) -> Money:
    amount = Money.parse(text)
    if amount.minor < MINIMUM_MINOR:
        raise Invalid("A payment is 1.00 at least.", code="amount.invalid", field="amount")
    return amount


def _instrument(sandbox: Sandbox, payment: RiskDryRunRequest) -> Instrument:
    """What is left out of a card is such as any card has."""
    year = indian(sandbox.now).year + 1
    parts = replace_fields(payment, expiry=payment.expiry or f"12/{year}", name=payment.name or "Somebody")
    return instrument(payment.method, parts, sandbox.now)


def _inputs(sandbox: Sandbox, payment: RiskDryRunRequest, instrument: Instrument) -> Inputs:
    keyring = sandbox.runtime.keyring
    number = instrument.typed.number if isinstance(instrument, Card) else None
    buyer = buyers.named(sandbox, payment.buyer_id) if payment.buyer_id else None
    return Inputs(
        ip=payment.ip,
        device=payment.device,
        email=payment.email or (buyer.email if buyer else None),
        buyer_id=buyer.buyer_id if buyer else None,
        buyer_name=payment.buyer_name,
        fingerprint=card_fingerprint(keyring, number) if number else None,
    )


def _scenario_decision(sandbox: Sandbox, instrument: Instrument, amount: Money) -> Decision | None:
    """What magic values and the seller's default decide; rules would be used up, so none."""
    settings = sandbox.seller.settings
    facts = Facts(
        inputs={**instrument.inputs, Input.AMOUNT: amount.wire()},
        match={},
        response_codes=METHODS[instrument.method].response_codes,
        stages=(Stage.RISK,),
        magic_amounts=settings.magic_amounts,
        defaults=settings.default_outcomes,
    )
    return resolve(facts, {}).decisions.get(Stage.RISK)


def create_risk_override(request: Request[None, RiskOverrideCreate]) -> RiskOverride:
    """It waits for the first attempt that has all of `match`, and is then used up. An empty `match` fits any."""
    override = request.body
    with request.transaction() as sandbox:
        return _response(verbs.force(sandbox, override.match, override.decision, override.reason))


def list_risk_overrides(request: Request[None, None]) -> RiskOverrideList:
    """In the order in which they apply."""
    with request.read() as sandbox:
        items = [_response(override) for override in risk_table.overrides(sandbox)]
    return RiskOverrideList(items=items, next_cursor=None)


def delete_risk_overrides(request: Request[None, None]) -> None:
    """Those that were used already are gone anyway."""
    with request.transaction() as sandbox:
        for override in risk_table.overrides(sandbox):
            risk_table.use_override(sandbox, override)


def _response(override: Override) -> RiskOverride:
    return to_response(RiskOverride, override, force_id=override.override_id)


_PATH = "/v1/sellers/{seller_id}/risk"
ENDPOINTS = (
    POST(
        f"{_PATH}/dry-run",
        dry_run_risk,
        "What would be decided of a payment now. Nothing is stored; scenario rules and forced decisions "
        "are left out, as applying them would use them up.",
        example='{"amount": "150000.00", "method": "card", "number": "4111111111111111", "ip": "198.51.100.66"}',
    ),
    POST(
        f"{_PATH}/force",
        create_risk_override,
        "Decide on the next attempt that fits, once: before its scenario and before the rules.",
        status=201,
        errors=(409,),
        example='{"match": {"method": "card"}, "decision": "REVIEW", "reason": "look at this"}',
    ),
    GET(f"{_PATH}/force", list_risk_overrides, "Forced decisions that wait for their attempts."),
    DELETE(f"{_PATH}/force", delete_risk_overrides, "Take all forced decisions back.", status=204),
)
