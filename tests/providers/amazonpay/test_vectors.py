"""Requests that real clients made, through the front door over HTTP."""

from urllib.parse import urlsplit

import pytest

from mockpay.kernel.money import Money
from tests.providers.amazonpay.http_client import assert_refused_with_a_page, send_request
from tests.wire.known_answers import VECTORS, name_of

PAYMENTS = [v for v in VECTORS["process_payment_requests"] if v["redirectUrl"]]
ASKED = [v for v in VECTORS["process_payment_requests"] if not v["redirectUrl"]]
CALLS = VECTORS["server_to_server_requests"]


@pytest.mark.parametrize("path", ["/initiatePayment", "/processPayment", "/processPayment/"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("vector", PAYMENTS, ids=name_of)
def test_a_real_clients_request_leads_to_the_payment_page(vector, verb, path, vector_seller):
    parts = urlsplit(vector["url"])
    asked = (
        send_request(vector_seller.server, f"{path}?{parts.query}", host=parts.netloc)
        if verb == "GET"
        else send_request(vector_seller.server, path, form=parts.query, host=parts.netloc)
    )

    assert asked.status == 302
    assert asked.location.startswith("/pay/")
    assert asked.location.endswith("/")
    [order] = vector_seller.orders()
    sent = vector["expected_params"]
    assert order["state"] == "CREATED"
    assert order["seller_order_id"] == sent["sellerOrderId"]
    assert order["amount"] == Money.parse(sent["orderTotalAmount"]).wire()
    assert order["custom_information"] == sent.get("customInformation")
    assert order["seller_note"] == sent.get("sellerNote")
    assert order["store_name"] == sent.get("sellerStoreName")
    assert send_request(vector_seller.server, asked.location).status == 200


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("vector", VECTORS["process_payment_rejects"], ids=name_of)
def test_a_broken_request_is_refused_with_a_page(vector, verb, vector_seller):
    query = urlsplit(vector["url"]).query
    server = vector_seller.server
    asked = (
        send_request(server, f"/initiatePayment?{query}")
        if verb == "GET"
        else send_request(server, "/initiatePayment", form=query)
    )

    assert_refused_with_a_page(asked, 400)
    assert vector_seller.orders() == []


@pytest.mark.parametrize("path", ["/v2/payments/chargeStatus", "//payments/v1/api/chargeStatus"])
@pytest.mark.parametrize("vector", ASKED, ids=name_of)
def test_a_real_clients_question_is_believed_though_its_transaction_is_unknown(vector, path, vector_seller):
    query = urlsplit(vector["url"]).query
    asked = send_request(vector_seller.server, f"{path}?{query}", host="amazonpay.amazon.in")

    assert asked.status == 404
    assert asked.json["error"]["code"] == "InvalidTransactionId"
    assert vector_seller.control("GET", "/journal")["items"][0]["outcome"] == "transaction.not_found"


@pytest.mark.parametrize("vector", CALLS, ids=lambda v: f"{v['sdk']}-{v['canonical_form']}")
def test_a_real_clients_call_is_believed(vector, vector_seller):
    form, path = vector["raw_query_or_body"], vector["path"]
    server = vector_seller.server
    asked = (
        send_request(server, f"{path}?{form}", host=vector["host"])
        if vector["method"] == "GET"
        else send_request(server, path, form=form, host=vector["host"])
    )

    assert asked.content_type == "text/xml"
    if path.startswith("/v2/payments/orderReference") or "ListOrderReference" in form:
        assert asked.status == 200
        assert asked.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"] == {"OrderReferenceList": ""}
    else:
        # The transaction that it names is not there; the signature was right all the same.
        assert asked.error["Code"] not in {"SignatureDoesNotMatch", "InternalServerError"}
        outcome = vector_seller.control("GET", "/journal")["items"][0]["outcome"]
        assert not outcome.startswith(("signature.", "seller."))
