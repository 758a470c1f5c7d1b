"""Scenario rules by control API."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from msgspec import Meta, Struct

from mockpay.domain.scenarios.resolution import MATCH_KEYS, PAYMENT_STAGES, REFUND_STAGES, Rule
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.errors import NotFound
from mockpay.services import scenarios as verbs
from mockpay.store import scenarios
from mockpay.store.unit_of_work import read, transaction
from mockpay.web.control.common import maybe_time
from mockpay.web.control.endpoints import Ask, Endpoint

_MOST_DIGITS = 18
_STAGES = ", ".join(f"`{one}`" for one in dict.fromkeys((*PAYMENT_STAGES, *REFUND_STAGES)))
_KEYS = ", ".join(sorted(MATCH_KEYS))


class RuleWish(Struct, forbid_unknown_fields=True, kw_only=True):
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
        Annotated[int, Meta(ge=1, le=31_536_000)] | None,
        Meta(description="How long it lives by the seller's clock."),
    ] = None


class RuleEntry(Struct, kw_only=True):
    """A rule; `times` is what is left of them."""

    rule_id: int
    stage: str
    match: dict[str, str]
    outcome: str
    times: int | None
    probability: float
    expires_at: str | None
    created_at: str


class RuleList(Struct, kw_only=True):
    """Rules in the order in which they are asked."""

    items: list[RuleEntry]
    next_cursor: str | None


def listed(ask: Ask[None, None]) -> RuleList:
    with read(ask.runtime, ask.seller_id) as sandbox:
        items = [_entry(rule) for rule in scenarios.waiting(sandbox)]
    return RuleList(items=items, next_cursor=None)


def create(ask: Ask[None, RuleWish]) -> RuleEntry:
    wish = ask.body
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        rule = verbs.add_rule(
            sandbox,
            stage=wish.stage,
            match=wish.match,
            outcome=wish.outcome,
            times=wish.times,
            probability=wish.probability,
            ttl_seconds=wish.ttl_seconds,
        )
    return _entry(rule)


def clear(ask: Ask[None, None]) -> Response:
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        scenarios.clear(sandbox)
    return Response(status=204)


def delete(ask: Ask[None, None]) -> Response:
    given = ask.path["rule_id"]
    if not (given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS):
        raise NotFound("There is no such rule.", code="scenario.not_found")
    with transaction(ask.runtime, ask.seller_id) as sandbox:
        verbs.remove_rule(sandbox, int(given))
    return Response(status=204)


def _entry(rule: Rule) -> RuleEntry:
    return RuleEntry(
        rule_id=rule.rule_id,
        stage=rule.stage,
        match=dict(rule.match),
        outcome=rule.outcome,
        times=rule.times,
        probability=rule.probability,
        expires_at=maybe_time(rule.expires_at),
        created_at=rfc3339(rule.created_at),
    )


_PATH = "/v1/sellers/{seller_id}/scenarios"
ENDPOINTS = (
    Endpoint("GET", _PATH, listed, "A seller's rules.", gives=RuleList, fails=(404,)),
    Endpoint(
        "POST",
        _PATH,
        create,
        "Make a rule that decides attempts and refunds that fit.",
        body=RuleWish,
        gives=RuleEntry,
        status=201,
        fails=(404, 409),
        example='{"stage": "issuer", "match": {"method": "upi"}, "outcome": "insufficient"}',
    ),
    Endpoint("DELETE", _PATH, clear, "Take all rules away.", status=204, fails=(404,)),
    Endpoint("DELETE", f"{_PATH}/{{rule_id}}", delete, "Take one rule away.", status=204, fails=(404,)),
)
