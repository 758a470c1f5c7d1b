"""What merchants' own tests hold in their hands: the verbs of a seller of a live server."""

from threading import Thread

import pytest
import requests

from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.store.unit_of_work import transaction
from mockpay.testing import ControlError, LiveServer, ServerProcess
from tests.control.listeners import listening


@pytest.fixture(scope="module")
def server():
    with LiveServer() as running:
        yield running


@pytest.fixture
def listener():
    with listening() as listener:
        yield listener


@pytest.fixture
def seller(server, listener):
    """A seller with a server of its own, and a clock that stands still."""
    seller = server.new_seller(ipn_url=listener.url)
    seller.freeze()
    return seller


def pay(seller, number="A-1", amount="499.00"):
    """As a buyer does; the order's id."""
    page = requests.get(
        seller.client().payment_url(amount=amount, seller_order_id=number, redirect_url="http://localhost/return"),
        timeout=10,
    )
    requests.post(f"{page.url}upi", data={"vpa": "success@mockpay"}, timeout=10)
    return seller.orders(seller_order_id=number)[0]["order_id"]


def test_a_refund_goes_from_pending_to_told_when_the_clock_moves(seller, listener):
    order = pay(seller)
    seller.client().refund(order, "R-1", "100.00")
    (line,) = seller.refunds(state="PENDING")
    moved = seller.advance(seconds=6 * 3_600)
    # Counted since the previous clock call: of the payment and of the refund.
    assert (moved["delivered"], moved["complete"]) == (2, True)

    refund = seller.refund(line["refund_id"])
    assert (refund["state"], refund["reference"]) == ("COMPLETED", "R-1")
    assert seller.order(order)["refunds"][0]["state"] == "COMPLETED"
    (told,) = seller.notifications(type="refund")
    (one,) = seller.notification(told["notification_id"])["tries"]
    assert one["request"]["body"] == listener.received[-1]
    assert seller.refunds(state="PENDING") == []


def test_a_waiting_test_is_told_when_a_refund_ends(seller):
    order = pay(seller)
    seller.client().refund(order, "R-1", "100.00")
    advancing = Thread(target=seller.advance, kwargs={"until": "idle"})
    advancing.start()
    event = seller.wait_for("refund.COMPLETED", reference="R-1")
    told = seller.wait_for("notification.delivered", refund_id=event["subject"])
    advancing.join()
    assert event["order_id"] == told["order_id"] == order


def test_waiting_for_what_does_not_come_is_an_error(seller):
    with pytest.raises(TimeoutError, match=r"No order.PAID seller_order_id:A-1 in 0.01 s."):
        seller.wait_for("order.PAID", timeout=0.01, seller_order_id="A-1")
    with pytest.raises(TimeoutError, match=r"No order.PAID in 0.01 s."):
        seller.wait_for("order.PAID", timeout=0.01)


def test_a_failed_notification_is_delivered_by_hand(seller, listener):
    listener.answers = [404]
    order = pay(seller)
    seller.wait_for("notification.DEAD", order_id=order)
    (dead,) = seller.notifications(state="DEAD")
    told = seller.deliver(dead["notification_id"])
    assert (told["state"], [one["status"] for one in told["tries"]]) == ("DELIVERED", [404, 200])


def test_money_is_captured_or_let_go_by_hand(seller):
    seller.control("PATCH", "", {"settings": {"capture": "manual"}})
    taken, left = pay(seller, "A-1"), pay(seller, "A-2")
    assert seller.capture(taken)["state"] == "PAID"
    assert seller.cancel(left)["state"] == "CANCELLED"
    with pytest.raises(ControlError) as refused:
        seller.capture(left)
    assert refused.value.problem["code"] == "capture.not_authorized"


def test_cancelling_a_paid_order_refunds_it(seller):
    (refund,) = seller.cancel(pay(seller))["refunds"]
    assert (refund["kind"], refund["amount"]) == ("CANCELLATION", "499.00")


def test_the_buyers_messages_are_found_by_their_address(seller):
    for number in ("+919876543210", "+919876543211"):
        with transaction(seller.server.runtime, seller.seller_id) as sandbox:
            challenges.start(sandbox, purpose=Purpose.SIGN_IN, subject=number, to=number)
    assert len(seller.inbox()) == 2
    (message,) = seller.inbox(kind="otp", to="+919876543210")
    assert message["otp"] in message["body"]


def test_the_code_of_an_attempt_is_the_newest_that_was_sent(seller):
    with pytest.raises(LookupError, match="No one-time password came for att_1"):
        seller.otp("att_1")
    for attempt in ("att_1", "att_2", "att_1"):
        with transaction(seller.server.runtime, seller.seller_id) as sandbox:
            challenges.start(sandbox, purpose=Purpose.PAYMENT, subject=attempt, to="+919876543210", attempt_id=attempt)
    newest, _, oldest = (one["otp"] for one in seller.inbox())
    assert seller.otp("att_1") == newest != oldest
    seller.advance(seconds=3_600)
    with pytest.raises(LookupError):
        seller.otp("att_1")


def test_a_buyer_has_a_wallet_and_saved_methods(seller):
    email = "rich@buyers.mockpay.test"
    buyer = seller.buyer(email)
    assert seller.wallet(email)["balance"] == "150000.00"
    saved = seller.save_method(email, "card", number="4111111111111111", expiry="08/35", name="Asha Rao")
    (found,) = seller.saved_methods(buyer["buyer_id"])
    assert (found["token"], found["title"]) == (saved["token"], "HDFC Bank Visa •••• 1111")


def test_the_risk_check_is_asked_and_told_what_to_decide(seller):
    assert seller.risk_dry_run("150000.00", method="upi")["decision"] == "CHALLENGE"
    forced = seller.risk_force("DECLINE", method="card")
    assert (forced["decision"], forced["match"]) == ("DECLINE", {"method": "card"})


def test_every_order_that_is_opened_is_a_new_one_however_many_there_are(seller):
    assert len({seller.open_order("1.00") for _ in range(53)}) == 53


def test_a_process_that_is_stopped_leaves_no_pipe_open():
    """Pipes left to the garbage collector are warnings, which many projects make errors."""
    with ServerProcess() as server:
        assert server.new_seller().orders() == []
    assert server._process.stdin.closed
    assert server._process.stdout.closed


def test_an_attempt_is_found_by_its_id(seller):
    (short,) = seller.order(pay(seller))["attempts"]
    told = seller.attempt(short["attempt_id"])
    assert (told["state"], told["authentications"]) == ("CAPTURED", [])


def test_a_name_with_odd_characters_is_just_not_found(seller):
    for name in ("a/b", "a?b=c", "%2e"):
        with pytest.raises(ControlError) as refused:
            seller.refund(name)
        assert refused.value.status == 404
