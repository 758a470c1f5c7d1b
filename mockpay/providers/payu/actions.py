"""Captures, refunds and cancellations by command; money and state are the core's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mockpay.domain.orders import PAID, Order, OrderState
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.refunds import Refund, RefundRequest, RefundState, is_reference
from mockpay.domain.scenarios.requested import HEADER, NO_OLD_ANSWERS, check_requested, parse_outcomes
from mockpay.domain.scenarios.resolution import REFUND_STAGES
from mockpay.domain.timeline import Actor
from mockpay.kernel import ids as kernel_ids
from mockpay.kernel.errors import Conflict, Invalid, Unusable
from mockpay.kernel.money import Money
from mockpay.providers.payu import ids
from mockpay.providers.payu.calls import Call
from mockpay.providers.payu.credentials import NAME
from mockpay.services.payments import captures
from mockpay.services.refunds import refunds
from mockpay.store import api_objects, attempts, orders
from mockpay.store import refunds as refund_rows
from mockpay.store.api_objects import ApiObject
from mockpay.store.transitions import require
from mockpay.wire.payu import answers, requests
from mockpay.wire.payu.answers import Action

#: Kinds of objects of our own: what was done to a payment, by request id.
CAPTURE, REFUND, CANCEL = ACTIONS = ("capture", "refund", "cancel")
_STATUSES = {
    RefundState.PENDING: "queued",
    RefundState.COMPLETED: "success",
    RefundState.DECLINED: "failure",
    RefundState.REVERSED: "failure",
}


def capture(call: Call) -> dict[str, Any]:
    """
    Take what was authorised; queued, as the answer has it.

    Raises:
        Invalid, Conflict: as `captures.capture`; code ``capture.done``, ``refund.duplicate`` or ``token.empty``.
    """
    order, attempt = call.payment()
    token = _new_token(call)
    amount = Money.parse(call.form.need("var3"))
    if order.state in PAID:
        raise Conflict("It is captured already.", code="capture.done")
    captures.capture(call.sandbox, order, Actor.SELLER, amount)
    return answers.queued(_record(call, order, require(attempt, "attempt"), CAPTURE, token, amount))


def cancel_or_refund(call: Call) -> dict[str, Any]:
    """
    Release what is authorised, or send back what was captured.

    Raises:
        Invalid, Conflict: as `captures.void` and `refunds.request`; code ``amount.empty`` or ``token.empty``.
    """
    order, attempt = call.payment()
    if order.state is OrderState.AUTHORIZED:
        token = _new_token(call)
        captures.void(call.sandbox, order, Actor.SELLER)
        return answers.queued(_record(call, order, require(attempt, "attempt"), CANCEL, token, order.amount))
    token = _new_token(call)
    # One public client names the amount where the others count the values.
    text = call.form.value("var3") or call.form.value("amount")
    if not text:
        raise Invalid("The amount is empty.", code="amount.empty")
    callback = call.form.value("var5") or None
    outcomes = parse_outcomes(call.outcomes, HEADER)
    check_requested(outcomes, REFUND_STAGES, NO_OLD_ANSWERS)
    wanted = RefundRequest(
        key=token if is_reference(token) else kernel_ids.fingerprint(token.encode())[:32],
        amount=Money.parse(text),
        outcomes=outcomes,
    )
    result = refunds.request(call.sandbox, order, wanted)
    refund = result.refund
    if refund is None:
        call.refused = Conflict("A scenario throttles this call.", code="throttled")
        return {}
    if result.answer_lost:
        call.refused = Unusable("A scenario loses this answer.", code="answer.lost")
    return answers.queued(
        _record(call, order, require(attempt, "attempt"), REFUND, token, refund.amount, refund, callback)
    )


def _new_token(call: Call) -> str:
    token = call.form.value("var2")
    if not token:
        raise Invalid("The token is empty.", code="token.empty")
    if len(token) > requests.LONGEST_TOKEN:
        message = f"The token has more than {requests.LONGEST_TOKEN} characters."
        raise Invalid(message, code="token.invalid")
    if any(api_objects.by_reference(call.sandbox, NAME, kind, token) for kind in ACTIONS):
        raise Conflict("The token was used before.", code="refund.duplicate")
    return token


def _record(
    call: Call,
    order: Order,
    attempt: Attempt,
    kind: str,
    token: str,
    amount: Money,
    refund: Refund | None = None,
    callback: str | None = None,
) -> Action:
    """Keep what was done to a payment by its request id; as it is answered, it is queued."""
    number = 0
    request_id = refund.refund_id if refund is not None else ids.request_id(call.sandbox.seller, order, token, number)
    while api_objects.find(call.sandbox, NAME, kind, request_id) is not None:
        number += 1
        request_id = ids.request_id(call.sandbox.seller, order, token, number)
    facts = {"amount": amount.wire(), **({"callback": callback} if callback else {})}
    made = api_objects.add(
        call.sandbox, NAME, kind, request_id, facts, parent=attempt.attempt_id, reference=token, state=kind
    )
    return _action(call, order, attempt, made, "queued")


def _action(call: Call, order: Order, attempt: Attempt, made: ApiObject, status: str | None = None) -> Action:
    if status is None and made.kind == REFUND:
        refund = refund_rows.by_id(call.sandbox, made.object_id)
        status = _STATUSES[refund.state] if refund is not None else "failure"
    elif status is None and made.kind == CAPTURE:
        status = "success" if attempt.captured_minor else "queued" if attempt.live else "failure"
    amount, reference = Money.parse(made.facts["amount"]), ids.bank_reference(call.sandbox.seller, order.order_id)
    token = made.reference or ""
    return Action(made.object_id, made.kind, token, status or "success", amount, attempt.attempt_id, reference)


def check_action_status(call: Call) -> dict[str, Any]:
    """One by its request id, or all of a payment (`var2=payuid`)."""
    asked = call.form.need("var1")
    if call.form.value("var2").lower() == "payuid":
        return _action_status(call, asked, attempts.by_id(call.sandbox, asked))
    for kind in ACTIONS:
        made = api_objects.find(call.sandbox, NAME, kind, asked)
        if made is not None:
            return _action_status(call, asked, attempts.by_id(call.sandbox, str(made.parent)), [made])
    return answers.action_status(asked, [], "")


def check_action_status_txnid(call: Call) -> dict[str, Any]:
    """All that was done to a payment by the merchant's name for it."""
    txnid = call.form.need("var1")
    order = orders.newest(call.sandbox, txnid, NAME)
    attempt = attempts.last_of_order(call.sandbox, order.order_pk) if order is not None else None
    return _action_status(call, txnid, attempt)


def _action_status(
    call: Call, asked: str, attempt: Attempt | None, made: Iterable[ApiObject] | None = None
) -> dict[str, Any]:
    order = orders.by_number(call.sandbox, attempt.order_pk) if attempt is not None else None
    if attempt is None or order is None or order.provider != NAME:
        return answers.action_status(asked, [], "")
    if made is None:
        of_kinds = (api_objects.list_newest(call.sandbox, NAME, kind, parent=attempt.attempt_id) for kind in ACTIONS)
        made = sorted((each for of_kind in of_kinds for each in of_kind), key=lambda each: each.number)
    if any(each.kind == REFUND for each in made):
        for each in made:
            if each.kind == REFUND:
                refunds.record_poll(call.sandbox, each.object_id)
    actions = [_action(call, order, attempt, each) for each in made]
    return answers.action_status(asked, actions, call.transaction(order, attempt).mode)
