"""Adding money to a wallet by control API: the order that pays it, and its payment without a browser."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import replace

from mockpay.domain.orders import Order
from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import Conflict, IllegalTransition, MockpayError, at_field
from mockpay.kernel.money import Money
from mockpay.services.payments import orders
from mockpay.services.payments.transitions import get_order
from mockpay.services.wallet import top_ups
from mockpay.web.control import pay
from mockpay.web.control.buyers import buyer_of
from mockpay.web.control.endpoints import POST, Request
from mockpay.web.control.idempotency import forget, once
from mockpay.web.control.orders import OrderDetail, order_detail
from mockpay.web.control.pay_fields import PayRequest


class TopUpRequest(PayRequest, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How much, and what the buyer types as in `PayRequest`; without a `method` the order waits on its pages."""

    amount: Annotated[str, Meta(description="At least 1.00, within the wallet's limits.")]


class _Opened(Struct):
    """What a key stands for."""

    order_id: str


def top_up(request: Request[None, TopUpRequest]) -> OrderDetail:
    """
    An order of kind topup comes through no company: the seller is not told, and none of its lists has it. It is paid
    on the pages of any payment, at `urls.pay`, or by `method` and its fields at once; `orders/{order_id}/pay` goes on.
    What a limit of the wallet refuses is 409 with its reason, what is left and from when.
    """
    body = request.body
    with at_field("amount"):
        amount = Money.parse(body.amount)
    opened: list[Order] = []
    # No card's number, not even the digest of one, is kept with a key.
    named = replace(request, body=TopUpRequest(amount=body.amount, method=body.method))
    with request.transaction() as sandbox:
        buyer = buyer_of(sandbox, request)

        def open_order() -> _Opened:
            url = f"{request.base}/account/{request.seller_id}/wallet"
            opened.append(top_ups.open_order(sandbox, buyer.email, amount, url))
            return _Opened(opened[0].order_id)

        order_id = once(sandbox, named, _Opened, open_order).order_id
    if body.method and opened:
        typed = {"buyer": buyer.email, **to_builtins(body)}
        del typed["amount"]
        try:
            pay.pay_by(request, order_id, PayRequest(**typed))
        except MockpayError:
            _take_back(request, opened[0])
            raise
    with request.read() as sandbox:
        return order_detail(sandbox, order_id, request.base)


def _take_back(request: Request[None, TopUpRequest], order: Order) -> None:
    """Nothing was paid: the order ends, and the key may be used again."""
    with request.transaction() as sandbox:
        forget(sandbox)
        with suppress(Conflict, IllegalTransition):
            orders.cancel(sandbox, get_order(sandbox, order.order_pk), Actor.TESTER)


ENDPOINTS = (
    POST(
        "/v1/sellers/{seller_id}/buyers/{buyer_id}/wallet/top-up",
        top_up,
        "Add money to a buyer's wallet: the order that pays it.",
        errors=(409,),
        idempotent=True,
        example='{"amount": "500.00", "method": "upi", "vpa": "success@mockpay", "pin": "1234"}',
    ),
)
