"""What is posted to a shop is believed only if everything about it holds."""

import json

import pytest

from mockpay.kernel.http.calls import Unreachable
from mockpay.kernel.money import Money
from mockpay.merchant.notifications import (
    MAX_BYTES,
    NotificationError,
    PaymentNotice,
    PaymentState,
    RefundNotice,
    SubscriptionNotice,
    verify_notification,
)
from mockpay.merchant.refunds import RefundState
from mockpay.wire.amazonpay.sns import SnsError
from tests.merchant import posted
from tests.merchant.posted import CERTIFICATE, GOOD, envelope, headers_for, octets, signed
from tests.wire.known_answers import SELLER_ID, VECTORS


class Fetched:
    """Gives the vectors' certificate and remembers what for."""

    def __init__(self):
        self.urls = []

    def __call__(self, url):
        self.urls.append(url)
        return CERTIFICATE


def verify(body, headers=None, fetch=None, **settings):
    return verify_notification(
        headers if headers is not None else headers_for(body),
        body if isinstance(body, bytes) else octets(body),
        fetch or Fetched(),
        **{"seller_id": SELLER_ID} | settings,
    )


def code_of(body, **settings):
    with pytest.raises((NotificationError, SnsError)) as refused:
        verify(body, **settings)
    return refused.value.code


CONSUMERS = ("node", "php", "python_2_7_1_with_pyopenssl_23_2")


def test_a_vector_is_believed_exactly_where_every_real_consumer_believes_it(subtests):
    for vector in VECTORS["ipn"]:
        with subtests.test(vector=vector):
            if all(vector[name] == "accept" for name in CONSUMERS):
                assert verify(vector["body"]).about is not None
            else:
                assert code_of(vector["body"]).startswith("notification.")


def test_a_payment_is_read_with_its_fee_and_its_amount():
    told = verify(GOOD["india-charge"])
    assert (told.type, told.seller_id) == ("OrderReferenceNotification", SELLER_ID)
    assert (told.message_id, told.environment) == (GOOD["india-charge"]["MessageId"], "Sandbox")
    assert (told.reference_id, told.sent_at) == ("1111111-1111-11111-1111-11111EXAMPLE", 1_519_029_250_123)
    assert told.about == PaymentNotice(
        amazon_order_id="S04-3441699-5326071",
        seller_order_id="ORDER-0001",
        amount=Money(100),
        fee=Money(0),
        state=PaymentState.COMPLETED,
        reason_code="UpfrontChargeSuccess",
        reason_description="Txn Success",
        created_at=1_519_029_180_000,
        updated_at=1_519_029_249_876,
    )


def test_a_refund_is_read_with_both_its_ids():
    assert verify(GOOD["india-refund"]).about == RefundNotice(
        amazon_refund_id="S04-3441699-5326071-R022556",
        refund_reference_id="R-1",
        amount=Money(100),
        state=RefundState.COMPLETED,
        reason_code="",
        reason_description="",
        created_at=1_519_030_800_000,
        updated_at=1_519_038_000_000,
    )


def test_the_second_amount_is_the_payment_whatever_its_name():
    document = json.loads(GOOD["india-charge"]["Message"])["NotificationData"]
    named = document.partition("\n")[2].replace("ChargeAmount", "TotalAmount")
    about = verify(envelope("OrderReferenceNotification", named)).about
    assert (about.fee, about.amount) == (Money(0), Money(100))


def test_the_refund_of_the_older_operation_is_read_too():
    document = (
        "<RefundNotification><RefundDetails><AmazonRefundId>S04-1-R1</AmazonRefundId>"
        "<RefundReferenceId>R-2</RefundReferenceId><RefundStatus><State>Declined</State>"
        "<ReasonCode>AmazonRejected</ReasonCode></RefundStatus></RefundDetails>"
        "</RefundNotification>"
    )
    about = verify(envelope("PaymentRefund", document)).about
    assert (about.state, about.reason_code) == (RefundState.DECLINED, "AmazonRejected")
    assert about.amount is None


def test_a_type_that_is_not_known_is_verified_all_the_same():
    told = verify(envelope("SolutionProviderMerchantNotification", "<X/>"))
    assert (told.type, told.about) == ("SolutionProviderMerchantNotification", None)


# --- forged and tampered ---

SIGNED = ["Message", "MessageId", "Timestamp", "TopicArn", "Signature"]


def test_a_change_to_anything_signed_is_refused(subtests):
    for name in SIGNED:
        with subtests.test(name=name):
            body = GOOD["india-refund"]
            changed = body[name].replace("1", "2", 1) if "1" in body[name] else body[name] + "AAAA"
            assert changed != body[name]
            assert code_of(body | {name: changed}) == "notification.signature"


def test_an_added_subject_is_refused():
    assert code_of(GOOD["india-refund"] | {"Subject": "x"}) == "notification.signature"


def test_a_field_that_is_no_text_is_refused(subtests):
    for value in [None, 1, [], {}, ""]:
        for name in [*SIGNED, "Type", "SigningCertURL", "SignatureVersion"]:
            with subtests.test(name=name, value=value):
                body = GOOD["india-refund"] | {name: value}
                assert code_of(body, headers=headers_for(GOOD["india-refund"])).startswith("notification.")


def test_a_certificate_is_fetched_only_from_where_amazon_keeps_it():
    fetch = Fetched()
    for url in ("https://sns.evil.example/x.pem", "https://127.0.0.1/x.pem", "file:///x.pem"):
        body = GOOD["india-refund"] | {"SigningCertURL": url}
        assert code_of(body, fetch=fetch) == "notification.certificate_url"
    assert fetch.urls == []


def test_another_certificate_url_may_be_trusted_by_its_exact_text():
    fetch, url = Fetched(), "http://127.0.0.1:8420/x.pem"
    body = GOOD["india-refund"] | {"SigningCertURL": url}
    assert verify(body, fetch=fetch, certificate_urls=[url]).about is not None
    assert fetch.urls == [url]
    assert code_of(body, certificate_urls=[url[:-1]]) == "notification.certificate_url"


def test_a_certificate_of_another_key_is_refused():
    from tests.wire.amazonpay.test_sns import certificate_named

    assert code_of(GOOD["india-refund"], fetch=lambda _: certificate_named("evil.example")) == (
        "notification.certificate"
    )


def test_an_unreachable_certificate_is_a_trouble_of_ones_own():
    def nobody(_url):
        raise Unreachable("No answer.")

    with pytest.raises(Unreachable):
        verify(GOOD["india-refund"], fetch=nobody)


# --- headers ---


def test_headers_that_do_not_agree_with_the_body_are_refused(subtests):
    for changes in [
        {"x-amz-sns-message-type": "SubscriptionConfirmation"},
        {"x-amz-sns-message-type": ""},
        {"x-amz-sns-topic-arn": "arn:aws:sns:ap-south-1:1:other"},
        {"x-amz-sns-message-id": "another"},
    ]:
        with subtests.test(changes=changes):
            body = GOOD["india-refund"]
            assert code_of(body, headers=headers_for(body) | changes) == "notification.header"


def test_the_message_type_must_be_told_in_a_header_of_any_case():
    body = GOOD["india-refund"]
    assert code_of(body, headers={}) == "notification.header"
    assert verify(body, headers={"X-Amz-Sns-Message-Type": "Notification"}).about


@pytest.mark.parametrize("kind", ["subscriptionconfirmation", "", "Message"])
def test_only_messages_of_sns_are_taken(kind):
    assert code_of(signed(GOOD["india-refund"] | {"Type": kind})) in {"notification.type", "notification.header"}


TOPIC = f"arn:aws:sns:ap-south-1:598607868003:A3FDG49KKM823Y{SELLER_ID}"
SUBSCRIBE_URL = "https://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription&Token=t-1"


def confirmation(kind="SubscriptionConfirmation", **other):
    without = {name: value for name, value in GOOD["india-refund"].items() if name != "UnsubscribeURL"}
    told = {"Type": kind, "Token": "t-1", "SubscribeURL": SUBSCRIBE_URL, "TopicArn": TOPIC, "Message": "Visit it."}
    return signed(without | told | other)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_subscription_to_confirm_is_told_with_its_topic_and_url(version):
    told = verify(confirmation(SignatureVersion=version))
    assert (told.type, told.seller_id, told.replayed) == ("SubscriptionConfirmation", SELLER_ID, False)
    assert told.about == SubscriptionNotice(TOPIC, SUBSCRIBE_URL)


def test_the_end_of_a_subscription_asks_for_nothing():
    told = verify(confirmation("UnsubscribeConfirmation"))
    assert (told.type, told.about) == ("UnsubscribeConfirmation", None)


@pytest.mark.parametrize(
    ("changed", "settings", "code"),
    [
        ({"TopicArn": "arn:aws:sns:ap-south-1:1:somebody"}, {}, "notification.topic"),
        ({"SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}, {}, "notification.subscribe_url"),
        ({}, {"topic_arns": ["arn:aws:sns:ap-south-1:1:mine"]}, "notification.topic"),
    ],
)
def test_no_other_topic_and_no_other_address_is_confirmed(changed, settings, code):
    assert code_of(confirmation(**changed), **settings) == code


def test_a_confirmation_that_was_changed_after_signing_is_refused():
    assert code_of(confirmation() | {"Token": "t-2"}) == "notification.signature"


# --- whose it is ---


def test_another_sellers_notification_is_refused():
    assert code_of(GOOD["india-refund"], seller_id="A1OTHER") == "notification.seller"


def test_a_shop_that_knows_its_topic_believes_no_other():
    topic = GOOD["india-refund"]["TopicArn"]
    assert verify(GOOD["india-refund"], topic_arns=[topic]).about
    assert code_of(GOOD["india-refund"], topic_arns=[topic + "2"]) == "notification.topic"


def test_a_notification_that_was_taken_before_says_so():
    class Log:
        def contains(self, message_id):
            return message_id == GOOD["india-refund"]["MessageId"]

    assert verify(GOOD["india-refund"], messages=Log()).replayed
    assert not verify(posted.refund("S04-1-R1", "R", message_id="m-9"), messages=Log()).replayed
    assert not verify(GOOD["india-refund"]).replayed


# --- content ---


def test_a_body_that_is_no_small_json_object_is_refused(subtests):
    for body in [b"", b"[]", b"null", b"{", b"\xff", b'"x"', b"[" * 100_000, b'{"a":' * 50_000, b" " * (MAX_BYTES + 1)]:
        with subtests.test(body=body):
            assert code_of(body, headers=headers_for(GOOD["india-refund"])) == "notification.malformed"


def test_a_signed_message_that_is_no_json_object_is_refused(subtests):
    for message in ["", "[]", "{", "{}", '{"SellerId": 1}', "[" * 100_000]:
        with subtests.test(message=message):
            assert code_of(signed(GOOD["india-refund"] | {"Message": message})).startswith("notification.")


PAYMENT, REFUND = "OrderReferenceNotification", "PaymentRefund"
DETAILS = json.loads(GOOD["india-refund"]["Message"])["NotificationData"].partition("\n")[2]


def test_signed_xml_that_makes_no_sense_is_refused(subtests):
    for kind, document in [
        (REFUND, ""),
        (REFUND, "<x"),
        (REFUND, "<X/>"),
        (REFUND, '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
        (REFUND, "<RefundTransactionNotification/>"),
        (REFUND, DETAILS.replace("Completed", "Done")),
        (REFUND, DETAILS.replace("1.00", "-1.00")),
        (REFUND, DETAILS.replace("<RefundReferenceId>R-1</RefundReferenceId>", "")),
        (REFUND, DETAILS.replace("2018-02-19T09:00:00.000Z", "yesterday")),
        (PAYMENT, DETAILS),
    ]:
        with subtests.test(kind=kind, document=document):
            assert code_of(envelope(kind, document)) == "notification.content"


def test_a_payment_that_lacks_what_matters_is_refused(subtests):
    for missing in ["OrderID", "SellerReferenceId", "ChargeAmount", "Status"]:
        with subtests.test(missing=missing):
            import re

            document = json.loads(GOOD["india-charge"]["Message"])["NotificationData"].partition("\n")[2]
            without = re.sub(f"<{missing}>.*</{missing}>", "", document)
            assert without != document
            assert code_of(envelope(PAYMENT, without)) == "notification.content"
