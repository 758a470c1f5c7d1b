"""Notifications at the shop's door: what is taken, what is refused, what may come again."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockpay.kernel.errors import Forbidden
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import OrderState, RefundStatus
from tests.merchant import posted
from tests.merchant.shop.pretend_sandbox import FAILED, FIRST, PAID, URL, buy, come_back, signed_result

PEM = f"{URL}/SimpleNotificationService-0000000000000000000000.pem"


def post(shop, body, **headers):
    return shop.post("/shop/ipn", data=posted.octets(body), headers=posted.headers_for(body) | headers)


def pay(shop, sandbox):
    buy(shop)
    sandbox.knows(FIRST, PAID)
    come_back(shop, signed_result("SUCCESS", FIRST))


def give_back(shop, sandbox, amount="100.00"):
    """Pay an order and ask for a refund of it; the refund's two ids."""
    pay(shop, sandbox)
    assert shop.post(f"/shop/orders/{FIRST}/refund", data={"amount": amount}).status_code == 303
    (refund,) = sandbox.refunds.by_reference.values()
    return refund["AmazonRefundId"], refund["RefundReferenceId"]


# --- payments ---


@pytest.mark.parametrize(("state", "end"), [("Completed", OrderState.PAID), ("Declined", OrderState.FAILED)])
def test_a_payment_is_settled_by_its_notification(shop, ledger, state, end):
    buy(shop)
    reply = post(shop, posted.payment(FIRST, state))
    assert (reply.status_code, reply.text) == (200, "Taken.\n")
    order = ledger.find(FIRST)
    assert (order.state, order.settled_by, order.amazon_order_id) == (end, "notification", "S04-1-1")


def test_the_certificate_is_asked_of_the_sandbox_once(shop, sandbox):
    buy(shop)
    post(shop, posted.payment(FIRST))
    post(shop, posted.payment(FIRST, message_id="m-2"))
    assert [call.url for call in sandbox.calls if ".pem" in call.url] == [PEM]


def test_a_notification_that_comes_again_is_taken_once(shop, ledger):
    buy(shop)
    replies = [post(shop, posted.payment(FIRST)) for _ in range(2)]
    assert [(reply.status_code, reply.text) for reply in replies] == [(200, "Taken.\n"), (200, "Taken before.\n")]
    assert ledger.find(FIRST).state is OrderState.PAID


@pytest.mark.parametrize(("status", "end"), [(PAID, "PAID"), (FAILED, "FAILED")])
def test_list_order_reference_decides_between_result_and_notification(shop, sandbox, ledger, status, end):
    buy(shop)
    come_back(shop, signed_result("SUCCESS", FIRST))
    sandbox.knows(FIRST, status)
    assert post(shop, posted.payment(FIRST, "Declined")).status_code == 200
    order = ledger.find(FIRST)
    assert (order.state, order.conflict) == (end, "FAILED after PAID")


def test_another_amount_than_was_asked_for_is_taken_and_raises_an_alert(shop, ledger):
    buy(shop)
    assert post(shop, posted.payment(FIRST, amount="1.00")).status_code == 200
    assert ledger.find(FIRST).state is OrderState.PLACED
    page = shop.get(f"/shop/orders/{FIRST}").text
    assert 'data-testid="shop-alert" data-code="PAYMENT_AMOUNT_CONFLICT"' in page
    assert "A notification names 1.00 INR, the shop asked for 499.00." in page


def test_no_more_can_be_refunded_than_a_notification_says_was_taken(shop, ledger):
    """Down to a paisa, and nothing of it where it says so of no money."""
    buy(shop)
    for amount, refundable in [("0.00", "499.00"), ("0.01", "0.01"), ("499.01", "0.01")]:
        post(shop, posted.payment(FIRST, amount=amount, message_id=f"m-{amount}"))
        assert ledger.find(FIRST).captured.wire() == refundable


def test_an_order_of_another_shop_is_taken_and_forgotten(shop, ledger):
    assert post(shop, posted.payment("SOMEBODY-1")).status_code == 200
    assert ledger.messages.contains("m-1")
    assert ledger.newest() == []


# --- refunds ---


@pytest.mark.parametrize(
    ("state", "reason", "end", "left"),
    [
        ("Completed", "", RefundStatus.PROCESSED, 399_00),
        ("Declined", "AmazonRejected", RefundStatus.DECLINED, 499_00),
        ("Pending", "", RefundStatus.INITIATED, 399_00),
    ],
)
def test_a_refund_is_settled_by_its_notification(shop, sandbox, ledger, state, reason, end, left):
    refund_id, reference = give_back(shop, sandbox)
    assert ledger.refunds.find(reference).status is RefundStatus.INITIATED
    assert post(shop, posted.refund(refund_id, reference, state, reason=reason)).status_code == 200
    after = ledger.refunds.find(reference)
    assert (after.status, after.reason) == (end, reason)
    assert ledger.refunds.refundable(FIRST) == Money(left)


def test_a_notification_that_is_faster_than_the_answer_wins(shop_with, sandbox, ledger):
    shop = shop_with()
    pay(shop, sandbox)
    booked = ledger.refunds.create(FIRST, Money(100_00), at=0)
    post(shop, posted.refund("S04-1-1-R000000", booked.reference_id))
    assert ledger.refunds.find(booked.reference_id).status is RefundStatus.PROCESSED
    # The answer that says Pending comes now, by asking again with the same reference.
    form = {"amount": "100.00", "reference": booked.reference_id}
    shop.post(f"/shop/orders/{FIRST}/refund", data=form)
    assert ledger.refunds.find(booked.reference_id).status is RefundStatus.PROCESSED
    assert ledger.alerts.newest() == []


def test_eight_copies_at_once_make_one_step(shop_with, sandbox, ledger):
    refund_id, reference = give_back(shop_with(), sandbox)
    body = posted.refund(refund_id, reference)
    browsers = [shop_with() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda browser: post(browser, body), browsers))
    assert [reply.status_code for reply in replies] == [200] * 8
    assert [event.status for event in ledger.refunds.events(reference)] == [
        RefundStatus.NEW,
        RefundStatus.INITIATED,
        RefundStatus.PROCESSED,
    ]


def test_two_ends_raise_an_alert_on_the_shops_pages(shop, sandbox, ledger):
    refund_id, reference = give_back(shop, sandbox)
    post(shop, posted.refund(refund_id, reference))
    post(shop, posted.refund(refund_id, reference, "Declined", message_id="m-2"))
    assert ledger.refunds.find(reference).status is RefundStatus.PROCESSED
    for path in (f"/shop/orders/{FIRST}", "/shop/orders"):
        page = shop.get(path).text
        assert page.count('data-testid="shop-alert" data-code="REFUND_STATE_CONFLICT"') == 1
        assert "is PROCESSED by notification; later notification said DECLINED." in page


def test_a_refund_that_the_shop_never_asked_for_is_entered(shop, sandbox, ledger):
    pay(shop, sandbox)
    assert post(shop, posted.refund("S04-1-1-R000007", "CONTROL-1")).status_code == 200
    (refund,) = ledger.refunds.of_order(FIRST)
    assert (refund.status, refund.reference_id) == (RefundStatus.PROCESSED, "CONTROL-1")
    assert ledger.refunds.refundable(FIRST) == Money(399_00)
    assert 'data-code="REFUND_NOT_ASKED"' in shop.get(f"/shop/orders/{FIRST}").text


def test_a_refund_of_an_unknown_order_is_taken_and_forgotten(shop, ledger):
    assert post(shop, posted.refund("S04-9-9-R000001", "X")).status_code == 200
    assert ledger.refunds.newest() == []
    assert ledger.messages.contains("m-1")


def test_a_refund_that_is_told_before_its_payment_is_entered_once_amazon_says_whose_it_is(shop, sandbox, ledger):
    buy(shop)
    sandbox.knows(FIRST, PAID)
    assert post(shop, posted.refund("S04-1-1-R000001", "X", amount="499.00")).status_code == 200
    order, refund = ledger.find(FIRST), ledger.refunds.find("X")
    assert (order.state, order.settled_by) == (OrderState.PAID, "ListOrderReference")
    assert (refund.order_id, refund.status) == (FIRST, RefundStatus.PROCESSED)
    assert ledger.refunds.refundable(FIRST) == Money(0)
    assert [alert.code for alert in ledger.alerts.newest()] == ["REFUND_NOT_ASKED"]


def test_a_refund_comes_again_when_nobody_says_whose_it_is(shop, sandbox, ledger):
    buy(shop)
    post(shop, posted.payment("SOMEBODY-1"))  # The certificate is fetched.
    sandbox.away = True
    body = posted.refund("S04-1-1-R000001", "X", message_id="m-2")
    assert post(shop, body).status_code == 500
    assert not ledger.messages.contains("m-2")
    sandbox.away = False
    sandbox.knows(FIRST, PAID)
    assert post(shop, body).status_code == 200
    assert ledger.refunds.find("X").status is RefundStatus.PROCESSED


def test_a_refund_of_another_reference_than_the_one_that_was_paid_is_forgotten(shop, sandbox, ledger):
    pay(shop, sandbox)
    sandbox.knows(FIRST, FAILED, amazon_order_id="S04-7-7")
    assert post(shop, posted.refund("S04-7-7-R000001", "X")).status_code == 200
    assert ledger.refunds.newest() == []


def test_update_from_no_known_type_are_taken(shop, ledger):
    assert post(shop, posted.envelope("Something", "<X/>")).status_code == 200
    assert ledger.messages.contains("m-1")


# --- refused ---


def refused(reply, code):
    assert (reply.status_code, reply.text.partition(":")[0]) == (400, code)
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    return True


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Signature"])
def test_a_tampered_notification_changes_nothing(shop, ledger, name):
    buy(shop)
    body = posted.payment(FIRST)
    assert refused(post(shop, body | {name: body[name] + "A"}), "notification.signature")
    assert ledger.find(FIRST).state is OrderState.PLACED
    assert not ledger.messages.contains("m-1")


def test_a_forged_certificate_address_is_never_asked(shop, sandbox):
    body = posted.payment(FIRST) | {"SigningCertURL": "https://evil.example/x.pem"}
    assert refused(post(shop, body), "notification.certificate_url")
    assert sandbox.calls == []


def test_another_sellers_notification_is_refused(shop, ledger):
    buy(shop)
    assert refused(post(shop, posted.payment(FIRST, SellerId="A1OTHER")), "notification.seller")
    assert ledger.find(FIRST).state is OrderState.PLACED


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[]", b"x" * 300_000])
def test_what_is_no_notification_is_refused(shop, body):
    assert shop.post("/shop/ipn", data=body).status_code == 400


def test_only_posts_arrive(shop):
    assert shop.get("/shop/ipn").status_code == 405


@pytest.mark.parametrize("setting", ["certificate_urls", "topic_arns"])
def test_the_shop_can_be_told_whom_to_trust(shop_with, setting):
    url = "http://10.0.0.1/x.pem"
    body = posted.signed(posted.payment(FIRST) | {"SigningCertURL": url})
    trusting = {"certificate_urls": [url], "topic_arns": [body["TopicArn"]]}
    assert post(shop_with(**trusting), body).status_code == 200
    assert post(shop_with(**trusting | {setting: ["another"]}), body).status_code == 400


# --- troubles of the shop's own ---


def test_an_unreachable_certificate_asks_for_another_try(shop, sandbox, ledger):
    buy(shop)
    sandbox.away = True
    assert post(shop, posted.payment(FIRST)).status_code == 500
    sandbox.away = False
    assert post(shop, posted.payment(FIRST)).status_code == 200
    assert ledger.find(FIRST).state is OrderState.PAID


def test_books_that_cannot_be_written_ask_for_another_try(shop, tmp_path, ledger):
    buy(shop)
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("ALTER TABLE messages RENAME TO gone")
    connection.close()
    reply = post(shop, posted.payment(FIRST))
    assert (reply.status_code, ledger.find(FIRST).state) == (500, OrderState.PLACED)


def test_a_certificate_may_be_had_by_other_ways(shop_with, ledger):
    asked = []

    def fetch(url):
        asked.append(url)
        return posted.CERTIFICATE

    shop = shop_with(fetch_certificate=fetch)
    buy(shop)
    assert post(shop, posted.payment(FIRST)).status_code == 200
    assert asked == [posted.URL]


def test_amazon_needs_no_form_token_but_passes_the_arrival_guard(shop_with):
    def refuse():
        raise Forbidden("Not you.")

    body = posted.payment("SOMEBODY-1")
    assert post(shop_with(form_guard=refuse), body).status_code == 200
    assert post(shop_with(guard=refuse, arrival_guard=lambda: None), body).status_code == 200
    assert post(shop_with(guard=refuse), body).status_code == 403
