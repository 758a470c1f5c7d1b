"""Money goes back from the order's page, once for each press, and the page tells where it is."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest

from mockpay.kernel.errors import Forbidden
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import RefundStatus
from tests.merchant import posted
from tests.merchant.shop.pretend_sandbox import FIRST, OPEN, PAID, buy, come_back, signed_result

ORDER = f"/shop/orders/{FIRST}"


@pytest.fixture
def paid(shop, sandbox):
    """A shop with one paid order."""
    buy(shop)
    sandbox.knows(FIRST, PAID)
    come_back(shop, signed_result("SUCCESS", FIRST))
    return shop


def hidden(page, name):
    return re.search(f'name="{name}" value="([^"]*)"', page.text)[1]


def refund(shop, amount="100.00", **more):
    return shop.post(f"{ORDER}/refund", data={"amount": amount, **more})


def rows(page):
    return re.findall(r'data-testid="refund-row" data-reference="([^"]+)" data-state="(\w+)"', page.text)


def words_of(page):
    return " ".join(unescape(re.sub("<[^>]+>", " ", page.text)).split())


# --- what is offered ---


@pytest.mark.parametrize("hook", ["shop-refund-amount", "shop-refund", "shop-refund-full", "shop-cancel"])
def test_a_paid_order_can_be_refunded_and_an_unpaid_one_not(shop, sandbox, hook):
    buy(shop)
    assert f'data-testid="{hook}"' not in shop.get(ORDER).text
    sandbox.knows(FIRST, PAID)
    assert f'data-testid="{hook}"' in shop.get(ORDER).text


def test_an_order_without_refunds_has_nothing_to_verify(paid):
    page = paid.get(ORDER).text
    assert "shop-verify-refunds" not in page
    assert "data-poll" not in page


# --- giving back ---


def test_a_part_is_asked_for_and_shown_as_initiated(paid, sandbox):
    reply = refund(paid)
    assert (reply.status_code, reply.headers["Location"]) == (303, ORDER)
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-R1", "INITIATED")]
    dots = re.findall(r'<span class="dot (\w+)">.*\n +<b>(Refund asked for|Accepted by Amazon)</b>', page.text)
    assert dots == [("ok", "Refund asked for"), ("ok", "Accepted by Amazon")]
    assert '<b data-testid="refund-state" data-state="INITIATED">INITIATED</b>' in page.text
    told = words_of(page)
    for words in (
        "₹399.00 at most",
        "Refund ₹100.00",
        "Accepted by Amazon",
        "S04-1-1-R000000",
        f"Reference {FIRST}-R1",
        "Refund, on its way − ₹100.00",
        "You pay in the end ₹399.00",
    ):
        assert words in told
    assert sandbox.refunds.taken() == Money(100_00)


def test_the_rest_is_given_back_and_then_nothing_more(paid, sandbox):
    refund(paid)
    assert refund(paid, "", full="1").status_code == 303
    assert sandbox.refunds.taken() == Money(499_00)
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-R2", "INITIATED"), (f"{FIRST}-R1", "INITIATED")]
    assert 'data-testid="shop-refund"' not in page.text
    more = refund(paid, "1.00")
    assert more.status_code == 409
    assert "Nothing is left to give back." in words_of(more)
    assert sandbox.refunds.asked.count("RefundPayment") == 2


def test_more_than_is_left_stays_in_the_field_with_the_reason(paid, sandbox):
    refund(paid)
    page = refund(paid, "399.01")
    assert page.status_code == 409
    assert "At most 399.00 INR can be given back now." in page.text
    assert 'value="399.01"' in page.text
    assert "<title>Error: " in page.text
    assert sandbox.refunds.taken() == Money(100_00)


@pytest.mark.parametrize("amount", ["", "0", "-1", "1e2", "1.001", "१", "<b>"])
def test_an_amount_that_is_none_stays_in_the_field(paid, sandbox, amount):
    page = refund(paid, amount)
    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.text
    assert sandbox.refunds.asked == []


def test_a_form_that_is_sent_twice_gives_back_once(shop_with, paid, sandbox):
    reference = hidden(paid.get(ORDER), "reference")
    browsers = [shop_with() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda one: refund(one, reference=reference), browsers))
    assert [reply.status_code for reply in replies] == [303] * 8
    assert sandbox.refunds.taken() == Money(100_00)
    assert rows(paid.get(ORDER)) == [(reference, "INITIATED")]


def test_an_old_form_with_another_amount_is_refused(paid, sandbox):
    reference = hidden(paid.get(ORDER), "reference")
    refund(paid, reference=reference)
    assert refund(paid, "50.00", reference=reference).status_code == 409
    assert sandbox.refunds.taken() == Money(100_00)


def test_a_note_for_testing_goes_with_the_refund(paid, sandbox, ledger):
    note = '{"SandboxSimulation": {"State": "Declined", "ReasonCode": "AmazonRejected"}}'
    refund(paid, note=note)
    (asked,) = [call.url for call in sandbox.calls if "RefundPayment" in call.url]
    assert "SellerRefundNote=" in asked
    assert ledger.refunds.of_order(FIRST)[0].note == note


def test_presses_at_once_give_back_no_more_than_was_paid(shop_with, paid, sandbox, ledger):
    browsers = [shop_with() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(refund, browsers))
    assert sorted(reply.status_code for reply in replies) == [303] * 4 + [409] * 4
    assert sandbox.refunds.taken() == Money(400_00)
    assert ledger.refunds.refundable(FIRST) == Money(99_00)


def test_an_unpaid_order_gives_nothing_back(shop, sandbox):
    buy(shop)
    page = refund(shop)
    assert page.status_code == 409
    assert f"Order {FIRST} is not paid." in words_of(page)
    assert sandbox.refunds.asked == []


# --- cancelling ---


def test_cancelling_gives_all_that_is_left_back_once(paid, sandbox):
    refund(paid)
    for _ in range(2):
        reply = paid.post(f"{ORDER}/cancel")
        assert (reply.status_code, reply.headers["Location"]) == (303, ORDER)
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-C2", "INITIATED"), (f"{FIRST}-R1", "INITIATED")]
    assert "Order cancelled, refund ₹399.00" in words_of(page)
    assert sandbox.refunds.taken() == Money(499_00)


def test_an_unpaid_order_is_not_cancelled_by_the_shop(shop):
    buy(shop)
    assert shop.post(f"{ORDER}/cancel").status_code == 409


# --- when the network fails ---


def test_a_lost_answer_is_shown_and_verified_with_the_same_reference(paid, sandbox):
    sandbox.refunds.next_answers = ["lost"]
    refund(paid)
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-R1", "FAILED")]
    assert "It is asked for again with the same reference." in words_of(page)
    reply = paid.post("/shop/refunds/verify", data={"order_id": FIRST})
    assert (reply.status_code, reply.headers["Location"]) == (303, ORDER)
    assert rows(paid.get(ORDER)) == [(f"{FIRST}-R1", "INITIATED")]
    assert sandbox.refunds.taken() == Money(100_00)


def test_a_refusal_is_shown_with_its_reason(paid, sandbox):
    sandbox.refunds.next_answers = [(400, "InvalidParameterValue")]
    refund(paid)
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-R1", "FAILED")]
    assert "InvalidParameterValue it is." in words_of(page)
    assert "₹499.00 at most" in words_of(page)


@pytest.mark.parametrize(
    ("state", "books_say", "words"),
    [("Completed", "PROCESSED", "Money back in your account"), ("Declined", "FAILED", "Declined")],
)
def test_verifying_all_refunds_brings_their_ends(paid, sandbox, state, books_say, words):
    refund(paid)
    sandbox.refunds.settle(f"{FIRST}-R1", state)
    assert 'data-testid="shop-verify-refunds"' in paid.get("/shop/orders").text
    reply = paid.post("/shop/refunds/verify")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/shop/orders")
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-R1", books_say)]
    assert words in words_of(page)
    assert "y GetRefundDetails" in words_of(page)


def test_a_question_without_an_answer_is_shown(paid, sandbox):
    refund(paid)
    sandbox.refunds.next_answers = [(503, "RequestThrottled")]
    paid.post("/shop/refunds/verify", data={"order_id": FIRST})
    page = paid.get(ORDER)
    assert rows(page) == [(f"{FIRST}-R1", "INITIATED")]
    assert 'data-testid="refund-error"' in page.text
    assert "RequestThrottled" in words_of(page)


# --- live ---


def test_the_page_polls_while_something_is_to_come(paid, sandbox):
    refund(paid)
    page = paid.get(ORDER).text
    assert f'data-poll="{ORDER}/status" data-every="2"' in page
    assert 'data-testid="shop-refresh"' in page
    sandbox.refunds.settle(f"{FIRST}-R1")
    paid.post("/shop/refunds/verify")
    page = paid.get(ORDER).text
    assert "data-poll" not in page
    assert "shop-refresh" not in page


def test_a_refused_form_is_never_sent_again_by_the_page_itself(paid):
    refund(paid)
    page = refund(paid, "900").text
    assert "data-poll" not in page
    assert 'href=""' not in page
    assert f'<a href="{ORDER}" data-testid="shop-refresh">' in page


def test_a_pending_payment_is_polled_too(shop, sandbox):
    buy(shop)
    sandbox.knows(FIRST, OPEN)
    come_back(shop, signed_result("PENDING", FIRST))
    assert "data-poll" in shop.get(ORDER).text


def test_the_status_answers_anew_only_when_something_is_new(paid, sandbox):
    refund(paid)
    first = paid.get(f"{ORDER}/status")
    assert first.json["state"] == "INITIATED"
    assert f'data-version="{first.json["version"]}"' in paid.get(ORDER).text
    tag = {"If-None-Match": first.headers["ETag"]}
    assert paid.get(f"{ORDER}/status", headers=tag).status_code == 304
    body = posted.refund("S04-1-1-R000000", f"{FIRST}-R1")
    paid.post("/shop/ipn", data=posted.octets(body), headers=posted.headers_for(body))
    second = paid.get(f"{ORDER}/status", headers=tag)
    assert (second.status_code, second.json["state"]) == (200, "PROCESSED")
    assert second.json["version"] != first.json["version"]


def test_an_alert_is_news_for_the_page(paid, ledger):
    before = paid.get(f"{ORDER}/status").json["version"]
    ledger.alerts.enter(FIRST, "REFUND_STATE_CONFLICT", "Look.", at=1)
    assert paid.get(f"{ORDER}/status").json["version"] != before


def test_asking_for_the_status_asks_nobody_else(paid, sandbox):
    calls = len(sandbox.calls)
    paid.get(f"{ORDER}/status")
    assert len(sandbox.calls) == calls


# --- unknown things, guards ---


@pytest.mark.parametrize(("method", "path"), [("post", "refund"), ("post", "cancel"), ("get", "status")])
def test_an_unknown_order_is_not_found(shop, method, path):
    assert getattr(shop, method)(f"/shop/orders/NCW-2026-000009/{path}").status_code == 404


@pytest.mark.parametrize("path", [f"{ORDER}/refund", f"{ORDER}/cancel", "/shop/refunds/verify"])
def test_the_form_guard_stands_before_what_moves_money(shop_with, sandbox, path):
    def refuse():
        raise Forbidden("Another site may not ask this.")

    reply = shop_with(form_guard=refuse).post(path, data={"amount": "1.00"})
    assert reply.status_code == 403
    assert sandbox.calls == []


def test_every_form_carries_the_guards_token(shop_with, paid):
    refund(paid)
    page = shop_with(form_token=lambda: "t0ken").get(ORDER).text
    assert page.count('method="post"') == page.count('name="form_token" value="t0ken"') == 3


def test_what_is_kept_of_a_refund_is_escaped(paid, ledger):
    refund(paid, note="<script>alert(1)</script>")
    ledger.alerts.enter(FIRST, "X", "<img src=x>", at=1)
    page = paid.get(ORDER).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert not re.search(r"<[^>]+\s(style|on\w+)=", page)


def test_the_list_of_orders_shows_each_refund(paid):
    assert "Refund on its way" not in paid.get("/shop/orders").text
    refund(paid)
    assert "Refund on its way" in paid.get("/shop/orders").text


def test_a_refund_in_each_standing_has_its_words(paid, ledger):
    from mockpay.merchant.shop.view_models import _CHIPS, _STEPS

    assert set(_CHIPS) == set(_STEPS) == set(RefundStatus)
