"""One-time passwords as a program types them."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

#: Above the threshold of ₹5,000.00.
HIGH = "5000.01"


@pytest.fixture
def asked(buyer, shop):
    """A buyer of whom a code is asked."""
    buyer.buys(shop, amount=HIGH).pays_from_balance("rich")
    assert urlsplit(buyer.url).path.endswith("/otp")
    return buyer


def attempts(shop):
    return [(one["method"], one["state"]) for one in shop.order()["attempts"]]


def otps(shop):
    """What the order's newest challenge went through."""
    return [one["event"] for one in shop.order()["timeline"] if one["machine"] == "otp"]


def test_the_right_code_pays(asked, shop):
    assert "Payments above ₹5,000.00 need a one-time code." in asked.page.text_content()
    assert "r***@buyers.mockpay.test" in asked.page.text_content()
    asked.confirms()
    assert asked.reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("wallet", "CAPTURED")]
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_at_the_threshold_nothing_is_asked(buyer, shop):
    buyer.buys(shop, amount="5000.00").pays_from_balance("rich")
    assert buyer.reads("payment-status") == "SUCCESS"


@pytest.mark.parametrize("typed", ["000000", "12", "", "x" * 8, "222222", "777777"])
def test_a_wrong_code_says_how_many_tries_are_left_and_is_not_sent_back(asked, typed):
    asked.confirms(typed)
    assert asked.answer.status_code == 422
    assert asked.reads("otp-error") == "That code is not right. 2 tries left."
    field = asked.page.xpath("//input[@name='otp']")[0]
    assert (field.get("value"), field.get("aria-describedby")) == (None, "f-otp-error")
    assert asked.page.xpath("string(//title)").startswith("Error: ")
    assert asked.confirms().reads("payment-status") == "SUCCESS"


def test_three_wrong_codes_lock_the_try_and_another_method_may_follow(asked, shop):
    asked.confirms("000000").confirms("000001")
    assert asked.reads("otp-error") == "That code is not right. 1 try left."
    asked.confirms("000002")
    assert asked.reads("payment-status") == "FAILURE"
    assert asked.sees("payment-reason").get("data-reason") == "otp_attempts_exceeded"
    assert "Too many wrong codes were typed" in asked.reads("payment-reason")
    asked.follows("retry").pays_by_card()
    assert asked.reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("wallet", "FAILED"), ("card", "CAPTURED")]


def test_a_code_may_lock_at_once(asked):
    asked.confirms("888888")
    assert asked.sees("payment-reason").get("data-reason") == "otp_attempts_exceeded"


def test_a_code_expires_with_the_clock_and_a_new_one_pays(asked, shop):
    shop.seller.advance(seconds=300)
    asked.confirms()
    assert asked.reads("otp-error") == "This code has expired. Send a new one."
    asked.goes_to(asked.url)
    assert asked.reads("otp-error") == "This code has expired. Send a new one."
    asked.presses("otp-resend")
    assert asked.misses("otp-error")
    assert asked.confirms().reads("payment-status") == "SUCCESS"
    assert otps(shop) == ["start", "expire", "start", "verify"]


def test_the_magic_code_that_has_expired_has(asked):
    asked.confirms("999999")
    assert asked.reads("otp-error") == "This code has expired. Send a new one."


def test_another_code_is_sent_after_a_while_and_only_so_often(asked, shop):
    asked.presses("otp-resend")
    assert asked.answer.status_code == 422
    assert asked.reads("otp-error") == "Another code can be sent in 0:30."
    shop.seller.advance(seconds=30)
    asked.presses("otp-resend")
    assert "A new code was sent" in asked.page.text_content()
    assert len(otps(shop)) == 2
    shop.seller.advance(seconds=30)
    asked.presses("otp-resend")
    shop.seller.advance(seconds=30)
    asked.presses("otp-resend")
    assert asked.reads("otp-error") == "No more codes are sent for this payment."
    assert asked.confirms().reads("payment-status") == "SUCCESS"


def test_a_technical_error_comes_once_and_costs_no_try(asked, shop):
    asked.confirms("666666")
    assert asked.answer.status_code == 503
    assert "could not be checked" in asked.reads("otp-error")
    assert asked.confirms("666666").reads("payment-status") == "SUCCESS"
    assert otps(shop) == ["start", "technical", "verify"]


def test_a_code_that_does_not_arrive_is_sent_again(buyer, shop):
    shop.seller.next("auth", "otp_undelivered", method="wallet")
    buyer.buys(shop, amount=HIGH).pays_from_balance("rich")
    assert buyer.reads("otp-error") == "The code could not be delivered. Send it again."
    shop.seller.advance(seconds=30)
    buyer.presses("otp-resend")
    assert buyer.misses("otp-error")
    assert buyer.confirms().reads("payment-status") == "SUCCESS"


def test_the_buyer_may_choose_another_method_instead(asked, shop):
    asked.presses("otp-cancel")
    assert asked.heading == "How would you like to pay?"
    assert "You stopped this try. No money was taken." in asked.page.text_content()
    asked.pays_by_card()
    assert asked.reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("wallet", "CANCELLED"), ("card", "CAPTURED")]


def test_two_right_codes_at_once_verify_once_and_both_find_the_result(asked, shop):
    form = {
        "otp": "123456",
        "action": "verify",
        "form_token": asked.page.xpath("//input[@name='form_token']/@value")[0],
    }

    def confirm(_number):
        return requests.post(asked.url, data=form, timeout=60)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(confirm, range(2)))
    assert {one.status_code for one in answers} == {200}
    assert {urlsplit(one.url).path.rpartition("/")[2] for one in answers} <= {"result", "waiting"}
    assert asked.goes_to(asked.url).reads("payment-status") == "SUCCESS"
    assert otps(shop) == ["start", "verify"]
    assert attempts(shop) == [("wallet", "CAPTURED")]


def test_a_code_of_an_earlier_try_opens_no_later_one(asked, shop):
    old = asked.page.xpath("//input[@name='form_token']/@value")[0]
    here = asked.url
    asked.presses("otp-cancel").pays_from_balance("rich")
    asked.session.post(here, data={"otp": "123456", "form_token": old}, timeout=30)
    assert attempts(shop)[-1] == ("wallet", "AUTH_PENDING")
    assert asked.goes_to(here).confirms().reads("payment-status") == "SUCCESS"


def test_a_bank_is_asked_after_the_code(buyer, shop):
    buyer.buys(shop, amount=HIGH).goes_to_bank("HDFC")
    assert buyer.heading == "Enter the code"
    buyer.confirms().logs_in().presses("bank-success")
    assert buyer.reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("netbanking", "CAPTURED")]


def test_a_payment_that_looks_odd_asks_for_a_code(buyer, shop):
    buyer.session.headers["X-Mockpay-Device"] = "dev_new"
    buyer.buys(shop).pays_from_balance("rich")
    assert "to be sure that it is you" in buyer.page.text_content()
    assert buyer.confirms().reads("payment-status") == "SUCCESS"


def test_a_payment_is_checked_until_the_clock_approves_it(buyer, shop):
    buyer.session.headers["X-Mockpay-Buyer-Ip"] = "198.51.100.66"
    buyer.buys(shop).pays_by_card()
    assert buyer.heading == "We are checking this payment"
    buyer.sees("payment-waiting")
    shop.seller.advance(until="next")
    buyer.goes_to(buyer.url)
    assert buyer.heading == "Asking your bank"
    assert buyer.confirms_at_issuer().reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("card", "CAPTURED")]


def test_a_payment_that_is_refused_for_its_risk_says_nothing_of_it(buyer, shop):
    buyer.session.headers["X-Mockpay-Buyer-Ip"] = "192.0.2.66"
    buyer.buys(shop).types_card()
    assert buyer.sees("payment-reason").get("data-reason") == "payment_risk_check_failed"
    assert buyer.reads("payment-reason") == ("This payment cannot be made in this way. No money was taken.")


def test_the_page_is_over_once_the_order_is(asked, shop):
    shop.seller.advance(seconds=900)
    asked.confirms()
    assert asked.reads("payment-status") == "FAILURE"
    assert attempts(shop)[0][1] in {"EXPIRED", "CANCELLED"}


def test_a_code_is_sent_again_only_while_its_page_asks_for_it(asked, shop):
    """A page that was left open after its try was given up, or after its time, sends nothing."""
    form = asked._form_of(asked.sees("otp-resend"))
    button = asked.sees("otp-resend")
    shop.seller.advance(seconds=61)
    asked.presses("otp-cancel")
    sent = len(shop.seller.inbox(kind="otp"))
    old = asked.sends(form, button)
    assert "was not made" in old.page.text_content() or old.misses("otp-submit")
    asked.goes_to(f"{shop.server.url}{urlsplit(asked.url).path}")
    assert len(shop.seller.inbox(kind="otp")) == sent
    assert attempts(shop) == [("wallet", "CANCELLED")]
