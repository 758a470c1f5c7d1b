"""Amazon Pay balance on a phone."""

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def test_a_balance_pays_at_once_and_comes_back_verified(buyer, page):
    buyer.buy().pay_from_balance("rich").reads_status("SUCCESS")
    assert_accessible(page)
    buyer.go_back_to_the_shop().finds_verified("SUCCESS").finds_in_the_shop("PAID")


def test_too_little_is_said_and_a_richer_account_pays(buyer, page):
    buyer.buy().pay_from_balance("poor").reads_status("FAILURE")
    expect(buyer.sees("payment-reason")).to_contain_text("Not enough balance: ₹10.00 of ₹499.00")
    assert_accessible(page)
    buyer.press("retry").pay_from_balance("rich").reads_status("SUCCESS")


def test_the_balance_is_shown_before_it_is_spent(buyer, page):
    buyer.buy().press("method-wallet")
    page.get_by_label("E-mail").fill("poor@buyers.mockpay.test")
    buyer.press("wallet-show")
    expect(buyer.sees("wallet-balance")).to_have_text("₹10.00")
    expect(page.get_by_text("Too low for ₹499.00.")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("E-mail").fill("rich@buyers.mockpay.test")
    buyer.press("wallet-show")
    expect(buyer.sees("wallet-balance")).to_have_text("₹1,50,000.00")
    buyer.press("pay").reads_status("SUCCESS")


def test_while_nobody_knows_there_is_no_other_try(buyer, page, shop):
    shop.seller.next("gateway", "noresponse", method="wallet")
    buyer.buy().pay_from_balance("rich").waits()
    expect(page.get_by_role("heading", level=1)).to_have_text("Amazon Pay has not told us")
    expect(page.get_by_text("Do not pay again.")).to_be_visible()
    assert_accessible(page)
    shop.seller.advance(until="idle")
    buyer.reads_status("SUCCESS")
