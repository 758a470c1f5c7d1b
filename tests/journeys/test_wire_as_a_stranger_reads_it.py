"""What shop and sandbox send each other is what Amazon publishes, not only what both of them understand."""

import re

import pytest

from mockpay.merchant.transport import RequestsSender
from mockpay.providers.amazonpay.keys import NOTIFICATION_KEY, PAYMENT_KEY
from tests import independent_reader
from tests.journeys.form_browser import FormBrowser
from tests.journeys.running_shop import running_shop


class RecordingSender(RequestsSender):
    """A real way out that keeps what was asked and answered."""

    def __init__(self):
        super().__init__(use_environment=False)
        self.exchanges = []

    def send(self, call):
        reply = super().send(call)
        self.exchanges.append((call, reply))
        return reply


@pytest.fixture
def shop(mockpay_server, tmp_path):
    with running_shop(mockpay_server, tmp_path) as shop:
        yield shop


@pytest.fixture
def secret(shop):
    return shop.seller.fields["secret_key"]


def test_a_payment_is_sealed_and_signed_and_so_is_its_result(shop, secret, mockpay_server):
    client = shop.seller.client()
    back = f"{shop.url}/shop/return"
    url = client.payment_url(amount="499.00", seller_order_id="O 1/7~", redirect_url=back, seller_note="a+b & c=d/e")
    key = mockpay_server.runtime.keys.private[PAYMENT_KEY.private]
    sent = independent_reader.payment_request(url, key, secret)
    assert (sent["sellerOrderId"], sent["orderTotalAmount"], sent["orderTotalCurrencyCode"]) == (
        "O 1/7~",
        "499.00",
        "INR",
    )
    assert (sent["sellerNote"], sent["redirectUrl"]) == ("a+b & c=d/e", back)
    assert (sent["sellerId"], sent["AWSAccessKeyId"]) == (shop.seller.seller_id, client.access_key)
    assert sent["startTime"].isdigit()

    buyer = FormBrowser()
    left = buyer.goes_to(url).asks("success@mockpay").leaves()
    result = independent_reader.result(left, client.access_key, secret)
    assert (result["status"], result["reasonCode"], result["sellerOrderId"]) == ("SUCCESS", "001", "O 1/7~")
    assert (result["orderTotalAmount"], result["orderTotalCurrencyCode"]) == ("499.00", "INR")
    assert result["transactionDate"].isdigit()


def test_calls_are_signed_and_answers_are_amazons_documents(shop, secret):
    order = shop.sell()
    shop.settled()
    sender = RecordingSender()
    client = shop.seller.client(sender=sender)
    client.list_order_reference(order.order_id)
    client.refund(order.amazon_order_id, "R-1", "100.00", note="half of it, please")
    (asked, listed), (refund, refunded) = sender.exchanges
    parameters = independent_reader.call(asked, secret)
    assert (parameters["Action"], parameters["QueryId"]) == ("ListOrderReference", order.order_id)
    parameters = independent_reader.call(refund, secret)
    assert (parameters["RefundReferenceId"], parameters["SellerRefundNote"]) == ("R-1", "half of it, please")

    reference = independent_reader.operation(listed.body)["ListOrderReferenceResponse"]["ListOrderReferenceResult"][
        "OrderReferenceList"
    ]["OrderReference"]
    assert reference["AmazonOrderReferenceId"] == order.amazon_order_id
    assert reference["OrderTotal"] == {"CurrencyCode": "INR", "Amount": "499.00"}
    assert reference["OrderReferenceStatus"]["State"] == "Closed"
    answer = independent_reader.operation(refunded.body)["RefundPaymentResponse"]
    detail = answer["RefundPaymentResult"]["RefundDetails"]["RefundDetail"]
    assert (detail["RefundReferenceId"], detail["RefundStatus"]["State"]) == ("R-1", "Pending")
    assert detail["RefundAmount"] == {"CurrencyCode": "INR", "Amount": "100.00"}
    assert detail["AmazonRefundId"].startswith(f"{order.amazon_order_id}-R")
    assert answer["ResponseMetadata"]["RequestId"]


def test_notifications_are_signed_as_amazon_sns_signs(shop, mockpay_server):
    order = shop.sell()
    shop.settled()
    shop.refund_order(order)
    shop.seller.advance(until="idle")
    certificate = mockpay_server.runtime.keys.public[NOTIFICATION_KEY.public]
    messages = [independent_reader.notification(came.body, certificate) for came in shop.gate.came]
    assert [message["NotificationType"] for message in messages] == ["OrderReferenceNotification", "PaymentRefund"]
    assert {message["SellerId"] for message in messages} == {shop.seller.seller_id}
    assert {message["ReleaseEnvironment"] for message in messages} == {"Sandbox"}
    paid, refunded = (independent_reader.notification_data(message["NotificationData"]) for message in messages)
    charge = paid["ChargeTransactionNotification"]["ChargeTransactionDetails"]
    assert (charge["OrderID"], charge["SellerReferenceId"]) == (order.amazon_order_id, order.order_id)
    assert charge["Status"]["State"] == "Completed"
    # The order of the amounts matters: one consumer takes the second one for the payment's.
    amounts = re.findall(r"<Amount>([^<]*)</Amount>", messages[0]["NotificationData"])
    assert amounts[1] == "499.00"
    assert charge["TotalFee"]["Amount"] == amounts[0]
    (details,) = refunded["RefundTransactionNotification"].values()
    assert details["RefundAmount"] == {"Amount": "100.00", "CurrencyCode": "INR"}
    assert details["Status"]["State"] == "Completed"
