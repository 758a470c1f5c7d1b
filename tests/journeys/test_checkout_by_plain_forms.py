"""What the pages of a payment say beside their forms: how it ended, who answers, what came too late, what is barred."""

from urllib.parse import urljoin

import pytest

from tests.journeys.form_browser import FormBrowser


def barred(buyer):
    return buyer.answer.status_code == 422 and not buyer.misses("method-barred")


@pytest.mark.parametrize(
    ("vpa", "label"),
    [("success@mockpay", "Paid"), ("failure@mockpay", "Amount to pay"), ("asha@okaxis", "Amount to pay")],
)
def test_the_amount_is_called_paid_once_it_is_and_to_pay_while_it_may_be(buyer, shop, vpa, label):
    buyer.buys(shop)
    assert buyer.reads("amount-label") == "Amount to pay"
    buyer.asks(vpa)
    assert buyer.reads("amount-label") == label


def test_the_amount_is_called_not_paid_once_the_order_is_over(buyer, shop):
    buyer.buys(shop).presses("cancel-payment")
    assert buyer.reads("amount-label") == "Not paid"
    buyer.buys(shop)
    shop.seller.advance(seconds=901)
    assert buyer.goes_to(f"{buyer.url}result").reads("amount-label") == "Not paid"


def test_money_that_is_only_held_is_told_as_the_seller_is_told_it(buyer, mockpay_seller, mockpay_client):
    mockpay_seller.control("PATCH", "", {"settings": {"capture": "manual"}})
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url="http://127.0.0.1:1/back").asks("success@mockpay")
    assert (buyer.heading, buyer.reads("payment-status")) == ("Payment authorised", "PENDING")
    assert buyer.reads("amount-label") == "Held for the seller"
    assert "status=PENDING" in buyer.leaves()


def test_tries_stay_counted_after_the_last_one(buyer, shop):
    buyer.buys(shop).asks("failure@mockpay")
    for _ in range(4):
        buyer.follows("retry").asks("failure@mockpay")
    assert "Tried so far, 5 of 5" in buyer.page.text_content()
    assert buyer.reads("amount-label") == "Not paid"


def test_the_waiting_page_says_when_the_simulated_buyer_answers(buyer, shop):
    buyer.buys(shop).asks("asha@okaxis")
    assert buyer.reads("buyer-answers") == "0:10"
    shop.seller.advance(seconds=4)
    assert buyer.goes_to(buyer.url).reads("buyer-answers") == "0:06"
    shop.seller.advance(seconds=6)
    assert buyer.goes_to(buyer.url).reads("payment-status") == "SUCCESS"


def test_nobody_is_said_to_answer_once_a_person_has_opened_the_app(buyer, shop):
    waiting = buyer.buys(shop).asks("asha@okaxis").url
    buyer.opens_the_app().goes_to(waiting)
    assert buyer.misses("buyer-answers")
    assert "Nobody else answers." in buyer.page.text_content()


def test_a_form_of_a_second_tab_is_told_that_it_was_not_carried_out(buyer, shop):
    buyer.buys(shop)
    other = FormBrowser(session=buyer.session).goes_to(buyer.url).follows("method-upi")
    assert buyer.asks("failure@mockpay").misses("not-made")
    other.presses("pay", vpa="success@mockpay")
    assert "What you just sent was not carried out" in other.reads("not-made")
    assert other.reads("payment-status") == "FAILURE"
    assert [one["state"] for one in shop.order()["attempts"]] == ["FAILED"]


def test_a_form_for_an_order_that_was_cancelled_elsewhere_is_told_so(buyer, shop):
    other = FormBrowser(session=buyer.session).goes_to(buyer.buys(shop).url).follows("method-card")
    buyer.presses("cancel-payment")
    other.presses("pay", number="4100280000001007", expiry="08/29", cvv="123", name="Asha")
    assert not other.misses("not-made")
    assert other.reads("payment-status") == "CANCELLED"


def test_an_app_that_was_left_open_pays_nothing_once_its_request_was_declined(buyer, shop):
    left_open = FormBrowser(buyer.session).goes_to(buyer.buys(shop).asks("asha@okhdfc").opens_the_app().url)
    buyer.presses("upi-decline")
    left_open.presses("upi-approve", pin="1234")
    assert not left_open.misses("not-made")
    assert [one["state"] for one in shop.order()["attempts"]] == ["FAILED"]


def test_a_code_page_that_was_left_open_cancels_nothing_once_it_is_paid(buyer, shop):
    left_open = FormBrowser(buyer.session).goes_to(buyer.buys(shop, amount="6000.00").pays_from_balance("rich").url)
    assert buyer.confirms().misses("not-made")
    left_open.presses("otp-cancel")
    assert not left_open.misses("not-made")
    assert left_open.reads("payment-status") == "SUCCESS"


def test_cancelling_twice_is_no_error(buyer, shop):
    other = FormBrowser(session=buyer.session).goes_to(buyer.buys(shop).url)
    buyer.presses("cancel-payment")
    assert other.presses("cancel-payment").misses("not-made")


@pytest.mark.parametrize("code", ["upi", "card", "netbanking", "wallet", "emi"])
def test_a_method_that_is_barred_is_refused_at_its_address_as_on_its_tile(buyer, mockpay_seller, mockpay_client, code):
    mockpay_seller.control("PATCH", "/methods", {"methods": {code: {"max_amount": "400.00", "min_amount": "1.00"}}})
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url="http://127.0.0.1:1/back")
    start, tile = buyer.url, buyer.sees(f"method-{code}")
    assert tile.get("aria-disabled") == "true"
    reason = tile.xpath("string(.//small)")
    assert reason
    for page in (code, "upi-app") if code == "upi" else (code,):
        assert barred(buyer.goes_to(urljoin(start, page)))
        assert reason in buyer.reads("method-barred")
        assert barred(buyer.sends_to(page, vpa="success@mockpay", email="rich@buyers.mockpay.test", bank="HDFC"))
    assert mockpay_seller.order(mockpay_seller.orders()[0]["order_id"])["attempts"] == []


def test_a_buyer_who_cancels_while_the_bank_decides_reads_what_is_true(buyer, shop):
    """The bank pays 30 seconds later; the page that they left open shows it without being asked."""
    buyer.buys(shop).asks("pendingok@mockpay")
    (order,) = shop.seller.orders()
    shop.seller.cancel(order["order_id"])
    buyer.goes_to(buyer.url)
    assert buyer.reads("payment-status") == "CANCELLED"
    assert "Your bank has not decided yet" in buyer.reads("payment-reason")
    assert "No money was taken" not in buyer.page.text_content()
    assert buyer.page.xpath("//main/@data-poll")
    shop.seller.advance(seconds=30)
    buyer.goes_to(buyer.url)
    assert "it went back to your account" in buyer.reads("payment-reason")
    assert not buyer.page.xpath("//main/@data-poll")


def test_a_buyer_of_whom_half_was_taken_reads_how_much(buyer, mockpay_seller, mockpay_client):
    buyer.opens(mockpay_client, seller_order_id="o-1", redirect_url="http://127.0.0.1:1/back", amount="1708.03").asks(
        "success@mockpay"
    )
    assert buyer.reads("amount-label") == "Paid in part"
    text = buyer.page.text_content()
    assert "₹854.01" in text
    assert "₹854.02" in text
    assert "orderTotalAmount=1708.03" in buyer.leaves()
