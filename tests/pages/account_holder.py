"""A buyer at a browser who has an account at the shop's seller."""

from playwright.sync_api import expect

from tests.journeys.account_buyer import EMI_CARD, RICH, code_for
from tests.pages.buyer import Buyer


class AccountHolder(Buyer):
    """The verbs of the account pages, and those that save."""

    def account(self, page="methods"):
        seller_id = self.shop.seller.seller_id
        self.page.goto(f"{self.shop.server.url}/account/{seller_id}/{page}")
        return self

    def sign_in(self, email=RICH):
        """On the page that asks for the e-mail, with the code from the inbox."""
        self.page.get_by_label("E-mail").fill(email)
        self.press("sign-in")
        expect(self.page.get_by_label("One-time code")).to_be_focused()
        self.confirm(code_for(self.shop, email))
        expect(self.page.get_by_label("One-time code")).to_have_count(0)
        self.page.wait_for_load_state()  # with its style: the field is gone before that is there
        return self

    def save_a_card(self, **typed):
        """Pay by card with the box ticked."""
        self.press("method-card")
        self.fill_card(**typed)
        self.page.get_by_label("Save this payment method").check()
        return self.press("pay").confirm_in_frame().reads_status("SUCCESS")

    def see_plans(self):
        """From the methods to the plans of the first bank."""
        self.press("method-emi").sees("emi-plans")
        return self

    def choose_plan(self, months="6 months", **typed):
        self.page.get_by_role("radio", name=months).check()
        self.fill_card(**({"number": EMI_CARD} | typed))
        return self.press("pay")

    def fill_card(self, number="4100 2800 0000 1007", **typed):
        card = {"number": number, "expiry": "08/29", "cvv": "123", "name": "Asha Menon"} | typed
        for name, value in card.items():
            self.page.locator(f"[name={name}]").fill(value)
        return self
