"""Asking for refunds on the wire, and reading what is answered."""

from urllib.parse import urlsplit

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpReply
from mockpay.merchant import AmazonPayClient, ServiceError
from mockpay.merchant.refunds import Refund, RefundState
from mockpay.wire.amazonpay.signature_verification import SignedRequest, request_fields, verify_request
from mockpay.wire.amazonpay.signing import Flavour
from tests.merchant.pretend_refunds import done, fault
from tests.wire.known_answers import ACCESS_KEY, SECRET_KEY, SELLER_ID

DETAIL = {
    "AmazonRefundId": "S04-1-2-R022556",
    "RefundReferenceId": "R-1",
    "RefundType": "SellerInitiated",
    "RefundAmount": {"CurrencyCode": "INR", "Amount": "100.00"},
    "FeeRefunded": {"CurrencyCode": "INR", "Amount": "0.20"},
    "CreationTimestamp": "1970-01-01T00:00:01.000Z",
    "RefundStatus": {"State": "Pending", "LastUpdateTimestamp": "1970-01-01T00:00:02.000Z"},
    "SellerRefundNote": "sorry",
    "SoftDescriptor": "AMZ*Nilgiri",
}


class FakeSender:
    def __init__(self, reply):
        self.reply = reply
        self.calls = []

    def send(self, call):
        self.calls.append(call)
        return self.reply

    def fields(self):
        url = urlsplit(self.calls[-1].url)
        request = SignedRequest(self.calls[-1].method, url.netloc, url.path, url.query)
        assert verify_request(request, secret=SECRET_KEY) is not None
        return request_fields(url.query)


def client_of(reply, flavour=Flavour.PHP):
    sender = FakeSender(reply)
    client = AmazonPayClient(
        SELLER_ID, ACCESS_KEY, SECRET_KEY, None, "http://127.0.0.1:8420", sender=sender, flavour=flavour
    )
    return client, sender


def refunded(detail=DETAIL, *, level=True):
    details = {"RefundDetail": detail} if level else detail
    return done("RefundPayment", {"RefundDetails": details})


def test_a_refund_is_asked_for_with_everything_the_shop_said(subtests):
    for flavour in Flavour:
        with subtests.test(flavour=flavour):
            client, sender = client_of(refunded(), flavour)
            client.refund("S04-1-2", "R-1", "100.00", note='{"a": "é/b"}', soft_descriptor="Nilgiri")
            fields = sender.fields()

            assert {name: fields[name] for name in fields if name.startswith(("Amazon", "Refund"))} == {
                "AmazonTransactionId": "S04-1-2",
                "AmazonTransactionIdType": "OrderReferenceId",
                "RefundReferenceId": "R-1",
                "RefundAmount.Amount": "100.00",
                "RefundAmount.CurrencyCode": "INR",
            }
            assert (fields["Action"], fields["SellerId"]) == ("RefundPayment", SELLER_ID)
            assert (fields["SellerRefundNote"], fields["SoftDescriptor"]) == ('{"a": "é/b"}', "Nilgiri")


def test_what_the_shop_does_not_say_of_a_refund_is_not_sent():
    client, sender = client_of(refunded())
    client.refund("S04-1-2", "R-1", "100.00")
    assert sender.fields().keys().isdisjoint({"SellerRefundNote", "SoftDescriptor"})


@pytest.mark.parametrize("level", [True, False])
def test_indias_answer_is_read_with_and_without_its_extra_level(level):
    client, _ = client_of(refunded(level=level))
    assert client.refund("S04-1-2", "R-1", "100.00") == Refund(
        amazon_refund_id="S04-1-2-R022556",
        refund_reference_id="R-1",
        state=RefundState.PENDING,
        reason_code="",
        reason_description="",
        refund_type="SellerInitiated",
        amount="100.00",
        currency="INR",
        fee_refunded="0.20",
        note="sorry",
        soft_descriptor="AMZ*Nilgiri",
        created_at=1000,
        updated_at=2000,
    )


def test_a_refund_is_asked_about_by_amazons_id():
    status = {"State": "Declined", "ReasonCode": "AmazonRejected", "ReasonDescription": "No."}
    client, sender = client_of(done("GetRefundDetails", {"RefundDetails": DETAIL | {"RefundStatus": status}}))
    refund = client.get_refund_details("S04-1-2-R022556")
    assert sender.fields()["AmazonRefundId"] == "S04-1-2-R022556"
    assert (refund.state, refund.reason_code, refund.reason_description) == (
        RefundState.DECLINED,
        "AmazonRejected",
        "No.",
    )


def test_a_reference_that_amazon_would_refuse_is_never_sent(subtests):
    for reference in ["", "a" * 33, "a b", "a/b", "é", "a\n"]:
        with subtests.test(reference=reference):
            client, sender = client_of(refunded())
            with pytest.raises(Invalid) as refused:
                client.refund("S04-1-2", reference, "100.00")
            assert (refused.value.code, refused.value.detail) == ("payment.field", {"name": "refund_reference_id"})
            assert sender.calls == []


def test_a_value_of_no_use_is_refused_by_its_name(subtests):
    for arguments, name in [
        ({"amazon_order_id": ""}, "amazon_order_id"),
        ({"amount": ""}, "amount"),
        ({"currency": ""}, "currency"),
        ({"note": "x" * 256}, "note"),
        ({"soft_descriptor": "x" * 17}, "soft_descriptor"),
    ]:
        with subtests.test(arguments=arguments, name=name):
            client, sender = client_of(refunded())
            given = {"amazon_order_id": "S04-1-2", "refund_reference_id": "R-1", "amount": "1.00"}
            with pytest.raises(Invalid) as refused:
                client.refund(**given | arguments)
            assert refused.value.detail == {"name": name}
            assert sender.calls == []


def test_a_soft_descriptor_may_have_16_characters():
    client, sender = client_of(refunded())
    client.refund("S04-1-2", "R-1", "100.00", soft_descriptor="x" * 16)
    assert sender.fields()["SoftDescriptor"] == "x" * 16


def test_an_answer_without_its_refund_is_an_error_of_status_200():
    client, _ = client_of(done("GetRefundDetails", {}))
    with pytest.raises(ServiceError) as refused:
        client.get_refund_details("S04-1-2-R022556")
    assert refused.value.http_status == 200


def test_an_empty_refund_id_is_not_asked_about():
    client, sender = client_of(refunded())
    with pytest.raises(Invalid):
        client.get_refund_details("")
    assert sender.calls == []


def test_a_refused_refund_tells_why():
    client, _ = client_of(fault(400, "TransactionAmountExceeded"))
    with pytest.raises(ServiceError) as refused:
        client.refund("S04-1-2", "R-1", "100.00")
    assert (refused.value.service_code, refused.value.http_status) == ("TransactionAmountExceeded", 400)


def test_an_answer_without_a_refund_is_an_error_without_a_code(subtests):
    for reply in [
        refunded({}),
        refunded(DETAIL | {"AmazonRefundId": ""}),
        refunded(DETAIL | {"RefundStatus": {"State": "Perhaps"}}),
        done("RefundPayment", {}),
        HttpReply(200, {}, b"<html>"),
        HttpReply(500, {}, b""),
    ]:
        with subtests.test(reply=reply):
            client, _ = client_of(reply)
            with pytest.raises(ServiceError) as refused:
                client.refund("S04-1-2", "R-1", "100.00")
            assert refused.value.service_code == ""
