"""Adding money to a wallet by control API: the order that pays it, and its payment without a browser."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from msgspec import Meta, structs, to_builtins

from mockpay.domain.buyers import normal_email
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict, IllegalTransition, MockpayError
from mockpay.kernel.money import Money
from mockpay.services.payments import orders
from mockpay.services.payments.transitions import get_order
from mockpay.services.wallet import top_ups
from mockpay.web.control import pay
from mockpay.web.control.buyers import buyer_named
from mockpay.web.control.endpoints import POST, Request
from mockpay.web.control.orders import OrderDetail, order_detail
from mockpay.web.control.pay_fields import PayRequest


class TopUpRequest(PayRequest, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How much, and what the buyer types as in `PayRequest`; without a `method` the order waits on its pages."""

    amount: Annotated[str, Meta(description="At least 1.00, within the wallet's limits.")]


def top_up(request: Request[None, TopUpRequest]) -> OrderDetail:
    """
    An order of kind topup comes through no company: the seller is not told, and none of its lists has it. It is paid
    on the pages of any payment, at `urls.pay`, or by `method` and its fields at once; `orders/{order_id}/pay` goes on.
    What a limit of the wallet refuses is 409 with its reason, what is left and from when.
    """
    body = request.body
    with request.transaction() as sandbox:
        buyer = buyer_named(sandbox, request.path["buyer_id"])
        url = f"{request.base}/account/{request.seller_id}/wallet"
        order = top_ups.open_order(sandbox, normal_email(buyer.email), Money.parse(body.amount), url)
    fields = structs.replace(body, buyer=body.buyer or buyer.email)
    if body.method:
        typed = {name: value for name, value in to_builtins(fields).items() if name != "amount"}
        try:
            pay.pay_by(request, order.order_id, PayRequest(**typed))
        except MockpayError:
            with request.transaction() as sandbox, suppress(Conflict, IllegalTransition):
                orders.cancel(sandbox, get_order(sandbox, order.order_pk), Actor.TESTER)
            raise
    with request.read() as sandbox:
        return order_detail(sandbox, order.order_id, request.base)


ENDPOINTS = (
    POST(
        "/v1/sellers/{seller_id}/buyers/{buyer_id}/wallet/top-up",
        top_up,
        "Add money to a buyer's wallet: the order that pays it.",
        errors=(409,),
        example='{"amount": "500.00", "method": "upi", "vpa": "success@mockpay", "pin": "1234"}',
    ),
)
