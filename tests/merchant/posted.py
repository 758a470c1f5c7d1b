"""Notifications as the sandbox posts them, signed with the vectors' key."""

import json

from mockpay.wire.amazonpay import sns
from tests.wire.known_answers import SELLER_ID, SNS_PRIVATE_KEY, VECTORS

CERTIFICATE = VECTORS["sns_certificate_pem"].encode()
GOOD = {vector["name"]: vector["body"] for vector in VECTORS["ipn"]}
NAMESPACE = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"
URL = "https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-0000000000000000000000.pem"


def headers_for(body):
    """The headers that SNS sends with a body."""
    return {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": body.get("Type", ""),
        "x-amz-sns-message-id": body.get("MessageId", ""),
        "x-amz-sns-topic-arn": body.get("TopicArn", ""),
    }


def octets(body):
    return json.dumps(body).encode()


def signed(body):
    """The body with the signature that belongs to it."""
    return body | {"Signature": sns.sign_notification(body, SNS_PRIVATE_KEY)}


def envelope(notification_type, document, message_id="m-1", **message):
    """A whole notification, signed."""
    told = {
        "NotificationReferenceId": "n-1",
        "NotificationType": notification_type,
        "SellerId": SELLER_ID,
        "ReleaseEnvironment": "Sandbox",
        "Timestamp": "2026-11-21T10:10:00.000Z",
        "NotificationData": '<?xml version="1.0" encoding="UTF-8"?>\n' + document,
    } | message
    return signed(GOOD["india-refund"] | {"Message": json.dumps(told), "MessageId": message_id})


def payment(order_id, state="Completed", amount="499.00", amazon_order_id="S04-1-1", **more):
    """What Amazon posts about a payment."""
    document = (
        f'<ChargeTransactionNotification xmlns="{NAMESPACE}"><ChargeTransactionDetails>'
        f"<OrderID>{amazon_order_id}</OrderID><SellerReferenceId>{order_id}</SellerReferenceId>"
        "<TotalFee><Amount>1.25</Amount><CurrencyCode>INR</CurrencyCode></TotalFee>"
        f"<ChargeAmount><Amount>{amount}</Amount><CurrencyCode>INR</CurrencyCode></ChargeAmount>"
        f"<Status><State>{state}</State><ReasonCode>R</ReasonCode></Status>"
        "</ChargeTransactionDetails></ChargeTransactionNotification>"
    )
    return envelope("OrderReferenceNotification", document, **more)


def refund(refund_id, reference, state="Completed", amount="100.00", reason="", **more):
    """What Amazon posts about a refund."""
    document = (
        f'<RefundTransactionNotification xmlns="{NAMESPACE}"><RefundTransactionDetails>'
        f"<RefundTransactionId>{refund_id}</RefundTransactionId>"
        f"<RefundReferenceId>{reference}</RefundReferenceId>"
        f"<RefundAmount><Amount>{amount}</Amount><CurrencyCode>INR</CurrencyCode></RefundAmount>"
        f"<Status><State>{state}</State><ReasonCode>{reason}</ReasonCode></Status>"
        "</RefundTransactionDetails></RefundTransactionNotification>"
    )
    return envelope("PaymentRefund", document, **more)
