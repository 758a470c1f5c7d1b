"""
Amazon's notifications (IPN): an SNS envelope, a message in JSON, its content in XML.

Names, order of elements and headers: facts on Amazon Pay, section 6, seen in consumers; what
is not seen anywhere is marked here as inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from mockpay.domain.notifications import Misbehaviour, Notification, NotificationType, OutgoingMessage, RetryProfile
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.keys.files import Keys
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY, PAYMENT_KEY
from mockpay.providers.amazonpay.reasons import REFUND_REASONS
from mockpay.providers.amazonpay.xml_responses import amazon_note
from mockpay.wire.amazonpay.sns import canonical_string, sign_notification, sign_text
from mockpay.wire.xml import Tree, render

#: Spelt exactly so: one consumer strips it as text.
NAMESPACE = "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"
#: The declaration that consumers have seen.
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
#: India's marketplace, and the account of its topics.
_MARKETPLACE = "A3FDG49KKM823Y"
_REGION, _ACCOUNT = "ap-south-1", "598607868003"
_HOST = f"https://sns.{_REGION}.amazonaws.com"


#: What messages call the types of a notification.
TYPES: Mapping[NotificationType, str] = {
    NotificationType.PAYMENT: "OrderReferenceNotification",
    NotificationType.REFUND: "PaymentRefund",
}
#: SNS tries every hour for 14 days; a 4xx or an address that nobody answers at is final.
RETRY_PROFILES: Mapping[str, RetryProfile] = {
    "amazon": RetryProfile(
        "hourly for 14 days; 4xx or nobody there is final", (3_600 * SECOND,), unreachable_is_final=True
    )
}


_quoted = msgspec.json.Encoder().encode


def _json(texts: Mapping[str, str]) -> str:
    """A JSON object, spaced as Python's own does; msgspec quotes a long text four times faster."""
    pairs = (f'"{name}": {_quoted(text).decode()}' for name, text in texts.items())
    return "{" + ", ".join(pairs) + "}"


@lru_cache(maxsize=256)
def _names(seed: str, seller_id: str) -> tuple[str, str]:
    """A seller's topic and its subscription."""
    topic = f"arn:aws:sns:{_REGION}:{_ACCOUNT}:{_MARKETPLACE}{seller_id}"
    return topic, f"{topic}:{ids.uuid(seed, 'subscription', seller_id)}"


@lru_cache(maxsize=16)
def _file_name(certificate: bytes) -> str:
    return f"SimpleNotificationService-{ids.fingerprint(certificate)[:32]}.pem"


def certificate_file(keys: Keys) -> str:
    """Under which name the certificate is published."""
    return _file_name(keys.public[NOTIFICATION_KEY.public])


def certificate_url(seller: Seller, keys: Keys) -> str:
    """What the seller's handler downloads: Amazon's own address unless a setting says else."""
    return seller.settings.ipn_certificate_url or f"{_HOST}/{certificate_file(keys)}"


def notify(seller: Seller, keys: Keys, notification: Notification) -> OutgoingMessage:
    """The notification as it goes out: the same text and signature at every try."""
    topic, subscription = _names(seller.seed, seller.seller_id)
    body = {
        "Type": "Notification",
        "MessageId": notification.message_id,
        "TopicArn": topic,
        "Message": _json(_message(seller, notification)),
        "Timestamp": rfc3339(notification.created_at),
        "SignatureVersion": "1",
        "SigningCertURL": certificate_url(seller, keys),
        "UnsubscribeURL": f"{_HOST}/?Action=Unsubscribe&SubscriptionArn={subscription}",
    }
    signed = canonical_string(body)
    body["Signature"] = _signature(keys, notification, body, signed)
    text = _json(body).encode()
    if notification.outcome == Misbehaviour.CORRUPT:
        text = text[: len(text) * 2 // 3]
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": notification.message_id,
        # One consumer looks for the name in just these capitals.
        "X-Amz-Sns-Topic-Arn": topic,
        "x-amz-sns-subscription-arn": subscription,
    }
    return OutgoingMessage(headers, text, signed)


def _signature(keys: Keys, notification: Notification, body: Mapping[str, str], canonical: str) -> str:
    key = keys.private[NOTIFICATION_KEY.private]
    if notification.outcome == Misbehaviour.OLD_SIGNATURE:
        # By a key that the certificate does not have (any more).
        return sign_text(canonical, keys.private[PAYMENT_KEY.private])
    if notification.outcome == Misbehaviour.BAD_SIGNATURE:
        return sign_notification({**body, "MessageId": f"{notification.message_id}x"}, key)
    return sign_text(canonical, key)


def _message(seller: Seller, notification: Notification) -> dict[str, str]:
    facts: Mapping[str, Any] = notification.facts
    payment = notification.type is NotificationType.PAYMENT
    content = _payment(notification, facts) if payment else _refund(facts)
    root = "ChargeTransactionNotification" if payment else "RefundTransactionNotification"
    document = render(root, NAMESPACE, content).decode().partition("\n")[2].rstrip("\n")
    return {
        "NotificationReferenceId": ids.uuid(seller.seed, "reference", notification.message_id),
        "NotificationType": TYPES[notification.type],
        "SellerId": seller.seller_id,
        "ReleaseEnvironment": "Live" if facts["live"] else "Sandbox",
        "Version": "2013-01-01",
        "MarketplaceID": _MARKETPLACE,
        "Timestamp": rfc3339(notification.created_at),
        "NotificationData": f"{_DECLARATION}\n{document}",
    }


def _payment(notification: Notification, facts: Mapping[str, Any]) -> Tree:
    """The fee comes first: a consumer takes the second Amount for the payment's (ChargeAmount
    is inferred).
    """
    code, words = amazon_note(facts["reason"], paid=facts["completed"])
    details: Tree = {
        "OrderID": notification.order_id,
        "SellerReferenceId": facts["seller_order_id"],
        "TotalFee": {"Amount": "0.00", "CurrencyCode": facts["currency"]},
        "ChargeAmount": {"Amount": facts["amount"], "CurrencyCode": facts["currency"]},
        "CreationTimestamp": rfc3339(facts["created_at"]),
        "Status": _status(facts, code, words),
    }
    return {"ChargeTransactionDetails": details}


def _refund(facts: Mapping[str, Any]) -> Tree:
    """The root's name is inferred; `RefundNotification` would mislead a consumer."""
    details: Tree = {
        "RefundTransactionId": facts["refund_id"],
        "RefundReferenceId": facts["reference"],
        "RefundAmount": {"Amount": facts["amount"], "CurrencyCode": facts["currency"]},
        "CreationTimestamp": rfc3339(facts["created_at"]),
        "Status": _status(facts, REFUND_REASONS.get(facts["reason"], ""), ""),
    }
    return {"RefundTransactionDetails": details}


def _status(facts: Mapping[str, Any], code: str, words: str) -> Tree:
    return {
        "State": "Completed" if facts["completed"] else "Declined",
        "LastUpdateTimestamp": rfc3339(facts["updated_at"]),
        "ReasonCode": code,
        "ReasonDescription": words,
    }
