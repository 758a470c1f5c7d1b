"""A merchant's own software against the sandbox: seal, send the buyer, verify, ask."""

from urllib.parse import urlsplit

import pytest

from mockpay.kernel.clock import SystemClock
from mockpay.merchant import SignatureMismatch
from mockpay.wire.amazonpay.opening import Flavour

BACK = "http://127.0.0.1:1/back"
FLAVOURS = pytest.mark.parametrize("flavour", [Flavour.PHP, Flavour.NODE])


class StandingClock:
    """Shows for ever when it was made."""

    def __init__(self):
        self._now = SystemClock().now()

    def now(self):
        return self._now


def come_back(client, buyer):
    """What the merchant makes of the address that the buyer is sent to."""
    where = urlsplit(buyer.leaves())
    assert where.netloc == "127.0.0.1:1"
    return client.verify_result(where.query)


@FLAVOURS
def test_a_success_is_verified_and_both_enquiries_agree(mockpay_seller, buyer, flavour):
    client = mockpay_seller.client(flavour=flavour)
    words = "घंटी & 'bell' 50% 😀"
    buyer.opens(client, seller_order_id="o-1", redirect_url=BACK, custom_information=words)
    result = come_back(client, buyer.asks("success@mockpay"))
    assert (result.outcome, result.reason_code, result.amount) == ("SUCCESS", "001", "499.00")
    assert (result.seller_order_id, result.custom_information) == ("o-1", words)
    listed = client.list_order_reference("o-1").order_references
    assert [one.paid for one in listed] == [True]
    status = client.charge_status(result.amazon_order_id)
    assert (status.outcome, status.custom_information) == ("SUCCESS", words)


@FLAVOURS
def test_a_failure_says_why_and_is_tried_again(mockpay_seller, buyer, flavour):
    client = mockpay_seller.client(flavour=flavour)
    buyer.opens(client, seller_order_id="o-1", redirect_url=BACK).asks("insufficient@mockpay")
    first = come_back(client, buyer)
    assert (first.outcome, first.description) == ("FAILURE", "Not enough funds")
    buyer.opens(client, seller_order_id="o-1", redirect_url=BACK, seller_note="second visit")
    again = come_back(client, buyer.asks("success@mockpay"))
    assert again.outcome == "SUCCESS"
    assert again.amazon_order_id != first.amazon_order_id


def test_two_requests_that_say_the_same_are_two_requests(mockpay_seller, buyer):
    """startTime counts seconds; a quick shop seals twice within one."""
    client = mockpay_seller.client(clock=StandingClock())
    buyer.opens(client, seller_order_id="o-1", redirect_url=BACK).asks("failure@mockpay")
    come_back(client, buyer)
    buyer.opens(client, seller_order_id="o-1", redirect_url=BACK)
    assert buyer.heading == "How would you like to pay?"
    assert [one["state"] for one in mockpay_seller.orders()] == ["CREATED", "FAILED"]


def test_a_pending_payment_becomes_known_to_the_merchant(mockpay_seller, mockpay_client, buyer):
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url=BACK).asks("pendingok@mockpay")
    result = come_back(mockpay_client, buyer)
    assert (result.outcome, result.reason_code) == ("PENDING", "01")
    assert not mockpay_client.list_order_reference("o-1").order_references[0].paid
    mockpay_seller.advance(seconds=30)
    assert mockpay_client.charge_status(result.amazon_order_id).outcome == "SUCCESS"


def test_a_rule_made_beforehand_decides_the_next_payment_once(mockpay_seller, mockpay_client, buyer):
    mockpay_seller.next("issuer", "Z9", method="upi")
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url=BACK).asks("success@mockpay")
    assert come_back(mockpay_client, buyer).description == "Not enough funds"
    buyer.opens(mockpay_client, seller_order_id="o-2", redirect_url=BACK).asks("success@mockpay")
    assert come_back(mockpay_client, buyer).outcome == "SUCCESS"


def test_a_paid_order_is_not_paid_again(mockpay_seller, mockpay_client, buyer):
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url=BACK).asks("success@mockpay")
    url = mockpay_client.payment_url(amount="499.00", seller_order_id="o-1", redirect_url=BACK, seller_note="once more")
    away = buyer.session.get(url, allow_redirects=False, timeout=30)
    result = mockpay_client.verify_result(urlsplit(away.headers["Location"]).query)
    assert result.outcome == "FAILURE"
    assert len(mockpay_seller.orders()) == 1


def test_a_result_of_one_seller_is_nothing_to_another(mockpay_server, mockpay_client, buyer):
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url=BACK).asks("success@mockpay")
    stranger = mockpay_server.new_seller().client()
    with pytest.raises(SignatureMismatch):
        stranger.verify_result(urlsplit(buyer.leaves()).query)
    assert stranger.list_order_reference("o-1").order_references == ()


def test_a_late_approval_is_sent_back_and_never_listed_as_paid(mockpay_seller, mockpay_client, buyer):
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url=BACK).asks("late@mockpay")
    mockpay_seller.advance(until="idle")
    assert [one.state for one in mockpay_client.list_order_reference("o-1").order_references] == ["Canceled"]
    attempts = mockpay_seller.order(mockpay_seller.orders()[0]["order_id"])["attempts"]
    assert [one["state"] for one in attempts] == ["REVERSED"]
    assert mockpay_seller.control("GET", "/audit")["ok"]


def test_the_sellers_own_timeout_ends_the_order(mockpay_seller, mockpay_client, buyer):
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url=BACK, transaction_timeout=60)
    mockpay_seller.advance(seconds=60)
    buyer.goes_to(buyer.url)
    assert buyer.heading == "Time is up"
    assert come_back(mockpay_client, buyer).description == "The time to pay is over"
