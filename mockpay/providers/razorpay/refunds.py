"""Refunds: asked for, fetched, listed and edited."""

from __future__ import annotations

import re
from typing import Any

from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt, AttemptState, Decision, Stage
from mockpay.domain.refunds import Refund, RefundRequest, is_reference
from mockpay.kernel import ids as kernel_ids
from mockpay.kernel.errors import Conflict, Invalid, NotFound, Unusable
from mockpay.kernel.money import Money
from mockpay.providers.razorpay import ids, objects, parameters
from mockpay.providers.razorpay.calls import Body, Call, Later
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.errors import invalid
from mockpay.services.refunds import refunds
from mockpay.store import api_objects, counters, transitions
from mockpay.store import refunds as refund_rows
from mockpay.store.reads import company_lists
from mockpay.wire.razorpay import answers
from mockpay.wire.razorpay import errors as words
from mockpay.wire.razorpay.requests import IDEMPOTENCY

#: A refund by its receipt, which no two may share.
RECEIPT = "refund_receipt"
_LONGEST_RECEIPT = 40
_KEY = re.compile(r"[A-Za-z0-9_-]{10,255}")
_SPEEDS = frozenset({objects.NORMAL, objects.OPTIMUM, objects.AT_ONCE})


def create(call: Call, payment_id: str | None = None) -> Later:
    """
    Send captured money back, all that is left where no amount is named.

    The same `X-Refund-Idempotency` and the same body are the same refund.

    Raises:
        Invalid: code ``refund.key``, or of a parameter.
        Conflict: code ``refund.key_taken``, ``refund.receipt_taken``, ``refund.not_captured``, ``refund.nothing_left``
            or ``refund.exceeds_capture``.
    """
    named = () if payment_id is not None else ("payment_id",)
    parameters.only(call.body, ("amount", "speed", "receipt", "reverse_all", *named))
    payment = payment_id or parameters.text(call.body, "payment_id", required=True)
    order, attempt = call.payment(str(payment))
    key = call.headers.get(IDEMPOTENCY.lower())
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid(words.KEY_FORM, code="refund.key")
    mark = kernel_ids.fingerprint(repr((attempt.attempt_id, _plain(call.body))).encode())
    reference = None if key is None else f"idem-{kernel_ids.fingerprint(key.encode())[:27]}"
    before = refund_rows.by_reference(call.sandbox, reference) if reference is not None else None
    if before is not None:
        if before.facts.get("mark") != mark:
            raise Conflict(words.OTHER_REFUND, code="refund.key_taken")
        return Later(None, lambda later: fetch(later, before.refund_id))
    return _request(call, order, attempt, reference, mark)


def _plain(body: Any) -> Any:
    """A body in which the order of names means nothing."""
    return sorted((name, repr(value)) for name, value in body.items())


def _request(call: Call, order: Order, attempt: Attempt, reference: str | None, mark: str) -> Later:
    sandbox = call.sandbox
    if attempt.state is not AttemptState.CAPTURED:
        raise Conflict(words.NOT_CAPTURED, code="refund.not_captured")
    left = attempt.refundable.minor
    if not left:
        raise Conflict(words.FULLY_REFUNDED, code="refund.nothing_left")
    minor = parameters.amount(call, default=left, least=1)
    speed = parameters.text(call.body, "speed") or objects.NORMAL
    if speed not in _SPEEDS:
        raise invalid("The selected speed is invalid.", "speed")
    receipt = parameters.text(call.body, "receipt", _LONGEST_RECEIPT)
    if receipt is not None and api_objects.by_reference(sandbox, NAME, RECEIPT, receipt) is not None:
        raise Conflict(words.RECEIPT_TAKEN, code="refund.receipt_taken", field="receipt")
    outcomes = call.outcomes(Stage.REFUND, Stage.IPN)
    wanted = RefundRequest(
        key=reference or _reference(call, receipt),
        amount=Money(minor),
        facts={
            "mark": mark,
            "receipt": receipt,
            "notes": parameters.notes(call.body),
            "speed": speed,
            "speed_processed": _speed(speed, outcomes.get(Stage.REFUND)),
        },
        outcomes=outcomes,
    )
    result = refunds.request(sandbox, order, wanted)
    if result.refund is None:
        # Raised later: the count of throttled calls has to stay.
        return Later(None, _throttled)
    refund_id = result.refund.refund_id
    if receipt is not None:
        facts = {"refund_id": refund_id}
        api_objects.add(sandbox, NAME, RECEIPT, f"{refund_id}/receipt", facts, parent=refund_id, reference=receipt)
    return Later(None, _lost if result.answer_lost else lambda later: fetch(later, refund_id))


def _speed(asked: str, decision: Decision | None) -> str:
    """How a refund is processed: at once only where the call asks for just that, else in the normal way."""
    at_once = asked != objects.NORMAL and decision is not None and decision.outcome == "completed"
    return objects.AT_ONCE if at_once else objects.NORMAL


def _reference(call: Call, receipt: str | None) -> str:
    """What the core calls a refund: its receipt where that can be."""
    if receipt is not None and is_reference(receipt) and refund_rows.by_reference(call.sandbox, receipt) is None:
        return receipt
    return f"refund-{counters.bump(call.sandbox, f'{NAME}.refund')}"


def _throttled(_call: Call) -> Body:
    raise Conflict("A scenario throttles this call.", code="throttled")


def _lost(_call: Call) -> Body:
    raise Unusable("A scenario loses this answer.", code="answer.lost")


def fetch(call: Call, refund_id: str) -> Body:
    """One refund; asking counts where a scenario settles it by the n-th enquiry."""
    refund = refund_rows.by_id(call.sandbox, refund_id)
    if refund is not None:
        call.payment(refund.attempt_id)
        return objects.refund_body(refunds.record_poll(call.sandbox, refund_id))
    _, attempt = call.payment(ids.payment_of(refund_id))
    if attempt.state not in objects.RETURNED:
        raise NotFound("There is no such refund.", code="refund.not_found", field="id")
    return objects.returned_body(attempt)


def list_(call: Call) -> Body:
    """Refunds that somebody asked for, the newest first."""
    found = company_lists.list_refunds(call.sandbox, NAME, parameters.part(call))
    return answers.collection_body([objects.refund_body(refund) for refund in found])


def list_of_payment(call: Call, payment_id: str) -> Body:
    """Every refund of a payment, the newest first."""
    order, attempt = call.payment(payment_id)
    found = [each for each in refund_rows.of_order(call.sandbox, order.order_pk) if each.attempt_id == payment_id]
    items = [objects.refund_body(refund) for refund in reversed(found)]
    part = parameters.part(call)
    returned = [objects.returned_body(attempt)] if attempt.state in objects.RETURNED else []
    return answers.collection_body([*items, *returned][part.skip : part.skip + part.count])


def fetch_of_payment(call: Call, payment_id: str, refund_id: str) -> Body:
    """One refund of a payment."""
    call.payment(payment_id)
    body = fetch(call, refund_id)
    if body["payment_id"] != payment_id:
        raise NotFound("There is no such refund of this payment.", code="refund.not_found", field="id")
    return body


def edit(call: Call, refund_id: str) -> Body:
    """Other notes."""
    parameters.only(call.body, ())
    refund: Refund | None = refund_rows.by_id(call.sandbox, refund_id)
    if refund is None:
        raise NotFound("There is no such refund.", code="refund.not_found", field="id")
    call.payment(refund.attempt_id)
    facts = {**refund.facts, "notes": parameters.notes(call.body)}
    after = transitions.update(call.sandbox, refund_rows.mapper, refund, facts=facts, updated_at=refund.updated_at)
    return objects.refund_body(after)
