"""An order's page tells what each company really does, whatever company the order came by."""

import pytest
import requests
from lxml import html

from tests.journeys.form_browser import FormBrowser
from tests.providers.payu.merchant import Merchant
from tests.providers.razorpay.software import DECLINED, SUCCESS
from tests.providers.razorpay.software import MOUNT as RAZORPAY
from tests.providers.stripe.software import RETURN_URL, Software
from tests.web.visitor import text

BACK = "http://127.0.0.1:1/back"


def dashboard(seller, path):
    """The address of a page of the seller's."""
    return f"{seller.server.url}/_mockpay/ui/sellers/{seller.seller_id}/{path}"


class OrderPage:
    """The dashboard's page of a seller's newest order."""

    def __init__(self, seller):
        order = seller.orders()[0]["order_id"]
        self.page = html.fromstring(requests.get(dashboard(seller, f"orders/{order}"), timeout=30).text)

    @property
    def title(self):
        return text(self.page.xpath("//h1")[0])

    def tells(self, title):
        """What the timeline says below a title."""
        (line,) = self.page.xpath("//ol[contains(@class, 'timeline')]/li[.//*[normalize-space()=$t]]", t=title)
        return text(line).removeprefix(title).split(maxsplit=1)[-1].removeprefix("s ")

    @property
    def seller_was_told(self):
        return text(self.page.xpath("//section[@aria-labelledby='told']")[0])

    @property
    def second_line(self):
        return text(self.page.xpath("//h1/following-sibling::p")[0])


def razorpay(seller):
    """The address of the API, and what a client of the seller's is believed by."""
    key = seller.fields["credentials"]["razorpay"]
    return f"{seller.server.url}{RAZORPAY}/v1", (key["key_id"], key["key_secret"])


def razorpay_checkout(seller, vpa):
    """A payment on the hosted page, to the way back."""
    api, auth = razorpay(seller)
    order = {"amount": 49_900, "currency": "INR", "receipt": "r"}
    made = requests.post(f"{api}/orders", auth=auth, json=order, timeout=30).json()
    form = {"key_id": auth[0], "order_id": made["id"], "callback_url": BACK}
    buyer = FormBrowser().sends_form(f"{api}/checkout/embedded", form).asks(vpa)
    return buyer.follows("return-to-seller")


def test_a_decline_at_stripe_is_no_fault_of_the_integration(mockpay_seller):
    software = Software(mockpay_seller)
    software.pay(402, payment_method="pm_card_chargeDeclined")
    page = OrderPage(mockpay_seller)
    assert page.tells("Order opened") == "By a call of Stripe’s API"
    assert page.second_line.startswith("Nothing is wrong in your integration. The card …0002 asked for this answer.")
    assert "By notification. None: the seller has no address for notifications." in page.seller_was_told
    software.refused(f"payment_intents/{mockpay_seller.orders()[0]['order_id']}/capture")
    assert "stripe.payment_intents.capture was refused" in OrderPage(mockpay_seller).second_line


def test_an_intent_that_nobody_tried_is_on_no_page_and_its_end_is_the_sellers(mockpay_seller):
    software = Software(mockpay_seller)
    intent = software.post("payment_intents", amount=100, currency="inr")["id"]
    assert OrderPage(mockpay_seller).title == "Nobody has tried to pay yet"
    journal = html.fromstring(requests.get(dashboard(mockpay_seller, "journal"), timeout=30).text)
    assert len(journal.xpath(f"//*[normalize-space(text())='{intent}']")) == 1
    software.post(f"payment_intents/{intent}/cancel")
    assert OrderPage(mockpay_seller).title == "Cancelled by the seller"


def test_the_sellers_page_names_each_companys_address(mockpay_seller):
    page = html.fromstring(requests.get(dashboard(mockpay_seller, "seller"), timeout=30).text)
    for title, mount in {"Stripe": "stripe", "Razorpay": "razorpay", "PayU": "payu"}.items():
        (url,) = page.xpath("//dt[.=$title]/following-sibling::dd/text()", title=title)
        assert url == f"{mockpay_seller.server.url}/gw/{mount}"


def test_stripes_events_are_listed_by_name_and_a_refusal_is_not_the_last_try(mockpay_seller):
    software = Software(mockpay_seller)
    mockpay_seller.freeze()
    nobody = f"{mockpay_seller.server.url}/nothing"
    wanted = ["charge.succeeded", "payment_intent.succeeded", "refund.created"]
    software.post("webhook_endpoints", url=nobody, enabled_events=wanted)
    software.post("refunds", payment_intent=software.pay()["id"], amount=100)
    mockpay_seller.advance(seconds=0)
    told = [text(one) for one in OrderPage(mockpay_seller).page.xpath("//section[@aria-labelledby='notifications']//a")]
    assert told == ["charge.succeeded, ₹499.00", "payment_intent.succeeded, ₹499.00", "refund.created, ₹1.00"]
    (first, *_) = mockpay_seller.control("GET", "/notifications")["items"]
    assert (first["state"], len(first["tries"])) == ("RETRY_WAIT", 1)
    refund = mockpay_seller.control("GET", "/refunds")["items"][0]["refund_id"]
    page = html.fromstring(requests.get(dashboard(mockpay_seller, f"refunds/{refund}"), timeout=30).text)
    assert page.xpath("//dt[.='Stripe refund id']/following-sibling::dd/text()") == [refund]
    mockpay_seller.control("PATCH", "", {"settings": {"ipn_profile": "stripe"}})
    mockpay_seller.advance(seconds=4 * 3_600)
    states = {(one["state"], len(one["tries"])) for one in mockpay_seller.control("GET", "/notifications")["items"]}
    assert states == {("DEAD", 4)}
    assert "3 notifications: answered 404" in OrderPage(mockpay_seller).second_line


def test_stripes_way_back_is_signed_by_nobody(mockpay_seller):
    software = Software(mockpay_seller)
    intent = software.pay(payment_method="pm_card_authenticationRequired", return_url=RETURN_URL)
    page = intent["next_action"]["redirect_to_url"]["url"]
    buyer = FormBrowser().goes_to(page).confirms_at_issuer()
    assert "redirect_status=succeeded" in buyer.leaves()
    page = OrderPage(mockpay_seller)
    assert page.tells("Sent back to the seller") == "SUCCESS: ids and a status that nobody signs"
    assert "was sent to this URL with ids and a status that nobody signs; whether" in page.seller_was_told
    assert "redirect_statussucceeded" in page.seller_was_told


def test_an_endpoint_that_wants_other_events_was_told_nothing_yet(mockpay_seller):
    software = Software(mockpay_seller)
    software.post("webhook_endpoints", url="http://127.0.0.1:1/hook", enabled_events=["refund.failed"])
    software.pay()
    nothing = "None yet: nothing has happened that an address of the seller’s wants to know."
    assert f"By notification. {nothing}" in OrderPage(mockpay_seller).seller_was_told


NOBODY = "None: the seller has no address for notifications."


@pytest.mark.parametrize(
    ("ipn_url", "active", "why"),
    [("", False, NOBODY), ("", True, "None yet."), ("http://127.0.0.1:1/ipn", False, "None yet.")],
)
def test_a_webhook_of_razorpays_that_is_off_is_nobodys_address(mockpay_seller, ipn_url, active, why):
    mockpay_seller.control("PATCH", "", {"ipn_url": ipn_url})
    api, auth = razorpay(mockpay_seller)
    webhook = {"url": "http://127.0.0.1:1/hook", "events": {"refund.failed": True}, "active": active, "secret": "s"}
    assert requests.post(f"{api}/webhooks", auth=auth, json=webhook, timeout=30).status_code == 200
    requests.post(f"{api}/orders", auth=auth, json={"amount": 100, "currency": "INR"}, timeout=30).raise_for_status()
    assert f"By notification. {why}" in OrderPage(mockpay_seller).seller_was_told


@pytest.mark.parametrize(
    ("vpa", "result", "field"), [(SUCCESS, "SUCCESS", "razorpay_signature"), (DECLINED, "PENDING", "error[code]")]
)
def test_what_razorpays_page_posts_is_shown_field_by_field(mockpay_seller, vpa, result, field):
    posted = {one.name: one.value for one in razorpay_checkout(mockpay_seller, vpa).page.forms[0].inputs}
    page = OrderPage(mockpay_seller)
    assert page.tells("Order opened") == "By a call of Razorpay’s API"
    assert page.tells("Sent back to the seller") == f"{result}: the payment’s id and signature, or its error"
    assert "The browser posted a form to this URL with the payment’s id" in page.seller_was_told
    assert f"{field}{posted[field]}" in page.seller_was_told
    assert page.page.xpath("//dt[.='Your order id']/following-sibling::dd/text()") == ["r"]


def test_what_payus_page_posts_is_shown_field_by_field(mockpay_seller):
    result = Merchant(mockpay_seller).paid()
    page = OrderPage(mockpay_seller)
    assert page.tells("Order opened") == "By PayU’s form or API, hash matched"
    assert page.tells("Sent back to the seller") == "SUCCESS: the result and its reverse hash"
    assert f"hash{result['hash']}" in page.seller_was_told
    # The seller's own id is the company's.
    assert page.page.xpath("//dt[.='Your order id']") == []
