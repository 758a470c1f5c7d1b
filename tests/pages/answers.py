"""Pages without an address of their own: what a form is answered, and what a signed-in buyer is shown."""

import itertools
from pathlib import Path
from urllib.parse import urljoin

import requests

from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.journeys.account_buyer import POOR, RICH, AccountBuyer
from tests.journeys.form_browser import DemoShop, FormBrowser

#: Of a payment, of a card's issuer, of the dashboard and the account pages, of the shop; and how each was answered.
PAYMENT = {
    "choose-saved": 200,
    "saved": 200,
    "saved-none": 422,
    "card-saving": 200,
    "upi-saving": 200,
    "netbanking-saving": 200,
    "emi-saving": 200,
    "choose-barred": 200,
    "card-empty": 422,
    "upi-empty": 422,
    "netbanking-none": 422,
    "wallet-empty": 422,
    "emi-wrong-card": 422,
    "upi-app-pin": 422,
    "otp-wrong": 422,
    "failed-locked": 200,
    "not-made": 200,
    "threeds-method": 200,
    "way-back": 200,
}
ISSUER = {"acs-technical": 503, "threeds-seen": 200, "threeds-back": 200, "acs-method": 200, "acs-back": 200}
OURS = {
    "account-empty": 200,
    "account-methods": 200,
    "account-wallet": 200,
    "account-wallet-empty": 200,
    "account-wallet-wrong": 422,
    "account-wallet-entry": 200,
    "account-reload": 200,
    "account-reload-none": 200,
    "account-reload-wrong": 422,
    "account-reload-code": 200,
    "account-reload-code-wrong": 422,
    "account-reload-off": 200,
    "account-email-wrong": 422,
    "account-code-wrong": 422,
    "account-locked": 422,
    "account-rename-wrong": 422,
    "not-from-here": 403,
    "not-allowed": 405,
    "too-large": 413,
    "unavailable": 503,
    "dashboard-sign-in": 200,
    "dashboard-sign-in-wrong": 403,
    "dashboard-form-token": 403,
    "dashboard-refund-late": 409,
    "dashboard-seller-wrong": 422,
    "dashboard-gateway-account-wrong": 422,
    "dashboard-gateway-account-checked": 200,
    "dashboard-rule-wrong": 422,
    "dashboard-reload": 200,
    "dashboard-wallet": 200,
    "dashboard-wallet-wrong": 422,
}
SHOP = {"shop-orders-none": 200, "shop-amount-wrong": 400, "shop-refund-wrong": 409, "shop-forbidden": 403}
#: Pages that lead on by themselves where a script runs; they are looked at as they are without one.
PASSING = {"threeds-method", "threeds-seen", "threeds-back", "acs-method", "acs-back", "way-back"}
#: Where the seller waits for what a form posts.
BACK = "http://127.0.0.1:1/back"
TOKEN = "open-sesame-0123456789"


class Answers:
    """
    Makes them, mostly by another seller than the shop's, whose pages stay as they are.

    `pages` has each as it was answered; `paid_order` is the address of one of the shop's orders.
    """

    def __init__(self, server, shop, paid_order):
        self._server, self._shop, self._paid_order = server, shop, paid_order
        self.seller = server.new_seller()
        self._world = DemoShop(server, self.seller)
        self._client = self.seller.client()
        self._numbers = itertools.count(1)
        self.pages = {}
        self.seller.freeze("2026-11-20T09:30:00Z")
        # It moves the clock, by which what is open on the others would end.
        self._dashboard()
        self._forms()
        self._issuer()
        self._way_back()
        self._accounts()
        self._reloads()
        self._shop_pages()

    def _keep(self, name, browser):
        self.pages[name] = browser.answer

    def _buyer(self, amount="499.00", buyer=None):
        order = {"seller_order_id": f"a-{next(self._numbers)}", "redirect_url": BACK}
        return (buyer or AccountBuyer()).opens(self._client, amount, **order)

    def _forms(self):
        for name, method in (("card-empty", "card"), ("upi-empty", "upi"), ("netbanking-none", "netbanking")):
            self._keep(name, self._buyer().follows(f"method-{method}").presses("pay"))
        self._keep("wallet-empty", self._buyer().follows("method-wallet").presses("pay"))
        self._keep("emi-wrong-card", self._buyer("10000.00").chooses_plan(number="4012001038443335"))
        self._keep("upi-app-pin", self._buyer().asks("asha@okhdfc").opens_the_app().presses("upi-approve", pin="123"))
        self._keep("otp-wrong", self._buyer("6000.00").pays_from_balance("rich").confirms("000000"))
        self._keep("failed-locked", self._buyer("6000.00").pays_from_balance("poor").confirms("888888"))
        first = self._buyer()
        other = FormBrowser(session=first.session).goes_to(first.url).follows("method-upi")
        first.asks("failure@mockpay")
        self._keep("not-made", other.presses("pay", vpa="success@mockpay"))
        self._keep("choose-barred", self._buyer("500000.01"))
        self._keep("too-large", self._buyer().follows("method-upi").presses("pay", vpa="x" * 1_100_000))
        self._keep("not-allowed", first.sends_to("/account"))

    def _issuer(self):
        framed = self._buyer().types_card(window="01", browser="24,844,390,-330")
        self._keep("threeds-method", framed)
        frame = FormBrowser(framed.session, framed.answer)
        frame.sends(_form(framed, "acs-method"), {})
        self._keep("acs-method", frame)
        self._keep("threeds-seen", frame.sends(frame.page.forms[0], {}))
        framed.presses("threeds-continue", comp_ind="Y", window="01", browser="24,844,390,-330")
        framed.sends(_form(framed, "acs"), {})
        self._keep("acs-back", framed.presses("acs-submit", otp="123456"))
        self._keep("threeds-back", framed.presses("acs-return"))
        self._keep("acs-technical", self._buyer().types_card().goes_to_issuer().presses("acs-submit", otp="666666"))

    def _way_back(self):
        """Of a company whose page posts the result to the seller: Razorpay's, paid from a shop's own form."""
        key = self.seller.fields["credentials"]["razorpay"]
        api = f"{self._server.url}/gw/razorpay/v1"
        order = requests.post(
            f"{api}/orders",
            auth=(key["key_id"], key["key_secret"]),
            json={"amount": 49_900, "currency": "INR", "receipt": "way-back"},
            timeout=30,
        ).json()
        form = {"key_id": key["key_id"], "order_id": order["id"], "callback_url": BACK}
        buyer = FormBrowser().sends_form(f"{api}/checkout/embedded", form)
        self._keep("way-back", buyer.asks("success@razorpay").follows("return-to-seller"))

    def _wallet(self, owner):
        """A payment, a gift, and an entry that was reversed."""
        self._keep("account-wallet-empty", owner.account(self._world, "wallet"))
        path = f"/buyers/{RICH}/wallet"
        gift = self.seller.control("POST", f"{path}/adjust", {"amount": "50.00", "kind": "gift", "note": "Welcome"})
        self.seller.control("POST", f"{path}/entries/{gift['entry_id']}/reverse")
        self._buyer(buyer=owner).follows("method-wallet").presses("pay", email=RICH)
        self._keep("account-wallet", owner.account(self._world, "wallet"))
        (payment,) = owner.page.xpath("//li[@data-type='HOLD']//a/@href")
        self._keep("account-wallet-entry", owner.goes_to(urljoin(owner.url, payment)))
        tester = FormBrowser().goes_to(f"{self._world.ui}/buyers/{RICH}/wallet")
        self._keep("dashboard-wallet", tester)
        self._keep("dashboard-wallet-wrong", tester.presses("wallet-adjust", amount="1.001"))
        self._keep("account-wallet-wrong", owner.account(self._world, "wallet?since=2026-12-02&until=2026-12-01"))

    def _reloads(self):
        """A balance that fills itself up: on, changed by a code, and off after three failures."""
        world = self._world
        none = AccountBuyer().has_signed_in(world, "ravi@example.com").account(world, "auto-reload")
        self._keep("account-reload-none", none)
        owner = AccountBuyer().has_signed_in(world, "reload@buyers.mockpay.test")
        world.seller.trigger_reload("reload@buyers.mockpay.test")
        world.seller.advance(seconds=0)
        self._keep("account-reload", owner.account(world, "auto-reload"))
        self._keep("account-reload-wrong", owner.presses("reload-save", amount="99.00", agree="yes"))
        self._keep("account-reload-code", owner.presses("reload-save", amount="2000.00", agree="yes"))
        self._keep("account-reload-code-wrong", owner.presses("otp-submit", otp="000000"))
        email = "reloadfail@buyers.mockpay.test"
        refused = AccountBuyer().has_signed_in(world, email)
        for _ in range(3):
            world.seller.trigger_reload(email)
            world.seller.advance(seconds=0)
        self._keep("account-reload-off", refused.account(world, "auto-reload"))
        self._keep("dashboard-reload", FormBrowser().goes_to(f"{world.ui}/buyers/{email}/wallet"))

    def _accounts(self):
        world = self._world
        visitor = AccountBuyer().account(world, "")
        self._keep("account-email-wrong", visitor.presses("sign-in", email="nobody"))
        asked = AccountBuyer().account(world, "").presses("sign-in", email=POOR)
        self._keep("account-code-wrong", asked.presses("otp-submit", otp="000000"))
        asked = AccountBuyer().account(world, "").presses("sign-in", email="asha@example.com")
        self._keep("account-locked", asked.presses("otp-submit", otp="888888"))
        owner = AccountBuyer().has_signed_in(world, RICH)
        self._keep("account-empty", owner.account(world))
        self.seller.save_method(RICH, "card", number="4100280000001007", expiry="08/29", name="Asha")
        self.seller.save_method(RICH, "upi", vpa="asha@okbank")
        self.seller.save_method(RICH, "netbanking", bank="HDFC")
        self._keep("account-methods", owner.account(world))
        self._keep("account-rename-wrong", owner.presses("rename-1", nickname="4100 2800 0000 1007"))
        for method in ("card", "upi", "netbanking"):
            self._keep(f"{method}-saving", self._buyer(buyer=owner).follows(f"method-{method}"))
        self._keep("emi-saving", self._buyer("10000.00", owner).follows("method-emi"))
        self._keep("choose-saved", self._buyer(buyer=owner))
        self._keep("saved", owner.goes_to(urljoin(owner.url, "saved")))
        (form,) = (form for form in owner.page.forms if "token" in form.fields)
        self._keep("saved-none", owner.sends_to("saved", form_token=form.fields["form_token"]))
        self._wallet(owner)
        owner.account(world).session.headers["Origin"] = "http://shop.example"
        self._keep("not-from-here", owner.presses("sign-out"))

    def _dashboard(self):
        seller = FormBrowser().goes_to(f"{self._world.ui}/seller")
        self._keep("dashboard-seller-wrong", seller.presses("save-settings", risk_review_seconds="never"))
        accounts = FormBrowser().goes_to(f"{self._world.ui}/gateway-accounts")
        typed = {"endpoint": "http://payments.example", "credentials.key": "a-new-key", "read": "soon"}
        self._keep("dashboard-gateway-account-wrong", accounts.presses("save-payu", **typed))
        accounts.goes_to(f"{self._world.ui}/gateway-accounts")
        self._keep("dashboard-gateway-account-checked", accounts.presses("check-razorpay"))
        rule = FormBrowser().goes_to(f"{self._world.ui}/scenarios/rule?stage=issuer&outcome=Z9")
        self._keep("dashboard-rule-wrong", rule.presses("make-rule", outcome="nothing", probability="2", times="x"))
        self._keep("dashboard-form-token", rule.goes_to(rule.url).sends_to("rule", stage="issuer"))
        self._buyer().asks("success@mockpay")
        order = self.seller.orders()[0]["order_id"]
        refund = FormBrowser().goes_to(f"{self._world.ui}/orders/{order}").presses("order-cancel")
        (link,) = refund.page.xpath("//section[@aria-labelledby='refunds']//a/@href")
        refund.goes_to(urljoin(refund.url, link))
        self.seller.advance(until="idle")
        self._keep("dashboard-refund-late", refund.presses("refund-hold"))

    def _shop_pages(self):
        self._keep("shop-amount-wrong", FormBrowser().goes_to(self._shop.url).presses("buy-bell", amount="1.001"))
        stranger = FormBrowser().goes_to(self._shop.url)
        stranger.session.headers["Origin"] = "http://shop.example"
        self._keep("shop-forbidden", stranger.presses("buy-bell"))
        order = FormBrowser().goes_to(self._paid_order)
        self._keep("shop-refund-wrong", order.presses("shop-refund", amount="9999.00"))


def _form(browser, target):
    """The form that is shown in a frame."""
    return next(form for form in browser.page.forms if form.get("target") == target)


def guarded_pages(folder, root):
    """
    What a server with an admin token answers to somebody without one, and once its database is gone.

    Each as if it came from `root`, where style sheets are still served.
    """
    database = Path(folder) / "mockpay.db"
    settings = Settings(port=0, database_url=str(database), keys_dir=Path(folder) / "keys", admin_token=TOKEN)
    with LiveServer(settings) as server:
        visitor = FormBrowser().goes_to(f"{server.url}/_mockpay/ui")
        pages = {"dashboard-sign-in": visitor.answer}
        pages["dashboard-sign-in-wrong"] = visitor.presses("sign-in", token="wrong").answer
        database.unlink()
        pages["unavailable"] = visitor.goes_to(f"{server.url}/account").answer
    for answer in pages.values():
        answer.url = answer.url.replace(server.url, root)
    return pages
