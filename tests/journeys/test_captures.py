"""Money that is held before it is taken, and orders that are given up, in the shop's books."""

import pytest

from mockpay.kernel.money import Money
from mockpay.merchant.ledger import OrderState, RefundStatus
from tests.journeys.running_shop import running_shop

FIVE_DAYS = 5 * 86_400


@pytest.fixture
def own(mockpay_server, tmp_path):
    with running_shop(mockpay_server, tmp_path) as shop:
        yield shop


@pytest.fixture
def by_hand(mockpay_server, tmp_path):
    """A shop whose seller captures by hand."""
    with running_shop(mockpay_server, tmp_path, capture="manual") as shop:
        yield shop


def reference_of(shop, order):
    """The shop's order at the sandbox."""
    (theirs,) = shop.seller.orders(seller_order_id=order.order_id)
    return theirs["order_id"]


def listed(shop, order):
    """State and reason by ListOrderReference."""
    (one,) = shop.back_office.checkout.client().list_order_reference(order.order_id).order_references
    return one.state, one.reason_code


def attempts(shop, order):
    return [one["state"] for one in shop.seller.order(reference_of(shop, order))["attempts"]]


def in_the_books(shop, order):
    """After asking: state, and what brought it."""
    shop.query_order(order)
    now = shop.order(order)
    return now.state, now.settled_by


# --- capture by the seller ---


@pytest.fixture
def held(by_hand):
    """An order whose money is authorised and not taken."""
    order = by_hand.sell()
    assert in_the_books(by_hand, order) == (OrderState.PENDING, "result")
    assert attempts(by_hand, order) == ["AUTHORIZED"]
    assert listed(by_hand, order) == ("Open", "")
    assert by_hand.settled().gate.came == []
    return order


def test_money_that_the_seller_takes_is_told_and_paid(by_hand, held):
    by_hand.seller.capture(reference_of(by_hand, held))
    by_hand.settled()
    assert by_hand.gate.told == [(200, "Taken.")]
    assert in_the_books(by_hand, held) == (OrderState.PAID, "notification")
    assert listed(by_hand, held) == ("Closed", "UpfrontChargeSuccess")
    refund = by_hand.refund_order(held, "499.00")
    by_hand.seller.advance(until="idle")
    assert by_hand.refund(refund).status is RefundStatus.PROCESSED


def test_money_that_is_let_go_fails_in_the_shop(by_hand, held):
    by_hand.seller.cancel(reference_of(by_hand, held))
    by_hand.settled()
    assert attempts(by_hand, held) == ["VOIDED"]
    assert in_the_books(by_hand, held) == (OrderState.FAILED, "notification")
    assert by_hand.seller.refunds() == []
    assert listed(by_hand, held)[0] == "Canceled"


def test_money_that_nobody_takes_in_time_fails_in_the_shop(by_hand, held):
    by_hand.seller.advance(seconds=FIVE_DAYS - 1)
    assert in_the_books(by_hand, held) == (OrderState.PENDING, "result")
    by_hand.seller.advance(seconds=1)
    assert attempts(by_hand, held) == ["VOIDED"]
    assert by_hand.seller.order(reference_of(by_hand, held))["reason"] == "authorization_expired"
    assert in_the_books(by_hand, held) == (OrderState.FAILED, "notification")


def test_a_shop_that_heard_nothing_of_a_capture_asks(by_hand, held):
    by_hand.gate.next_answers = [404]
    by_hand.seller.capture(reference_of(by_hand, held))
    by_hand.settled()
    assert by_hand.order(held).state is OrderState.PENDING
    assert in_the_books(by_hand, held) == (OrderState.PAID, "ListOrderReference")


# --- capture by itself, disturbed ---


def test_a_capture_that_is_pending_is_told_when_it_is_done(own):
    order = own.sell("1708.01")
    assert own.settled().gate.came == []
    assert in_the_books(own, order) == (OrderState.PENDING, "result")
    own.seller.advance(until="next")
    assert in_the_books(own, order) == (OrderState.PAID, "notification")


def test_a_capture_that_fails_is_told_and_takes_nothing(own):
    order = own.sell("1708.02")
    own.seller.advance(until="idle")
    assert in_the_books(own, order)[0] is OrderState.FAILED
    assert own.seller.order(reference_of(own, order))["refunded_amount"] == "0.00"
    assert own.alerts() == []


def test_half_a_capture_raises_an_alert_and_only_that_is_given_back(own):
    order = own.sell("1708.03")
    own.settled()
    assert own.ledger.refunds.refundable(order.order_id) == own.order(order).captured == Money(854_01)
    theirs = own.seller.order(reference_of(own, order))
    assert (theirs["captured_amount"], theirs["refundable_amount"]) == ("854.01", "854.01")
    assert own.back_office.checkout.client().charge_status(theirs["order_id"]).amount == "854.01"
    page = own.page(order).text
    assert "− ₹854.02" in page
    assert "₹854.01 at most" in page
    assert own.alerts() == ["PAYMENT_AMOUNT_CONFLICT"]
    assert "A notification names 854.01 INR, the shop asked for 1708.03." in own.page(order).text


# --- orders that are given up after they were paid ---


def test_the_shop_cancels_an_order_and_the_rest_goes_back(own):
    order = own.sell()
    own.refund_order(order, "100.00")
    cancelled = own.back_office.cancel(own.order(order))
    assert (cancelled.amount, cancelled.cancels) == (Money(399_00), True)
    assert own.back_office.cancel(own.order(order)) == cancelled
    own.seller.advance(until="idle")
    assert own.refund(cancelled).status is RefundStatus.PROCESSED
    assert own.ledger.refunds.refundable(order.order_id) == Money(0)
    assert own.seller.order(cancelled.amazon_order_id)["state"] == "REFUNDED"
    assert len(own.seller.refunds()) == 2
    assert own.alerts() == []


def test_an_order_that_the_sandbox_cancels_is_entered_in_the_shops_books(own):
    order = own.sell()
    own.refund_order(order, "100.00")
    own.seller.cancel(order.amazon_order_id)
    own.seller.advance(until="idle")
    adopted, asked_for = own.ledger.refunds.of_order(order.order_id)
    assert (adopted.amount, adopted.status) == (Money(399_00), RefundStatus.PROCESSED)
    assert adopted.reference_id == f"CANCEL-{order.amazon_order_id}-2"
    assert asked_for.status is RefundStatus.PROCESSED
    assert own.alerts() == ["REFUND_NOT_ASKED"]
    assert own.ledger.refunds.refundable(order.order_id) == Money(0)
    timeline = own.seller.order(order.amazon_order_id)["timeline"]
    assert "cancelled_after_capture" in [one["event"] for one in timeline]


@pytest.mark.parametrize("outcome", ["none", "out_of_order"])
def test_a_refund_of_a_payment_that_the_shop_never_heard_of_is_entered(own, outcome):
    own.seller.next("ipn", outcome)
    order = own.sell(comes_back=False)
    own.settled()
    own.seller.cancel(reference_of(own, order))
    own.seller.advance(until="idle")
    assert own.gate.came[0].type == "PaymentRefund"
    assert own.order(order).state is OrderState.PAID
    (adopted,) = own.ledger.refunds.of_order(order.order_id)
    assert (adopted.amount, adopted.status) == (Money(499_00), RefundStatus.PROCESSED)
    assert own.ledger.refunds.refundable(order.order_id) == Money(0)
    assert own.order(order).conflict == ""


def test_an_adopted_refund_is_told_three_times_and_entered_once(own):
    order = own.sell()
    own.settled()
    own.seller.next("ipn", "tripled")
    own.seller.cancel(order.amazon_order_id)
    own.seller.advance(until="idle")
    (adopted,) = own.ledger.refunds.of_order(order.order_id)
    assert own.steps(adopted) == [("NEW", "notification"), ("PROCESSED", "notification")]
    assert own.alerts() == ["REFUND_NOT_ASKED"]
