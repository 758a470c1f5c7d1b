"""Every page of the sandbox, each at an address of its own, in a world that stands still."""

import tempfile
from pathlib import Path

import requests
from flask import after_this_request, template_rendered

from mockpay.kernel.money import Money
from mockpay.merchant.client import AmazonPayClient
from mockpay.otp import challenges
from mockpay.otp.rules import Channel, Purpose
from mockpay.settings import Settings
from mockpay.store.unit_of_work import transaction
from mockpay.testing import LiveServer
from tests.journeys.form_browser import DemoShop, FormBrowser
from tests.pages import answers, company_orders, gateway_pages

#: Pages of a payment: how the buyer got there. Addresses are looked up when the world is made.
PAYMENT = (
    "choose",
    "choose-again",
    "upi",
    "upi-app",
    "upi-app-nothing",
    "card",
    "barred",
    "netbanking",
    "netbanking-found",
    "bank-login",
    "bank",
    "bank-refused",
    "wallet",
    "emi",
    "waiting",
    "waiting-asked",
    "waiting-bank",
    "waiting-pending",
    "waiting-unknown",
    "success",
    "failed",
    "failed-for-good",
    "failed-balance",
    "cancelled",
    "expired",
    "browser-closed",
    "taking-back",
    "gone",
    "otp",
    "otp-expired",
    "threeds",
    "acs",
    "acs-wrong",
    "acs-refused",
    "waiting-review",
    "failed-challenge",
    *answers.PAYMENT,
)
#: Pages of a card's issuer: ours may show them in a frame.
ISSUER = ("acs", "acs-wrong", "acs-refused", *answers.ISSUER)
OURS = (
    "account-sign-in",
    "account-code",
    "landing",
    "docs",
    "docs-cookbook",
    "docs-control-api",
    "docs-not-found",
    "not-found",
    "provider-error",
    "refused-signature",
    "refused-return-url",
    "dashboard-list",
    "dashboard-empty",
    "dashboard-order",
    "dashboard-paid",
    "dashboard-failed",
    "dashboard-waiting",
    "dashboard-expired",
    "dashboard-scenarios",
    "dashboard-scenarios-card",
    "dashboard-scenarios-search",
    "dashboard-rule",
    "dashboard-journal",
    "dashboard-seller",
    "dashboard-refused",
    "dashboard-held-money",
    "dashboard-refunded",
    "dashboard-refunds",
    "dashboard-refunds-none",
    "dashboard-refund",
    "dashboard-refund-held",
    "dashboard-refund-done",
    "dashboard-refund-declined",
    "dashboard-notifications",
    "dashboard-notification",
    "dashboard-notification-failing",
    "dashboard-inbox",
    "dashboard-inbox-empty",
    "dashboard-journal-empty",
    "dashboard-notifications-empty",
    "dashboard-scenarios-empty",
    "dashboard-nothing-yet",
    "dashboard-no-page",
    *company_orders.NAMES,
    *gateway_pages.NAMES,
    *answers.OURS,
)
SHOP = (
    "shop",
    "shop-orders",
    "shop-order",
    "shop-order-failed",
    "shop-order-placed",
    "shop-order-refunds",
    "shop-order-refunded",
    "shop-order-alert",
    "shop-refused",
    "shop-not-found",
    *answers.SHOP,
)
NAMES = (*PAYMENT, *answers.ISSUER, *OURS, *SHOP)
#: Pages that are refusals, and how.
STATUS = {
    "barred": 422,
    "gone": 404,
    "refused-signature": 403,
    "refused-return-url": 400,
    "bank-refused": 400,
    "acs-refused": 404,
    "not-found": 404,
    "docs-not-found": 404,
    "provider-error": 400,
    "dashboard-refused": 404,
    "shop-refused": 400,
    "shop-not-found": 404,
    "dashboard-no-page": 404,
    **answers.PAYMENT,
    **answers.ISSUER,
    **company_orders.NAMES,
    **gateway_pages.NAMES,
    **answers.OURS,
    **answers.SHOP,
}


def _name_template(_application, template, **_):
    """Have an answer name its template, for the test that each has its page."""

    @after_this_request
    def add_header(response):
        response.headers["Template"] = template.name
        return response


class Gallery:
    """A sandbox of its own; `fetch(name)` is a page as it was answered, `url(name)` its address where it has one."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="mockpay-gallery-")
        folder = Path(self._folder.name)
        self._server = LiveServer(
            Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=folder / "keys", seed="gallery")
        )
        self._at = {}
        self.answers = {}

    def __enter__(self):
        template_rendered.connect(_name_template)
        self._server.start()
        self.shop = DemoShop.opened(self._server)
        self._hang()
        return self

    def __exit__(self, *_exception):
        self._server.stop()
        self._folder.cleanup()
        template_rendered.disconnect(_name_template)

    def url(self, name):
        return self._at[name]

    def fetch(self, name):
        """As it is; pages stand still, so once is enough."""
        if name not in self.answers:
            self.answers[name] = requests.get(self._at[name], timeout=30)
        answer = self.answers[name]
        assert answer.status_code == STATUS.get(name, 200), (name, answer.status_code)
        return answer

    def _hang(self):
        """Make the world; what needs the clock to move comes first, what must stay open last."""
        self.answers["shop-orders-none"] = FormBrowser().goes_to(f"{self.shop.url}/orders").answer
        self._ran_out()
        self._paid()
        self._not_paid()
        self._given_back()
        self._refunded()
        self._open()
        self._placed()
        self._at |= (
            self._standing() | gateway_pages.gateway_pages(self._server) | company_orders.company_orders(self._server)
        )
        FormBrowser().goes_to(self._at["provider-error"])
        rule = {"stage": "issuer", "outcome": "Z9", "match": {"vpa": "meera@okaxis"}, "times": 1}
        self.shop.seller.control("POST", "/scenarios", rule)
        folder = Path(self._folder.name) / "guarded"
        self.answers |= answers.guarded_pages(folder, self._server.url)
        self.answers |= answers.Answers(self._server, self.shop, self._at["shop-order-refunds"]).pages

    def _standing(self):
        """Pages that are there without an order."""
        root, ui, shop = self._server.url, self.shop.ui, self.shop.url
        nobody = self._server.new_seller().dashboard
        return {
            "gone": f"{root}/pay/nothing/",
            "account-sign-in": f"{root}/account/{self.shop.seller.seller_id}/",
            "account-code": self._asked_for_a_code(root),
            "acs-refused": f"{root}/acs/nothing",
            "landing": f"{root}/",
            "docs": f"{root}/_mockpay/docs",
            "docs-cookbook": f"{root}/_mockpay/docs/cookbook",
            "docs-control-api": f"{root}/_mockpay/docs/control-api",
            "docs-not-found": f"{root}/_mockpay/docs/nothing",
            "not-found": f"{root}/nothing",
            "provider-error": f"{root}/processPayment?payload=x",
            **self._mistaken_requests(),
            "dashboard-list": f"{ui}/orders",
            "dashboard-empty": f"{ui}/orders?q=nothing-fits",
            "dashboard-scenarios": f"{ui}/scenarios",
            "dashboard-scenarios-card": f"{ui}/scenarios?method=card&stage=issuer",
            "dashboard-scenarios-search": f"{ui}/scenarios?q=frozen",
            "dashboard-rule": f"{ui}/scenarios/rule?stage=issuer&outcome=frozen&method=netbanking&email=a@b.test",
            "dashboard-journal": f"{ui}/journal",
            "dashboard-seller": f"{ui}/seller",
            "dashboard-refunds": f"{ui}/refunds",
            "dashboard-refunds-none": f"{ui}/refunds?show=reversed",
            "dashboard-notifications": f"{ui}/notifications",
            "dashboard-inbox": f"{ui}/inbox",
            "dashboard-inbox-empty": f"{ui}/inbox?to=nobody",
            "dashboard-journal-empty": f"{ui}/journal?q=nothing-fits",
            "dashboard-notifications-empty": nobody.replace("/orders", "/notifications"),
            "dashboard-scenarios-empty": f"{ui}/scenarios?q=nothing-fits",
            "dashboard-nothing-yet": nobody,
            "dashboard-no-page": f"{root}/_mockpay/ui/nothing",
            "dashboard-refused": f"{ui}/orders/S04-0000000-0000000",
            "shop": shop,
            "shop-orders": f"{shop}/orders",
            "shop-refused": f"{shop}/return?status=SUCCESS&sellerOrderId=x",
            "shop-not-found": f"{shop}/orders/none",
        }

    def _mistaken_requests(self):
        """Requests to pay as a seller's software makes them by mistake."""
        seller = self._server.new_seller()
        key, order = self._server.runtime.keys.public_file.read_text(), {"amount": "499.00", "seller_order_id": "m-1"}
        stranger = AmazonPayClient(seller.seller_id, seller.fields["access_key"], "mistyped", key, self._server.url)
        return {
            "refused-signature": stranger.payment_url(redirect_url="http://127.0.0.1:1/back", **order),
            "refused-return-url": seller.client().payment_url(redirect_url="https://shop.example/back", **order),
        }

    def _asked_for_a_code(self, root):
        visitor = FormBrowser().goes_to(f"{root}/account")
        return visitor.presses("sign-in", email="rich@buyers.mockpay.test").url

    def _ran_out(self):
        # One instant for all runs, so that a page says the same each time.
        self.shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2026-11-20T09:30:00Z"})
        left = self._buyer()
        self.shop.seller.advance(seconds=901)
        self._at["expired"] = f"{left.url}result"
        self._at["dashboard-expired"] = self._dashboard()

    def _paid(self):
        closed = self._buyer("1703.07").asks("asha@okhdfc").opens_the_app().presses("upi-approve")
        self._at["browser-closed"] = closed.follows("return-to-seller").url
        self._wait()
        paid = self._buyer(sku="pannier").asks("insufficient@mockpay").follows("retry")
        self._wait(20)
        paid.asks("asha@okhdfc").opens_the_app().presses("upi-approve", pin="2580")
        self._at["success"] = paid.url
        self._at["dashboard-paid"] = self._dashboard()
        self._at["shop-order"] = paid.follows("return-to-seller").url
        self._wait()

    def _not_paid(self):
        worn = self._buyer().asks("insufficient@mockpay")
        for _ in range(4):
            worn.follows("retry").asks("failure@mockpay")
        self._at["failed-for-good"] = worn.url
        self._at["dashboard-failed"] = self._dashboard()
        self._at["shop-order-failed"] = worn.follows("return-to-seller").url
        self._wait()
        cancelled = self._buyer(sku="tourer").presses("cancel-payment")
        self._at["cancelled"] = cancelled.url
        cancelled.follows("return-to-seller")
        self._wait()
        self._at["failed-balance"] = self._buyer().pays_from_balance("poor").url
        self._wait()
        self._at["failed"] = self._buyer().asks("insufficient@mockpay").url
        self._at["dashboard-order"] = self._dashboard()
        self._wait()

    def _given_back(self):
        """By hand of the shop's own pages: in parts, one of them still on its way, and in full."""
        parts = self._buyer(sku="pannier").asks("success@mockpay").follows("return-to-seller")
        for amount in ("100.00", "24.02", "24.04"):
            parts.presses("shop-refund", amount=amount)
            self._wait(6)
        whole = self._buyer().asks("success@mockpay").follows("return-to-seller")
        whole.presses("shop-cancel")
        self._wait(6)
        self._at |= {"shop-order-refunds": parts.url, "shop-order-refunded": whole.url}

    def _refunded(self):
        """Orders given up after they were paid; the last ones have not settled yet."""
        done = self._given_up("149.00")
        named = self.shop.order()["seller_order_id"]
        self._at["shop-order-alert"] = f"{self.shop.url}/orders/{named}"
        declined, held = self._given_up("1705.02"), self._given_up("1705.04")
        self._wait(6)
        self._at |= {
            "dashboard-refund-done": done.url,
            "dashboard-refund-declined": declined.url,
            "dashboard-refund-held": held.url,
        }
        told = done.goes_to(done.url)
        told.goes_to(self._link(told, "//section[@aria-labelledby='notifications']//a/@href"))
        self._at["dashboard-notification"] = told.url
        under_way = self._given_up("24.06")
        self._at["dashboard-refund"] = under_way.url
        self._at["dashboard-refunded"] = self._dashboard()
        self._buyer("1704.06").pays_by_card()
        self._at["dashboard-notification-failing"] = self._newest_told()
        self.shop.seller.control("PATCH", "", {"settings": {"capture": "manual"}})
        self._buyer("4999.00").asks("success@mockpay")
        self._at["dashboard-held-money"] = self._dashboard()
        self.shop.seller.control("PATCH", "", {"settings": {"capture": "auto"}})
        self._sent_codes()

    def _given_up(self, amount):
        """The dashboard's page of the refund of an order that was paid and cancelled."""
        self._buyer(amount).asks("success@mockpay")
        order = FormBrowser().goes_to(self._dashboard()).presses("order-cancel")
        return order.goes_to(self._link(order, "//section[@aria-labelledby='refunds']//a/@href"))

    def _newest_told(self):
        self._wait(2)
        listed = FormBrowser().goes_to(f"{self.shop.ui}/notifications?show=waiting")
        return self._link(listed, "//a[@class='row-link']/@href")

    def _link(self, reader, path):
        return f"{self._server.url}{reader.page.xpath(path)[0]}"

    def _sent_codes(self):
        """What buyers got; no page has to have asked for it."""
        amount = Money.parse("8750.00")
        with transaction(self._server.runtime, self.shop.seller.seller_id) as sandbox:
            for channel, to in ((Channel.SMS, "+919800003210"), (Channel.EMAIL, "asha@buyers.mockpay.test")):
                challenges.start(
                    sandbox,
                    purpose=Purpose.PAYMENT,
                    subject=to,
                    to=to,
                    channel=channel,
                    amount=amount,
                    payee="Nilgiri Cycle Works",
                )

    def _open(self):
        self._at["otp-expired"] = self._buyer("5000.01").pays_from_balance("rich").url
        refused = self._buyer().types_card().goes_to_issuer().presses("acs-submit", otp="333333")
        self._at["failed-challenge"] = refused.returns_from_issuer().url
        self._wait(301)
        held = self._buyer("1703.06").asks("asha@okhdfc").opens_the_app().presses("upi-approve")
        self._at["taking-back"] = held.follows("return-to-seller").url
        again = self._buyer().asks("declined@mockpay").follows("retry")
        self._at["choose-again"] = again.url
        self._at["waiting-asked"] = self._buyer().asks("asha@okhdfc").url
        asked = self._buyer(sku="pannier").asks("asha@okhdfc")
        self._at["waiting"] = asked.url
        self._at["upi-app"] = asked.opens_the_app().url
        pending = self._buyer().asks("pending@mockpay")
        self._at["waiting-pending"] = pending.url
        self._at["upi-app-nothing"] = pending.url.replace("/waiting", "/upi-app")
        self._at["waiting-unknown"] = self._buyer(sku="tourer").asks("deemed@mockpay").url
        self._at["dashboard-waiting"] = self._dashboard()
        self._at_the_bank()
        self._proving()
        self._at["emi"] = self._buyer("4999.00").follows("method-emi").url
        self._at["barred"] = f"{self._buyer('500000.01').url}upi"
        choosing = self._buyer()
        self._at["choose"] = start = choosing.url
        self._at["card"], self._at["netbanking"] = f"{start}card", f"{start}netbanking"
        self._at["netbanking-found"] = f"{start}netbanking?find=bank+of"
        self._at["wallet"] = f"{start}wallet?email=poor@buyers.mockpay.test"
        self._at["upi"] = choosing.follows("method-upi").url

    def _at_the_bank(self):
        there = self._buyer(sku="pannier").goes_to_bank("HDFC")
        self._at["bank-login"] = there.url
        self._at["waiting-bank"] = there.url.replace("/bank", "/waiting")
        self._at["bank-refused"] = there.url.replace("/bank", "/bank-return?status=S")
        self._at["bank"] = there.logs_in().url

    def _proving(self):
        """Buyers who must prove that it is them."""
        self._at["otp"] = self._buyer("6000.00").pays_from_balance("rich").url
        self._at["threeds"] = self._buyer(sku="pannier").types_card().url
        self._at["acs"] = self._buyer().types_card("5500670000001002").goes_to_issuer().url
        wrong = self._buyer().types_card("6527658900001005").goes_to_issuer()
        self._at["acs-wrong"] = wrong.presses("acs-submit", otp="000000").url
        self.shop.seller.next("risk", "review", method="card")
        self._at["waiting-review"] = self._buyer(sku="tourer").types_card("36082800091007").url

    def _placed(self):
        """The order of whoever is still choosing."""
        orders = FormBrowser().goes_to(f"{self.shop.url}/orders")
        newest = orders.page.xpath("//ul[contains(@class, 'items')]//a/@href")[0]
        self._at["shop-order-placed"] = f"{self._server.url}{newest}"

    def _buyer(self, amount="", sku="bell"):
        return FormBrowser().buys(self.shop, sku=sku, amount=amount)

    def _wait(self, seconds=67):
        self.shop.seller.advance(seconds=seconds)

    def _dashboard(self):
        """The dashboard's page of the newest order."""
        return f"{self.shop.ui}/orders/{self.shop.order()['order_id']}"
