"""
Amazon's notifications (IPN): an SNS envelope, a message in JSON, its content in XML.

Names, order of elements and headers: facts on Amazon Pay, section 6, seen in consumers; what
is not seen anywhere is marked here as inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import msgspec

from mockpay.domain.notifications import (
    OF_SUBSCRIPTIONS,
    OTHER_TIMES,
    Misbehaviour,
    Notification,
    NotificationType,
    OutgoingMessage,
    RetryProfile,
)
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND, rfc3339
from mockpay.kernel.keys.files import Keys
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY, PAYMENT_KEY
from mockpay.providers.amazonpay.reasons import REFUND_REASONS
from mockpay.providers.amazonpay.xml_responses import amazon_note
from mockpay.wire.amazonpay import sns
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
    NotificationType.TEST: "OrderReferenceNotification",
}
#: `amazon`: SNS tries every hour for 14 days; a 4xx or an address that nobody answers at is final (Python SDK).
#: `sns`: the documents of Amazon Pay India: a subscription to confirm, and three more tries, 20 s apart.
RETRY_PROFILES: Mapping[str, RetryProfile] = {
    "amazon": RetryProfile(
        "hourly for 14 days; 4xx or nobody there is final", (3_600 * SECOND,), unreachable_is_final=True
    ),
    "sns": RetryProfile(
        "a subscription to confirm first; again three times, 20 s apart; 4xx is final",
        (20 * SECOND,),
        max_tries=4,
        subscribes=True,
    ),
}
#: What SNS writes to an address that is to confirm, or has cancelled, its subscription (AWS documentation).
_SUBSCRIBE = (
    "You have chosen to subscribe to the topic {topic}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message."
)
_UNSUBSCRIBE = (
    "You have chosen to deactivate subscription {subscription}.\n"
    "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
)


#: The order of a test notification; ids of real ones are never this.
_SAMPLE_ORDER = "S04-0000000-0000000"
_quoted = msgspec.json.Encoder().encode


def _json(texts: Mapping[str, str | bool]) -> str:
    """A JSON object, spaced as Python's own does; msgspec quotes a long text four times faster."""
    pairs = (f'"{name}": {_quoted(text).decode()}' for name, text in texts.items())
    return "{" + ", ".join(pairs) + "}"


#: A seller's topic is this and its id.
TOPIC = f"arn:aws:sns:{_REGION}:{_ACCOUNT}:{_MARKETPLACE}"


@lru_cache(maxsize=256)
def names(seed: str, seller_id: str) -> tuple[str, str]:
    """A seller's topic and its subscription."""
    topic = f"{TOPIC}{seller_id}"
    return topic, f"{topic}:{ids.uuid(seed, 'subscription', seller_id)}"


@lru_cache(maxsize=16)
def _file_name(certificate: bytes) -> str:
    return f"SimpleNotificationService-{ids.fingerprint(certificate)[:32]}.pem"


def certificate_file(keys: Keys, seller: Seller | None = None) -> str:
    """Under which name the certificate is published; a seller whose downloads meet a fault has a name of its own."""
    name = _file_name(keys.public[NOTIFICATION_KEY.public])
    own = seller is not None and seller.settings.certificate_fault
    return f"{name.removesuffix('.pem')}-{seller.seller_id}.pem" if seller and own else name


def certificate_url(seller: Seller, keys: Keys) -> str:
    """What the seller's handler downloads: Amazon's own address unless a setting says else."""
    return seller.settings.ipn_certificate_url or f"{_HOST}/{certificate_file(keys, seller)}"


def notify(seller: Seller, keys: Keys, notification: Notification, _real_now: int) -> OutgoingMessage:
    """The notification as it goes out: the same text and signature at every try."""
    topic, subscription = names(seller.seed, seller.seller_id)
    body = {
        **_content(seller, notification, topic, subscription),
        "Timestamp": rfc3339(notification.created_at),
        "SignatureVersion": seller.settings.ipn_signature_version,
        "SigningCertURL": certificate_url(seller, keys),
    }
    if notification.type not in OF_SUBSCRIPTIONS:
        body["UnsubscribeURL"] = f"{_HOST}/?Action=Unsubscribe&SubscriptionArn={subscription}"
    signed = canonical_string(body)
    body["Signature"] = _signature(keys, notification, body, signed)
    text = _json(body).encode()
    if notification.outcome == Misbehaviour.CORRUPT:
        text = text[: len(text) * 2 // 3]
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": body["Type"],
        "x-amz-sns-message-id": notification.message_id,
        # One consumer looks for the name in just these capitals.
        "X-Amz-Sns-Topic-Arn": topic,
    }
    if notification.type is not NotificationType.SUBSCRIPTION:
        headers["x-amz-sns-subscription-arn"] = subscription
    return OutgoingMessage(headers, text, signed)


def _content(seller: Seller, notification: Notification, topic: str, subscription: str) -> dict[str, str]:
    """What it is and says, in SNS's words."""
    named = {"MessageId": notification.message_id, "TopicArn": topic}
    if notification.type not in OF_SUBSCRIPTIONS:
        return {"Type": sns.NOTIFICATION, **named, "Message": _json(_message(seller, notification))}
    token = str(notification.facts["token"])
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token}, safe=":")
    begins = notification.type is NotificationType.SUBSCRIPTION
    return {
        "Type": sns.SUBSCRIPTION if begins else sns.UNSUBSCRIPTION,
        **named,
        "Token": token,
        "Message": (_SUBSCRIBE if begins else _UNSUBSCRIBE).format(topic=topic, subscription=subscription),
        "SubscribeURL": f"{_HOST}/?{query}",
    }


def _signature(keys: Keys, notification: Notification, body: Mapping[str, str], canonical: str) -> str:
    key, version = keys.private[NOTIFICATION_KEY.private], body["SignatureVersion"]
    if notification.outcome in OTHER_TIMES:
        # By a key that the certificate does not have: not any more, or not yet.
        return sign_text(canonical, keys.private[PAYMENT_KEY.private], version)
    if notification.outcome == Misbehaviour.BAD_SIGNATURE:
        return sign_notification({**body, "MessageId": f"{notification.message_id}x"}, key)
    return sign_text(canonical, key, version)


def _message(seller: Seller, notification: Notification) -> dict[str, str | bool]:
    facts: Mapping[str, Any] = notification.facts
    payment = notification.type is not NotificationType.REFUND
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
        # Amazon's own test messages have it (seen in a copy of one).
        **({"IsSample": True} if notification.type is NotificationType.TEST else {}),
        "Timestamp": rfc3339(notification.created_at),
        "NotificationData": f"{_DECLARATION}\n{document}",
    }


def _payment(notification: Notification, facts: Mapping[str, Any]) -> Tree:
    """The fee comes first: a consumer takes the second Amount for the payment's (ChargeAmount
    is inferred).
    """
    code, words = amazon_note(facts["reason"], paid=facts["completed"])
    details: Tree = {
        "OrderID": notification.order_id or _SAMPLE_ORDER,
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
