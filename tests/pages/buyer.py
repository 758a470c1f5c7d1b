"""Somebody at a browser who buys in the demo shop; each verb ends on the page it names."""

import re

from playwright.sync_api import expect

from tests.journeys.form_browser import GOOD_CARD, RIGHT_OTP


class Buyer:
    """Drives one page; what it shows is asked of `page` itself or by `sees`."""

    def __init__(self, page, shop):
        self.page, self.shop = page, shop

    def sees(self, testid):
        """The element with that hook, once it is there."""
        found = self.page.get_by_test_id(testid)
        expect(found).to_be_visible()
        return found

    def press(self, testid):
        self.page.get_by_test_id(testid).click()
        return self

    def buy(self, amount=""):
        """From the catalogue to the hosted page."""
        self.page.goto(self.shop.url)
        if amount:
            self.page.get_by_test_id("shop-test-amount").fill(amount)
        self.press("buy-bell")
        expect(self.page).to_have_url(re.compile(r"/pay/[^/]+/$"))
        return self

    def ask(self, vpa):
        """Pay by UPI, the request going to a UPI ID."""
        self.press("method-upi")
        self.page.get_by_test_id("upi-vpa").fill(vpa)
        return self.press("pay")

    def open_the_app(self):
        return self.press("upi-app-link")

    def go_back_to_the_shop(self):
        self.press("return-to-seller")
        expect(self.page).to_have_url(re.compile(r"/shop/"))
        return self

    def reads_status(self, status):
        expect(self.sees("payment-status")).to_have_text(status)
        return self

    def waits(self):
        self.sees("payment-waiting")
        return self

    def finds_in_the_shop(self, state):
        """The shop's books, on the order's page."""
        expect(self.sees("shop-order-state")).to_have_text(state)
        return self

    def finds_verified(self, status):
        """A result that the shop verified."""
        verified = self.sees("shop-verified")
        expect(verified).to_have_attribute("data-status", status)
        expect(verified).to_contain_text("The signature holds")
        return self

    def finds_listed(self, state, reason=None):
        """What ListOrderReference says on the shop's order page."""
        listed = self.sees("shop-list-order-reference")
        expect(listed).to_have_attribute("data-state", state)
        if reason:
            expect(listed).to_contain_text(reason)
        return self

    def type_card(self, number=GOOD_CARD, **typed):
        """Fill in the card's form; whatever is not told is in order."""
        self.press("method-card")
        card = {"number": number, "expiry": "08/29", "cvv": "123", "name": "Asha Menon"} | typed
        for name, value in card.items():
            self.page.locator(f"[name={name}]").fill(value)
        return self.press("pay")

    def pay_by_card(self, number=GOOD_CARD, otp=RIGHT_OTP, **typed):
        """Pay by card, and type a code on the bank's page in its frame."""
        return self.type_card(number, **typed).confirm_in_frame(otp)

    @property
    def frame(self):
        """The bank's page on the payment's page."""
        return self.page.frame_locator("iframe[name=acs]")

    def confirm_in_frame(self, otp=RIGHT_OTP):
        self.frame.locator("[name=otp]").fill(otp)
        self.frame.get_by_test_id("acs-submit").click()
        return self

    def confirm_by_forms(self, otp=RIGHT_OTP):
        """The same without a script: to the bank's own page and back."""
        self.press("threeds-continue")
        self.page.locator("[name=otp]").fill(otp)
        return self.press("acs-submit").press("acs-return")

    def confirm(self, otp=RIGHT_OTP):
        """Type a one-time password on the payment's page."""
        self.page.locator("[name=otp]").fill(otp)
        return self.press("otp-submit")

    def go_to_bank(self, name):
        """Choose one of the common banks by its name, and log in there."""
        self.press("method-netbanking")
        self.page.get_by_role("radio", name=name).check()
        self.press("pay")
        self.page.get_by_label("User ID").fill("test")
        self.page.get_by_label("Password").fill("test")
        return self.press("bank-login")

    def pay_from_balance(self, local):
        """Pay from the balance of one of the sandbox's buyers."""
        self.press("method-wallet")
        self.page.get_by_label("E-mail").fill(f"{local}@buyers.mockpay.test")
        return self.press("pay")
