"""An order's page: its objects as the API tells them by which it came, in the words of that company."""

import json

from lxml import html

from tests.journeys.form_browser import FormBrowser
from tests.providers.payu.merchant import Merchant
from tests.providers.stripe.software import Software
from tests.web.visitor import text

SECTION = "//section[@aria-labelledby='company-objects']"


def shown(seller, order_id):
    """The section's title, and each object's call with its text."""
    page = html.fromstring(FormBrowser().goes_to(f"{seller.dashboard}/{order_id}").answer.text)
    [section] = page.xpath(SECTION)
    objects = {text(fold.find("summary")): fold.xpath(".//pre")[0].text for fold in section.xpath("./details")}
    [api] = page.xpath("//dt[text()='API']/following-sibling::dd[1]")
    return text(section.xpath(".//h2")[0]), api.text, objects


def test_an_order_of_stripe_shows_session_intent_charges_and_refunds(mockpay_seller):
    software = Software(mockpay_seller)
    intent = software.post(
        "payment_intents", amount=49_900, currency="inr", receipt_email="asha@example.in", metadata={"a": "1"}
    )
    path = f"payment_intents/{intent['id']}"
    software.post(f"{path}/confirm", 402, payment_method="pm_card_visa_chargeDeclined")
    paid = software.post(f"{path}/confirm", payment_method="pm_card_visa")
    refund = software.post("refunds", payment_intent=intent["id"], amount=900, metadata={"why": "torn"})
    title, api, objects = shown(mockpay_seller, intent["id"])
    assert (title, api) == ("As Stripe tells it", "Stripe")
    kinds = [call.split("/")[2] for call in objects]
    assert kinds == ["payment_intents", "charges", "charges", "refunds"]
    told = json.loads(objects[f"GET /v1/{path}"])
    assert (told["status"], told["amount_received"], told["metadata"]) == ("succeeded", 49_900, {"a": "1"})
    assert told["latest_charge"] == paid["latest_charge"]
    charge = json.loads(objects[f"GET /v1/charges/{paid['latest_charge']}"])
    assert (charge["paid"], charge["amount_refunded"]) == (True, 900)
    back = json.loads(objects[f"GET /v1/refunds/{refund['id']}"])
    assert (back["amount"], back["metadata"]) == (900, {"why": "torn"})
    everything = json.dumps(objects)
    # The buyer's browser would be believed by its client secret.
    for hidden in (intent["client_secret"], software.key, "asha@example.in"):
        assert hidden not in everything


def test_an_order_of_a_checkout_session_shows_the_session_first(mockpay_seller):
    software = Software(mockpay_seller)
    item = {"price_data": {"currency": "inr", "unit_amount": 5_000, "product_data": {"name": "Bell"}}, "quantity": 2}
    made = software.post("checkout/sessions", mode="payment", line_items=[item], success_url="http://127.0.0.1/ok")
    [order] = mockpay_seller.orders()
    _, _, objects = shown(mockpay_seller, order["order_id"])
    assert list(objects) == [f"GET /v1/checkout/sessions/{made['id']}", f"GET /v1/payment_intents/{order['order_id']}"]
    assert json.loads(objects[f"GET /v1/checkout/sessions/{made['id']}"])["amount_total"] == 10_000


def test_an_order_of_payu_shows_what_verify_payment_answers(mockpay_seller):
    merchant = Merchant(mockpay_seller)
    result = merchant.paid(udf1="asha, Pune")
    title, api, objects = shown(mockpay_seller, result["txnid"])
    assert (title, api) == ("As PayU tells it", "PayU")
    [(call, document)] = objects.items()
    assert call == f"verify_payment, var1={result['txnid']}"
    details = json.loads(document)["transaction_details"][result["txnid"]]
    answered = merchant.command("verify_payment", var1=result["txnid"])["transaction_details"][result["txnid"]]
    assert details.keys() == answered.keys()
    assert (details["mihpayid"], details["unmappedstatus"]) == (result["mihpayid"], "captured")
    for hidden in (*merchant.credentials.values(), "asha@example.in", "asha, Pune"):
        assert hidden not in document


def test_an_order_of_amazons_shows_its_reference(mockpay_seller):
    order_id = mockpay_seller.open_order("499.00")
    title, api, objects = shown(mockpay_seller, order_id)
    assert (title, api) == ("As Amazon Pay tells it", "Amazon Pay")
    [(call, document)] = objects.items()
    assert call.startswith("ListOrderReference, QueryId=")
    assert f"<AmazonOrderReferenceId>{order_id}</AmazonOrderReferenceId>" in document
    assert "<State>Open</State>" in document


def test_list_and_journal_say_which_api_an_order_came_by(mockpay_seller):
    software = Software(mockpay_seller)
    software.pay()
    mockpay_seller.open_order("499.00")
    page = html.fromstring(FormBrowser().goes_to(mockpay_seller.dashboard).answer.text)
    companies = [text(cell).partition("·")[0].strip() for cell in page.xpath("//span[@class='row-sub']")]
    assert companies == ["Amazon Pay", "Stripe"]
    journal = FormBrowser().goes_to(mockpay_seller.dashboard.replace("/orders", "/journal")).answer.text
    assert "stripe.payment_intents.create" in journal
