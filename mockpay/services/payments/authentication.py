"""
Whether it is the buyer who pays: what every proof has in common.

An attempt that waits for a one-time password (otp_authentication) or for its card's issuer
(card_authentication) is AUTH_PENDING and says so by `auth`; what the buyer's app or bank page
asks afterwards is the method's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Auth, Failure
from mockpay.domain.timeline import Actor
from mockpay.kernel.clock import SECOND
from mockpay.kernel.money import Money
from mockpay.otp import challenges
from mockpay.services.payments.outcomes import release_order
from mockpay.services.payments.transitions import ATTEMPTS, TIMEOUT, end_authentication, get_order
from mockpay.store import attempts, schedule
from mockpay.store.transitions import step, update
from mockpay.store.unit_of_work import Sandbox

#: How long a buyer may take to prove who they are; 3-D Secure's own limit comes first.
_AUTHENTICATION_MS = 660 * SECOND


def required_authentication(sandbox: Sandbox, attempt: Attempt, *, forced: bool) -> Auth | None:
    """
    How the buyer of a new attempt must prove who they are; None where the method suffices.

    A card's issuer always has its say.  UPI's own PIN is a second factor, so an amount alone
    asks for no password there.

    Args:
        forced: The risk check wants a proof whatever the amount.
    """
    method = METHODS[attempt.method]
    if method.card:
        return Auth.THREEDS
    settings, amount = sandbox.seller.settings, attempt.amount
    if method.own_proof:
        amount = Money(0, amount.currency)
    asks = forced or challenges.otp_required(settings, attempt.method, amount)
    return Auth.OTP if asks else None


def set_deadline(sandbox: Sandbox, order: Order, attempt: Attempt, way: Auth = Auth.THREEDS) -> dict[str, object]:
    """Give the buyer a time for their proof: the columns that go with that step."""
    answer_by = min(sandbox.now + _AUTHENTICATION_MS, order.expires_at)
    schedule.add(sandbox, TIMEOUT, attempt.attempt_id, answer_by)
    return {"answer_by": answer_by, "auth": way}


def mark_authenticated(
    sandbox: Sandbox, attempt: Attempt, changes: dict[str, object], event: str = "auth_ok"
) -> Attempt:
    """
    The buyer is who they say.

    Where the method's own app or bank page comes next, the buyer's turn is not over.
    """
    passed: dict[str, Any] = {**changes, "auth": Auth.PASSED}
    if METHODS[attempt.method].approval:
        end_authentication(sandbox, attempt, attempt)
        return update(sandbox, attempts.mapper, attempt, **passed)
    facts = {"method": attempt.method, "eci": changes.get("eci"), "liability": changes.get("liability")}
    return step(sandbox, ATTEMPTS, attempt, event, Actor.BUYER, passed, **facts)


def fail_authentication(
    sandbox: Sandbox,
    attempt: Attempt,
    event: str,
    actor: Actor,
    failure: Failure | None,
    changes: Mapping[str, object] | None = None,
) -> Attempt:
    """The buyer did not prove who they are; what that means for the order is done too."""
    failed = step(sandbox, ATTEMPTS, attempt, event, actor, {"failure": failure, **(changes or {})})
    release_order(sandbox, get_order(sandbox, attempt.order_pk), failed)
    return failed


def deadline_passed(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Whether the attempt's time to be proved is over, though its event may not have fired."""
    return attempt.answer_by is not None and sandbox.now >= attempt.answer_by


def ready_to_charge(attempt: Attempt) -> bool:
    """Whether the gateway is to be asked for the attempt's money."""
    if attempt.state in {AttemptState.CREATED, AttemptState.AUTHENTICATED}:
        return True
    return attempt.state is AttemptState.AUTH_PENDING and attempt.auth is Auth.PASSED
