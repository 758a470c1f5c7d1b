"""Refunds come to their end however often the network fails."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from mockpay.kernel.money import Money
from mockpay.merchant import AmazonPayClient, Ledger, Reconciler, verify_refunds
from mockpay.merchant.ledger import OrderState, RefundStatus, RefundUpdate
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
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def client(service):
    return AmazonPayClient(SELLER_ID, ACCESS_KEY, SECRET_KEY, None, "http://127.0.0.1:8420", sender=Sender(service))


@pytest.fixture
def reconciler(ledger, client):
    return Reconciler(ledger, lambda: client, SteppingClock())


@pytest.fixture
def order_id(ledger):
    order = ledger.place("bell", Money(499_00), at=NOW)
    ledger.move(order, OrderState.PAID, at=NOW, amazon_order_id="S04-1-1")
    return order.order_id


@pytest.fixture
def booked(ledger, order_id):
    return ledger.refunds.create(order_id, PART, at=NOW)


def stands(ledger, refund):
    return ledger.refunds.find(refund.reference_id).status


# --- asking for one ---


def test_a_refund_that_is_accepted_is_initiated_with_amazons_id(reconciler, booked):
    sent = reconciler.send(booked)
    assert (sent.status, sent.amazon_refund_id) == (RefundStatus.INITIATED, "S04-1-1-R000000")
    assert sent.settled_by == "RefundPayment"


@pytest.mark.parametrize("code", ["TransactionAmountExceeded", "InvalidParameterValue", "DuplicateRequest"])
def test_a_refusal_of_the_refund_is_its_end(reconciler, service, ledger, booked, code):
    service.next_answers = [(400, code)]
    sent = reconciler.send(booked)
    assert (sent.status, sent.state) == (RefundStatus.REFUSED, "FAILED")
    assert sent.reason == f"{code}: {code} it is."
    assert ledger.refunds.refundable(booked.order_id) == Money(499_00)
    assert reconciler.run().checked == 0


@pytest.mark.parametrize(
    "trouble",
    [
        "away",
        "lost",
        (503, "RequestThrottled"),
        (500, "InternalServerError"),
        (500, ""),
        (401, "AccessDenied"),
        (403, "InvalidAccessKeyId"),
        (401, "MissingAuthenticationToken"),
        (400, "QuotaExceeded"),
        (403, "SignatureDoesNotMatch"),
        (401, "UnauthorizedAccess"),
        (400, "RequestExpired"),
    ],
)
def test_a_refund_without_a_telling_answer_is_asked_for_again_and_given_once(
    reconciler, service, ledger, booked, trouble
):
    service.next_answers = [trouble]
    assert reconciler.send(booked).status is RefundStatus.LOST
    assert ledger.refunds.refundable(booked.order_id) == Money(399_00)
    run = reconciler.run()
    assert (run.checked, run.unanswered) == (1, 0)
    assert [refund.status for refund in run.changed] == [RefundStatus.INITIATED]
    assert service.taken() == PART
    assert len(service.by_reference) == 1


def test_a_note_that_is_too_long_is_refused_without_asking(reconciler, service, ledger, order_id):
    refund = ledger.refunds.create(order_id, PART, at=NOW, note="x" * 256)
    assert reconciler.send(refund).status is RefundStatus.REFUSED
    assert service.asked == []


def test_a_refund_that_the_killed_shop_never_asked_for_is_asked_for(client, service, ledger, order_id):
    ledger.refunds.create(order_id, PART, at=NOW - 60_000)
    verify_refunds(ledger, client, clock=SteppingClock())
    assert service.taken() == PART


# --- asking about one ---


@pytest.mark.parametrize(
    ("state", "reason", "status"),
    [
        ("Pending", "", RefundStatus.INITIATED),
        ("Completed", "", RefundStatus.PROCESSED),
        ("Declined", "AmazonRejected", RefundStatus.DECLINED),
    ],
)
def test_a_refund_on_its_way_follows_get_refund_details(reconciler, service, ledger, booked, state, reason, status):
    reconciler.send(booked)
    service.settle(booked.reference_id, state, reason)
    reconciler.run()
    after = ledger.refunds.find(booked.reference_id)
    assert (after.status, after.reason) == (status, reason)
    assert service.asked == ["RefundPayment", "GetRefundDetails"]
    again = reconciler.run()
    assert again.checked == (status is RefundStatus.INITIATED)
    assert again.changed == ()


@pytest.mark.parametrize("trouble", ["away", (503, "RequestThrottled"), (404, "InvalidTransactionId")])
def test_a_question_without_an_answer_leaves_the_refund_for_the_next_run(reconciler, service, ledger, booked, trouble):
    reconciler.send(booked)
    service.settle(booked.reference_id)
    service.next_answers = [trouble]
    run = reconciler.run()
    assert (run.checked, run.changed, run.unanswered) == (1, (), 1)
    left = ledger.refunds.find(booked.reference_id)
    assert left.status is RefundStatus.INITIATED
    assert left.error
    assert reconciler.run().changed[0].status is RefundStatus.PROCESSED
    assert ledger.refunds.find(booked.reference_id).error == ""


def test_an_unreachable_service_ends_the_run_and_the_next_one_begins_elsewhere(reconciler, service, ledger, order_id):
    refunds = [reconciler.send(ledger.refunds.create(order_id, PART, at=NOW)) for _ in range(3)]
    for refund in refunds:
        service.settle(refund.reference_id)
    service.next_answers = ["away"]
    run = reconciler.run()
    assert (run.checked, run.unanswered) == (1, 1)
    moved = reconciler.run().changed
    assert [refund.reference_id for refund in moved] == [refunds[n].reference_id for n in (1, 2, 0)]


def test_a_shop_that_is_killed_while_it_asks_has_asked(reconciler, service, ledger, order_id):
    """The next run begins with another refund, not with the one whose question ended the shop."""
    refunds = [reconciler.send(ledger.refunds.create(order_id, PART, at=NOW)) for _ in range(2)]

    def killed(_fields):
        raise KeyboardInterrupt

    answer, service.answer = service.answer, killed
    with pytest.raises(KeyboardInterrupt):
        reconciler.run()
    service.answer = answer
    due = ledger.refunds.due(at=NOW + 1_000, limit=1)
    assert [refund.reference_id for refund in due] == [refunds[1].reference_id]


def test_a_throttled_question_does_not_stop_the_others(reconciler, service, ledger, order_id):
    refunds = [reconciler.send(ledger.refunds.create(order_id, PART, at=NOW)) for _ in range(3)]
    for refund in refunds:
        service.settle(refund.reference_id)
    service.next_answers = [(503, "RequestThrottled")]
    run = reconciler.run()
    assert (run.checked, len(run.changed), run.unanswered) == (3, 2, 1)


def test_only_one_orders_refunds_are_asked_about_if_it_is_named(reconciler, booked):
    reconciler.send(booked)
    assert reconciler.run(order_id="another").checked == 0
    assert reconciler.run(order_id=booked.order_id).checked == 1


def test_a_decline_by_notification_is_confirmed_once(reconciler, service, ledger, booked):
    sent = reconciler.send(booked)
    news = RefundUpdate(RefundStatus.DECLINED, "notification", sent.amazon_refund_id, "AmazonRejected")
    ledger.refunds.update(sent.reference_id, news, at=NOW)
    service.settle(sent.reference_id, "Declined", "AmazonRejected")
    assert [reconciler.run().checked, reconciler.run().checked] == [1, 0]


def test_a_decline_that_get_refund_details_denies_raises_an_alert(reconciler, service, ledger, booked):
    sent = reconciler.send(booked)
    news = RefundUpdate(RefundStatus.DECLINED, "notification", sent.amazon_refund_id)
    ledger.refunds.update(sent.reference_id, news, at=NOW)
    service.settle(sent.reference_id, "Completed")
    reconciler.run()
    assert stands(ledger, sent) is RefundStatus.DECLINED
    (alert,) = ledger.alerts.of_order(sent.order_id)
    assert alert.code == "REFUND_STATE_CONFLICT"
    assert ledger.refunds.refundable(sent.order_id) == Money(399_00)


def test_an_answer_about_another_amount_moves_nothing(reconciler, service, ledger, booked):
    reconciler.send(booked)
    service.settle(booked.reference_id)["RefundAmount"]["Amount"] = "1.00"
    reconciler.run()
    assert stands(ledger, booked) is RefundStatus.INITIATED
    assert [alert.code for alert in ledger.alerts.newest()] == ["REFUND_VALUE_CONFLICT"]


# --- races ---


@pytest.mark.parametrize(("notified", "alerts"), [("PROCESSED", 0), ("DECLINED", 1)])
def test_runs_and_notifications_at_once_leave_one_end(reconciler, service, ledger, booked, notified, alerts):
    sent = reconciler.send(booked)
    service.settle(sent.reference_id)
    news = RefundUpdate(RefundStatus(notified), "notification", sent.amazon_refund_id)

    def arrive(n):
        if n % 2:
            return reconciler.run()
        return ledger.refunds.update(sent.reference_id, news, at=NOW, message_id=f"m-{n // 4}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(arrive, range(8)))
    reconciler.run()
    steps = [event.status for event in ledger.refunds.events(sent.reference_id)]
    assert steps[:2] == [RefundStatus.NEW, RefundStatus.INITIATED]
    assert steps[2:] == [stands(ledger, sent)]
    assert len(ledger.alerts.of_order(sent.order_id)) == alerts


def test_runs_at_once_give_a_lost_refund_back_once(reconciler, service, ledger, booked):
    service.next_answers = ["lost"]
    reconciler.send(booked)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reconciler.run(), range(8)))
    assert stands(ledger, booked) is RefundStatus.INITIATED
    assert service.taken() == PART
    assert ledger.alerts.newest() == []
