"""Who settled how an attempt, or its order, stands; pure functions over what each stage met."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.orders import Order, OrderState
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Decision, Source, Stage
from mockpay.domain.timeline import Actor

_A = AttemptState

#: Stages that may settle an end, the one that counts most first: of a proof, of a failure, of what was paid.
_OF_PROOF = (Stage.AUTH, Stage.RISK)
_OF_MONEY = (Stage.ISSUER, Stage.GATEWAY, *_OF_PROOF)
_OF_RESULT = (Stage.REDIRECT, Stage.CAPTURE, Stage.IPN, Stage.VERIFY, Stage.GATEWAY, Stage.ISSUER, *_OF_PROOF)
_UNPAID = frozenset({_A.FAILED, _A.CANCELLED, _A.EXPIRED})
_UNDECIDED = frozenset({_A.AUTH_PENDING, _A.PENDING, _A.UNKNOWN, _A.PROCESSING})
#: Outcomes that end nothing.
_WELL = frozenset({"success", "challenge", "allow", "review"})
#: Whose word ends an order that is given up, beside the buyer's.
_CANCELS: Mapping[Actor | None, Source] = {Actor.TESTER: Source.TESTER, Actor.SELLER: Source.SELLER}


def deciding(attempt: Attempt | None) -> tuple[Stage, Decision] | None:
    """The stage that settled how an attempt stands, and its decision; None for normal behaviour."""
    if attempt is None:
        return None
    made, stages = attempt.stage_decisions, _stages(attempt)
    settled = [(stage, made[stage]) for stage in stages if stage in made and not _proved(made[stage], stages)]
    # What went otherwise than well counts before what was asked to go well.
    settled.sort(key=lambda pair: pair[1].outcome in _WELL and not attempt.decisions.decides(pair[0]))
    return settled[0] if settled else None


def _stages(attempt: Attempt) -> tuple[Stage, ...]:
    """The stages that an attempt has come to, the one it stands at first."""
    failed = attempt.failure
    if attempt.state is _A.RISK_REVIEW or (failed is not None and failed.step == "payment_initiation"):
        return (Stage.RISK,)
    challenged = attempt.auth in {Auth.OTP, Auth.THREEDS}
    if challenged and (attempt.state is _A.AUTH_PENDING or attempt.state in _UNPAID):
        return _OF_PROOF
    return _OF_MONEY if attempt.state in _UNPAID | _UNDECIDED else _OF_RESULT


def _proved(decision: Decision, stages: tuple[Stage, ...]) -> bool:
    """Whether somebody just typed a code that is right, or was asked for one by a risk rule and typed it."""
    if decision.source is Source.RISK_RULE:
        return decision.outcome == "challenge" and stages is not _OF_PROOF
    return decision.source is Source.CODE and decision.outcome == "success"


def deciding_end(order: Order, last: Attempt | None) -> Decision | None:
    """Who settled how an order stands: whoever gave it up or let its hold go, else what settled its newest attempt."""
    if order.state is OrderState.CANCELLED and order.cancelled_by not in {None, Actor.SANDBOX}:
        return Decision("cancelled", _CANCELS.get(order.cancelled_by, Source.BUYER), value="cancelled the order")
    if order.reason == "authorization_expired":
        return Decision("expired", Source.CLOCK, value="nobody captured in time")
    settled = deciding(last)
    return settled[1] if settled else None
