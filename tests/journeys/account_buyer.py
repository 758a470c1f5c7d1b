"""A buyer without a browser who has an account: signs in, saves what pays, pays with it again."""

from urllib.parse import urljoin

from mockpay.services import buyers
from mockpay.store.unit_of_work import read
from tests.journeys.form_browser import RIGHT_OTP, FormBrowser

#: Razorpay's test card for EMI, of HDFC.
EMI_CARD = "5241 8100 0000 0000"
RICH = "rich@buyers.mockpay.test"
POOR = "poor@buyers.mockpay.test"


def code_for(shop, email):
    """The newest code that was sent to an e-mail; only the inbox has it."""
    with read(shop.server.runtime, shop.seller.seller_id) as sandbox:
        return buyers.list_page(sandbox, kind="otp", to=email).items[0].otp


class AccountBuyer(FormBrowser):
    """The verbs of the account pages, and those that save."""

    def account(self, shop, page="methods", seller_id=None):
        owner = seller_id or shop.seller.seller_id
        return self.goes_to(f"{shop.server.url}/account/{owner}/{page}")

    def signs_in(self, shop, email=RICH):
        """From wherever the link is, and back there."""
        self.follows("account-sign-in").presses("sign-in", email=email)
        return self.presses("otp-submit", otp=code_for(shop, email))

    def has_signed_in(self, shop, email=RICH):
        """Signed in before anything is bought."""
        self.account(shop, "").presses("sign-in", email=email)
        self.presses("otp-submit", otp=code_for(shop, email))
        assert self.heading == "Saved methods"
        return self

    def chooses_plan(self, tenure="6", number=EMI_CARD, **typed):
        """Pay by EMI up to the point at which the card's issuer asks."""
        card = {"number": number, "expiry": "08/29", "cvv": "123", "name": "Asha Menon"} | typed
        return self.follows("method-emi").presses("pay", tenure=tenure, **card)

    def pays_by_emi(self, tenure="6", **typed):
        return self.chooses_plan(tenure, **typed).confirms_at_issuer()

    def pays_with_saved(self):
        """One press on the first page: what is chosen among the saved methods pays."""
        return self.presses("pay-saved")

    def saved(self, shop):
        """The tokens on the account's page, by what they are called."""
        self.account(shop)
        rows = self.page.xpath("//li[@data-token]")
        return {row.xpath("string(.//b)").strip(): row.get("data-token") for row in rows}

    def changes(self, testid, **fields):
        """Press one of the account's buttons."""
        return self.presses(testid, **fields)

    def posts(self, url, **fields):
        """Send fields that no form of the page has."""
        return self.sends_form(urljoin(self.url, url), fields)

    def saves_a_card(self, shop, number="4100 2800 0000 1007"):
        """Buy with a card, and say yes to keeping it."""
        return self.buys(shop).types_card(number, save="yes").confirms_at_issuer(RIGHT_OTP)
