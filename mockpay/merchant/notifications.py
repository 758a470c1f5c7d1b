"""
Instant payment notifications (IPN): verified before anything of them is believed.

An SNS envelope carries Amazon's message as JSON, which carries its news as XML (facts on the
elements: providers/amazonpay/README.md).  Amazon sends again until it is answered 200, for 14
days, and may send one twice: whoever keeps books remembers the MessageIds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.money import Money
from mockpay.merchant.refunds import RefundState
from mockpay.merchant.responses import branch, moment, text
from mockpay.merchant.transport import FetchCertificate
from mockpay.wire import xml
from mockpay.wire.amazonpay import sns
from mockpay.wire.xml import Plain

#: SNS carries no larger message.
MAX_BYTES = 262_144
PAYMENT, REFUND = "OrderReferenceNotification", "PaymentRefund"
_PAYMENT_ROOT = ("ChargeTransactionNotification", "ChargeTransactionDetails")
_REFUND_ROOT = ("RefundTransactionNotification", "RefundTransactionDetails")
#: As elsewhere in the world, and for Amazon's older Refund operation.
_MWS_REFUND_ROOT = ("RefundNotification", "RefundDetails")


class PaymentState(StrEnum):
    """How a payment ended, spelt as on Amazon's wire."""

    COMPLETED = "Completed"
    DECLINED = "Declined"


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """
    A payment that ended; what the notification left out is empty.

    Attributes:
        fee: What Amazon keeps; None if it is not told.
    """

    amazon_order_id: str
    seller_order_id: str
    amount: Money
    fee: Money | None
    state: PaymentState
    reason_code: str
    reason_description: str
    created_at: int | None
    updated_at: int | None


@dataclass(frozen=True, slots=True)
class RefundNotice:
    """A refund that ended; `amount` is None if it is not told, the rest is empty then."""

    amazon_refund_id: str
    refund_reference_id: str
    amount: Money | None
    state: RefundState
    reason_code: str
    reason_description: str
    created_at: int | None
    updated_at: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionNotice:
    """A topic that sends here once somebody visits the URL (`Certificates.confirm` does); nothing comes before."""

    topic_arn: str
    subscribe_url: str


def notice(notification_type: str, document: str) -> PaymentNotice | RefundNotice | None:
    """
    Read a NotificationData.

    Returns:
        None for a type that is not known here.

    Raises:
        XmlError: the document is broken or dangerous.
        Invalid: an element is missing or makes no sense.
    """
    if notification_type not in {PAYMENT, REFUND}:
        return None
    tree = xml.parse(document.encode(errors="replace"))
    if notification_type == PAYMENT:
        return _payment(_details(tree, _PAYMENT_ROOT))
    if _MWS_REFUND_ROOT[0] in tree:
        details = _details(tree, _MWS_REFUND_ROOT)
        return _refund(details, "AmazonRefundId", "RefundStatus")
    return _refund(_details(tree, _REFUND_ROOT), "RefundTransactionId", "Status")


def _payment(details: Mapping[str, Plain]) -> PaymentNotice:
    status = branch(details, "Status")
    amounts = [child for name, child in details.items() if _is_amount(name, child)]
    if not amounts:
        raise Invalid("The payment's amount is missing.")
    return PaymentNotice(
        amazon_order_id=_required_text(details, "OrderID"),
        seller_order_id=_required_text(details, "SellerReferenceId"),
        amount=_required_money(amounts[0]),
        fee=_money(branch(details, "TotalFee")),
        state=PaymentState(_state(PaymentState, status)),
        reason_code=text(status, "ReasonCode"),
        reason_description=text(status, "ReasonDescription"),
        created_at=moment(details, "CreationTimestamp"),
        updated_at=moment(status, "LastUpdateTimestamp"),
    )


def _refund(details: Mapping[str, Plain], id_name: str, status_name: str) -> RefundNotice:
    status = branch(details, status_name)
    return RefundNotice(
        amazon_refund_id=_required_text(details, id_name),
        refund_reference_id=_required_text(details, "RefundReferenceId"),
        amount=_money(branch(details, "RefundAmount")),
        state=RefundState(_state(RefundState, status)),
        reason_code=text(status, "ReasonCode"),
        reason_description=text(status, "ReasonDescription"),
        created_at=moment(details, "CreationTimestamp"),
        updated_at=moment(status, "LastUpdateTimestamp"),
    )


def _details(tree: Mapping[str, Plain], root: tuple[str, str]) -> Mapping[str, Plain]:
    details = branch(branch(tree, root[0]), root[1])
    if not details:
        raise Invalid(f"There is no {root[0]}/{root[1]}.")
    return details


def _is_amount(name: str, child: Plain) -> bool:
    return name != "TotalFee" and isinstance(child, dict) and "Amount" in child


def _required_money(amount: Plain) -> Money:
    money = _money(amount if isinstance(amount, dict) else {})
    assert money is not None
    return money


def _money(amount: Mapping[str, Plain]) -> Money | None:
    if "Amount" not in amount:
        return None
    return Money.parse(text(amount, "Amount"), text(amount, "CurrencyCode"))


def _required_text(details: Mapping[str, Plain], name: str) -> str:
    value = text(details, name)
    if not value:
        raise Invalid(f"The {name} is missing.")
    return value


def _state(states: type[StrEnum], status: Mapping[str, Plain]) -> str:
    state = text(status, "State")
    if state not in set(states):
        raise Invalid(f"There is no state {state[:40]!r}.")
    return state


class NotificationError(MockpayError):
    """
    A notification that is not to be believed: answer 4xx, it need not come again.

    `code` tells why: ``notification.malformed``, ``.type``, ``.header``, ``.topic``,
    ``.seller`` or ``.content``; a wrong signature is an `SnsError` of mockpay.wire.amazonpay.sns.
    """

    code = "notification.malformed"


class MessageLog(Protocol):
    """Remembers which notifications were taken; the ledger's `messages` is one."""

    def contains(self, message_id: str) -> bool:
        """Whether this MessageId was taken before."""
        ...


@dataclass(frozen=True, slots=True)
class Notification:
    """
    A verified notification.

    Attributes:
        message_id: The same each time that it is sent again.
        type: Amazon's NotificationType, e.g. PaymentRefund; of what is none, the Type of SNS.
        reference_id: The NotificationReferenceId.
        environment: Sandbox or Live.
        sent_at: Milliseconds since 1970.
        replayed: Whether it was taken before; answer 200 and change nothing.
        about: What it tells; None for a type that is not known here.
    """

    message_id: str
    type: str
    seller_id: str
    reference_id: str
    environment: str
    sent_at: int | None
    replayed: bool
    about: PaymentNotice | RefundNotice | SubscriptionNotice | None


def verify_notification(
    headers: Mapping[str, str],
    body: bytes,
    fetch_certificate: FetchCertificate,
    *,
    seller_id: str,
    messages: MessageLog | None = None,
    certificate_urls: Container[str] = (),
    topic_arns: Collection[str] = (),
) -> Notification:
    """
    Verify and read what was posted to a shop's IPN address.

    Args:
        headers: Of the request; names in any case.
        fetch_certificate: Gives the PEM at a URL, e.g. `Certificates(RequestsSender())`; asked
            only for a URL that the rules allow.
        seller_id: Whose notifications are believed.
        messages: Which ones were taken before; the caller adds to it, best in the transaction of
            what the notification changes.
        certificate_urls: URLs that are trusted beside Amazon's, compared exactly.
        topic_arns: If given, the only topics that are believed.  A signature of SNS tells only
            that some AWS customer sent it: name your own topic where you know it.

    Raises:
        NotificationError, SnsError: it is not to be believed.
        Unreachable: the certificate cannot be fetched now.
    """
    envelope = _envelope(body)
    _check_headers(headers, envelope)
    if topic_arns and envelope.get("TopicArn") not in topic_arns:
        raise NotificationError("The topic is not the shop's.", code="notification.topic")
    url = _text(envelope, "SigningCertURL")
    sns.check_certificate_url(url, certificate_urls)
    sns.verify_notification(envelope, fetch_certificate(url), certificate_urls)
    if envelope["Type"] != sns.NOTIFICATION:
        return _subscription(envelope, seller_id, topic_arns)
    message = _json_object(_text(envelope, "Message"), "Message")
    if _text(message, "SellerId") != seller_id:
        raise NotificationError("It is another seller's.", code="notification.seller")
    message_id = _text(envelope, "MessageId")
    return _read(message, message_id, replayed=messages is not None and messages.contains(message_id))


def _subscription(envelope: Mapping[str, object], seller_id: str, topic_arns: Collection[str]) -> Notification:
    """What begins or ends a subscription; Amazon's topics end in the seller's id (seen in its samples)."""
    topic_arn = _text(envelope, "TopicArn")
    if not topic_arns and not topic_arn.endswith(seller_id):
        raise NotificationError("The topic is another seller's.", code="notification.topic")
    subscribe_url = _text(envelope, "SubscribeURL")
    sns.check_subscribe_url(subscribe_url)
    begins = envelope["Type"] == sns.SUBSCRIPTION
    return Notification(
        message_id=_text(envelope, "MessageId"),
        type=_text(envelope, "Type"),
        seller_id=seller_id,
        reference_id="",
        environment="",
        sent_at=_time(envelope),
        replayed=False,
        about=SubscriptionNotice(topic_arn, subscribe_url) if begins else None,
    )


def _read(message: Mapping[str, object], message_id: str, *, replayed: bool) -> Notification:
    kind = _text(message, "NotificationType")
    try:
        about = notice(kind, _text(message, "NotificationData"))
    except MockpayError as error:
        raise NotificationError(error.message, code="notification.content") from error
    return Notification(
        message_id=message_id,
        type=kind,
        seller_id=_text(message, "SellerId"),
        reference_id=str(message.get("NotificationReferenceId", "")),
        environment=str(message.get("ReleaseEnvironment", "")),
        sent_at=_time(message),
        replayed=replayed,
        about=about,
    )


def _envelope(body: bytes) -> dict[str, object]:
    if len(body) > MAX_BYTES:
        raise NotificationError("It is larger than 256 KB.")
    try:
        envelope = _json_object(body.decode(), "body")
    except UnicodeDecodeError as error:
        raise NotificationError("The body is not UTF-8.") from error
    if envelope.get("Type") not in sns.TYPES:
        raise NotificationError("It is no message of SNS.", code="notification.type")
    if not 1 <= len(_text(envelope, "MessageId")) <= 100:
        raise NotificationError("The MessageId has no usual length.")
    return envelope


def _check_headers(headers: Mapping[str, str], envelope: Mapping[str, object]) -> None:
    """What real consumers compare: the type must be told, the rest must agree where told."""
    lower = {name.lower(): value for name, value in headers.items()}
    lower.setdefault("x-amz-sns-message-type", "")
    for name, field in (("type", "Type"), ("id", "MessageId")):
        value = lower.get(f"x-amz-sns-message-{name}", envelope[field])
        if value != envelope[field]:
            raise _disagreeing(f"x-amz-sns-message-{name}")
    if lower.get("x-amz-sns-topic-arn", envelope.get("TopicArn")) != envelope.get("TopicArn"):
        raise _disagreeing("x-amz-sns-topic-arn")


def _disagreeing(name: str) -> NotificationError:
    message = f"The header {name} does not agree with the body."
    return NotificationError(message, code="notification.header")


def _json_object(text: str, noun: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotificationError(f"The {noun} is no JSON.") from error
    if not isinstance(value, dict):
        raise NotificationError(f"The {noun} is no JSON object.")
    return value


def _text(tree: Mapping[str, object], name: str) -> str:
    value = tree.get(name)
    if not isinstance(value, str) or not value:
        raise NotificationError(f"The {name} is missing.")
    return value


def _time(message: Mapping[str, object]) -> int | None:
    try:
        return parse_time(str(message.get("Timestamp", "")))
    except Invalid:
        return None
