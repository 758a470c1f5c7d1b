"""Amazon Pay balance as a program pays from it."""

import pytest

from tests.journeys.account_buyer import RICH, AccountBuyer, code_for

ORDER = {"seller_order_id": "o-1", "redirect_url": "http://127.0.0.1:1/back"}


def reason(buyer):
    return buyer.sees("payment-reason").get("data-reason")


def test_a_rich_buyer_pays_at_once_and_has_less_afterwards(buyer, shop):
    buyer.buys(shop).pays_from_balance("rich")
    assert buyer.reads("payment-status") == "SUCCESS"
    buyer.follows("return-to-seller")
    assert buyer.sees("shop-order-state").get("data-state") == "PAID"
    buyer.buys(shop).follows("method-wallet")
    buyer.goes_to(f"{buyer.url}?email=Rich@buyers.mockpay.test")
    assert buyer.reads("wallet-balance") == "₹1,49,501.00"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_too_little_balance_says_how_much_and_the_richer_buyer_pays(buyer, shop):
    buyer.buys(shop).pays_from_balance("poor")
    assert reason(buyer) == "insufficient_wallet_balance"
    assert "₹10.00 of ₹499.00" in buyer.reads("payment-reason")
    assert "The buyer’s balance was ₹10.00." in buyer.page.text_content()
    buyer.follows("retry").pays_from_balance("rich")
    assert buyer.reads("payment-status") == "SUCCESS"
    assert [one["state"] for one in shop.order()["attempts"]] == ["FAILED", "CAPTURED"]


def test_a_balance_that_is_too_low_is_told_before_the_press(buyer, shop):
    buyer.buys(shop).follows("method-wallet")
    buyer.goes_to(f"{buyer.url}?email=poor@buyers.mockpay.test")
    assert buyer.reads("wallet-balance") == "₹10.00"
    assert "Too low for ₹499.00." in buyer.page.text_content()
    assert buyer.page.xpath("//input[@name='email']/@value") == ["poor@buyers.mockpay.test"]


def test_who_is_signed_in_need_not_type_the_email(shop):
    buyer = AccountBuyer().has_signed_in(shop, RICH).buys(shop).follows("method-wallet")
    assert buyer.page.xpath("//input[@name='email']/@value") == [RICH]
    assert buyer.reads("wallet-balance") == "₹1,50,000.00"
    buyer.goes_to(f"{buyer.url}?email=poor@buyers.mockpay.test")
    assert buyer.page.xpath("//input[@name='email']/@value") == ["poor@buyers.mockpay.test"]
    buyer.presses("pay", email=RICH)
    assert buyer.reads("payment-status") == "SUCCESS"


def test_what_a_balance_lacks_is_added_and_then_pays(buyer, shop):
    buyer.buys(shop).follows("method-wallet")
    buyer.goes_to(f"{buyer.url}?email=poor@buyers.mockpay.test").presses("wallet-add-missing")
    assert buyer.reads("order-amount") == "₹489.00"
    buyer.asks("success@mockpay").follows("return-to-seller")
    assert (buyer.reads("wallet-balance"), buyer.misses("wallet-add-missing")) == ("₹499.00", True)
    buyer.presses("pay")
    assert buyer.reads("payment-status") == "SUCCESS"
    [paid] = [order for order in shop.seller.orders() if order["kind"] == "payment"]
    assert (paid["state"], paid["attempt"]["method"]) == ("PAID", "wallet")


def test_a_balance_that_may_not_be_filled_says_so_at_the_email(buyer, shop):
    buyer.buys(shop).follows("method-wallet")
    shop.seller.control("PATCH", "/buyers/poor@buyers.mockpay.test/wallet", {"status": "FROZEN"})
    buyer.goes_to(f"{buyer.url}?email=poor@buyers.mockpay.test").presses("wallet-add-missing")
    assert buyer.answer.status_code == 422
    assert buyer.page.xpath("string(//p[@id='f-email-error'])").strip() == "This balance is frozen."
    assert len(shop.seller.orders()) == 1


def test_somebody_unknown_has_nothing(buyer, shop):
    buyer.buys(shop).follows("method-wallet")
    buyer.goes_to(f"{buyer.url}?email=who@example.com")
    assert buyer.reads("wallet-balance") == "₹0.00"


@pytest.mark.parametrize("email", ["", "rich", "a@b@c.d", "x" * 250 + "@example.com"])
def test_what_is_no_e_mail_is_explained_at_its_field(buyer, shop, email):
    buyer.buys(shop).follows("method-wallet").presses("pay", email=email)
    assert buyer.answer.status_code == 422
    assert buyer.page.xpath("//input[@aria-invalid='true']/@name") == ["email"]
    assert shop.order()["attempts"] == []


def test_every_method_may_follow_every_other_until_the_tries_are_used_up(buyer, shop):
    buyer.buys(shop).asks("failure@mockpay").follows("retry").pays_by_card("4000000000000002")
    buyer.follows("retry").goes_to_bank("MKF1").follows("retry").pays_from_balance("poor")
    buyer.follows("retry").pays_by_card(cvv="000")
    assert buyer.misses("retry")
    methods = [one["method"] for one in shop.order()["attempts"]]
    assert methods == ["upi", "card", "netbanking", "wallet", "card"]


def test_while_nobody_knows_what_became_of_the_money_there_is_no_other_try(buyer, shop):
    shop.seller.next("gateway", "noresponse", method="card")
    buyer.buys(shop)
    start = buyer.url
    buyer.pays_by_card()
    assert buyer.heading == "Your bank has not told us"
    assert "Do not pay again" in buyer.page.text_content()
    for page in ("", "card", "netbanking", "wallet", "upi"):
        assert buyer.goes_to(f"{start}{page}").url.endswith("/waiting")
    shop.seller.advance(until="idle")
    assert buyer.goes_to(start).reads("payment-status") == "SUCCESS"


def test_a_method_that_the_seller_switched_off_says_so(buyer, mockpay_seller, mockpay_client):
    mockpay_seller.control("PATCH", "/methods", {"methods": {"wallet": {"enabled": False}}})
    start = buyer.opens(mockpay_client, **ORDER).url
    assert "switched off by the seller" in buyer.reads("method-wallet")
    buyer.goes_to(f"{start}wallet")
    assert buyer.answer.status_code == 422
    assert "switched off by the seller" in buyer.reads("method-barred")


def test_the_shop_leads_to_the_entries_of_a_payment_by_balance_and_of_its_refund(shop):
    buyer = AccountBuyer().buys(shop).pays_from_balance("rich").follows("return-to-seller")
    buyer.presses("shop-refund", amount="100.00")
    shop.seller.advance(until="idle")
    buyer.goes_to(buyer.url).presses("shop-verify-refunds")
    assert buyer.sees("refund-state").get("data-state") == "PROCESSED"
    shop.seller.control("POST", f"/buyers/{RICH}/wallet/adjust", {"amount": "1.00"})
    buyer.follows("shop-wallet")
    assert buyer.heading == "Sign in"
    buyer.presses("sign-in", email=RICH)
    buyer.presses("otp-submit", otp=code_for(shop, RICH))
    assert buyer.heading == "Your balance"
    rows = [row.xpath("string(.//b)").strip() for row in buyer.page.xpath("//li[@data-entry]")]
    assert rows == ["Refund", "Payment taken by the seller", "Payment"]
    (refund, *_) = buyer.page.xpath("//li[@data-entry]//a/@href")
    buyer.goes_to(f"{shop.server.url}{refund}")
    assert buyer.reads("entry-amount") == "+₹100.00"
    assert buyer.reads("entry-refund").startswith(f"{shop.order()['seller_order_id']}-R1 Completed")
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_the_shop_knows_no_wallet_of_an_order_that_is_not_paid(buyer, shop):
    buyer.buys(shop).presses("cancel-payment").follows("return-to-seller")
    assert buyer.misses("shop-wallet")
