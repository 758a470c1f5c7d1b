"""
A buyer without a browser: fetches pages, follows links and sends forms as they stand.

Everything is found by its stable hook (`data-testid`), and a form is sent with all the
fields it has, so what works here works without JavaScript.
"""

from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin

import requests
from lxml import html

from mockpay.merchant.client import AmazonPayClient
from mockpay.testing import LiveServer, TestSeller

DEFAULT_SELLER = "A1MOCKPAYSELLER"
#: Razorpay's test card that pays.
GOOD_CARD = "4100 2800 0000 1007"
#: Right wherever a one-time password is asked for.
RIGHT_OTP = "123456"


@dataclass(frozen=True)
class DemoShop:
    """The demo shop of a server, with its seller's control."""

    server: LiveServer
    seller: TestSeller

    __test__ = False

    @classmethod
    def opened(cls, server):
        """With an empty world, a clock that stands still, and refunds that take seconds as any other seller's do."""
        plain = server.control("GET", f"/sellers/{DEFAULT_SELLER}")
        shop = cls(server, TestSeller(server, plain))
        shop.seller.control("POST", "/reset")
        shop.seller.freeze()
        shop.seller.control("PATCH", "", {"settings": {"refund_delay_seconds": 5}})
        return shop

    @property
    def url(self):
        return f"{self.server.url}/shop"

    @property
    def ui(self):
        """The dashboard of the shop's seller."""
        return f"{self.server.url}/_mockpay/ui/sellers/{self.seller.seller_id}"

    def order(self):
        """The newest order, as the sandbox has it."""
        newest = self.seller.orders()[0]
        return self.seller.order(newest["order_id"])


@dataclass
class FormBrowser:
    """Reads one page after the other; `page` is the one now shown, `answer` how it came."""

    session: requests.Session = field(default_factory=requests.Session)
    answer: requests.Response | None = None
    page: html.HtmlElement | None = None

    def goes_to(self, url):
        return self._shown(self.session.get(url, timeout=30))

    def follows(self, testid):
        """A link."""
        return self.goes_to(urljoin(self.url, self.sees(testid).get("href")))

    def presses(self, testid, **fields):
        """Send the button's form, with its own fields, ours typed in, and the button's value."""
        button = self.sees(testid)
        return self.sends(self._form_of(button), button, **fields)

    def sends(self, form, button, **fields):
        values = dict(form.form_values()) | fields
        assert set(fields) <= set(form.inputs.keys()), "a field that the form does not have"
        if button.get("name"):
            values[button.get("name")] = button.get("value", "")
        # What comes after a # is the browser's own.
        target = urldefrag(urljoin(self.url, button.get("formaction") or form.get("action") or self.url)).url
        if (form.get("method") or "get").lower() == "get":
            return self._shown(self.session.get(target, params=values, timeout=30))
        return self._shown(self.session.post(target, data=values, timeout=30))

    def sends_to(self, page, **fields):
        """Post to another page of this payment, as nobody's form does."""
        return self.sends_form(urljoin(self.url, page), fields)

    def sends_form(self, url, fields):
        """Post what a page elsewhere would, to any address."""
        return self._shown(self.session.post(url, data=fields, timeout=30))

    def sees(self, testid):
        found = self.page.xpath("//*[@data-testid=$name]", name=testid)
        assert len(found) == 1, f"{len(found)} elements are called {testid} on {self.url}"
        return found[0]

    def misses(self, testid):
        return not self.page.xpath("//*[@data-testid=$name]", name=testid)

    def reads(self, testid):
        return " ".join(self.sees(testid).text_content().split())

    @property
    def url(self):
        return self.answer.url

    @property
    def heading(self):
        return " ".join(self.page.xpath("//h1")[0].text_content().split())

    def _form_of(self, button):
        return next(button.iterancestors("form"))

    def _shown(self, answer):
        self.answer, self.page = answer, html.fromstring(answer.text)
        return self

    # --- the verbs of a payment -----------------------------------------------------------

    def buys(self, shop, sku="bell", amount=""):
        """From the catalogue to the hosted page."""
        return self.goes_to(shop.url).presses(f"buy-{sku}", amount=amount)

    def opens(self, client: AmazonPayClient, amount="499.00", **request):
        """From any merchant's client to the hosted page."""
        return self.goes_to(client.payment_url(amount=amount, **request))

    def asks(self, vpa):
        """Pay by UPI, the request going to a UPI ID."""
        return self.follows("method-upi").presses("pay", vpa=vpa)

    def leaves(self):
        """Go back to the seller; the address that the browser is sent to."""
        here = urljoin(self.url, self.sees("return-to-seller").get("href"))
        answer = self.session.get(here, timeout=30, allow_redirects=False)
        assert answer.status_code == 302
        return answer.headers["Location"]

    def opens_the_app(self):
        return self.follows("upi-app-link")

    def types_card(self, number=GOOD_CARD, **typed):
        """Fill in the card's form; whatever is not told is in order."""
        card = {"number": number, "expiry": "08/29", "cvv": "123", "name": "Asha Menon"} | typed
        return self.follows("method-card").presses("pay", **card)

    def pays_by_card(self, number=GOOD_CARD, otp=RIGHT_OTP, **typed):
        """Pay by card, and prove it at its issuer where that asks for it."""
        return self.types_card(number, **typed).confirms_at_issuer(otp)

    def confirms_at_issuer(self, otp=RIGHT_OTP):
        """The whole of 3-D Secure, from wherever the buyer now is; nothing where nobody asks."""
        self.goes_to_issuer()
        if not self.misses("acs-submit"):
            self.presses("acs-submit", otp=otp)
        return self.returns_from_issuer()

    def goes_to_issuer(self):
        """To the page of the card's bank, where it has one for this payment."""
        while not self.misses("threeds-continue"):
            self.presses("threeds-continue")
        return self

    def returns_from_issuer(self):
        """Back with what the bank has said, if it has."""
        return self if self.misses("acs-return") else self.presses("acs-return")

    def confirms(self, otp=RIGHT_OTP):
        """Type a one-time password on the payment's own page."""
        return self.presses("otp-submit", otp=otp)

    def goes_to_bank(self, code):
        """Choose a bank; a magic one answers at once."""
        return self.follows("method-netbanking").presses("pay", bank=code)

    def logs_in(self, user="test"):
        return self.presses("bank-login", user=user, password="test")

    def pays_from_balance(self, local):
        """Pay from the balance of one of the sandbox's buyers."""
        email = f"{local}@buyers.mockpay.test"
        return self.follows("method-wallet").presses("pay", email=email)

    def stops_at(self, testid):
        """Press a bank's button, but do not follow the way back; its address."""
        button = self.sees(testid)
        form = self._form_of(button)
        values = dict(form.form_values()) | {button.get("name"): button.get("value")}
        target = urljoin(self.url, form.get("action"))
        answer = self.session.post(target, data=values, timeout=30, allow_redirects=False)
        assert answer.status_code == 303
        return urljoin(target, answer.headers["Location"])
