"""Amazon's own Python client 2.7.1: no host of it can be configured, and nothing of it is changed."""

import json

import pytest

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
    assert flavours == {"mws/as-sent"}
