"""An order as PayU's API answers it, for whoever looks at it in the dashboard."""

from __future__ import annotations

import msgspec

from mockpay.domain.orders import Order
from mockpay.domain.providers import CompanyObject
from mockpay.providers.payu.transactions import transaction_of
from mockpay.store import attempts
from mockpay.store.unit_of_work import Sandbox
from mockpay.wire.payu import answers
from mockpay.wire.redaction import redact


def order_objects(sandbox: Sandbox, order: Order) -> list[CompanyObject]:
    """The answer to `verify_payment`, without what is secret or about the buyer."""
    txnid = order.seller_order_id
    last = attempts.last_of_order(sandbox, order.order_pk)
    body = answers.verified([txnid], {txnid: transaction_of(sandbox.seller, order, last)})
    text = msgspec.json.encode(redact(body, answers.SHOWN)).decode()
    return [CompanyObject(f"verify_payment, var1={txnid}", text)]
