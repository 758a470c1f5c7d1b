"""What the shop believes: results that contradict each other, come late or never."""

from urllib.parse import urlsplit

import pytest

from mockpay.merchant.shop import Credentials
from tests.merchant.shop.pretend_sandbox import (
    FAILED,
    FIRST,
    OPEN,
    PAID,
    books_say,
    buy,
    come_back,
    opened_request,
    signed_result,
)
from tests.wire.known_answers import ACCESS_KEY, SELLER_ID


@pytest.mark.parametrize(
    ("first", "second", "status", "state"),
    [
        ("FAILURE", "SUCCESS", PAID, "PAID"),
        ("FAILURE", "SUCCESS", FAILED, "FAILED"),
        ("SUCCESS", "FAILURE", PAID, "PAID"),
        ("SUCCESS", "FAILURE", FAILED, "FAILED"),
    ],
)
def test_list_order_reference_decides_between_two_results(shop, sandbox, first, second, status, state):
    buy(shop)
    sandbox.knows(FIRST, status)
    come_back(shop, signed_result(first, FIRST))
    assert come_back(shop, signed_result(second, FIRST)).status_code == 303
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == state
    assert 'data-testid="shop-conflict"' in page.text
    assert f"ListOrderReference decided: {state}." in page.text


def test_a_contradiction_waits_while_the_sandbox_is_away(shop, sandbox):
    buy(shop)
    come_back(shop, signed_result("FAILURE", FIRST))
    sandbox.away = True
    come_back(shop, signed_result("SUCCESS", FIRST))
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == "UNKNOWN"
    assert "It cannot be asked now: No answer from 127.0.0.1." in page.text
    sandbox.away = False
    sandbox.knows(FIRST, PAID)
    assert books_say(shop.get(f"/shop/orders/{FIRST}")) == "PAID"


@pytest.mark.parametrize(("status", "state"), [(PAID, "PAID"), (FAILED, "FAILED"), (OPEN, "PENDING")])
def test_a_pending_order_follows_list_order_reference(shop, sandbox, status, state):
    buy(shop)
    sandbox.knows(FIRST, OPEN)
    come_back(shop, signed_result("PENDING", FIRST))
    sandbox.forget(FIRST)
    sandbox.knows(FIRST, status)
    assert books_say(shop.get(f"/shop/orders/{FIRST}")) == state


def test_a_buyer_who_never_came_back_is_found_to_have_paid(shop, sandbox):
    buy(shop)
    sandbox.knows(FIRST, PAID)
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == "PAID"
    assert "shop-verified" not in page.text
    assert "from ListOrderReference, 21 Nov 2026, 3:34 pm" in page.text


def test_an_order_that_was_never_started_is_unknown_to_list_order_reference(shop):
    buy(shop)
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == "PLACED"
    assert "It does not know this order" in page.text


def test_list_order_reference_is_not_followed_over_another_amount(shop, sandbox):
    buy(shop)
    sandbox.knows(FIRST, PAID, amount="1.00")
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == "PLACED"
    assert "The shop asked for 499.00, ListOrderReference names 1.00." in page.text


def test_the_paid_one_of_several_references_counts(shop, sandbox):
    buy(shop)
    sandbox.knows(FIRST, PAID, amazon_order_id="S04-1-1")
    sandbox.knows(FIRST, FAILED, amazon_order_id="S04-1-2")
    assert books_say(shop.get(f"/shop/orders/{FIRST}")) == "PAID"


@pytest.mark.parametrize(
    ("status", "reference_state", "words"),
    [
        ("SUCCESS", FAILED, "The books say PAID, ListOrderReference says Closed Upfront"),
        ("FAILURE", PAID, "The books say FAILED, ListOrderReference says Closed Upfront"),
    ],
)
def test_books_and_list_order_reference_that_disagree_are_shown(shop, sandbox, status, reference_state, words):
    buy(shop)
    sandbox.knows(FIRST, reference_state)
    come_back(shop, signed_result(status, FIRST))
    page = shop.get(f"/shop/orders/{FIRST}")
    assert 'data-testid="shop-difference"' in page.text
    assert words in page.text
    assert 'data-testid="pay-again"' not in page.text


def test_a_refused_question_is_shown_with_its_reason(shop_with):
    wrong = Credentials(SELLER_ID, ACCESS_KEY, "another-secret")
    shop = shop_with(seller=wrong)
    buy(shop)
    assert "It cannot be asked now: The signature differs." in shop.get(f"/shop/orders/{FIRST}").text


# --- paying once more ---


def test_a_failed_order_can_be_paid_once_more(shop, sandbox, ledger):
    buy(shop)
    sandbox.knows(FIRST, FAILED, amazon_order_id="S04-1-1")
    come_back(shop, signed_result("FAILURE", FIRST))
    reply = shop.post(f"/shop/orders/{FIRST}/pay")
    said, _ = opened_request(urlsplit(reply.headers["Location"]).query)
    assert (reply.status_code, said["sellerOrderId"]) == (303, FIRST)
    # The reference that failed before must not fail the order again.
    assert books_say(shop.get(f"/shop/orders/{FIRST}")) == "PLACED"
    come_back(shop, signed_result("SUCCESS", FIRST, amazonOrderId="S04-1-2"))
    sandbox.forget(FIRST)
    sandbox.knows(FIRST, PAID, amazon_order_id="S04-1-2")
    page = shop.get(f"/shop/orders/{FIRST}")
    assert books_say(page) == "PAID"
    assert "shop-conflict" not in page.text
    assert ledger.find(FIRST).amazon_order_id == "S04-1-2"


@pytest.mark.parametrize("status", ["SUCCESS", "PENDING"])
def test_an_order_that_is_paid_or_pending_is_not_paid_once_more(shop, ledger, status):
    buy(shop)
    come_back(shop, signed_result(status, FIRST))
    reply = shop.post(f"/shop/orders/{FIRST}/pay")
    assert reply.headers["Location"] == f"/shop/orders/{FIRST}"
    assert 'data-testid="pay-again"' not in shop.get(f"/shop/orders/{FIRST}").text
