"""Net banking as a program pays by it: the bank's page, its way back, and forgeries of that."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.journeys.form_browser import FormBrowser

ORDER = {"seller_order_id": "o-1", "redirect_url": "http://127.0.0.1:1/back"}


def why(buyer):
    reason = buyer.sees("payment-reason")
    return reason.get("data-reason"), reason.get("data-code")


def attempts(shop):
    return [(one["method"], one["state"]) for one in shop.order()["attempts"]]


@pytest.fixture
def at_bank(buyer, shop):
    """A buyer who has logged in at the bank."""
    return buyer.buys(shop).goes_to_bank("HDFC").logs_in()


def forged(address, **changes):
    parts = urlsplit(address)
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | changes)).geturl()


def test_the_bank_asks_for_a_log_in_and_then_shows_all_outcomes_at_once(buyer, shop):
    buyer.buys(shop).goes_to_bank("HDFC")
    assert buyer.reads("order-amount") == "INR 499.00"
    assert buyer.misses("bank-success")
    buyer.logs_in(user="anybody")
    for outcome in ("success", "failure", "pending", "cancel", "close"):
        buyer.sees(f"bank-{outcome}")


def test_a_bank_pays_and_the_shop_verifies_it(at_bank, shop):
    at_bank.presses("bank-success")
    assert at_bank.reads("payment-status") == "SUCCESS"
    at_bank.follows("return-to-seller")
    assert at_bank.sees("shop-order-state").get("data-state") == "PAID"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


@pytest.mark.parametrize(
    ("button", "expected", "did"),
    [
        ("bank-failure", ("payment_failed", "F"), "let the payment fail"),
        ("bank-cancel", ("payment_cancelled", "C"), "cancelled"),
    ],
)
def test_a_decline_at_the_bank_is_followed_by_a_card(at_bank, shop, button, expected, did):
    at_bank.presses(button)
    assert why(at_bank) == expected
    assert f"The buyer {did} on the bank’s page." in at_bank.page.text_content()
    at_bank.follows("retry").pays_by_card()
    assert at_bank.reads("payment-status") == "SUCCESS"
    assert [state for _, state in attempts(shop)] == ["FAILED", "CAPTURED"]


@pytest.mark.parametrize(
    ("user", "expected"), [("locked", ("debit_instrument_blocked", "L")), ("nofunds", ("insufficient_funds", "N"))]
)
def test_a_bank_turns_some_users_away(buyer, shop, user, expected):
    buyer.buys(shop).goes_to_bank("SBIN").logs_in(user)
    assert why(buyer) == expected


def test_a_pending_payment_is_settled_by_the_clock(at_bank, shop):
    at_bank.presses("bank-pending")
    assert at_bank.heading == "Your bank is still deciding"
    shop.seller.advance(until="idle")
    at_bank.goes_to(at_bank.url)
    assert at_bank.reads("payment-status") == "SUCCESS"


def test_a_closed_window_times_out_and_another_method_pays(at_bank, shop):
    at_bank.presses("bank-close")
    assert at_bank.heading == "Approve at HDFC Bank"
    shop.seller.advance(seconds=601)
    at_bank.goes_to(at_bank.url)
    assert why(at_bank) == ("payment_timed_out", "T")
    at_bank.follows("retry").pays_from_balance("rich")
    assert attempts(shop) == [("netbanking", "EXPIRED"), ("wallet", "CAPTURED")]


def test_a_bank_page_that_is_answered_too_late_sends_the_money_back(at_bank, shop):
    shop.seller.advance(seconds=601)
    at_bank.presses("bank-success")
    assert at_bank.reads("payment-status") == "FAILURE"
    assert "The money went back" in at_bank.reads("payment-reason")
    assert attempts(shop) == [("netbanking", "REVERSED")]
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_a_late_success_leaves_a_later_try_alone(at_bank, shop):
    shop.seller.advance(seconds=601)
    other = FormBrowser().goes_to(at_bank.url.split("bank?")[0])
    other.goes_to_bank("SBIN")
    at_bank.presses("bank-success")
    assert attempts(shop) == [("netbanking", "REVERSED"), ("netbanking", "AUTH_PENDING")]


def test_a_browser_that_never_comes_back_does_not_hide_what_the_bank_decided(at_bank, shop):
    at_bank.stops_at("bank-success")
    assert attempts(shop) == [("netbanking", "AUTH_PENDING")]
    shop.seller.advance(until="idle")
    assert attempts(shop) == [("netbanking", "CAPTURED")]


def test_a_bank_decides_once_and_both_windows_come_back_with_it(at_bank, shop):
    first = at_bank.stops_at("bank-failure")
    assert at_bank.stops_at("bank-failure") == first
    later = at_bank.stops_at("bank-success")
    assert later == f"{first}&not_made=1"
    assert at_bank.goes_to(first).misses("not-made")
    assert why(at_bank) == ("payment_failed", "F")
    assert not at_bank.goes_to(later).misses("not-made")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "S"},
        {"status": "S", "checksum": "0" * 64},
        {"amount": "1.00"},
        {"bank_ref": "BID000000000000"},
        {"checksum": ""},
        {"checksum": "é"},
    ],
)
def test_a_forged_return_never_pays(at_bank, shop, changes):
    address = forged(at_bank.stops_at("bank-failure"), **changes)
    at_bank.goes_to(address)
    assert at_bank.answer.status_code == 400
    assert "was not written by the bank" in at_bank.reads("bank-refused")
    assert attempts(shop) == [("netbanking", "AUTH_PENDING")]
    told = [one["event"] for one in shop.order()["timeline"]]
    assert told.count("bank_return_refused") == 1


def test_the_return_of_one_order_pays_no_other(at_bank, shop):
    address = at_bank.stops_at("bank-success")
    other = FormBrowser().buys(shop).goes_to_bank("HDFC").logs_in()
    there = other.url.split("bank?")[0] + "bank-return?" + urlsplit(address).query
    other.goes_to(there)
    assert other.answer.status_code == 400
    assert attempts(shop) == [("netbanking", "AUTH_PENDING")]


def test_the_return_may_come_by_post_and_come_twice(at_bank, shop):
    parts = urlsplit(at_bank.stops_at("bank-success"))
    brought = dict(parse_qsl(parts.query))
    for _ in range(2):
        answer = at_bank.session.post(parts._replace(query="").geturl(), data=brought, timeout=30)
        assert "Payment successful" in answer.text
    assert attempts(shop) == [("netbanking", "CAPTURED")]


def test_a_forged_log_in_opens_nothing(buyer, shop):
    buyer.buys(shop).goes_to_bank("HDFC")
    reference = buyer.page.xpath("//input[@name='bank_ref']/@value")[0]
    buyer.goes_to(f"{buyer.url}?session={reference}.{'0' * 64}")
    assert buyer.misses("bank-success")
    buyer.sees("bank-login")


def test_the_upi_app_cannot_answer_for_the_bank(buyer, shop):
    buyer.buys(shop).goes_to_bank("HDFC")
    token = buyer.page.xpath("//input[@name='form_token']/@value")[0]
    app = buyer.url.replace("/bank", "/upi-app")
    answer = {"action": "approve", "pin": "2580", "form_token": token}
    buyer.session.post(app, data=answer, timeout=30)
    assert attempts(shop) == [("netbanking", "AUTH_PENDING")]


@pytest.mark.parametrize(
    ("bank", "status", "state"),
    [
        ("MKS1", "SUCCESS", "CAPTURED"),
        ("MKF1", "FAILURE", "FAILED"),
        ("MKC1", "FAILURE", "FAILED"),
        ("MKX1", "FAILURE", "FAILED"),
    ],
)
def test_a_magic_bank_answers_without_a_page(buyer, shop, bank, status, state):
    buyer.buys(shop).goes_to_bank(bank)
    assert buyer.reads("payment-status") == status
    assert attempts(shop) == [("netbanking", state)]


@pytest.mark.parametrize(("bank", "status"), [("MKP1", "SUCCESS"), ("MKP2", "FAILURE")])
def test_a_magic_bank_is_pending_and_then_decides(buyer, shop, bank, status):
    buyer.buys(shop).goes_to_bank(bank)
    assert buyer.heading == "Your bank is still deciding"
    shop.seller.advance(until="idle")
    assert buyer.goes_to(buyer.url).reads("payment-status") == status


def test_a_bank_that_pays_after_the_order_has_expired_sends_the_money_back(buyer, shop):
    buyer.buys(shop).goes_to_bank("MKL1")
    buyer.sees("payment-waiting")
    shop.seller.advance(until="idle")
    assert attempts(shop) == [("netbanking", "REVERSED")]
    assert "The money went back" in buyer.goes_to(buyer.url).reads("payment-reason")


def test_a_bank_that_never_returns_times_out(buyer, shop):
    buyer.buys(shop).goes_to_bank("MKT1")
    assert buyer.heading == "Approve at Mock bank, never returns"
    assert buyer.misses("bank-link")
    shop.seller.advance(seconds=601)
    assert why(buyer.goes_to(buyer.url)) == ("payment_timed_out", "T")


def test_a_bank_that_is_down_keeps_its_place_and_cannot_be_chosen(buyer, mockpay_seller, mockpay_client):
    now = mockpay_seller.control("GET", "/clock")["now"]
    window = {"from": now, "to": "2099-01-01T00:00:00Z"}
    mockpay_seller.control("PATCH", "/methods", {"banks": {"ICIC": {"down": [window]}}})
    assert "1 of 21 is down" in buyer.opens(mockpay_client, **ORDER).reads("method-netbanking")
    buyer.follows("method-netbanking")
    codes = buyer.page.xpath("//input[@name='bank']/@value")
    assert codes[:4] == ["SBIN", "HDFC", "ICIC", "UTIB"]
    closed = buyer.page.xpath("//input[@name='bank'][@disabled]")
    assert [one.get("value") for one in closed] == ["ICIC", "MKD1"]
    assert "Not answering since" in closed[0].getparent().text_content()
    buyer.presses("pay", bank="ICIC")
    assert why(buyer) == ("bank_technical_error", "D")


def test_a_bank_is_found_by_its_name_and_one_must_be_chosen(buyer, shop):
    buyer.buys(shop).follows("method-netbanking")
    here = buyer.url
    buyer.goes_to(f"{here}?find=indian")
    assert buyer.page.xpath("//input[@name='bank']/@value") == ["IDIB", "IOBA"]
    buyer.goes_to(f"{here}?find=zzz")
    assert "No bank is called “zzz”" in buyer.page.text_content()
    buyer.goes_to(here).presses("pay")
    assert buyer.answer.status_code == 422
    assert "Choose your bank." in buyer.page.xpath("//*[@id='f-bank-error']")[0].text_content()
    assert shop.order()["attempts"] == []
