"""Adding money to a wallet by control API: the order, its payment, its limits, and what the seller's own software sees."""

import pytest
import requests

from mockpay.merchant.responses import ServiceError
from mockpay.testing import ControlError

ASHA, MINKYC = "asha@example.com", "minkyc@buyers.mockpay.test"
PAYS = {"method": "upi", "vpa": "success@mockpay"}


def top_up(seller, amount="500.00", owner=ASHA, **fields):
    return seller.top_up(owner, amount, **fields)


def problem(seller, *args, **fields):
    with pytest.raises(ControlError) as refused:
        top_up(seller, *args, **fields)
    return refused.value.problem


def test_an_order_waits_on_its_pages_or_is_paid_in_the_call(seller):
    waits = top_up(seller)
    assert (waits["state"], waits["kind"], waits["provider"]) == ("CREATED", "topup", None)
    assert waits["urls"]["pay"].endswith("/")
    assert seller.wallet(ASHA)["balance"] == "0.00"
    seller.pay(waits["order_id"], "netbanking", bank="HDFC", answer="success")
    assert seller.wallet(ASHA)["balance"] == "500.00"
    paid = top_up(seller, "250.00", **PAYS)
    assert (paid["state"], paid["attempts"][0]["state"]) == ("PAID", "CAPTURED")
    assert seller.wallet(ASHA)["balance"] == "750.00"
    assert seller.control("GET", "/audit")["violations"] == []


def test_a_refusal_names_its_field_and_leaves_no_open_order(seller):
    for amount, code in (("0.50", "amount.too_small"), ("1.005", "amount.invalid"), ("-5.00", "amount.invalid")):
        refused = problem(seller, amount)
        assert (refused["code"], refused["field"]) == (code, "amount")
    assert problem(seller, "500.01", MINKYC)["context"] == {"field": "amount", "limit": "balance_cap", "left": "500.00"}
    for fields, code in (
        ({"method": "wallet", "email": "rich@buyers.mockpay.test"}, "method.unavailable"),
        ({"method": "upi", "vpa": "not an id"}, "vpa.invalid"),
        ({"method": "upi", "vpa": "asha@okaxis", "bank": "HDFC"}, "pay.field"),
    ):
        assert problem(seller, **fields)["code"] == code
    assert {order["state"] for order in seller.orders()} == {"CANCELLED"}


def test_none_of_the_sellers_own_lists_has_it(seller):
    order = top_up(seller, **PAYS)
    client = seller.client()
    assert client.list_order_reference(order["seller_order_id"]).order_references == ()
    with pytest.raises(ServiceError, match="is not known"):
        client.get_order_reference_details(order["order_id"])
    assert seller.notifications() == []
    [listed] = seller.orders()
    assert (listed["order_id"], listed["kind"], listed["provider"]) == (order["order_id"], "topup", None)


def test_the_pages_offer_what_can_fill_a_wallet_and_lead_back_to_it(seller):
    order = top_up(seller)
    choose = requests.get(order["urls"]["pay"], timeout=20).text
    assert [name in choose for name in ("method-upi", "method-card", "method-netbanking")] == [True] * 3
    assert "method-wallet" not in choose
    assert "method-emi" not in choose


def test_a_key_opens_one_order_and_is_free_again_where_none_could_be_paid(seller):
    def keyed(key, **body):
        answer = requests.post(
            f"{seller.server.url}/_mockpay/v1/sellers/{seller.seller_id}/buyers/{ASHA}/wallet/top-up",
            json={"amount": "500.00", **body},
            headers={"Idempotency-Key": key},
            timeout=20,
        ).json()
        return answer.get("order_id") or answer["code"]

    first = keyed("a", **PAYS)
    assert keyed("a", **PAYS) == first
    assert keyed("a", method="card") == "idempotency_conflict"
    assert keyed("b", method="upi", vpa="no id") == "vpa.invalid"
    assert keyed("b", **PAYS) != first
    assert seller.wallet(ASHA)["balance"] == "1000.00"


def test_added_money_is_refunded_to_its_card_and_no_company_knows(seller):
    card = {"number": "5123456789012346", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
    order = top_up(seller, method="card", **card)
    if order["state"] != "PAID":
        seller.pay(order["order_id"], otp="123456")
    assert seller.order(order["order_id"])["refundable_amount"] == "500.00"
    refund = seller.refund_order(order["order_id"], "200.00")
    assert (refund["kind"], refund["destination"]["last4"]) == ("TESTER", "2346")
    assert seller.wallet(ASHA)["balance"] == "300.00"
    seller.control("POST", f"/buyers/{ASHA}/wallet/adjust", {"amount": "-100.00"})
    with pytest.raises(ControlError) as refused:
        seller.refund_order(order["order_id"])
    problem = refused.value.problem
    assert (problem["code"], problem["field"], problem["context"]["left"]) == (
        "wallet.insufficient",
        "amount",
        "200.00",
    )
    seller.advance(seconds=60)
    [entry] = seller.control("GET", f"/buyers/{ASHA}/wallet/entries?type=TOPUP_REFUND")["items"]
    assert (entry["amount"], entry["refund_id"], entry["order_id"]) == (
        "-200.00",
        refund["refund_id"],
        order["order_id"],
    )
    told = seller.refund(refund["refund_id"])
    assert (told["state"], told["bank_reference_kind"], told["notifications"]) == ("COMPLETED", "ARN", [])
    assert seller.order(order["order_id"])["refundable_amount"] == "300.00"
    assert seller.notifications() == []
    client = seller.client()
    with pytest.raises(ServiceError, match="is not known"):
        client.get_refund_details(refund["refund_id"])
    with pytest.raises(ServiceError, match="is not known"):
        client.refund(order["order_id"], "R-1", "1.00")
    assert seller.control("GET", "/audit")["violations"] == []
