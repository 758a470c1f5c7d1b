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

from mockpay.domain.notifications import Letter, Misbehaviour, Notification, NotificationType
from mockpay.kernel import ids
from mockpay.kernel.clock import rfc3339
from mockpay.kernel.keys.signing_identity import ipn_identity
from mockpay.providers.amazonpay.xml_responses import amazon_note
from mockpay.store.unit_of_work import Sandbox
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


def certificate_url(sandbox: Sandbox) -> str:
    """What the seller's handler downloads: Amazon's own address unless a setting says else."""
    own = sandbox.seller.settings.ipn_certificate_url
    return own or f"{_HOST}/{ipn_identity(sandbox.runtime.keys.folder).file_name}"


def notify(sandbox: Sandbox, one: Notification) -> Letter:
    """The notification as it goes out: the same text and signature at every try."""
    topic, subscription = _names(sandbox.seller.seed, sandbox.seller_id)
    body = {
        "Type": "Notification",
        "MessageId": one.message_id,
        "TopicArn": topic,
        "Message": _json(_message(sandbox, one)),
        "Timestamp": rfc3339(one.created_at),
        "SignatureVersion": "1",
        "SigningCertURL": certificate_url(sandbox),
        "UnsubscribeURL": f"{_HOST}/?Action=Unsubscribe&SubscriptionArn={subscription}",
    }
    signed = canonical_string(body)
    body["Signature"] = _signature(sandbox, one, body, signed)
    text = _json(body).encode()
    if one.outcome == Misbehaviour.CORRUPT:
        text = text[: len(text) * 2 // 3]
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": one.message_id,
        # One consumer looks for the name in just these capitals.
        "X-Amz-Sns-Topic-Arn": topic,
        "x-amz-sns-subscription-arn": subscription,
    }
    return Letter(headers, text, signed)


def _signature(sandbox: Sandbox, one: Notification, body: Mapping[str, str], canonical: str) -> str:
    keys = sandbox.runtime.keys
    identity = ipn_identity(keys.folder)
    if one.outcome == Misbehaviour.OLD_SIGNATURE:
        # By a key that the certificate does not have (any more).
        return sign_text(canonical, keys.amazonpay)
    if one.outcome == Misbehaviour.BAD_SIGNATURE:
        return sign_notification({**body, "MessageId": f"{one.message_id}x"}, identity.key)
    return sign_text(canonical, identity.key)


def _message(sandbox: Sandbox, one: Notification) -> dict[str, str]:
    facts: Mapping[str, Any] = one.facts
    payment = one.type is NotificationType.PAYMENT
    content = _payment(one, facts) if payment else _refund(facts)
    root = "ChargeTransactionNotification" if payment else "RefundTransactionNotification"
    document = render(root, NAMESPACE, content).decode().partition("\n")[2].rstrip("\n")
    return {
        "NotificationReferenceId": ids.uuid(sandbox.seller.seed, "reference", one.message_id),
        "NotificationType": str(one.type),
        "SellerId": sandbox.seller_id,
        "ReleaseEnvironment": "Live" if facts["live"] else "Sandbox",
        "Version": "2013-01-01",
        "MarketplaceID": _MARKETPLACE,
        "Timestamp": rfc3339(one.created_at),
        "NotificationData": f"{_DECLARATION}\n{document}",
    }


def _payment(one: Notification, facts: Mapping[str, Any]) -> Tree:
    """The fee comes first: a consumer takes the second Amount for the payment's (ChargeAmount
    is inferred).
    """
    code, words = amazon_note(facts["completed"], facts["reason"])
    details: Tree = {
        "OrderID": one.order_id,
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
        "Status": _status(facts, facts["reason"] or "", ""),
    }
    return {"RefundTransactionDetails": details}


def _status(facts: Mapping[str, Any], code: str, words: str) -> Tree:
    return {
        "State": "Completed" if facts["completed"] else "Declined",
        "LastUpdateTimestamp": rfc3339(facts["updated_at"]),
        "ReasonCode": code,
        "ReasonDescription": words,
    }
