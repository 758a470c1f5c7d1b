"""The risk check by control API: what it would say, and what a tester wants it to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from flask import Response
from msgspec import Meta, Struct
from msgspec.structs import replace as changed

from mockpay.domain.methods.instruments import Card, Instrument
from mockpay.domain.methods.registry import NETWORKS
from mockpay.domain.payments.plans import Decision, Stage
from mockpay.domain.scenarios.resolution import Facts, Input, resolve
from mockpay.domain.scenarios.risk import RISK_OUTCOMES
from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money
from mockpay.risk import assessment as verbs
from mockpay.risk import risk_table
from mockpay.risk.assessment import FORCE_KEYS, Inputs
from mockpay.risk.risk_table import Override
from mockpay.risk.rules import Assessment, Verdict
from mockpay.store.unit_of_work import Sandbox, read, transaction
from mockpay.vault.saved_methods import card_fingerprint
from mockpay.web.control.buyers import buyer_named
from mockpay.web.control.endpoints import Ask, Endpoint
from mockpay.web.control.instruments import InstrumentParts, instrument

_VERDICTS = ", ".join(f"`{one.value}`" for one in Verdict)
_KEYS = ", ".join(sorted(FORCE_KEYS))
_OUTCOMES = ", ".join(f"`{one}`" for one in sorted(RISK_OUTCOMES))


class Payment(InstrumentParts, forbid_unknown_fields=True, kw_only=True):
    """A payment that nobody makes; of a card only the number matters."""

    amount: Annotated[str, Meta(description='As `"1.00"`.')]
    method: Literal["card", "upi", "netbanking", "wallet"] = "upi"
    ip: str | None = None
    device: str | None = None
    buyer_id: Annotated[str | None, Meta(description="Id or e-mail of a buyer who is signed in.")] = None
    buyer_name: str | None = None
    planned: Annotated[
        str | None, Meta(description=f"What a scenario says at stage `risk`: {_OUTCOMES}; else as it is.")
    ] = None


class HitEntry(Struct, kw_only=True):
    """A rule that spoke: what it saw against which limit, and why."""

    rule: str
    version: int
    outcome: str
    weight: int
    reason_code: str
    explain: str
    observed: int | str
    limit: int | str


class RiskEntry(Struct, kw_only=True):
    """What the risk check decided, a score from 0 to 100, and every rule that spoke."""

    decision: str
    score: int
    hits: list[HitEntry]


class DryRun(RiskEntry, kw_only=True):
    """What a payment would meet; `scenario` is the magic value that spoke, if one did."""

    scenario: str | None


class ForceWish(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to decide on the next attempt that fits."""

    decision: Annotated[str, Meta(description=f"{_VERDICTS}.")]
    match: Annotated[dict[str, str], Meta(description=f"{_KEYS}; {{}} fits all.")] = {}
    reason: Annotated[str, Meta(description="As it is told among the hits.", max_length=255)] = (
        "forced by a tester"
    )


class ForceEntry(Struct, kw_only=True):
    """A decision that waits for its attempt."""

    force_id: int
    match: dict[str, str]
    decision: str
    reason: str


class ForceList(Struct, kw_only=True):
    """Decisions that wait, in the order in which they are asked."""

    items: list[ForceEntry]
    next_cursor: str | None


def dry_run(ask: Ask[None, Payment]) -> DryRun:
    wish = ask.body
    with read(ask.runtime, ask.seller_id) as sandbox:
        amount = _amount(wish.amount)
        chosen = _instrument(sandbox, wish)
        said = _said(sandbox, chosen, amount)
        facts = verbs.facts_of(amount, chosen, _inputs(sandbox, wish, chosen))
        if not wish.name:
            facts = replace(facts, holder=None)
        planned = wish.planned or (said.outcome if said else None)
        found = verbs.dry_run(sandbox, facts, planned)
    scenario = said.scenario if said and not wish.planned else None
    return DryRun(scenario=scenario, **_fields(found))


def _amount(text: str) -> Money:
    amount = Money.parse(text)
    if amount.minor < MINIMUM_MINOR:
        raise Invalid("A payment is 1.00 at least.", code="amount.invalid", field="amount")
    return amount


def _instrument(sandbox: Sandbox, wish: Payment) -> Instrument:
    """What is left out of a card is such as any card has."""
    year = indian(sandbox.now).year + 1
    parts = changed(wish, expiry=wish.expiry or f"12/{year}", name=wish.name or "Somebody")
    return instrument(wish.method, parts, sandbox.now)


def _inputs(sandbox: Sandbox, wish: Payment, chosen: Instrument) -> Inputs:
    ring = sandbox.runtime.keyring
    number = chosen.typed.number if isinstance(chosen, Card) else None
    buyer = buyer_named(sandbox, wish.buyer_id) if wish.buyer_id else None
    return Inputs(
        ip=wish.ip,
        device=wish.device,
        email=wish.email or (buyer.email if buyer else None),
        buyer_id=buyer.buyer_id if buyer else None,
        buyer_name=wish.buyer_name,
        fingerprint=card_fingerprint(ring, number) if number else None,
    )


def _said(sandbox: Sandbox, chosen: Instrument, amount: Money) -> Decision | None:
    """What the magic values and the seller's default say; rules would be used up, so none."""
    settings = sandbox.seller.settings
    facts = Facts(
        inputs={**chosen.inputs, Input.AMOUNT: amount.wire()},
        match={},
        network=NETWORKS[chosen.method],
        stages=(Stage.RISK,),
        magic_amounts=settings.magic_amounts,
        defaults=settings.default_outcomes,
    )
    return resolve(facts, {}).decisions.get(Stage.RISK)


def force(ask: Ask[None, ForceWish]) -> ForceEntry:
    wish = ask.body
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        return _entry(verbs.force(sandbox, wish.match, wish.decision, wish.reason))


def forced(ask: Ask[None, None]) -> ForceList:
    with read(ask.runtime, ask.seller_id) as sandbox:
        items = [_entry(one) for one in risk_table.overrides(sandbox)]
    return ForceList(items=items, next_cursor=None)


def clear(ask: Ask[None, None]) -> Response:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        for one in risk_table.overrides(sandbox):
            risk_table.use_up(sandbox, one)
    return Response(status=204)


def _entry(one: Override) -> ForceEntry:
    return ForceEntry(
        force_id=one.override_id, match=dict(one.match), decision=one.decision.value, reason=one.reason
    )


def risk_entry(found: Assessment) -> RiskEntry:
    """A decision as it is told."""
    return RiskEntry(**_fields(found))


def _fields(found: Assessment) -> dict[str, Any]:
    return {
        "decision": found.decision.value,
        "score": found.score,
        "hits": [
            HitEntry(
                rule=hit.rule,
                version=hit.version,
                outcome=hit.outcome.value,
                weight=hit.weight,
                reason_code=hit.reason_code,
                explain=hit.explain,
                observed=hit.observed,
                limit=hit.limit,
            )
            for hit in found.hits
        ],
    }


_PATH = "/v1/sellers/{seller_id}/risk"
ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_PATH}/dry-run",
        dry_run,
        "What a payment would meet now. Nothing is kept; scenario rules and forced decisions "
        "are left out, as asking them would use them up.",
        body=Payment,
        gives=DryRun,
        fails=(404,),
        example='{"amount": "150000.00", "method": "card", "number": "4111111111111111", '
        '"ip": "198.51.100.66"}',
    ),
    Endpoint(
        "POST",
        f"{_PATH}/force",
        force,
        "Decide on the next attempt that fits, once: before its scenario and before the rules.",
        body=ForceWish,
        gives=ForceEntry,
        status=201,
        fails=(404, 409),
        example='{"match": {"method": "card"}, "decision": "REVIEW", "reason": "look at this"}',
    ),
    Endpoint(
        "GET",
        f"{_PATH}/force",
        forced,
        "Forced decisions that wait for their attempts.",
        gives=ForceList,
        fails=(404,),
    ),
    Endpoint("DELETE", f"{_PATH}/force", clear, "Take all forced decisions back.", status=204, fails=(404,)),
)
