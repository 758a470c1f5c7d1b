"""Money that goes back: asked for, told of, asked about, never too much and never twice."""

import pytest

from mockpay.kernel.errors import Conflict
from mockpay.kernel.money import Money
from mockpay.merchant import ServiceError
from mockpay.merchant.ledger import RefundStatus
from tests.journeys.form_browser import DemoShop
from tests.journeys.running_shop import running_shop
from tests.journeys.settlement_cases import run_concurrently

SIX_HOURS = 6 * 3600


@pytest.fixture
def own(mockpay_server, tmp_path):
    """A shop whose refunds take five seconds."""
    with running_shop(mockpay_server, tmp_path) as shop:
        yield shop


@pytest.fixture
def slow(mockpay_server, tmp_path):
    """A shop whose refunds take six hours, as real ones do at best."""
    with running_shop(mockpay_server, tmp_path, refund_delay_seconds=SIX_HOURS) as shop:
        yield shop


@pytest.fixture
def demo(mockpay_server):
    """The demo shop, whose refunds take six hours."""
    shop = DemoShop.opened(mockpay_server)
    usual = shop.seller.fields["settings"]["refund_delay_seconds"]
    shop.seller.control("PATCH", "", {"settings": {"refund_delay_seconds": SIX_HOURS}})
    yield shop
    shop.seller.control("PATCH", "", {"settings": {"refund_delay_seconds": usual}})


def audit(shop):
    return shop.seller.control("GET", "/audit")


# --- the whole way ---


def test_money_goes_back_in_three_parts_and_not_a_rupee_more(slow):
    client, order = slow.back_office.checkout.client(), slow.sell("499.00")

    first = slow.refund_order(order, "100.00")
    assert first.state == "INITIATED"
    assert client.get_refund_details(first.amazon_refund_id).state == "Pending"
    slow.seller.advance(seconds=SIX_HOURS - 1)
    assert client.get_refund_details(first.amazon_refund_id).state == "Pending"
    moved = slow.seller.advance(seconds=1)
    assert (moved["fired"], moved["delivered"]) == (1, 1)
    assert slow.gate.told[-1] == (200, "Taken.")
    assert slow.steps(first) == [("NEW", "shop"), ("INITIATED", "RefundPayment"), ("PROCESSED", "notification")]
    assert client.get_refund_details(first.amazon_refund_id).state == "Completed"
    assert slow.verify_refunds().checked == 0

    second = slow.refund_order(order, "149.50")
    rest = slow.back_office.refund(slow.order(order), None)
    assert rest.amount == Money(249_50)
    slow.seller.advance(seconds=SIX_HOURS)
    assert [slow.refund(one).state for one in (second, rest)] == ["PROCESSED"] * 2
    assert slow.seller.order(rest.amazon_order_id)["state"] == "REFUNDED"

    with pytest.raises(Conflict, match="Nothing is left") as of_the_books:
        slow.refund_order(order, "1.00")
    assert of_the_books.value.code == "refund.nothing_left"
    with pytest.raises(ServiceError) as of_amazon:
        client.refund(rest.amazon_order_id, "ONE-MORE", "1.00")
    assert of_amazon.value.service_code == "TransactionAmountExceeded"
    assert slow.ledger.refunds.refundable(order.order_id) == Money(0)
    assert audit(slow) == {"ok": True, "violations": []}


def test_the_same_by_plain_forms(buyer, demo):
    buyer.buys(demo).asks("success@mockpay").follows("return-to-seller")
    order_page = buyer.url

    buyer.presses("shop-refund", amount="100.00")
    assert buyer.sees("refund-state").get("data-state") == "INITIATED"
    demo.seller.advance(seconds=SIX_HOURS)
    buyer.follows("shop-refresh")
    assert buyer.reads("refund-state") == "PROCESSED"
    assert "By a notification" in buyer.reads("refund-row")
    assert buyer.misses("shop-refresh")

    buyer.presses("shop-refund", amount="149.50")
    half_way = buyer.page
    buyer.presses("shop-refund-full")
    assert [row.get("data-state") for row in rows(buyer)] == ["INITIATED", "INITIATED", "PROCESSED"]
    demo.seller.advance(seconds=SIX_HOURS)
    buyer.goes_to(order_page)
    assert [row.get("data-state") for row in rows(buyer)] == ["PROCESSED"] * 3
    assert buyer.misses("shop-refund")

    # A page that was opened when there was still something to give back.
    buyer.page = half_way
    buyer.presses("shop-refund", amount="1.00", reference="")
    assert buyer.answer.status_code == 409
    assert "Nothing is left to give back." in buyer.page.text_content()
    assert [one["state"] for one in demo.order()["refunds"]] == ["COMPLETED"] * 3
    with pytest.raises(ServiceError, match="can be refunded") as refused:
        demo.seller.client().refund(demo.order()["order_id"], "ONE-MORE", "1.00")
    assert refused.value.service_code == "TransactionAmountExceeded"
    assert audit(demo)["ok"]


def rows(buyer):
    return buyer.page.xpath("//*[@data-testid='refund-row']")


def test_what_the_shop_does_not_know_of_is_refused_by_amazon(own):
    order = own.sell()
    own.back_office.checkout.client().refund(order.amazon_order_id, "BY-HAND", "499.00")
    refused = own.refund_order(order, "1.00")
    assert (refused.status, refused.state) == (RefundStatus.REFUSED, "FAILED")
    assert refused.reason.startswith("TransactionAmountExceeded")
    own.seller.advance(until="idle")
    # Amazon tells of the other one, and the shop enters it.
    assert own.alerts() == ["REFUND_NOT_ASKED"]
    assert own.ledger.refunds.find("BY-HAND").status is RefundStatus.PROCESSED
    assert own.ledger.refunds.refundable(order.order_id) == Money(0)


# --- by the amount of the refund ---

NOTIFIED, ASKED = "notification", "GetRefundDetails"
NEW, ACCEPTED = ("NEW", "shop"), ("INITIATED", "RefundPayment")
LOST = ("LOST", "RefundPayment")


@pytest.mark.parametrize(
    ("amount", "steps", "left"),
    [
        ("24.00", [ACCEPTED, ("PROCESSED", NOTIFIED)], "475.00"),
        ("24.02", [ACCEPTED, ("DECLINED", NOTIFIED)], "499.00"),
        ("24.03", [ACCEPTED, ("DECLINED", NOTIFIED)], "499.00"),
        ("24.04", [ACCEPTED], "474.96"),
        ("24.05", [LOST, ACCEPTED, ("PROCESSED", NOTIFIED)], "474.95"),
        ("24.07", [ACCEPTED, ("PROCESSED", ASKED)], "474.93"),
        ("24.08", [ACCEPTED, ("PROCESSED", NOTIFIED)], "474.92"),
        ("24.09", [("PROCESSED", NOTIFIED)], "474.91"),
        ("24.10", [ACCEPTED, ("PROCESSED", ASKED)], "474.90"),
        ("24.11", [ACCEPTED, ("PROCESSED", NOTIFIED)], "474.89"),
        ("24.12", [ACCEPTED, ("PROCESSED", NOTIFIED)], "474.88"),
    ],
)
def test_every_magic_refund_ends_with_the_right_books(own, amount, steps, left):
    order = own.sell()
    refund = own.refund_order(order, amount)
    if refund.status is RefundStatus.LOST:
        own.verify_refunds()
    own.seller.advance(until="idle")
    own.verify_refunds()
    assert own.steps(refund) == [NEW, *steps]
    assert own.ledger.refunds.refundable(order.order_id).wire() == left
    assert own.alerts() == []
    assert len(own.seller.refunds()) == 1
    assert audit(own)["ok"]


def test_a_refund_that_is_done_at_once_is_told_by_whichever_comes_first(own):
    refund = own.refund_order(own.sell(), "24.01")
    own.settled()
    assert own.refund(refund).status is RefundStatus.PROCESSED
    assert own.steps(refund)[-1] in {("PROCESSED", NOTIFIED), ("PROCESSED", "RefundPayment")}
    assert own.seller.advance(until="idle")["fired"] == 0
    assert own.alerts() == []


@pytest.mark.parametrize("amount", ["24.05", "24.06"])
def test_a_refund_without_an_answer_is_asked_for_again_with_the_same_reference(own, amount):
    refund = own.refund_order(own.sell(), amount)
    assert (refund.status, refund.amazon_refund_id) == (RefundStatus.LOST, "")
    run = own.verify_refunds()
    assert [one.status for one in run.changed] == [RefundStatus.INITIATED]
    (theirs,) = own.seller.refunds()
    assert theirs["reference"] == refund.reference_id
    assert own.refund(refund).amazon_refund_id == theirs["refund_id"]
    own.seller.advance(until="idle")
    assert own.refund(refund).status is RefundStatus.PROCESSED
    assert len(own.seller.refunds()) == 1


def test_a_refund_without_an_answer_is_settled_by_its_notification_too(own):
    refund = own.refund_order(own.sell(), "24.06")
    own.seller.advance(until="idle")
    assert own.steps(refund) == [NEW, LOST, ("PROCESSED", NOTIFIED)]
    assert own.verify_refunds().checked == 0
    assert len(own.seller.refunds()) == 1


@pytest.mark.parametrize(
    ("act", "status"),
    [("release", RefundStatus.PROCESSED), ("complete", RefundStatus.PROCESSED), ("decline", RefundStatus.DECLINED)],
)
def test_a_refund_is_held_until_a_tester_acts(own, act, status):
    refund = own.refund_order(own.sell(), "24.04")
    own.seller.advance(seconds=86_400)
    assert own.verify_refunds().changed == ()
    assert own.refund(refund).status is RefundStatus.INITIATED
    own.seller.control("POST", f"/refunds/{refund.amazon_refund_id}/{act}")
    own.settled()
    assert own.steps(refund)[-1] == (status.value, NOTIFIED)


@pytest.mark.parametrize("reason", ["AmazonRejected", "ProcessingFailure"])
def test_a_declined_refund_says_why_and_can_be_asked_for_anew(own, reason):
    order = own.sell()
    note = f'{{"SandboxSimulation": {{"State": "Declined", "ReasonCode": "{reason}"}}}}'
    refund = own.refund_order(order, "499.00", note=note)
    own.seller.advance(until="idle")
    declined = own.refund(refund)
    assert (declined.status, declined.reason, declined.state) == ("DECLINED", reason, "FAILED")
    # What a notification only said is asked about once.
    assert (own.verify_refunds().checked, own.verify_refunds().checked) == (1, 0)
    own.refund_order(order, "499.00")
    own.seller.advance(until="idle")
    assert [one.status for one in own.ledger.refunds.of_order(order.order_id)] == [
        RefundStatus.PROCESSED,
        RefundStatus.DECLINED,
    ]


def test_money_that_is_taken_back_later_stays_given_back_in_the_shops_books(own):
    """Amazon's wire has no word for it: GetRefundDetails goes on saying Completed."""
    order = own.sell()
    refund = own.refund_order(order, "24.12")
    own.seller.advance(until="idle")
    (theirs,) = own.seller.refunds()
    assert theirs["state"] == "REVERSED"
    assert own.back_office.checkout.client().get_refund_details(refund.amazon_refund_id).state == "Completed"
    assert own.refund(refund).status is RefundStatus.PROCESSED
    assert len(own.gate.came) == 2
    # What the sandbox could give back once more, the shop does not.
    assert own.ledger.refunds.refundable(order.order_id) == Money(474_88)


def test_a_refund_settled_by_the_third_question(own):
    own.seller.next("refund", "polls:3")
    refund = own.refund_order(own.sell())
    for status in (RefundStatus.INITIATED, RefundStatus.INITIATED, RefundStatus.PROCESSED):
        own.verify_refunds()
        assert own.refund(refund).status is status


# --- races and contradictions ---


def test_a_refund_that_amazon_took_from_somebody_else_contradicts_the_refusal(own):
    order = own.sell()
    reference = own.ledger.refunds.next_reference(order.order_id)
    # Another program of the seller's used the id first, with a note of its own.
    own.back_office.checkout.client().refund(order.amazon_order_id, reference, "100.00", note="by hand")
    refused = own.refund_order(order, "100.00", reference_id=reference)
    assert refused.reason.startswith("DuplicateRequest")
    own.seller.advance(until="idle")
    after = own.refund(refused)
    assert (after.status, after.disputed) == (RefundStatus.REFUSED, True)
    assert own.ledger.refunds.refundable(order.order_id) == Money(399_00)
    assert 'data-code="REFUND_STATE_CONFLICT"' in own.page(order).text


def test_eight_clerks_at_once_give_back_what_was_paid(own):
    order = own.sell()

    def give():
        try:
            return own.refund_order(order, "100.00").status
        except Conflict as error:
            return error.code

    came_to = run_concurrently(*[give] * 8)
    assert sorted(came_to) == sorted([RefundStatus.INITIATED] * 4 + ["refund.exceeds_payment"] * 4)
    own.seller.advance(until="idle")
    assert own.ledger.refunds.refundable(order.order_id) == Money(99_00)
    assert own.seller.order(order.amazon_order_id)["refunded_amount"] == "400.00"
    assert audit(own)["ok"]
