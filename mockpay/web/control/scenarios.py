"""Scenario rules by control API."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, structs

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.resolution import MATCH_KEYS, PAYMENT_STAGES, REFUND_STAGES
from mockpay.kernel.errors import NotFound
from mockpay.services import scenarios as verbs
from mockpay.store import scenarios
from mockpay.web.control.endpoints import DELETE, GET, POST, Request
from mockpay.web.control.responses import to_response

_MOST_DIGITS = 18
_STAGES = ", ".join(f"`{stage}`" for stage in dict.fromkeys((*PAYMENT_STAGES, *REFUND_STAGES)))
_KEYS = ", ".join(sorted(MATCH_KEYS))


class ScenarioRuleCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new rule; it goes before every magic value."""

    stage: Annotated[str, Meta(description=f"Where it acts: {_STAGES}.")]
    outcome: Annotated[str, Meta(description="One of the stage's, as in docs/scenarios.md.")]
    match: Annotated[dict[str, str], Meta(description=f"{_KEYS}; {{}} fits all.")] = {}
    times: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(description="How many attempts or refunds it decides; null = every one."),
    ] = 1
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    ttl_seconds: Annotated[
        Annotated[int, Meta(ge=1, le=31_536_000)] | None, Meta(description="How long it lives by the seller's clock.")
    ] = None


class ScenarioRule(Struct, kw_only=True):
    """A rule; `times` is what is left of them."""

    rule_id: int
    stage: Stage
    match: dict[str, str]
    outcome: str
    times: int | None
    probability: float
    expires_at: str | None
    created_at: str


class ScenarioRuleList(Struct, kw_only=True):
    """Rules in the order in which they are asked."""

    items: list[ScenarioRule]
    next_cursor: str | None


def list_rules(request: Request[None, None]) -> ScenarioRuleList:
    """In the order in which they are asked; `times` is what is left."""
    with request.read() as sandbox:
        items = [to_response(ScenarioRule, rule) for rule in scenarios.waiting(sandbox)]
    return ScenarioRuleList(items=items, next_cursor=None)


def create_rule(request: Request[None, ScenarioRuleCreate]) -> ScenarioRule:
    """
    It goes before instrument, amount and the seller's defaults, for `times` attempts (1). What can never fit is
    refused with the nearest right word: a stage, an outcome of that stage, a key or value of `match`.
    """
    with request.transaction() as sandbox:
        rule = verbs.add_rule(sandbox, **structs.asdict(request.body))
    return to_response(ScenarioRule, rule)


def delete_rules(request: Request[None, None]) -> None:
    """What an attempt has been planned to meet stays as it is."""
    with request.transaction() as sandbox:
        scenarios.clear(sandbox)


def delete_rule(request: Request[None, None]) -> None:
    """What an attempt has been planned to meet stays as it is."""
    rule_id = request.path["rule_id"]
    if not (rule_id.isascii() and rule_id.isdigit() and len(rule_id) <= _MOST_DIGITS):
        raise NotFound("There is no such rule.", code="scenario.not_found")
    with request.transaction() as sandbox:
        verbs.remove_rule(sandbox, int(rule_id))


_PATH = "/v1/sellers/{seller_id}/scenarios"
ENDPOINTS = (
    GET(_PATH, list_rules, "A seller's rules."),
    POST(
        _PATH,
        create_rule,
        "Make a rule that decides attempts and refunds that fit.",
        status=201,
        errors=(409,),
        example='{"stage": "issuer", "match": {"method": "upi"}, "outcome": "insufficient"}',
    ),
    DELETE(_PATH, delete_rules, "Take all rules away.", status=204),
    DELETE(f"{_PATH}/{{rule_id}}", delete_rule, "Take one rule away.", status=204),
)
