"""Orders: opening them, giving them up, letting them expire, sending the buyer back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockpay.domain.orders import CLOSED_UNPAID, NO_END_SECONDS, PAID, Order, OrderState, PaymentRequest
from mockpay.domain.payments.attempts import HOLDS_ORDER, Attempt, AttemptState
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services.payments import captures
from mockpay.services.payments.transitions import ATTEMPTS, ORDER_EXPIRY, ORDERS, get_order, timed_out
from mockpay.store import attempts, orders, schedule, transitions
from mockpay.store.transitions import add_event, step
from mockpay.store.unit_of_work import Sandbox

#: The buyer, or whoever looks at them, has the turn; no money is moving.
_BUYERS_TURN = frozenset({AttemptState.CREATED, AttemptState.RISK_REVIEW, AttemptState.AUTH_PENDING})
#: A request's own limit is bounded so that an order's end stays a sane date.
_LONGEST_SECONDS = 31_536_000


class OpenedOrder(Struct, frozen=True):
    """The order a request leads to; `new` unless it was there; `refusal` is an error code."""

    order: Order | None
    new: bool = False
    refusal: str | None = None


def open_order(sandbox: Sandbox, request: PaymentRequest) -> OpenedOrder:
    """
    Open an order, or find the one that the request leads to (contract section 2, "Replay").

    The same payload leads to the same order as it now stands. A new payload for the same seller order id: open with
    the same amount, the same order; paid, refused as a duplicate unless the seller's setting allows a second order;
    failed, cancelled or expired, a new order.
    """
    last = orders.newest(sandbox, request.seller_order_id, request.provider)
    same = last and orders.by_digest(sandbox, request.seller_order_id, request.digest)
    if same is not None:
        return OpenedOrder(same)
    if request.stale:
        return OpenedOrder(None, refusal="request.stale")
    if last is None:
        return OpenedOrder(_create(sandbox, request, 0), new=True)
    if last.open and sandbox.now >= last.expires_at:
        last = expire(sandbox, last.order_pk)  # its event has only not fired yet
    if last.state in CLOSED_UNPAID or (last.state in PAID and sandbox.seller.settings.duplicate_orders == "allow"):
        number = orders.count_of(sandbox, request.seller_order_id)
        return OpenedOrder(_create(sandbox, request, number), new=True)
    if last.state in PAID:
        return OpenedOrder(last, refusal="order.already_paid")
    if last.amount != request.amount:
        return OpenedOrder(last, refusal="order.open_with_another_amount")
    orders.join_payload(sandbox, request.digest, last)
    return OpenedOrder(last)


def create(sandbox: Sandbox, request: PaymentRequest) -> Order:
    """Open a new order, whatever others the seller's id for it has; for companies that do not ask it to be new."""
    return _create(sandbox, request, orders.count_of(sandbox, request.seller_order_id))


def _create(sandbox: Sandbox, request: PaymentRequest, number: int) -> Order:
    seller = sandbox.seller
    asked, usual = request.timeout_seconds, seller.settings.order_expiry_seconds
    seconds = min(usual if asked is None else asked, _LONGEST_SECONDS) or NO_END_SECONDS
    order_id = sandbox.runtime.provider(request.provider).order_id(seller, request, number)
    new = Order(
        order_pk=0,
        seller_id=seller.seller_id,
        order_id=order_id,
        seller_order_id=request.seller_order_id,
        state=OrderState.CREATED,
        amount=request.amount,
        custom_information=request.custom_information,
        seller_note=request.seller_note,
        store_name=request.store_name,
        live=request.live,
        provider=request.provider,
        redirect_url=request.redirect_url,
        page_token=ids.page_token(),
        digest=request.digest,
        request={"fields": request.fields, "marks": request.marks, "warnings": request.warnings, **_wishes(request)},
        attempt_count=0,
        reason=None,
        cancelled_by=None,
        refunded_minor=0,
        created_at=sandbox.now,
        updated_at=sandbox.now,
        expires_at=sandbox.now + seconds * SECOND,
        kind=request.kind,
        wallet_owner=request.wallet_owner,
    )
    order = orders.add(sandbox, new)
    actor, facts = (Actor.BUYER, {"kind": order.kind}) if order.fills_wallet else (Actor.SELLER, {})
    add_event(sandbox, ORDERS, order, "opened", actor, facts, before=None)
    if not order.endless:
        schedule.add(sandbox, ORDER_EXPIRY, str(order.order_pk), order.expires_at)
    ORDERS.observe(sandbox, order, "opened")
    return order


def _wishes(request: PaymentRequest) -> dict[str, object]:
    wishes = {
        "outcomes": request.outcomes,
        "capture": request.capture,
        "authorization_seconds": request.authorization_seconds,
    }
    return {name: value for name, value in wishes.items() if value}


def change(sandbox: Sandbox, order: Order, **changes: Any) -> Order:
    """
    Change what is asked of a buyer before anybody has paid: `amount`, `redirect_url`, `seller_note`, `request`.

    Raises:
        Conflict: code ``order.closed``; ``attempt.live`` where a try is under way.
    """
    if not order.open:
        raise Conflict("This order cannot be changed any more.", code="order.closed")
    last = attempts.last_of_order(sandbox, order.order_pk)
    if last is not None and last.live:
        raise Conflict("A try to pay this order has not ended yet.", code="attempt.live")
    return transitions.update(sandbox, orders.mapper, order, **changes)


def cancel(sandbox: Sandbox, order: Order, actor: Actor = Actor.BUYER) -> Order:
    """
    Give up an order that nobody paid.

    Raises:
        Conflict: code ``order.busy`` while money may be moving.
        IllegalTransition: it ended already.
    """
    last = _last_unless_busy(sandbox, order)
    if last is not None and last.state in _BUYERS_TURN:
        step(sandbox, ATTEMPTS, last, "cancel", actor)
    return step(sandbox, ORDERS, order, "buyer_cancel", actor, {"reason": "payment_cancelled", "cancelled_by": actor})


def abandon(sandbox: Sandbox, order: Order) -> None:
    """
    The buyer goes back without paying; the order stays as it is, and its last try is cancelled.

    Raises:
        Conflict: code ``order.busy`` while money may be moving.
    """
    last = _last_unless_busy(sandbox, order)
    if last is not None and last.state in _BUYERS_TURN:
        captures.release_order(sandbox, order, step(sandbox, ATTEMPTS, last, "cancel", Actor.BUYER))


def _last_unless_busy(sandbox: Sandbox, order: Order) -> Attempt | None:
    last = attempts.last_of_order(sandbox, order.order_pk)
    if last is not None and last.state in HOLDS_ORDER:
        message = "The bank has not answered yet, so the payment cannot be cancelled."
        raise Conflict(message, code="order.busy")
    return last


def expire(sandbox: Sandbox, order_pk: int) -> Order:
    """
    The time to pay is over.

    An attempt whose money may be moving holds the order until it is resolved; one that still
    waits for the buyer ends with it; a PENDING one is left behind (its late success reverses).
    """
    order = get_order(sandbox, order_pk)
    if not order.open:
        return order
    last = attempts.last_of_order(sandbox, order_pk)
    if last is not None and last.state in HOLDS_ORDER:
        add_event(sandbox, ORDERS, order, "expiry_waits", Actor.CLOCK, before=order.state)
        return order
    if last is not None and last.state in _BUYERS_TURN:
        step(sandbox, ATTEMPTS, last, "timeout", Actor.CLOCK, timed_out(last))
    return step(sandbox, ORDERS, order, "timeout", Actor.CLOCK, {"reason": "payment_timed_out"})


def record_return(sandbox: Sandbox, order: Order, url: str, fault: str, fields: Mapping[str, str] | None = None) -> int:
    """
    The buyer goes back to the seller; when they first did.

    Args:
        url: Where the browser is sent, with the result in its query where that is not posted.
        fault: The outcome of the redirect stage; after ``never_returns`` the seller sees nothing.
        fields: What the browser posts there; None where it only goes there.
    """
    events = transitions.of_order(sandbox, order.order_pk)
    before = next((e.at for e in events if e.event == "returned"), None)
    if before is not None:
        return before
    facts: dict[str, object] = {"fault": fault}
    if fault != "never_returns":
        facts |= {"url": url} if fields is None else {"url": url, "fields": dict(fields)}
    if order.fills_wallet:
        facts["kind"] = order.kind
    add_event(sandbox, ORDERS, order, "returned", Actor.BUYER, facts, before=order.state)
    return sandbox.now
