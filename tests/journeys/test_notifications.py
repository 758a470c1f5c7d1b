"""However the network treats a notification, the shop's books end right, and end once."""

import pytest

from mockpay.merchant.ledger import OrderState
from tests.journeys.running_shop import running_shop
from tests.journeys.settlement_cases import (
    PaymentCase,
    RefundCase,
    both_kinds,
    contradicting,
    newest_delivery,
    pauses,
    run_concurrently,
    statuses,
)

TAKEN, BEFORE = (200, "Taken."), (200, "Taken before.")


@pytest.fixture
def shop(mockpay_server, tmp_path):
    with running_shop(mockpay_server, tmp_path) as shop:
        yield shop


# --- by scenario ---


@both_kinds
@pytest.mark.parametrize(
    ("outcome", "answers"),
    [("success", [TAKEN]), ("early", [TAKEN]), ("doubled", [TAKEN, BEFORE]), ("tripled", [TAKEN, BEFORE, BEFORE])],
)
def test_however_often_it_is_told_it_is_booked_once(shop, kind, outcome, answers):
    it = kind(shop)
    shop.seller.next("ipn", outcome)
    it.happens()
    assert shop.gate.told == [TAKEN]
    shop.seller.advance(until="idle")
    assert shop.gate.told == answers
    assert len({one.message_id for one in shop.gate.came}) == 1
    it.ended_once(by="notification")


@both_kinds
def test_two_copies_at_once_are_booked_once(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "doubled_at_once")
    shop.gate.shut()
    # Neither is answered before both are there.
    run_concurrently(it.happens, lambda: (shop.gate.wait(2), shop.gate.open()))
    assert [status for status, _ in shop.gate.told] == [200, 200]
    assert len({one.message_id for one in shop.gate.came}) == 1
    it.ended_once(by="notification")


@both_kinds
def test_one_that_is_late_comes_thirty_seconds_later(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "delayed")
    it.happens()
    shop.seller.advance(seconds=29)
    assert (shop.gate.told, it.state) == ([], it.before)
    shop.seller.advance(seconds=1)
    assert shop.gate.told == [TAKEN]
    it.ended_once(by="notification")


@both_kinds
def test_one_that_is_late_finds_the_shop_knowing_already(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "delayed")
    it.happens()
    it.asks()
    shop.seller.advance(until="idle")
    assert shop.gate.told == [TAKEN]
    it.ended_once(by=it.asked_by)


@both_kinds
def test_the_fourth_try_gets_through_when_three_were_lost(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "fails_until_4")
    it.happens()
    assert (shop.gate.told, it.state) == ([], it.before)
    shop.seller.advance(until="idle")
    delivery = newest_delivery(shop)
    assert (delivery["state"], statuses(delivery)) == ("DELIVERED", [None, None, None, 200])
    assert pauses(delivery) == [1, 5, 30]
    assert shop.gate.told == [TAKEN]
    it.ended_once(by="notification")


@both_kinds
@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("corrupt", "notification.malformed"),
        ("bad_signature", "notification.signature"),
        ("old_signature", "notification.signature"),
    ],
)
def test_one_that_is_not_to_be_believed_is_refused_and_the_shop_asks(shop, kind, outcome, code):
    it = kind(shop)
    shop.seller.next("ipn", outcome)
    it.happens()
    shop.seller.advance(until="idle")
    ((status, words),) = shop.gate.told
    assert (status, words.partition(":")[0]) == (400, code)
    assert newest_delivery(shop)["state"] == "DEAD"
    assert it.state == it.before
    it.asks()
    it.ended_once(by=it.asked_by)


@both_kinds
def test_without_a_notification_the_shop_asks(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "none")
    it.happens()
    shop.seller.advance(until="idle")
    assert (shop.gate.told, newest_delivery(shop)["state"]) == ([], "SUPPRESSED")
    assert it.state == it.before
    it.asks()
    it.ended_once(by=it.asked_by)


@both_kinds
def test_one_that_was_kept_back_is_sent_by_hand(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "none")
    it.happens()
    assert shop.seller.deliver(newest_delivery(shop)["notification_id"])["state"] == "DELIVERED"
    it.ended_once(by="notification")


@pytest.mark.parametrize(
    ("amount", "answers", "by"),
    [
        ("1704.01", [], "ListOrderReference"),
        ("1704.02", [TAKEN, BEFORE, BEFORE], "notification"),
        ("1704.03", [TAKEN], "notification"),
        ("1704.04", [TAKEN], "notification"),
        ("1704.05", None, "ListOrderReference"),
        ("1704.06", [TAKEN], "notification"),
    ],
)
def test_every_magic_amount_of_a_notification_ends_paid(shop, amount, answers, by):
    order = shop.sell(amount, comes_back=False)
    shop.seller.advance(until="idle")
    assert answers is None or shop.gate.told == answers
    shop.query_order(order)
    paid = shop.order(order)
    assert (paid.state, paid.settled_by, paid.conflict) == ("PAID", by, "")


@pytest.mark.parametrize("amount", ["1707.01", "1707.02", "1707.03", "1707.04", "1707.05"])
def test_a_question_that_goes_wrong_is_asked_again_and_never_misleads(shop, amount):
    shop.seller.next("ipn", "none")
    order = shop.sell(amount, comes_back=False)
    assert shop.query_order(order).state == "PLACED"
    shop.seller.advance(seconds=5)
    states = [shop.query_order(order).state for _ in range(3)]
    assert set(states) <= {"PLACED", "PAID"}
    assert states[-1] == "PAID"


def test_a_refund_overtakes_the_payment_that_it_belongs_to(shop):
    shop.seller.next("ipn", "out_of_order")
    order = shop.sell(comes_back=False)
    shop.settled()
    assert shop.gate.came == []
    assert shop.query_order(order).state == "PAID"
    refund = shop.refund_order(order)
    shop.seller.advance(until="idle")
    assert [one.type for one in shop.gate.came] == ["PaymentRefund", "OrderReferenceNotification"]
    assert shop.gate.told == [TAKEN, TAKEN]
    assert (shop.order(order).state, shop.order(order).conflict) == ("PAID", "")
    assert shop.refund(refund).status == "PROCESSED"
    assert shop.alerts() == []


def test_a_refund_is_overtaken_by_the_next_one(shop):
    order = shop.sell()
    shop.settled().gate.came.clear()
    shop.seller.next("ipn", "out_of_order")
    first = shop.refund_order(order)
    shop.seller.advance(seconds=5)
    second = shop.refund_order(order, "50.00")
    shop.seller.advance(until="idle")
    told = [one.body.decode() for one in shop.gate.came]
    assert [second.reference_id in told[0], first.reference_id in told[1]] == [True, True]
    for refund in (first, second):
        assert shop.steps(refund)[-1] == ("PROCESSED", "notification")
    assert shop.ledger.refunds.refundable(order.order_id).wire() == "349.00"


# --- races and contradictions ---


@both_kinds
def test_a_notification_and_four_questions_may_race(shop, kind):
    it = kind(shop)
    shop.seller.next("ipn", "delayed")
    it.happens()
    run_concurrently(lambda: shop.seller.advance(seconds=30), *[it.asks] * 4)
    assert shop.gate.told == [TAKEN]
    assert it.settled_by in {"notification", it.asked_by}
    it.ended_once(by=it.settled_by)


def test_a_refund_that_was_declined_after_it_was_done_raises_an_alert_on_the_page(shop):
    it = RefundCase(shop)
    it.happens()
    headers, body = contradicting(shop.gate.came[0], shop)
    reply = shop.session.post(f"{shop.url}/shop/ipn", data=body, headers=headers, timeout=20)
    assert reply.status_code == 200
    after = shop.refund(it.refund)
    # The first end stays, and the money counts as gone.
    assert (after.status, after.disputed) == ("PROCESSED", True)
    assert shop.ledger.refunds.refundable(it.order.order_id).wire() == "399.00"
    page = shop.page(it.order).text
    assert 'data-testid="shop-alert" data-code="REFUND_STATE_CONFLICT"' in page
    assert "is PROCESSED by notification; later notification said DECLINED." in page


def test_a_payment_that_failed_after_it_was_done_is_decided_by_asking(shop):
    it = PaymentCase(shop)
    it.happens()
    headers, body = contradicting(shop.gate.came[0], shop)
    reply = shop.session.post(f"{shop.url}/shop/ipn", data=body, headers=headers, timeout=20)
    assert reply.status_code == 200
    order = shop.order(it.order)
    assert (order.state, order.settled_by) == ("PAID", "ListOrderReference")
    assert order.conflict == "FAILED after PAID"
    assert 'data-testid="shop-conflict"' in shop.page(order).text


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_shop_confirms_its_subscription_and_is_told_though_the_certificate_fails_once(
    mockpay_server, tmp_path, version
):
    settings = {"ipn_profile": "sns", "ipn_signature_version": version, "certificate_fault": "once"}
    with running_shop(mockpay_server, tmp_path, **settings) as shop:
        shop.gate.wait(1)
        shop.settled()
        assert shop.seller.control("GET", "")["subscribed_url"]
        order = shop.sell(comes_back=False)
        shop.settled()
        assert [status for status, _ in shop.gate.told] == [200, 200]
        assert (shop.order(order).state, shop.order(order).settled_by) == (OrderState.PAID, "notification")
