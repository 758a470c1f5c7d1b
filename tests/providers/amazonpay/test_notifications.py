"""Amazon's notifications as they go out: the bytes, and who believes them."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from msgspec.structs import replace

from mockpay.kernel.clock import rfc3339
from mockpay.merchant.notifications import NotificationError
from mockpay.merchant.notifications import verify_notification as believe
from mockpay.providers.amazonpay import provider as amazonpay
from mockpay.providers.amazonpay.notifications import certificate_url, notify
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.wire import xml
from mockpay.wire.amazonpay import sns
from tests.factories import IPN_URL, NOON, World
from tests.providers.amazonpay.http_client import send_request

NAMESPACE = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def world(runtime):
    return World.new(runtime, ipn_url=IPN_URL)


@pytest.fixture
def served(runtime):
    """What the sandbox answers at the path of a SigningCertURL."""
    app = Flask("mockpay")
    app.register_blueprint(amazonpay.blueprint(runtime))

    def get(url: str) -> bytes:
        answer = app.test_client().get("/" + url.rpartition("/")[2])
        assert (answer.status_code, answer.content_type) == (200, "application/x-pem-file")
        return answer.data

    return get


def letters(world, amount="499.00", refund=None, **wish):
    """The letters about one order that was paid, or was not, and perhaps refunded."""
    order = world.order(amount=amount, **wish.pop("order", {}))
    world.pay(order, wish.pop("vpa", "success@mockpay"))
    if refund:
        world.refund(order, refund)
    world.advance_until_idle()
    with world.read() as sandbox:
        return order, [notify(sandbox.seller, sandbox.runtime.keys, one, 0) for one in world.notifications(order)]


def body_of(letter):
    return json.loads(letter.body)


def content_of(letter):
    return json.loads(body_of(letter)["Message"])["NotificationData"]


def believed(world, letter, served):
    return believe(letter.headers, letter.body, served, seller_id=world.seller_id)


def test_the_envelope_has_its_fields_in_order_and_never_a_subject(world):
    _, (letter,) = letters(world)
    body = body_of(letter)
    assert list(body) == [
        "Type",
        "MessageId",
        "TopicArn",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "SigningCertURL",
        "UnsubscribeURL",
        "Signature",
    ]
    assert (body["Type"], body["SignatureVersion"]) == ("Notification", "1")
    assert body["Timestamp"] == rfc3339(NOON)
    assert body["TopicArn"].startswith("arn:aws:sns:ap-south-1:")
    assert body["TopicArn"].endswith(world.seller_id)
    assert "Subject" not in body
    assert isinstance(body["Message"], str)


def test_the_headers_are_those_that_consumers_look_for(world):
    _, (letter,) = letters(world)
    body = body_of(letter)
    subscription = letter.headers["x-amz-sns-subscription-arn"]
    assert letter.headers == {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": body["MessageId"],
        "X-Amz-Sns-Topic-Arn": body["TopicArn"],
        "x-amz-sns-subscription-arn": subscription,
    }
    assert subscription.startswith(body["TopicArn"] + ":")
    assert subscription in body["UnsubscribeURL"]


def test_the_message_names_what_consumers_need(world):
    _, (letter,) = letters(world)
    message = json.loads(body_of(letter)["Message"])
    data = message.pop("NotificationData")
    assert message.pop("NotificationReferenceId")
    assert message == {
        "NotificationType": "OrderReferenceNotification",
        "SellerId": world.seller_id,
        "ReleaseEnvironment": "Sandbox",
        "Version": "2013-01-01",
        "MarketplaceID": "A3FDG49KKM823Y",
        "Timestamp": rfc3339(NOON),
    }
    assert data.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<ChargeTransactionNotification')
    assert data.count(f'xmlns="{NAMESPACE}"') == data.count("xmlns") == 1


def test_a_live_order_says_so(world):
    _, (letter,) = letters(world, order={"live": True})
    assert json.loads(body_of(letter)["Message"])["ReleaseEnvironment"] == "Live"


def test_a_payment_tells_the_fee_before_the_amount(world):
    order, (letter,) = letters(world)
    data = content_of(letter)
    parsed = xml.parse(data.encode())["ChargeTransactionNotification"]["ChargeTransactionDetails"]
    assert list(parsed) == ["OrderID", "SellerReferenceId", "TotalFee", "ChargeAmount", "CreationTimestamp", "Status"]
    assert parsed["OrderID"] == order.order_id
    assert parsed["SellerReferenceId"] == "O-1"
    assert parsed["TotalFee"] == {"Amount": "0.00", "CurrencyCode": "INR"}
    assert parsed["ChargeAmount"] == {"Amount": "499.00", "CurrencyCode": "INR"}
    assert data.index("<Amount>0.00<") < data.index("<Amount>499.00<")
    assert parsed["Status"] == {
        "State": "Completed",
        "LastUpdateTimestamp": rfc3339(NOON),
        "ReasonCode": "UpfrontChargeSuccess",
        "ReasonDescription": "Txn Success",
    }


def test_a_payment_that_failed_is_declined_with_its_reason(runtime):
    world = World.new(runtime, ipn_url=IPN_URL, max_attempts=1)
    _, (letter,) = letters(world, vpa="insufficient@mockpay")
    details = xml.parse(content_of(letter).encode())["ChargeTransactionNotification"]
    status = details["ChargeTransactionDetails"]["Status"]
    assert (status["State"], status["ReasonCode"]) == ("Declined", "UpfrontChargeFailure")
    assert status["ReasonDescription"] == "insufficient_funds"


@pytest.mark.parametrize(
    ("amount", "state", "reason"), [("100.00", "Completed", None), ("24.02", "Declined", "AmazonRejected")]
)
def test_a_refund_tells_its_ids_and_how_it_ended(world, amount, state, reason):
    order, (_, letter) = letters(world, refund=amount)
    (refund,) = world.refunds(order)
    root = xml.parse(content_of(letter).encode())["RefundTransactionNotification"]
    parsed = root["RefundTransactionDetails"]
    assert list(parsed) == ["RefundTransactionId", "RefundReferenceId", "RefundAmount", "CreationTimestamp", "Status"]
    assert parsed["RefundTransactionId"] == refund.refund_id
    assert parsed["RefundReferenceId"] == "R-1"
    assert parsed["RefundAmount"] == {"Amount": amount, "CurrencyCode": "INR"}
    assert (parsed["Status"]["State"], parsed["Status"].get("ReasonCode")) == (state, reason)
    assert parsed["Status"]["LastUpdateTimestamp"] == rfc3339(refund.updated_at)
    assert json.loads(body_of(letter)["Message"])["NotificationType"] == "PaymentRefund"


def test_the_served_certificate_verifies_it_and_the_shop_believes_it(world, served):
    order, (payment, refund) = letters(world, refund="100.00")
    for letter in (payment, refund):
        body = body_of(letter)
        sns.check_certificate_url(body["SigningCertURL"])
        sns.verify_notification(body, served(body["SigningCertURL"]))
        assert letter.signed == sns.canonical_string(body)
    assert believed(world, payment, served).about.amazon_order_id == order.order_id
    assert believed(world, refund, served).about.refund_reference_id == "R-1"


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "TopicArn", "Type"])
def test_a_changed_field_is_not_believed(world, served, field):
    _, (letter,) = letters(world)
    body = body_of(letter)
    body[field] += " "
    with pytest.raises(sns.SnsError):
        sns.verify_notification(body, served(body["SigningCertURL"]))


@pytest.mark.parametrize("outcome", ["bad_signature", "old_signature"])
def test_a_spoiled_signature_is_not_believed_though_all_else_is_right(world, served, outcome):
    world.add_rule(outcome, "ipn")
    _, (letter,) = letters(world)
    body = body_of(letter)
    sns.check_certificate_url(body["SigningCertURL"])
    with pytest.raises(sns.SnsError) as refused:
        sns.verify_notification(body, served(body["SigningCertURL"]))
    assert refused.value.code == "notification.signature"
    with pytest.raises(sns.SnsError):
        believed(world, letter, served)


def test_a_corrupt_body_cannot_even_be_read(world, served):
    world.add_rule("corrupt", "ipn")
    _, (letter,) = letters(world)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(letter.body)
    with pytest.raises(NotificationError) as refused:
        believed(world, letter, served)
    assert refused.value.code == "notification.malformed"


@pytest.mark.parametrize("outcome", ["success", "corrupt", "bad_signature", "old_signature"])
def test_every_rendering_has_the_same_bytes(world, outcome):
    world.add_rule(outcome, "ipn")
    order = world.order()
    world.pay(order)
    (one,) = world.notifications(order)
    with world.read() as sandbox:
        first = notify(sandbox.seller, sandbox.runtime.keys, one, 0)
    world.advance(86_400)
    with world.read() as sandbox:
        assert notify(sandbox.seller, sandbox.runtime.keys, world.notifications(order)[0], 0) == first


def test_two_messages_have_nothing_in_common_but_the_seller(world):
    _, (payment, refund) = letters(world, refund="100.00")
    first, second = body_of(payment), body_of(refund)
    assert first["TopicArn"] == second["TopicArn"]
    for field in ("MessageId", "Signature", "Message"):
        assert first[field] != second[field]
    ids = {json.loads(body["Message"])["NotificationReferenceId"] for body in (first, second)}
    assert len(ids) == 2


def test_another_certificate_url_is_told_where_a_setting_says_so(world):
    own = "https://127.0.0.1:8420/SimpleNotificationService-own.pem"
    with world.read() as sandbox:
        usual = certificate_url(sandbox.seller, sandbox.runtime.keys)
    assert usual.startswith("https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-")
    assert usual.endswith(".pem")
    with world.transaction() as sandbox:
        accounts.change(sandbox, Changes(settings={"ipn_certificate_url": own}))
    _, (letter,) = letters(world)
    assert body_of(letter)["SigningCertURL"] == own


@pytest.mark.parametrize("name", ["O-1 <&>", "ऑर्डर-१", "é" * 20, "]]>"])
def test_odd_names_travel_and_verify(world, served, name):
    order = world.order(name)
    world.pay(order)
    with world.read() as sandbox:
        (one,) = world.notifications(order)
        letter = notify(sandbox.seller, sandbox.runtime.keys, one, 0)
    assert believed(world, letter, served).about.seller_order_id == name


@pytest.mark.parametrize("name", ["O-1", 'a "b" \\ </c>', "ऑर्डर-१", "\t\r\n\x7f\u2028\U0001f600"])
def test_the_json_is_spaced_and_quoted_as_consumers_have_seen_it(world, name):
    order = world.order(name)
    world.pay(order)
    with world.read() as sandbox:
        (one,) = world.notifications(order)
        letter = notify(sandbox.seller, sandbox.runtime.keys, one, 0)
    body = body_of(letter)
    assert letter.body == json.dumps(body, ensure_ascii=False).encode()
    assert body["Message"] == json.dumps(json.loads(body["Message"]), ensure_ascii=False)


@pytest.mark.parametrize("host", ["sns.ap-south-1.amazonaws.com", "anything.example:8443"])
def test_the_certificate_is_served_for_any_host(mockpay_server, host):
    world = World(mockpay_server.runtime, mockpay_server.new_seller().seller_id)
    with world.read() as sandbox:
        path = "/" + certificate_url(sandbox.seller, sandbox.runtime.keys).rpartition("/")[2]
    for slash in ("", "/"):
        reply = send_request(mockpay_server, path + slash, host=host)
        assert reply.status == 200
        assert sns.certificate_key(reply.body)
    assert send_request(mockpay_server, "/SimpleNotificationService-0.pem", host=host).status == 404


def test_a_letter_is_made_of_what_was_true_then(world):
    """A later change of the order does not change what is told of its payment."""
    order = world.order()
    world.pay(order)
    (one,) = world.notifications(order)
    with world.read() as sandbox:
        before = notify(sandbox.seller, sandbox.runtime.keys, one, 0)
    world.refund(order, "499.00")
    world.advance_until_idle()
    with world.read() as sandbox:
        after = notify(sandbox.seller, sandbox.runtime.keys, replace(one, tries=3, state="DEAD"), 0)
    assert before == after
