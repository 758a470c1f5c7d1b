"""Payments at the front door: fetched, listed, captured by hand or by itself, and given back where nobody captured."""

import json

import pytest
from lxml import html
from razorpay.errors import BadRequestError, GatewayError

from tests.providers.razorpay.software import DECLINED

MANUAL = {"payment": {"capture": "manual"}}
VISA = {"number": "4100280000001007", "expiry": "08/30", "cvv": "123", "name": "Asha", "otp": "123456"}


def authorized(software, amount=49_900, **more):
    payment = software.pay(software.order(amount, **{**MANUAL, **more}))
    assert (payment["status"], payment["captured"], payment["fee"]) == ("authorized", False, None)
    return payment


def test_payments_are_listed_with_those_of_every_order(software):
    made = [software.paid()["id"] for _ in range(3)]

    def listed(**query):
        return [payment["id"] for payment in software.client.payment.all(query)["items"]]

    assert listed() == made[::-1]
    assert listed(count=1, skip=1) == [made[1]]


def test_what_is_authorised_is_captured_once_and_in_full(software, subtests):
    """Traps 5 and 6 (razorpay-java#60, razorpay-node#94, #107): 500 of 50000 captured, a float, a second capture."""
    payment = authorized(software, 50_000)
    for amount, words in {
        500: "Capture amount must be equal",
        49_999: "Capture amount must be equal",
        50_001: "Capture amount must be equal",
        500.5: "must be an integer",
        50_000.0: "must be an integer",
        "50000": "must be an integer",
        None: "amount field is required",
    }.items():
        with subtests.test(repr(amount)), pytest.raises(BadRequestError, match=words):
            software.client.payment.capture(payment["id"], amount, {})
    # The usual call of the public clients names no currency.
    captured = software.client.payment.capture(payment["id"], 50_000, {})
    assert (captured["status"], captured["captured"], captured["fee"], captured["tax"]) == ("captured", True, 1180, 180)
    software.advance()
    sent = len(software.events())
    with pytest.raises(BadRequestError, match="already been captured"):
        software.client.payment.capture(payment["id"], 50_000, {"currency": "INR"})
    software.advance()
    assert len(software.events()) == sent
    assert software.client.order.fetch(payment["order_id"])["status"] == "paid"


def test_what_was_captured_by_itself_is_not_captured_again(software):
    """Trap 6 (razorpay-node#107): captured by hand after automatic capture; no second event."""
    payment = software.paid()
    with pytest.raises(BadRequestError, match="already been captured"):
        software.client.payment.capture(payment["id"], 49_900, {})


def test_a_failed_payment_cannot_be_captured(software):
    payment = software.pay(software.order(**MANUAL), vpa=DECLINED)
    with pytest.raises(BadRequestError, match="authorized and not yet captured"):
        software.client.payment.capture(payment["id"], 49_900, {})


def test_a_dollar_captures_nothing(software):
    payment = authorized(software)
    with pytest.raises(BadRequestError, match="Currency is not supported"):
        software.client.payment.capture(payment["id"], 49_900, {"currency": "USD"})


def test_what_nobody_captures_in_time_goes_back_by_itself(software):
    options = {"payment": {"capture": "manual", "capture_options": {"manual_expiry_period": 12}}}
    payment = authorized(software, **options)
    software.advance(12 * 60 - 11)
    assert software.client.payment.fetch(payment["id"])["status"] == "authorized"
    software.advance(2)
    back = software.client.payment.fetch(payment["id"])
    told = (back["status"], back["captured"], back["amount_refunded"], back["refund_status"])
    assert told == ("refunded", False, 49_900, "full")
    [refund] = software.client.payment.fetch_multiple_refund(payment["id"])["items"]
    assert (refund["status"], refund["amount"], refund["payment_id"]) == ("processed", 49_900, payment["id"])
    assert software.client.refund.fetch(refund["id"]) == refund
    assert software.client.payment.fetch_refund_id(payment["id"], refund["id"]) == refund
    with pytest.raises(BadRequestError, match="authorized and not yet captured"):
        software.client.payment.capture(payment["id"], 49_900, {})


def test_an_order_that_asks_for_manual_capture_in_the_old_way_waits(software):
    assert software.pay(software.order(payment_capture=0))["status"] == "authorized"
    assert software.pay(software.order(payment_capture="1"))["status"] == "captured"
    software.settings(capture="manual")
    assert software.pay(software.order())["status"] == "authorized"


def test_a_capture_meets_what_its_call_asks_for(software):
    payment = authorized(software)
    with pytest.raises(BadRequestError, match="no stage 'refund'"):
        software.client.payment.capture(payment["id"], 49_900, {"notes": {"mockpay_outcome": "refund=completed"}})
    with pytest.raises(GatewayError, match="capture failed"):
        software.client.payment.capture(payment["id"], 49_900, {}, headers={"Mockpay-Outcome": "capture=fails"})
    assert software.client.payment.fetch(payment["id"])["status"] == "refunded"


def test_a_cards_payment_tells_its_card_where_it_is_to_be_expanded(software):
    payment = software.pay(software.order(), "card", **VISA)
    assert (payment["method"], payment["status"], "card" in payment) == ("card", "captured", False)
    for spelling in ("expand[]", "expand", "expand[0]", "expand[expand]", "expand[expand][0]"):
        card = software.client.payment.fetch(payment["id"], {spelling: "card"})["card"]
        assert (card["last4"], card["network"], card["type"]) == ("1007", "Visa", "credit")
    assert software.client.payment.fetchCardDetails(payment["id"]) == card
    assert software.client.card.fetch(payment["card_id"]) == card
    assert payment["acquirer_data"]["auth_code"].isdigit()
    by_upi = software.paid()
    assert software.refused("GET", f"/v1/payments/{by_upi['id']}/card") == "The id provided does not exist"


def test_a_payments_notes_are_its_own(software):
    payment = software.paid(notes={"order": "1"})
    assert payment["notes"] == []
    assert software.client.payment.edit(payment["id"], {"notes": {"a": "b"}})["notes"] == {"a": "b"}
    assert software.client.order.fetch(payment["order_id"])["notes"] == {"order": "1"}


def test_a_payment_that_waits_is_created(software):
    order = software.order()
    software.control("POST", f"/orders/{order['id']}/pay", {"method": "upi", "vpa": "pending@mockpay"})
    [payment] = software.client.order.payments(order["id"])["items"]
    assert (payment["status"], payment["error_code"]) == ("created", None)


def test_the_dashboard_shows_order_payments_and_refunds_as_the_api_does(software):
    order = software.order(notes={"city": "Pune"})
    failed, paid = software.pay(order, vpa=DECLINED), software.pay(order)
    refund = software.client.payment.refund(paid["id"], {"amount": 100, "notes": {"why": "torn"}})
    page = software.http.get(f"/_mockpay/ui/sellers/{software.fields['seller_id']}/orders/{order['id']}")
    [section] = html.fromstring(page.get_data(as_text=True)).xpath("//section[@aria-labelledby='company-objects']")
    assert section.xpath("string(.//h2)") == "As Razorpay tells it"
    calls = [fold.xpath("string(summary)") for fold in section.xpath("./details")]
    ids = [f"orders/{order['id']}", *(f"payments/{each['id']}" for each in (failed, paid)), f"refunds/{refund['id']}"]
    assert calls == [f"GET /v1/{each}" for each in ids]
    told, _, captured, back = (json.loads(pre.text) for pre in section.xpath(".//pre"))
    assert (told["status"], told["notes"]) == ("paid", {"city": "Pune"})
    assert (captured["status"], captured["amount_refunded"], captured["order_id"]) == ("captured", 100, order["id"])
    assert (back["payment_id"], back["notes"]) == (paid["id"], {"why": "torn"})
    assert software.key[1] not in page.get_data(as_text=True)
