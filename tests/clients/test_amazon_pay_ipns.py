"""Amazon's own Python client believes our notifications, and none that somebody touched."""

import base64
import json

import pytest

from tests.clients.conftest import PROGRAMS, pay
from tests.server.endpoint import ipn_endpoint

AMAZON = "https://sns.ap-south-1.amazonaws.com"
FORGED = "Invalid signature."
BAD_URL = "Invalid certificate."


def at(url):
    """The message with another address of its certificate."""
    return lambda body: {**body, "SigningCertURL": url + body["SigningCertURL"][len(AMAZON) :]}


def other_message(body):
    return {**body, "Message": body["Message"].replace("499.00", "4.99")}


def other_signature(body):
    octets = bytearray(base64.b64decode(body["Signature"]))
    octets[7] ^= 1
    return {**body, "Signature": base64.b64encode(octets).decode()}


#: What somebody makes of the message, and what the client then says.
TAMPERED = {
    "another message": (other_message, FORGED),
    "another MessageId": (lambda body: {**body, "MessageId": "0" * 36}, FORGED),
    "another Timestamp": (lambda body: {**body, "Timestamp": "2027-01-01T00:00:00.000Z"}, FORGED),
    "another Type": (lambda body: {**body, "Type": "Notice"}, FORGED),
    "another TopicArn": (lambda body: {**body, "TopicArn": "arn:aws:sns:x"}, "Invalid TopicArn"),
    "another signature": (other_signature, FORGED),
    "no signature": (lambda body: {**body, "Signature": ""}, FORGED),
    "a certificate elsewhere": (at("https://sns.ap-south-1.example.com"), BAD_URL),
    "a host that only begins so": (at(f"{AMAZON}.example.com"), BAD_URL),
    "another port": (at(f"{AMAZON}:8443"), BAD_URL),
    "no TLS": (at(AMAZON.replace("https", "http")), BAD_URL),
    "no certificate": (at(f"{AMAZON}/elsewhere"), "Error retrieving certificate. NOT FOUND"),
}
#: What a scenario does, and what the client then says.
BY_SCENARIO = {"bad_signature": FORGED, "old_signature": FORGED, "corrupt": None}


@pytest.fixture(scope="module")
def posted(mockpay_server):
    """What the sandbox posted: by a scenario's outcome, of a payment (`success`) and a refund."""
    with ipn_endpoint() as (endpoint, url):
        seller = mockpay_server.new_seller(ipn_url=url)
        came = {}
        for number, outcome in enumerate(["success", *BY_SCENARIO]):
            seller.next("ipn", outcome)
            order = pay(seller, f"IPN-{number}")
            came[outcome] = endpoint.wait(lambda got, count=number: len(got) > count)[-1]
        client = seller.client()
        client.refund(order, "R-1", "100.00")
        seller.advance(seconds=5)
        came["refund"] = endpoint.wait(lambda got: len(got) > number + 1)[-1]
    return came


@pytest.fixture(scope="module")
def verdicts(under_mockpay_run, clients_python, posted, tmp_path_factory):
    """By name, what the client makes of what was posted and of what somebody made of it."""
    real = posted["success"]
    shown = {name: (one.body.decode(), one.headers) for name, one in posted.items()}
    for name, (tamper, _) in TAMPERED.items():
        shown[name] = (json.dumps(tamper(json.loads(real.body))), real.headers)
    shown["the topic in both"] = (
        shown["another TopicArn"][0],
        {**real.headers, "X-Amz-Sns-Topic-Arn": "arn:aws:sns:x"},
    )
    file = tmp_path_factory.mktemp("ipns") / "ipns.json"
    file.write_text(json.dumps([{"body": b, "headers": h} for b, h in shown.values()]))
    program = str(PROGRAMS / "amazon_pay_ipns.py")
    printed = json.loads(under_mockpay_run(clients_python, program, str(file)))
    return dict(zip(shown, printed, strict=True))


def test_the_notification_of_a_payment_is_accepted(verdicts):
    details = verdicts["success"]["told"]["ChargeTransactionNotification"]["ChargeTransactionDetails"]
    assert details["SellerReferenceId"] == "IPN-0"
    assert details["ChargeAmount"] == {"Amount": "499.00", "CurrencyCode": "INR"}
    assert details["Status"]["State"] == "Completed"


def test_the_notification_of_a_refund_is_accepted(verdicts):
    details = verdicts["refund"]["told"]["RefundTransactionNotification"]["RefundTransactionDetails"]
    assert details["RefundReferenceId"] == "R-1"
    assert details["Status"]["State"] == "Completed"


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_one_is_refused(verdicts, name):
    assert verdicts[name] == {"refused": TAMPERED[name][1]}


def test_another_topic_is_refused_in_header_and_body_too(verdicts):
    assert verdicts["the topic in both"] == {"refused": FORGED}


@pytest.mark.parametrize("outcome", BY_SCENARIO)
def test_what_a_scenario_spoiled_is_refused(verdicts, outcome):
    expected = BY_SCENARIO[outcome]
    assert set(verdicts[outcome]) == {"refused"}
    assert expected is None or verdicts[outcome]["refused"] == expected
