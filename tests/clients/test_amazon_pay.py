"""Amazon's own Python client 2.7.1: no host of it can be configured, and nothing of it is changed."""

import json

import pytest

from tests.clients.conftest import pay

REGIONS = ("us", "uk", "de", "eu", "jp", "live")


@pytest.fixture(scope="module")
def answers(under_mockpay_run, clients_python, seller, paid_order):
    """Region -> question -> what the client's own object says."""
    program = __file__.replace("test_amazon_pay.py", "programs/amazon_pay_calls.py")
    secrets = (seller.fields["access_key"], seller.fields["secret_key"])
    printed = under_mockpay_run(clients_python, program, seller.seller_id, *secrets, paid_order)
    return json.loads(printed)


@pytest.mark.parametrize("region", REGIONS)
def test_the_service_is_well(answers, region):
    answer = answers[region]["status"]
    assert answer["success"] is True
    result = answer["dict"]["GetServiceStatusResponse"]["GetServiceStatusResult"]
    assert result["Status"] == "GREEN"


@pytest.mark.parametrize("region", REGIONS)
def test_a_paid_order_is_told_as_closed_with_its_amount(answers, region, paid_order):
    answer = answers[region]["order"]
    assert answer["success"] is True
    result = answer["dict"]["GetOrderReferenceDetailsResponse"]["GetOrderReferenceDetailsResult"]
    order = result["OrderReferenceDetails"]
    assert order["AmazonOrderReferenceId"] == paid_order
    assert order["OrderTotal"] == {"Amount": "499.00", "CurrencyCode": "INR"}
    status = order["OrderReferenceStatus"]
    assert (status["State"], status["ReasonCode"]) == ("Closed", "UpfrontChargeSuccess")
    assert answer["json"] == answer["dict"]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(
    ("question", "code"), [("unknown", "InvalidOrderReferenceId"), ("forged", "SignatureDoesNotMatch")]
)
def test_a_refusal_is_the_clients_own_error_with_its_code(answers, region, question, code):
    answer = answers[region][question]
    assert answer["success"] is False
    assert answer["dict"]["ErrorResponse"]["Error"]["Code"] == code
    assert answer["json"]["ErrorResponse"]["Error"]["Type"] == "Sender"


def test_the_journal_tells_the_family_of_the_client(answers, seller):
    assert answers
    entries = seller.control("GET", "/journal?limit=100")["items"]
    flavours = {entry["facts"]["flavour"] for entry in entries if "flavour" in entry["facts"]}
    assert flavours == {"mws/rfc3986"}


@pytest.fixture(scope="module")
def lists_of_ids(mockpay_server):
    return mockpay_server.new_seller(settings={"id_list": True, "refund_delay_seconds": 0})


def body(answer, operation):
    assert answer["success"] is True, answer
    return answer["dict"][f"{operation}Response"][f"{operation}Result"]


def test_the_client_walks_from_an_order_to_its_refund(asks, lists_of_ids):
    order = pay(lists_of_ids, "WALK-1")
    refund = {"amazon_capture_id": order, "refund_reference_id": "R-1", "refund_amount": "100.00"}
    refunded, walked = asks(
        lists_of_ids, ("refund", refund), ("get_payment_details", {"amazon_order_reference_id": order})
    )
    assert refunded["success"] is True
    details, authorization, capture, refund = walked
    assert body(details, "GetOrderReferenceDetails")["OrderReferenceDetails"]["AmazonOrderReferenceId"] == order
    assert (
        body(authorization, "GetAuthorizationDetails")["AuthorizationDetails"]["CapturedAmount"]["Amount"] == "499.00"
    )
    assert body(capture, "GetCaptureDetails")["CaptureDetails"]["RefundedAmount"]["Amount"] == "100.00"
    assert body(refund, "GetRefundDetails")["RefundDetails"]["RefundReferenceId"] == "R-1"


def test_the_client_lists_closes_and_cannot_cancel_a_paid_order(asks, lists_of_ids):
    """It sends NA_USD as the payment domain, and dates of the forms that its own documentation shows."""
    order = pay(lists_of_ids, "LIST-1")
    named = {"amazon_order_reference_id": order}
    times = {"created_time_range_start": "2020-01-01", "created_time_range_end": "2199-12-31T23:59"}
    query = {"query_id": "LIST-1", "query_id_type": "SellerOrderId", **times}
    listed, closed, cancelled = asks(
        lists_of_ids,
        ("list_order_reference", query),
        ("close_order_reference", named | {"closure_reason": "Sent."}),
        ("cancel_order_reference", named | {"cancelation_reason": "Sold out."}),
    )
    found = body(listed, "ListOrderReference")["OrderReferenceList"]["OrderReference"]
    assert found["AmazonOrderReferenceId"] == order
    assert closed["success"] is True
    assert cancelled["dict"]["ErrorResponse"]["Error"]["Code"] == "InvalidCancelAttempt"
