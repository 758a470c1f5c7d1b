"""The demo shop and the hosted pages as a program sees them: links and forms, no script."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.journeys.form_browser import FormBrowser


def ledger(buyer):
    return buyer.sees("shop-order-state").get("data-state")


def listed(buyer):
    return buyer.sees("shop-list-order-reference").get("data-state")


def verified(buyer):
    return buyer.sees("shop-verified").get("data-status")


def pays_in_the_app(buyer, **typed):
    return buyer.opens_the_app().presses("upi-approve", **typed)


def test_a_payment_succeeds_and_the_shop_verifies_it(buyer, shop):
    buyer.buys(shop).asks("success@mockpay")
    assert buyer.reads("payment-status") == "SUCCESS"
    buyer.follows("return-to-seller")
    assert (ledger(buyer), verified(buyer), listed(buyer)) == ("PAID", "SUCCESS", "Closed")
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_a_decline_is_tried_again_in_the_app(buyer, shop):
    buyer.buys(shop).asks("insufficient@mockpay")
    assert buyer.sees("payment-reason").get("data-reason") == "insufficient_funds"
    pays_in_the_app(buyer.follows("retry").follows("method-upi"), pin="2580")
    buyer.follows("return-to-seller")
    assert ledger(buyer) == "PAID"


def test_a_pending_payment_is_settled_by_asking_again(buyer, shop):
    buyer.buys(shop).asks("pendingok@mockpay").follows("return-to-seller")
    assert (ledger(buyer), verified(buyer), listed(buyer)) == ("PENDING", "PENDING", "Open")
    shop.seller.advance(until="idle")
    buyer.goes_to(buyer.url)
    assert (ledger(buyer), listed(buyer)) == ("PAID", "Closed")


def test_the_waiting_page_asks_again_without_script_only(buyer, shop):
    buyer.buys(shop).asks("pending@mockpay")
    assert "Refresh" not in buyer.answer.headers
    assert buyer.page.xpath("//noscript/meta[@http-equiv='refresh']/@content") == ["2"]


def test_a_cancel_is_a_signed_failure(buyer, shop):
    buyer.buys(shop).presses("cancel-payment")
    assert buyer.reads("payment-status") == "CANCELLED"
    buyer.follows("return-to-seller")
    assert (ledger(buyer), verified(buyer), listed(buyer)) == ("FAILED", "FAILURE", "Canceled")


def test_an_unknown_outcome_cannot_be_paid_again(buyer, shop):
    buyer.buys(shop).asks("deemed@mockpay")
    assert buyer.heading == "Your bank has not told us"
    assert buyer.misses("retry")
    assert buyer.misses("cancel-payment")
    here = buyer.url
    for page in ("", "upi", "cancel", "result"):
        shown = buyer.goes_to(here.replace("waiting", page))
        assert shown.answer.status_code == 200
    assert [one["state"] for one in shop.order()["attempts"]] == ["UNKNOWN"]


def test_the_money_of_a_deemed_payment_goes_back_when_it_was_never_credited(buyer, shop):
    buyer.buys(shop).asks("deemedfail@mockpay")
    shop.seller.advance(until="next")
    buyer.goes_to(buyer.url)
    assert buyer.reads("payment-status") == "FAILURE"
    assert buyer.reads("payment-reason") == "The money went back to your account."


def test_the_time_to_pay_ends_the_order(buyer, shop):
    buyer.buys(shop)
    shop.seller.advance(seconds=900)
    buyer.goes_to(buyer.url)
    assert buyer.heading == "Time is up"
    buyer.follows("return-to-seller")
    assert (ledger(buyer), listed(buyer)) == ("FAILED", "Canceled")


def test_five_tries_are_all_there_are(buyer, shop):
    buyer.buys(shop).asks("failure@mockpay")
    for _ in range(4):
        buyer.follows("retry").asks("failure@mockpay")
    assert buyer.misses("retry")
    assert shop.order()["state"] == "FAILED"


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("status", "SUCCESS"),
        ("reasonCode", "001"),
        ("orderTotalAmount", "1.00"),
        ("amazonOrderId", "S04-0000000-0000000"),
        ("signature", "x"),
    ],
)
def test_a_forged_result_is_refused_and_changes_no_books(buyer, shop, parameter, value):
    way_back = urlsplit(buyer.buys(shop).asks("failure@mockpay").leaves())
    sent = {name: values[0] for name, values in parse_qs(way_back.query).items()}
    forged = way_back._replace(query=urlencode(sent | {parameter: value}))
    assert buyer.goes_to(forged.geturl()).answer.status_code == 400
    assert buyer.heading == "This result is refused"
    buyer.goes_to(f"{shop.url}/orders/{sent['sellerOrderId']}")
    # Nothing was believed: the shop asked instead.
    assert buyer.misses("shop-verified")
    assert ledger(buyer) == "FAILED"


@pytest.mark.parametrize("amount", ["1703.01", "1703.02"])
def test_a_spoiled_result_is_refused_and_the_shop_asks(buyer, shop, amount):
    pays_in_the_app(buyer.buys(shop, amount=amount).asks("asha@okhdfc"))
    assert buyer.follows("return-to-seller").answer.status_code == 400
    buyer.goes_to(f"{shop.url}/orders/{shop.order()['seller_order_id']}")
    assert buyer.misses("shop-verified")
    assert (ledger(buyer), listed(buyer)) == ("PAID", "Closed")


@pytest.mark.parametrize("amount", ["1703.03", "1703.04"])
def test_a_result_changed_after_signing_is_refused(buyer, shop, amount):
    pays_in_the_app(buyer.buys(shop, amount=amount).asks("asha@okhdfc"))
    buyer.follows("return-to-seller")
    assert buyer.sees("shop-refused").get("data-code") == "result.signature"


def test_a_result_that_comes_twice_is_booked_once(buyer, shop):
    pays_in_the_app(buyer.buys(shop, amount="1703.05").asks("asha@okhdfc"))
    buyer.follows("return-to-seller")
    assert (ledger(buyer), verified(buyer)) == ("PAID", "SUCCESS")
    assert "Before:" not in buyer.page.xpath("string(//main)")


def test_a_browser_that_is_late_comes_back_when_the_clock_has_moved(buyer, shop):
    pays_in_the_app(buyer.buys(shop, amount="1703.06").asks("asha@okhdfc"))
    assert buyer.follows("return-to-seller").heading == "Taking you back to the seller"
    shop.seller.advance(seconds=5)
    buyer.goes_to(buyer.url)
    assert (ledger(buyer), verified(buyer)) == ("PAID", "SUCCESS")


def test_a_browser_that_never_returns_leaves_the_shop_to_ask(buyer, shop):
    pays_in_the_app(buyer.buys(shop, amount="1703.07").asks("asha@okhdfc"))
    assert buyer.follows("return-to-seller").heading == "The buyer closed the browser here"
    assert buyer.page.xpath("//a[contains(@href, '/shop/return')]") == []
    buyer.goes_to(f"{shop.url}/orders/{shop.order()['seller_order_id']}")
    assert buyer.misses("shop-verified")
    assert ledger(buyer) == "PAID"


def test_a_capture_that_was_told_as_a_failure_is_sent_back(buyer, shop):
    pays_in_the_app(buyer.buys(shop, amount="1703.08").asks("asha@okhdfc"))
    buyer.follows("return-to-seller")
    assert verified(buyer) == "FAILURE"
    shop.seller.advance(until="idle")
    assert shop.order()["state"] == "REFUNDED"
    assert shop.seller.control("GET", "/audit")["ok"]


def test_eight_submissions_of_one_form_at_once_make_one_capture(buyer, shop):
    buyer.buys(shop).follows("method-upi")
    form = {
        "vpa": "success@mockpay",
        "form_token": buyer.page.xpath("//form[.//*[@name='vpa']]//input[@name='form_token']/@value")[0],
    }

    def submit(_number):
        answer = FormBrowser().session.post(buyer.url, data=form, timeout=60)
        return answer.status_code, answer.url.rpartition("/")[2]

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(submit, range(8)))
    assert {status for status, _ in answers} == {200}
    assert [one["state"] for one in shop.order()["attempts"]] == ["CAPTURED"]
    assert buyer.goes_to(buyer.url).reads("payment-status") == "SUCCESS"


def test_a_failed_order_is_paid_anew_however_soon(buyer, shop):
    """Two requests sealed in the same second say the same, yet they are two."""
    buyer.buys(shop).asks("failure@mockpay").follows("return-to-seller").presses("pay-again")
    assert buyer.heading == "How would you like to pay?"
    assert [one["state"] for one in shop.seller.orders()] == ["CREATED", "FAILED"]


def test_a_page_of_nobody_is_a_plain_404(buyer, shop):
    buyer.goes_to(f"{shop.server.url}/pay/nothing/upi")
    assert buyer.answer.status_code == 404
    assert buyer.heading == "There is no such payment"
