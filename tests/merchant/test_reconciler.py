"""Refunds come to their end however often the network fails."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from mockpay.kernel.money import Money
from mockpay.merchant import AmazonPayClient, Books, Reconciler, verify_refunds
from mockpay.merchant.ledger import OrderState, RefundNews, Standing
from mockpay.wire.amazonpay.signature_verification import request_fields
from tests.merchant.pretend_refunds import PretendRefunds
from tests.wire.known_answers import ACCESS_KEY, SECRET_KEY, SELLER_ID

NOW = 1_795_255_447_000
PART = Money(100_00)


class Sender:
    """Brings calls to the pretended service."""

    def __init__(self, service):
        self.service = service

    def send(self, call):
        return self.service.answer(request_fields(urlsplit(call.url).query))


class SteppingClock:
    """One millisecond later each time, so that what was asked first is known."""

    def __init__(self):
        self.at = NOW

    def now(self):
        self.at += 1
        return self.at


@pytest.fixture
def service():
    return PretendRefunds()


@pytest.fixture
def books(tmp_path):
    return Books(tmp_path / "shop.db")


@pytest.fixture
def client(service):
    return AmazonPayClient(
        SELLER_ID, ACCESS_KEY, SECRET_KEY, None, "http://127.0.0.1:8420", sender=Sender(service)
    )


@pytest.fixture
def reconciler(books, client):
    return Reconciler(books, lambda: client, SteppingClock())


@pytest.fixture
def order_id(books):
    order = books.place("bell", Money(499_00), at=NOW)
    books.move(order, OrderState.PAID, at=NOW, amazon_order_id="S04-1-1")
    return order.order_id


@pytest.fixture
def booked(books, order_id):
    return books.refunds.book(order_id, PART, at=NOW)


def stands(books, refund):
    return books.refunds.find(refund.reference_id).standing


# --- asking for one ---


def test_a_refund_that_is_accepted_is_initiated_with_amazons_id(reconciler, booked):
    sent = reconciler.send(booked)
    assert (sent.standing, sent.amazon_refund_id) == (Standing.INITIATED, "S04-1-1-R000000")
    assert sent.settled_by == "RefundPayment"


@pytest.mark.parametrize("code", ["TransactionAmountExceeded", "InvalidParameterValue", "DuplicateRequest"])
def test_a_refusal_of_the_refund_is_its_end(reconciler, service, books, booked, code):
    service.next_answers = [(400, code)]
    sent = reconciler.send(booked)
    assert (sent.standing, sent.state) == (Standing.REFUSED, "FAILED")
    assert sent.reason == f"{code}: {code} it is."
    assert books.refunds.left(booked.order_id) == Money(499_00)
    assert reconciler.run().asked == 0


@pytest.mark.parametrize(
    "trouble",
    [
        "away",
        "lost",
        (503, "RequestThrottled"),
        (500, "InternalServerError"),
        (500, ""),
        (403, "SignatureDoesNotMatch"),
        (400, "RequestExpired"),
    ],
)
def test_a_refund_without_a_telling_answer_is_asked_for_again_and_given_once(
    reconciler, service, books, booked, trouble
):
    service.next_answers = [trouble]
    assert reconciler.send(booked).standing is Standing.LOST
    assert books.refunds.left(booked.order_id) == Money(399_00)
    run = reconciler.run()
    assert (run.asked, run.unanswered) == (1, 0)
    assert [refund.standing for refund in run.moved] == [Standing.INITIATED]
    assert service.taken() == PART
    assert len(service.by_reference) == 1


def test_a_note_that_is_too_long_is_refused_without_asking(reconciler, service, books, order_id):
    refund = books.refunds.book(order_id, PART, at=NOW, note="x" * 256)
    assert reconciler.send(refund).standing is Standing.REFUSED
    assert service.asked == []


def test_a_refund_that_the_killed_shop_never_asked_for_is_asked_for(client, service, books, order_id):
    books.refunds.book(order_id, PART, at=NOW - 60_000)
    verify_refunds(books, client, clock=SteppingClock())
    assert service.taken() == PART


# --- asking about one ---


@pytest.mark.parametrize(
    ("state", "reason", "standing"),
    [
        ("Pending", "", Standing.INITIATED),
        ("Completed", "", Standing.PROCESSED),
        ("Declined", "AmazonRejected", Standing.DECLINED),
    ],
)
def test_a_refund_on_its_way_follows_get_refund_details(
    reconciler, service, books, booked, state, reason, standing
):
    reconciler.send(booked)
    service.settle(booked.reference_id, state, reason)
    reconciler.run()
    after = books.refunds.find(booked.reference_id)
    assert (after.standing, after.reason) == (standing, reason)
    assert service.asked == ["RefundPayment", "GetRefundDetails"]
    again = reconciler.run()
    assert again.asked == (standing is Standing.INITIATED)
    assert again.moved == ()


@pytest.mark.parametrize("trouble", ["away", (503, "RequestThrottled"), (404, "InvalidTransactionId")])
def test_a_question_without_an_answer_leaves_the_refund_for_the_next_run(
    reconciler, service, books, booked, trouble
):
    reconciler.send(booked)
    service.settle(booked.reference_id)
    service.next_answers = [trouble]
    run = reconciler.run()
    assert (run.asked, run.moved, run.unanswered) == (1, (), 1)
    left = books.refunds.find(booked.reference_id)
    assert left.standing is Standing.INITIATED
    assert left.trouble
    assert reconciler.run().moved[0].standing is Standing.PROCESSED
    assert books.refunds.find(booked.reference_id).trouble == ""


def test_an_unreachable_service_ends_the_run_and_the_next_one_begins_elsewhere(
    reconciler, service, books, order_id
):
    refunds = [reconciler.send(books.refunds.book(order_id, PART, at=NOW)) for _ in range(3)]
    for refund in refunds:
        service.settle(refund.reference_id)
    service.next_answers = ["away"]
    run = reconciler.run()
    assert (run.asked, run.unanswered) == (1, 1)
    moved = reconciler.run().moved
    assert [refund.reference_id for refund in moved] == [refunds[n].reference_id for n in (1, 2, 0)]


def test_a_throttled_question_does_not_stop_the_others(reconciler, service, books, order_id):
    refunds = [reconciler.send(books.refunds.book(order_id, PART, at=NOW)) for _ in range(3)]
    for refund in refunds:
        service.settle(refund.reference_id)
    service.next_answers = [(503, "RequestThrottled")]
    run = reconciler.run()
    assert (run.asked, len(run.moved), run.unanswered) == (3, 2, 1)


def test_only_one_orders_refunds_are_asked_about_if_it_is_named(reconciler, booked):
    reconciler.send(booked)
    assert reconciler.run(order_id="another").asked == 0
    assert reconciler.run(order_id=booked.order_id).asked == 1


def test_a_decline_by_notification_is_confirmed_once(reconciler, service, books, booked):
    sent = reconciler.send(booked)
    news = RefundNews(Standing.DECLINED, "notification", sent.amazon_refund_id, "AmazonRejected")
    books.refunds.follow(sent.reference_id, news, at=NOW)
    service.settle(sent.reference_id, "Declined", "AmazonRejected")
    assert [reconciler.run().asked, reconciler.run().asked] == [1, 0]


def test_a_decline_that_get_refund_details_denies_raises_an_alert(reconciler, service, books, booked):
    sent = reconciler.send(booked)
    news = RefundNews(Standing.DECLINED, "notification", sent.amazon_refund_id)
    books.refunds.follow(sent.reference_id, news, at=NOW)
    service.settle(sent.reference_id, "Completed")
    reconciler.run()
    assert stands(books, sent) is Standing.DECLINED
    (alert,) = books.alerts.of_order(sent.order_id)
    assert alert.code == "REFUND_STATE_CONFLICT"
    assert books.refunds.left(sent.order_id) == Money(399_00)


def test_an_answer_about_another_amount_moves_nothing(reconciler, service, books, booked):
    reconciler.send(booked)
    service.settle(booked.reference_id)["RefundAmount"]["Amount"] = "1.00"
    reconciler.run()
    assert stands(books, booked) is Standing.INITIATED
    assert [alert.code for alert in books.alerts.newest()] == ["REFUND_VALUE_CONFLICT"]


# --- races ---


@pytest.mark.parametrize(("notified", "alerts"), [("PROCESSED", 0), ("DECLINED", 1)])
def test_runs_and_notifications_at_once_leave_one_end(reconciler, service, books, booked, notified, alerts):
    sent = reconciler.send(booked)
    service.settle(sent.reference_id)
    news = RefundNews(Standing(notified), "notification", sent.amazon_refund_id)

    def arrive(n):
        if n % 2:
            return reconciler.run()
        return books.refunds.follow(sent.reference_id, news, at=NOW, message_id=f"m-{n // 4}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(arrive, range(8)))
    reconciler.run()
    steps = [event.standing for event in books.refunds.events(sent.reference_id)]
    assert steps[:2] == [Standing.NEW, Standing.INITIATED]
    assert steps[2:] == [stands(books, sent)]
    assert len(books.alerts.of_order(sent.order_id)) == alerts


def test_runs_at_once_give_a_lost_refund_back_once(reconciler, service, books, booked):
    service.next_answers = ["lost"]
    reconciler.send(booked)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reconciler.run(), range(8)))
    assert stands(books, booked) is Standing.INITIATED
    assert service.taken() == PART
    assert books.alerts.newest() == []
