"""chargeStatus: a sealed question, answered by a signed JSON object whatever happens."""

import pytest

from mockpay.merchant.results import Outcome
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.wire.amazonpay.opening import Flavour
from mockpay.wire.amazonpay.signing import Encoding, sign_result
from tests.providers.amazonpay.http_client import Reply, send_request
from tests.providers.amazonpay.shop import Shop, assert_nobodys_journal_says

PATHS = [
    path + slash
    for path in ("/v2/payments/chargeStatus", "/payments/v1/api/chargeStatus", "//payments/v1/api/chargeStatus")
    for slash in ("", "/")
]


def assert_json_error(reply: Reply, status: int, code: str) -> str:
    assert (reply.status, reply.content_type) == (status, "application/json")
    assert reply.json["error"]["code"] == code
    return reply.json["error"]["message"]


def blank(shop: Shop, **fields) -> str:
    return shop.query(
        None,
        orderTotalAmount=None,
        orderTotalCurrencyCode=None,
        sellerOrderId=None,
        transactionIdType="TRANSACTION_ID",
        **fields,
    )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("flavour", Flavour)
def test_a_paid_order_is_told_and_signed_by_get_and_by_post(shop, path, flavour):
    shop = shop.with_flavour(flavour)
    paid = shop.verified(shop.buy(customInformation="é !'()*"))
    query = blank(shop, transactionId=paid.amazon_order_id)

    for reply in (send_request(shop.server, f"{path}?{query}"), send_request(shop.server, path, form=query)):
        assert (reply.status, reply.content_type) == (200, "application/json")
        assert set(reply.json) == {"response", "signature"}
        assert reply.json["response"] == {
            "transactionStatusCode": "001",
            "transactionStatusDescription": "Txn Success",
            "transactionId": paid.amazon_order_id,
            "merchantTransactionId": "order-1",
            "transactionValue": "499.00",
            "transactionCurrencyCode": "INR",
            "merchantCustomData": "é !'()*",
            "transactionDate": str(paid.transaction_date),
        }
        plain = shop.seller.fields
        expected = sign_result(reply.json["response"], plain["access_key"], plain["secret_key"], Encoding(flavour))
        assert reply.json["signature"] == expected


@pytest.mark.parametrize(
    ("vpa", "outcome", "code"),
    [
        ("success@mockpay", Outcome.SUCCESS, "001"),
        ("pending@mockpay", Outcome.PENDING, "01"),
        ("deemed@mockpay", Outcome.PENDING, "01"),
        ("insufficient@mockpay", Outcome.FAILURE, "204"),
        (None, Outcome.PENDING, "01"),
    ],
)
def test_every_state_is_told_as_the_clients_map_it(shop, vpa, outcome, code):
    page = shop.order()
    if vpa:
        shop.finish(page, vpa)
    [order] = shop.seller.orders()

    status = shop.seller.client().charge_status(order["order_id"])

    assert (status.outcome, status.status_code) == (outcome, code)
    assert status.amount == "499.00"


def test_a_cancelled_and_an_expired_order_are_failures(shop):
    send_request(shop.server, f"{shop.order(sellerOrderId='cancelled')}cancel", form="")
    shop.order(sellerOrderId="expired", transactionTimeout="1")
    shop.seller.advance(seconds=2)

    client = shop.seller.client()
    codes = {
        order["seller_order_id"]: client.charge_status(order["order_id"]).status_code for order in shop.seller.orders()
    }

    assert codes == {"cancelled": "201", "expired": "202"}


def test_another_sellers_transaction_is_like_an_unknown_one(shop, mockpay_server):
    theirs = Shop(mockpay_server.new_seller())
    order_id = theirs.verified(theirs.buy()).amazon_order_id

    told = {
        assert_json_error(shop.charge_status(transactionId=asked), 404, "InvalidTransactionId").replace(
            quoted(asked), ""
        )
        for asked in (order_id, "S04-0000000-0000000", "", "\x00", "é", "x" * 4000, "' OR 1=1 --")
    }

    assert len(told) == 1
    assert shop.journal()[0]["outcome"] == "transaction.not_found"


@pytest.mark.parametrize("kind", [None, "", "ORDER_ID", "transaction_id", "TRANSACTION_ID\n"])
def test_only_a_transaction_id_can_be_asked_for(shop, kind):
    reply = shop.charge_status(transactionId="S04-0000000-0000000", transactionIdType=kind)

    assert "transactionIdType" in assert_json_error(reply, 400, "InvalidParameterValue")


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (0, "RequestExpired"),
        (99_999_999_999, "RequestExpired"),
        ("", "InvalidParameterValue"),
        ("now", "InvalidParameterValue"),
        ("१२", "InvalidParameterValue"),
        ("9" * 40, "InvalidParameterValue"),
    ],
)
def test_a_start_time_that_is_not_fresh_is_refused(shop, start, code):
    assert_json_error(shop.charge_status(start_time=start, transactionId="x"), 400, code)


def test_who_is_not_believed_gets_json_too(shop, mockpay_server):
    other = mockpay_server.new_seller()
    ask_as = shop.with_credentials

    assert_json_error(ask_as(access_key="AKIDNOBODY").charge_status(), 403, "InvalidAccessKeyId")
    assert_nobodys_journal_says(shop.server, "seller.not_found", "AKIDNOBODY")
    wrong = ask_as(secret_key="not-the-secret-of-this-seller").charge_status()
    assert_json_error(wrong, 403, "SignatureDoesNotMatch")
    stranger = ask_as(seller_id=other.seller_id).charge_status()
    assert_json_error(stranger, 401, "UnauthorizedAccess")


@pytest.mark.parametrize("path", PATHS)
def test_every_broken_question_gets_json(shop, path):
    query = blank(shop, transactionId="x")
    for form in (
        "",
        "payload=1",
        "payload=1&key=2&iv=3",
        f"{query}&key=x",
        query[:-30],
        query.replace("key=", "kez="),
        "%zz",
        "payload=%00&key=%00&iv=%00",
    ):
        for reply in (send_request(shop.server, f"{path}?{form}"), send_request(shop.server, path, form=form)):
            assert_json_error(reply, 400, "InvalidParameterValue")
    too_large = send_request(shop.server, path, form="payload=" + "A" * 1_100_000)
    assert_json_error(too_large, 413, "InvalidParameterValue")
    assert_json_error(send_request(shop.server, path, method="PUT"), 405, "InvalidAddress")


def test_nothing_beside_charge_status_is_told_as_json_where_only_json_is_known(shop):
    for path in ("/payments/v1/api/other", "//payments/v1/api/chargeStatus/more", "/v2/payments/chargeStatus/x"):
        assert_json_error(send_request(shop.server, path), 404, "InvalidAddress")


def test_a_payment_request_is_no_question(shop):
    assert_json_error(
        send_request(shop.server, f"/v2/payments/chargeStatus?{shop.query()}"), 400, "InvalidParameterValue"
    )
    assert shop.seller.orders() == []


def test_a_question_is_no_payment_request(shop):
    """An envelope, signed and fresh, but with nothing to pay."""
    query = f"{blank(shop, transactionId='x')}&redirectUrl=http%3A%2F%2F127.0.0.1%2Fback"

    reply = send_request(shop.server, f"/processPayment?{query}")

    assert shop.verified(reply).outcome is Outcome.FAILURE
    assert shop.seller.orders() == []
