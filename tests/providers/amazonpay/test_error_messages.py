"""An error tells a developer which parameter is wrong, by its name on the wire, and with which value."""

from tests.providers.amazonpay.http_client import assert_xml_error
from tests.providers.amazonpay.shop import RETURN

REFUND = {"RefundAmount.Amount": "1.00", "RefundAmount.CurrencyCode": "INR", "RefundReferenceId": "R-1"}


def test_a_wrong_parameter_of_a_refund_is_named_with_its_value(shop, subtests):
    order = shop.verified(shop.buy()).amazon_order_id
    shop.call("RefundPayment", AmazonTransactionId=order, **REFUND | {"RefundReferenceId": "TAKEN"})
    for name, value, rule in [
        ("RefundReferenceId", "R" * 33, "1 to 32 letters, digits, hyphens or underscores"),
        ("RefundReferenceId", "ö", "1 to 32 letters, digits, hyphens or underscores"),
        ("SellerRefundNote", "x" * 256, "at most 255 characters"),
        ("SoftDescriptor", "x" * 17, "at most 16 characters"),
        ("RefundAmount.Amount", "1,00", "such as 1.00"),
        ("RefundAmount.Amount", "0", "the amount is below 0.01"),
        ("RefundAmount.Amount", "498.01", "at most 498.00 INR of this payment can be refunded"),
        ("RefundAmount.CurrencyCode", "USD", "the currency of the order"),
        ("AmazonTransactionIdType", "AmazonCaptureId", "only OrderReferenceId"),
        ("SellerRefundNote", '{"SandboxSimulation": {"State": "x"}}', "no such SandboxSimulation"),
    ]:
        with subtests.test(name=name, value=value):
            reply = shop.call("RefundPayment", **{"AmazonTransactionId": order, **REFUND, name: value})
            assert reply.status == 400
            assert reply.error["Message"].startswith(f'{name} cannot be "{value[:64]}"')
            assert rule in reply.error["Message"]
            assert shop.journal()[0]["reason"] == reply.error["Message"]
    reply = shop.call(
        "RefundPayment",
        **{"AmazonTransactionId": order, **REFUND, "RefundReferenceId": "TAKEN", "RefundAmount.Amount": "2.00"},
    )
    assert '"TAKEN"' in assert_xml_error(reply, 400, "DuplicateRequest")["Message"]


def test_a_wrong_field_of_a_payment_is_named_with_its_value_to_shop_and_journal(shop, subtests):
    for name, value, shown in [
        ("orderTotalAmount", "1,000.00", '"1,000.00"'),
        ("orderTotalAmount", "0.99", '"0.99"'),
        ("orderTotalAmount", "(5)", '"?5?"'),
        ("orderTotalCurrencyCode", "USD", '"USD"'),
        ("transactionTimeout", "soon", '"soon"'),
        ("isSandbox", "maybe", '"maybe"'),
        ("startTime", "yesterday", '"yesterday"'),
        ("sellerOrderId", "x" * 128, f'"{"x" * 64}" and 64 characters more'),
    ]:
        with subtests.test(name=name, value=value):
            start = {"start_time": value} if name == "startTime" else {name: value}
            result = shop.verified(shop.pay(**start))
            assert result.description.startswith(f"{name} cannot be {shown}: ")
            assert name in shop.journal()[0]["reason"]


def test_a_card_number_in_a_wrong_place_is_not_told_again(shop):
    reply = shop.call("GetOrderReferenceDetails", AmazonOrderReferenceId="4111111111111111")
    assert "XXXXXXXXXXXX1111" in reply.error["Message"]


def test_an_unknown_action_is_named_and_the_nearest_told(shop):
    error = assert_xml_error(shop.call("GetRefundDetail"), 400, "InvalidAction")
    assert error["Message"] == 'There is no operation "GetRefundDetail"; did you mean GetRefundDetails?'


def test_a_return_url_is_told_with_the_part_that_differs(shop, subtests):
    entry = "https://shop.example:8443/back?a=1"
    shop.seller.control("PATCH", "", {"return_urls": ["http://127.0.0.1:*", entry]})
    for url, part in [
        ("http://shop.example:8443/back?a=1", "scheme"),
        ("https://shop.example/back?a=1", "port"),
        ("https://shop.example:8443/other?a=1", "path"),
        ("https://shop.example:8443/back?a=2", "query"),
        ("https://other.example:8443/back", "host"),
        ("ftp://shop.example/back", "scheme"),
    ]:
        with subtests.test(url=url):
            reply = shop.pay(url)
            assert f"its {part} is not that of" in reply.text
            reason = shop.journal()[0]["reason"]
            assert f'Sent: "{url}". Allowed: http://127.0.0.1:*, {entry}.' in reason
    assert shop.pay(RETURN).status == 302
