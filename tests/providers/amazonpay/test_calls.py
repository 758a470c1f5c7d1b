"""Operations of the MWS family and the addresses beside them; every refusal is XML."""

from urllib.parse import quote

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.providers.amazonpay.operations import OPERATIONS
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.store import counters
from mockpay.store.unit_of_work import transaction
from tests.providers.amazonpay.http_client import assert_xml_error, send_request, short_id
from tests.providers.amazonpay.shop import MWS, Shop

LIVE = "/OffAmazonPayments/2013-01-01"
PATHS = [MWS, f"{MWS}/", LIVE, f"{LIVE}/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("host", ["mws.amazonservices.in", "anything.example:8443", "[::1]:1"])
def test_every_path_method_slash_and_host_is_answered(shop, path, method, host):
    form = shop.signed("GetServiceStatus", path, method, host)

    reply = (
        send_request(shop.server, path, form=form, host=host)
        if method == "POST"
        else send_request(shop.server, f"{path}?{form}", host=host)
    )

    assert (reply.status, reply.content_type) == (200, "text/xml")
    result = reply.xml["GetServiceStatusResponse"]["GetServiceStatusResult"]
    assert result["Status"] == "GREEN"


def test_a_call_signed_for_another_host_is_refused(shop):
    form = shop.signed("GetServiceStatus", host="elsewhere.example")

    assert_xml_error(shop.send(form), 403, "SignatureDoesNotMatch")


def test_the_service_tells_the_sellers_time(shop):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2030-01-01T00:00:00Z"})

    reply = shop.call("GetServiceStatus")

    document = reply.xml["GetServiceStatusResponse"]
    assert document["GetServiceStatusResult"]["Timestamp"] == "2030-01-01T00:00:00.000Z"
    assert document["ResponseMetadata"]["RequestId"]


def test_details_tell_one_order_by_amazons_id(shop):
    result = shop.verified(shop.buy(sellerNote="note"))

    reply = shop.call("GetOrderReferenceDetails", AmazonOrderReferenceId=result.amazon_order_id, path=LIVE)

    name = "GetOrderReferenceDetails"
    details = reply.xml[f"{name}Response"][f"{name}Result"]["OrderReferenceDetails"]
    assert details["AmazonOrderReferenceId"] == result.amazon_order_id
    assert details["OrderReferenceStatus"]["State"] == "Closed"
    assert shop.seller.client().get_order_reference_details(result.amazon_order_id).paid


def test_another_sellers_order_is_like_an_unknown_one(shop, mockpay_server):
    theirs = Shop(mockpay_server.new_seller())
    order_id = theirs.verified(theirs.buy()).amazon_order_id

    told = set()
    for asked in (order_id, "S04-0000000-0000000", "'; --", "\x00", "é", "x" * 4000):
        reply = shop.call("GetOrderReferenceDetails", AmazonOrderReferenceId=asked)
        error = assert_xml_error(reply, 404, "InvalidOrderReferenceId")
        told.add(error["Message"].replace(quoted(asked), ""))
    found = shop.call("ListOrderReference", QueryId="order-1", QueryIdType="SellerOrderId")

    assert len(told) == 1
    assert b"<OrderReference>" not in found.body


def test_details_without_an_id_are_refused(shop):
    reply = shop.call("GetOrderReferenceDetails")

    assert "AmazonOrderReferenceId" in assert_xml_error(reply, 400, "InvalidParameterValue")["Message"]


@pytest.mark.parametrize(
    "action",
    [
        "Authorize",
        "Capture",
        "GetMerchantAccountStatus",
        "Nonsense",
        "getservicestatus",
        "GetServiceStatus\x00",
        "<script>",
        "ऑर्डर",
        "x" * 3000,
    ],
    ids=short_id,
)
def test_an_operation_that_is_not_there_is_told_once_the_caller_is_believed(shop, action):
    assert quoted(action) in assert_xml_error(shop.call(action), 400, "InvalidAction")["Message"]
    assert shop.journal()[0]["outcome"] == "action.unknown"
    assert shop.journal()[0]["kind"] == "amazonpay.mws"
    stranger = shop.with_credentials(secret_key="not-the-secret-of-this-seller")
    assert_xml_error(stranger.call(action), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "path",
    [
        "/OffAmazonPayments_Sandbox/2012-01-01",
        "/OffAmazonPayments",
        "/OffAmazonPayments_Sandbox/x/y",
        "/v2/payments/nothing",
        "/v2/payments/orderReference/more",
        "/v2/payments",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_nothing_below_the_prefixes_is_told_as_xml(shop, path, method):
    reply = send_request(shop.server, path, method=method)

    assert_xml_error(reply, 404, "InvalidAddress")


@pytest.mark.parametrize("path", [MWS, LIVE, "/v2/payments/orderReference"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "BREW"])
def test_other_methods_are_told_as_xml(shop, path, method):
    assert_xml_error(send_request(shop.server, path, method=method), 405, "InvalidAddress")


@pytest.mark.parametrize(
    "form",
    [
        "",
        "&&&",
        "=",
        "Action",
        "Action=%zz",
        "%=1",
        "Action=GetServiceStatus&Action=Refund",
        "Action=GetServiceStatus&AWSAccessKeyId=x&AWSAccessKeyId=x",
        "a=1&" * 250,
        "Action=" + "x" * 300_000,
        '{"Action": "GetServiceStatus"}',
        "<Action/>",
        "%00=%00",
        "Action=%FF%FE&AWSAccessKeyId=%ED%A0%80",
        "AWSAccessKeyId=%00&Action=x",
    ],
    ids=short_id,
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_form_that_is_none_is_told_as_xml(shop, form, method):
    reply = shop.send(quote(form, safe="%&=+"), method=method)

    assert 400 <= reply.status < 500
    assert_xml_error(reply, reply.status, reply.error["Code"])
    assert reply.error["Code"] != "InternalServerError"


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x1f\x8b" * 500, b"\x00" * 1000, b"a" * 1_200_000], ids=short_id)
def test_a_body_of_anything_is_told_as_xml(shop, body):
    reply = send_request(shop.server, MWS, form=body)

    assert 400 <= reply.status < 500
    assert_xml_error(reply, reply.status, reply.error["Code"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "multipart/form-data; boundary=x", "é", ""])
def test_a_post_is_read_whatever_it_calls_itself(shop, content_type):
    form = shop.signed("GetServiceStatus", method="POST")
    headers = {"Content-Type": content_type.encode().decode("latin-1")}

    reply = send_request(shop.server, MWS, method="POST", form=form, headers=headers)

    assert reply.status == 200


def test_a_text_that_xml_cannot_carry_is_told_with_a_mark(shop):
    """What comes from the caller is in the answer only as text."""
    shop.order(sellerNote="]]>&amp;<x>\ufffe\ud7ff é\u0085")

    reply = shop.call("ListOrderReference", QueryId="order-1", QueryIdType="SellerOrderId")

    listed = reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]
    note = listed["OrderReferenceList"]["OrderReference"]["SellerNote"]
    assert note == "]]>&amp;<x>\ufffd\ud7ff é\u0085"


def test_a_believed_call_is_written_down_with_the_clients_flavour(shop):
    shop.call("GetServiceStatus")

    entry = shop.journal()[0]
    assert (entry["kind"], entry["outcome"]) == ("amazonpay.GetServiceStatus", "ok")
    assert entry["facts"]["flavour"].startswith("mws/")


def test_the_path_of_the_node_family_names_the_operation(shop):
    shop.order()
    path = "/v2/payments/orderReference"
    query = {"QueryId": "order-1", "QueryIdType": "SellerOrderId"}
    form = shop.signed("", "/", "POST", "amazonpay.amazon.in", **query)

    assert b"<SellerOrderId>order-1<" in shop.send(form, path).body
    assert b"<SellerOrderId>order-1<" in shop.send(f"{form}&isSandbox=true", path).body
    # Signed as all others sign.
    assert_xml_error(shop.send(shop.signed("", path, **query), path), 403, "SignatureDoesNotMatch")


def test_a_call_in_the_query_of_an_empty_post_is_read(shop):
    form = shop.signed("GetServiceStatus", method="POST")

    assert send_request(shop.server, f"{MWS}?{form}", form="").status == 200


def test_dynamic_config_gives_the_key_as_php_stores_it(shop):
    reply = send_request(shop.server, "/getDynamicConfig?key=serverSideSDKPHP", host="amazonpay.amazon.in")

    assert reply.status == 200
    assert reply.content_type.startswith("application/json")
    assert set(reply.json) == {"publicKey"}
    assert "\n" not in reply.json["publicKey"]
    assert "BEGIN" not in reply.json["publicKey"]
    assert shop.seller.client().get_dynamic_config() == reply.json["publicKey"]
    for path in ("/getDynamicConfig", "/getDynamicConfig/"):
        assert send_request(shop.server, path, form="key=x").json == reply.json


@pytest.mark.parametrize(
    "path", ["/publishMetrics/data=$post_data", "/publishMetrics/a/b", "/publishMetrics", "/publishMetrics/"]
)
def test_metrics_are_taken_and_thrown_away(shop, path):
    for body in ("", "x" * 600_000, "x" * 1_500_000):
        reply = send_request(shop.server, path, form=body, headers={"Content-Type": "text/plain"})
        assert (reply.status, reply.body) == (200, b"")
    assert send_request(shop.server, path).status == 200


def test_a_call_that_is_refused_half_way_has_changed_nothing(shop, monkeypatch):
    def half(_call, sandbox):
        counters.bump(sandbox, "half")
        raise Invalid("No.", code="refund.invalid")

    monkeypatch.setitem(OPERATIONS, "GetServiceStatus", half)
    assert shop.call("GetServiceStatus").status == 400
    with transaction(shop.server.runtime, shop.seller.seller_id) as sandbox:
        assert counters.bump(sandbox, "half") == 1
