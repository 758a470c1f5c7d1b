"""Two things that a shop is told of, and what its books must then say, however they are told."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from threading import Barrier

import pytest

from mockpay.kernel.money import Money
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY
from mockpay.wire.amazonpay import sns


class PaymentCase:
    """A payment whose buyer never comes back: a notification tells, or a question."""

    before, done = "PLACED", "PAID"
    asked_by = "ListOrderReference"
    in_words = "a payment"

    def __init__(self, shop):
        self.shop = shop

    def happens(self):
        self.order = self.shop.sell(comes_back=False)
        self.shop.settled()

    def asks(self):
        self.shop.query_order(self.order)

    @property
    def state(self):
        return self.shop.order(self.order).state

    @property
    def settled_by(self):
        return self.shop.order(self.order).settled_by

    def ended_once(self, by):
        order = self.shop.order(self.order)
        assert (order.state, order.settled_by, order.conflict) == ("PAID", by, "")
        assert self.shop.ledger.refunds.refundable(order.order_id) == Money(499_00)
        _nothing_else_is_wrong(self.shop)


class RefundCase:
    """Part of a payment on its way back; it arrives after five seconds."""

    before, done = "INITIATED", "PROCESSED"
    asked_by = "GetRefundDetails"
    in_words = "a refund"

    def __init__(self, shop):
        self.shop, self.order = shop, shop.sell()
        shop.settled().gate.came.clear()

    def happens(self):
        self.refund = self.shop.refund_order(self.order)
        self.shop.seller.advance(seconds=5)

    def asks(self):
        self.shop.verify_refunds()

    @property
    def state(self):
        return self.shop.refund(self.refund).status

    @property
    def settled_by(self):
        return self.shop.refund(self.refund).settled_by

    def ended_once(self, by):
        ends = [step for step in self.shop.steps(self.refund) if step[0] not in {"NEW", "INITIATED"}]
        assert ends == [("PROCESSED", by)]
        assert self.shop.ledger.refunds.refundable(self.order.order_id) == Money(399_00)
        assert not self.shop.refund(self.refund).disputed
        _nothing_else_is_wrong(self.shop)


def _nothing_else_is_wrong(shop):
    assert shop.alerts() == []
    assert shop.verify_refunds().changed == ()
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


both_kinds = pytest.mark.parametrize("kind", [PaymentCase, RefundCase], ids=lambda kind: kind.in_words)


def newest_delivery(shop):
    """The newest delivery, with every try."""
    return shop.seller.notification(shop.seller.notifications()[0]["notification_id"])


def statuses(delivery):
    return [one["status"] for one in delivery["tries"]]


def pauses(delivery):
    """Seconds between the tries, by the seller's clock."""
    at = [datetime.fromisoformat(one["at"]) for one in delivery["tries"]]
    return [(later - sooner).total_seconds() for sooner, later in pairwise(at)]


def run_concurrently(*acts):
    """Begin all of them at the same moment; what each came to."""
    barrier = Barrier(len(acts))

    def begin(act):
        barrier.wait(10)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(begin, acts))


def contradicting(came, shop):
    """The same news with the other end, in a message of its own and signed as Amazon signs."""
    body = json.loads(came.body)
    said = body["Message"]
    assert "<State>Completed</State>" in said
    body["Message"] = said.replace("<State>Completed</State>", "<State>Declined</State>")
    body["MessageId"] = f"{body['MessageId'][:-4]}0000"
    key = shop.seller.server.runtime.keys.private[NOTIFICATION_KEY.private]
    body["Signature"] = sns.sign_notification(body, key)
    headers = came.headers | {"X-AMZ-SNS-MESSAGE-ID": body["MessageId"]}
    return headers, json.dumps(body).encode()
