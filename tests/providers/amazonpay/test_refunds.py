"""RefundPayment, Refund and GetRefundDetails over HTTP: Amazon's documents, errors and limits."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from mockpay.merchant.results import Outcome
from mockpay.providers.amazonpay.parameters import quoted
from mockpay.settings import Settings
from mockpay.testing import LiveServer
from mockpay.wire import forms, xml
from mockpay.wire.amazonpay import signing
from tests.factories import FakeRealClock, run_concurrently
from tests.providers.amazonpay.http_client import Reply, assert_xml_error, send_request, short_id
from tests.providers.amazonpay.shop import MWS, Shop, stamp

_NAMESPACE = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"
LIVE = "/OffAmazonPayments/2013-01-01"
AMOUNT = {"RefundAmount__Amount": "100.00", "RefundAmount__CurrencyCode": "INR"}


@pytest.fixture
def order(shop) -> str:
    """Amazon's id of an order over 499.00 that was paid."""
    return shop.verified(shop.buy()).amazon_order_id


def wanted(order: str, key: str = "R-1", **changed: str) -> dict[str, str]:
    return {
        "AmazonTransactionId": order,
        "AmazonTransactionIdType": "OrderReferenceId",
        "RefundReferenceId": key,
        **AMOUNT,
        **changed,
    }


def refund(shop: Shop, order: str, key: str = "R-1", **changed: str) -> Reply:
    return shop.call("RefundPayment", **wanted(order, key, **changed))


def detail_of(reply: Reply, operation: str = "RefundPayment") -> dict:
    assert (reply.status, reply.content_type) == (200, "text/xml"), reply.text
    assert reply.body.count(b"xmlns") == 1
    assert f'xmlns="{_NAMESPACE}"'.encode() in reply.body
    (root,) = reply.xml
    assert root == f"{operation}Response"
    assert set(reply.xml[root]) == {f"{operation}Result", "ResponseMetadata"}
    assert reply.xml[root]["ResponseMetadata"]["RequestId"]
    details = reply.xml[root][f"{operation}Result"]["RefundDetails"]
    return details["RefundDetail"] if operation == "RefundPayment" else details


def details(shop: Shop, refund_id: str, name: str = "GetRefundDetails") -> dict:
    return detail_of(shop.call(name, AmazonRefundId=refund_id), "GetRefundDetails")


def refunds_of(shop: Shop, order: str) -> list[dict]:
    return shop.seller.order(order)["refunds"]


def test_the_answer_has_indias_shape_and_is_pending(shop, order):
    reply = refund(shop, order, SellerRefundNote="Zurück & <ok>", SoftDescriptor="SHOP")

    found = detail_of(reply)
    created = found["CreationTimestamp"]
    assert re.fullmatch(rf"{order}-R[0-9]{{6}}", found.pop("AmazonRefundId"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created)
    assert found == {
        "RefundReferenceId": "R-1",
        "RefundType": "SellerInitiated",
        "RefundAmount": {"CurrencyCode": "INR", "Amount": "100.00"},
        "FeeRefunded": {"CurrencyCode": "INR", "Amount": "0.00"},
        "CreationTimestamp": created,
        "RefundStatus": {"State": "Pending", "LastUpdateTimestamp": created},
        "SellerRefundNote": "Zurück & <ok>",
        "SoftDescriptor": "SHOP",
    }


def test_what_was_not_given_is_left_out(shop, order):
    found = detail_of(refund(shop, order))

    assert {"SellerRefundNote", "SoftDescriptor"}.isdisjoint(found)


def test_the_answer_to_a_question_has_one_level_less(shop, order):
    asked = detail_of(refund(shop, order))

    assert details(shop, asked["AmazonRefundId"]) == asked
    shop.seller.advance(seconds=5)
    done = details(shop, asked["AmazonRefundId"])
    status = done["RefundStatus"]
    assert status["State"] == "Completed"
    assert status["LastUpdateTimestamp"] > asked["CreationTimestamp"]
    assert {**done, "RefundStatus": asked["RefundStatus"]} == asked


def test_the_documents_name_asks_the_same(shop, order):
    refund_id = detail_of(refund(shop, order))["AmazonRefundId"]

    assert details(shop, refund_id, "GetRefundStatus") == details(shop, refund_id)


@pytest.mark.parametrize("reason", ["AmazonRejected", "ProcessingFailure"])
def test_a_declined_refund_tells_amazons_reason(shop, order, reason):
    note = f'{{"SandboxSimulation": {{"State": "Declined", "ReasonCode": "{reason}"}}}}'
    refund_id = detail_of(refund(shop, order, SellerRefundNote=note))["AmazonRefundId"]
    shop.seller.advance(seconds=5)

    status = details(shop, refund_id)["RefundStatus"]
    assert (status["State"], status["ReasonCode"]) == ("Declined", reason)


def test_a_refund_that_was_taken_back_stays_completed_on_amazons_wire(shop, order):
    reply = refund(shop, order, RefundAmount__Amount="24.12")
    shop.seller.advance(until="idle")

    assert refunds_of(shop, order)[0]["state"] == "REVERSED"
    refund_id = detail_of(reply)["AmazonRefundId"]
    assert details(shop, refund_id)["RefundStatus"]["State"] == "Completed"


@pytest.mark.parametrize("suffix", ["", "-C000001", "-C1"])
@pytest.mark.parametrize("path", [MWS, LIVE, MWS + "/"])
def test_the_mws_operation_takes_a_capture_and_has_one_level_less(shop, order, path, suffix):
    form = {**AMOUNT, "AmazonCaptureId": order + suffix, "RefundReferenceId": "R-1"}

    found = detail_of(shop.call("Refund", path, "POST", **form), "Refund")

    assert found["RefundStatus"]["State"] == "Pending"
    assert found["AmazonRefundId"].startswith(order)


def by_node(shop: Shop, path: str, **params: str) -> Reply:
    """As the Node client asks: signed for another host and path, isSandbox added afterwards."""
    names = shop.credentials
    told = {
        "AWSAccessKeyId": names["access_key"],
        "SellerId": names["seller_id"],
        "Timestamp": stamp(),
        **signing.SIGNATURE_FIELDS,
        **{name.replace("__", "."): text for name, text in params.items()},
    }
    encoded = {name: forms.percent_encode(text) for name, text in told.items()}
    text = signing.string_to_sign("POST", "amazonpay.amazon.in", "/", encoded)
    encoded["Signature"] = forms.percent_encode(signing.sign(names["secret_key"], text))
    query = "&".join(f"{name}={value}" for name, value in encoded.items())
    return send_request(shop.server, f"{path}?{query}&isSandbox=true", host="amazonpay.amazon.in")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_node_family_refunds_and_asks_by_paths(shop, order, slash):
    found = detail_of(by_node(shop, f"/v2/payments/refund{slash}", **wanted(order)))

    path = f"/v2/payments/refund/details{slash}"
    asked = by_node(shop, path, AmazonRefundId=found["AmazonRefundId"])
    assert detail_of(asked, "GetRefundDetails") == found
    assert shop.journal()[0]["facts"]["flavour"].startswith("pwain/")


def test_mockpays_own_client_refunds(shop, order):
    asked = shop.seller.client().refund(order, "R-1", "100.00")
    shop.seller.advance(seconds=5)

    assert shop.seller.client().get_refund_details(asked.amazon_refund_id).amount == "100.00"


# --- the same again


def test_the_same_request_again_is_the_same_refund(shop, order):
    replies = [refund(shop, order) for _ in range(3)]

    assert len({str(detail_of(reply)) for reply in replies}) == 1
    assert len(refunds_of(shop, order)) == 1
    shop.seller.advance(seconds=5)
    again = detail_of(refund(shop, order))
    assert again["AmazonRefundId"] == detail_of(replies[0])["AmazonRefundId"]


@pytest.mark.parametrize(
    "changed", [{"RefundAmount__Amount": "100.01"}, {"SellerRefundNote": "x"}, {"SoftDescriptor": "x"}]
)
def test_the_same_name_with_other_values_is_a_duplicate(shop, order, changed):
    refund(shop, order)

    assert_xml_error(refund(shop, order, **changed), 400, "DuplicateRequest")
    assert len(refunds_of(shop, order)) == 1


def test_values_that_mean_the_same_are_the_same(shop, order):
    refund(shop, order)

    same = refund(shop, order, RefundAmount__Amount="100", RefundAmount__CurrencyCode="inr")
    assert detail_of(same)["RefundAmount"]["Amount"] == "100.00"
    assert len(refunds_of(shop, order)) == 1


# --- what is refused


def test_more_than_was_captured_is_refused_and_a_rupee_more_too(shop, order):
    assert_xml_error(refund(shop, order, RefundAmount__Amount="499.01"), 400, "TransactionAmountExceeded")
    refund(shop, order, "A")
    refund(shop, order, "B", RefundAmount__Amount="399.00")
    shop.seller.advance(seconds=5)
    assert_xml_error(refund(shop, order, "C", RefundAmount__Amount="1.00"), 400, "TransactionAmountExceeded")
    assert shop.seller.order(order)["state"] == "REFUNDED"


@pytest.mark.parametrize(
    "changed",
    [
        {"RefundReferenceId": ""},
        {"RefundReferenceId": "x" * 33},
        {"RefundReferenceId": "a b"},
        {"RefundReferenceId": "é"},
        {"RefundReferenceId": "x\x00"},
        {"RefundAmount__Amount": ""},
        {"RefundAmount__Amount": "0"},
        {"RefundAmount__Amount": "-1.00"},
        {"RefundAmount__Amount": "1.001"},
        {"RefundAmount__Amount": "1e2"},
        {"RefundAmount__Amount": "NaN"},
        {"RefundAmount__Amount": "१.००"},
        {"RefundAmount__Amount": "1,00"},
        {"RefundAmount__Amount": "9" * 40},
        {"RefundAmount__CurrencyCode": ""},
        {"RefundAmount__CurrencyCode": "USD"},
        {"RefundAmount__CurrencyCode": "\x00"},
        {"RefundAmount__CurrencyCode": "x" * 5_000},
        {"SellerRefundNote": "x" * 256},
        {"SoftDescriptor": "x" * 17},
        {"AmazonTransactionIdType": "AmazonCaptureId"},
        {"AmazonTransactionId": ""},
    ],
    ids=short_id,
)
def test_an_unusable_value_is_a_plain_400(shop, order, changed):
    reply = shop.call("RefundPayment", **{**wanted(order), **changed})

    assert_xml_error(reply, 400, "InvalidParameterValue")
    assert refunds_of(shop, order) == []
    entry = shop.journal()[0]
    assert entry["outcome"] != "ok"
    assert entry["reason"]


@pytest.mark.parametrize("how", ["open", "cancelled", "failed"])
def test_an_order_that_nobody_paid_is_not_refundable(shop, how):
    page = shop.order()
    if how == "failed":
        shop.finish(page, "insufficient@mockpay")
    if how == "cancelled":
        send_request(shop.server, f"{page}cancel", form="")
    [order] = shop.seller.orders()

    reply = refund(shop, order["order_id"])

    assert_xml_error(reply, 405, "CaptureNotRefundable")


def test_an_unknown_order_is_told_as_such_and_another_sellers_as_well(shop, mockpay_server):
    theirs = Shop(mockpay_server.new_seller())
    order = theirs.verified(theirs.buy()).amazon_order_id

    told = set()
    for asked in (order, "S04-0000000-0000000", "'; --", "é", "\x00", "x" * 4_000):
        error = assert_xml_error(refund(shop, asked), 404, "InvalidTransactionId")
        told.add(error["Message"].replace(quoted(asked), ""))
        form = {**AMOUNT, "AmazonCaptureId": f"{asked}-C1", "RefundReferenceId": "R-1"}
        assert_xml_error(shop.call("Refund", **form), 404, "InvalidTransactionId")
    assert len(told) == 1
    assert refunds_of(theirs, order) == []


def test_an_unknown_refund_and_another_sellers_are_told_alike(shop, order, mockpay_server):
    theirs = Shop(mockpay_server.new_seller())
    other = detail_of(refund(theirs, theirs.verified(theirs.buy()).amazon_order_id))

    for asked in (other["AmazonRefundId"], f"{order}-R000000", "é", "\x00"):
        reply = shop.call("GetRefundDetails", AmazonRefundId=asked)
        assert_xml_error(reply, 404, "InvalidTransactionId")
    assert_xml_error(shop.call("GetRefundDetails"), 400, "InvalidParameterValue")


def test_the_window_is_half_a_year_of_the_sellers_clock(shop, order):
    shop.seller.advance(seconds=180 * 86_400)
    assert detail_of(refund(shop, order, "IN-TIME"))
    shop.seller.advance(seconds=1)
    assert_xml_error(refund(shop, order, "TOO-LATE"), 405, "CaptureNotRefundable")


@pytest.mark.parametrize("asked", ['{"State": "Nonsense"}', '{"State": "Declined"}', "7", "{}"])
def test_a_note_that_cannot_be_simulated_is_refused(shop, order, asked):
    note = f'{{"SandboxSimulation": {asked}}}'
    reply = refund(shop, order, SellerRefundNote=note)

    assert_xml_error(reply, 400, "InvalidSandboxSimulationSpecified")
    assert refunds_of(shop, order) == []


def test_the_same_in_a_payments_note_is_a_signed_failure(shop):
    reply = shop.pay(sellerNote='{"SandboxSimulation": {"State": "Nonsense"}}')

    result = shop.verified(reply)
    assert (result.outcome, result.reason_code) == (Outcome.FAILURE, "261")
    assert result.description == "sellerNote asks for a SandboxSimulation that does not exist."
    shop.assert_nothing_was_left_behind("simulation.invalid", "Nonsense")


def test_a_stranger_refunds_nothing(shop, order):
    stranger = shop.with_credentials(secret_key="not-the-secret-of-this-seller")

    assert_xml_error(refund(stranger, order), 403, "SignatureDoesNotMatch")
    assert refunds_of(shop, order) == []


# --- throttling


@pytest.fixture(scope="module")
def still_server(mockpay_server, tmp_path_factory):
    """A server whose real time stands still, so that no token comes back by itself."""
    folder = tmp_path_factory.mktemp("still")
    keys = mockpay_server.runtime.settings.keys_dir
    settings = Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=keys)
    with LiveServer(settings, real_clock=FakeRealClock()) as server:
        yield server


@pytest.fixture
def still_shop(still_server):
    """A shop there; what it says of time is not looked at."""
    seller = still_server.new_seller(settings={"freshness_seconds": 0})
    seller.freeze()
    return Shop(seller)


def paid_there(shop: Shop) -> str:
    return shop.verified(shop.buy()).amazon_order_id


@pytest.mark.parametrize(("profile", "quota"), [("sandbox", 2), ("production", 10)])
def test_a_quota_refuses_one_call_too_many_and_gives_tokens_back(still_shop, profile, quota):
    shop, order = still_shop, paid_there(still_shop)
    shop.seller.control("PATCH", "", {"settings": {"throttling": profile}})
    for number in range(quota):
        assert refund(shop, order, f"R-{number}", RefundAmount__Amount="1.00").status == 200

    reply = refund(shop, order, "ONE-MORE")
    error = assert_xml_error(reply, 503, "RequestThrottled")
    assert error["Message"] == "Request is throttled"
    assert shop.journal()[0]["outcome"] == "throttled"
    assert len(refunds_of(shop, order)) == quota
    shop.seller.advance(seconds=2)
    assert refund(shop, order, "ONE-MORE").status == 200


def test_a_call_that_is_refused_takes_its_token_all_the_same(still_shop):
    shop, order = still_shop, paid_there(still_shop)
    shop.seller.control("PATCH", "", {"settings": {"throttling": "sandbox"}})
    for _ in range(2):
        assert refund(shop, "S04-0000000-0000000").status == 404

    assert_xml_error(refund(shop, order), 503, "RequestThrottled")


def test_both_names_of_a_question_share_a_quota(still_shop):
    shop, order = still_shop, paid_there(still_shop)
    refund_id = detail_of(refund(shop, order))["AmazonRefundId"]
    shop.seller.control("PATCH", "", {"settings": {"throttling": "sandbox"}})
    for name in ["GetRefundDetails", "GetRefundStatus"] * 2 + ["GetRefundStatus"]:
        details(shop, refund_id, name)

    for name in ("GetRefundDetails", "GetRefundStatus"):
        reply = shop.call(name, AmazonRefundId=refund_id)
        assert_xml_error(reply, 503, "RequestThrottled")


def test_a_scenario_throttles_a_refund_once(shop, order):
    first = refund(shop, order, RefundAmount__Amount="24.05")

    assert_xml_error(first, 503, "RequestThrottled")
    assert refunds_of(shop, order) == []
    again = refund(shop, order, RefundAmount__Amount="24.05")
    assert detail_of(again)["RefundStatus"]["State"] == "Pending"


def test_a_lost_answer_is_found_by_asking_again(shop, order):
    lost = refund(shop, order, RefundAmount__Amount="24.06")

    assert_xml_error(lost, 500, "InternalServerError")
    [stored] = refunds_of(shop, order)
    again = detail_of(refund(shop, order, RefundAmount__Amount="24.06"))
    assert again["AmazonRefundId"] == stored["refund_id"]
    assert len(refunds_of(shop, order)) == 1


# --- told before the answer


class Shops(ThreadingHTTPServer):
    """A seller's own server, which writes down what it is told and answers 200."""

    daemon_threads = True

    def __init__(self):
        self.told = []
        super().__init__(("127.0.0.1", 0), _Ears)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/ipn"


class _Ears(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.told.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words):
        pass


@pytest.fixture
def ears(shop):
    server = Shops()
    shop.seller.control("PATCH", "", {"ipn_url": server.url})
    yield server
    server.shutdown()
    server.server_close()


def test_a_notification_may_come_before_the_answer(shop, ears):
    order = shop.verified(shop.buy()).amazon_order_id
    reply = refund(shop, order, RefundAmount__Amount="24.09")

    told_by_then = [body for body in ears.told if b"PaymentRefund" in body]
    assert len(told_by_then) == 1
    found = detail_of(reply)
    assert found["AmazonRefundId"].encode() in told_by_then[0]
    assert found["RefundStatus"]["State"] == "Pending"


def test_an_early_notification_without_an_address_holds_nobody_up(shop, order):
    assert detail_of(refund(shop, order, RefundAmount__Amount="24.09"))


# --- ListOrderReference's faults


def listed(shop: Shop) -> Reply:
    return shop.call("ListOrderReference", QueryId="order-1", QueryIdType="SellerOrderId")


def shown(reply: Reply) -> object:
    assert reply.status == 200
    listed = reply.xml["ListOrderReferenceResponse"]["ListOrderReferenceResult"]
    return listed["OrderReferenceList"]


def state(reply: Reply) -> str:
    return shown(reply)["OrderReference"]["OrderReferenceStatus"]["State"]


def test_a_verification_is_throttled_twice(shop):
    shop.buy(orderTotalAmount="1707.01")

    for _ in range(2):
        assert_xml_error(listed(shop), 503, "RequestThrottled")
    assert state(listed(shop)) == "Closed"


def test_a_verification_is_unavailable_once(shop):
    shop.buy(orderTotalAmount="1707.02")

    assert_xml_error(listed(shop), 503, "ServiceUnavailable")
    assert state(listed(shop)) == "Closed"


def test_a_verification_is_stale_for_five_seconds(shop):
    shop.buy(orderTotalAmount="1707.03")

    assert [state(listed(shop)) for _ in range(2)] == ["Open", "Open"]
    shop.seller.advance(seconds=5)
    assert state(listed(shop)) == "Closed"


def test_a_verification_knows_nothing_for_five_seconds(shop):
    shop.buy(orderTotalAmount="1707.04")

    assert shown(listed(shop)) == ""
    shop.seller.advance(seconds=5)
    assert state(listed(shop)) == "Closed"


def test_a_verification_is_malformed_once(shop):
    shop.buy(orderTotalAmount="1707.05")

    broken = listed(shop)
    assert (broken.status, broken.content_type) == (200, "text/xml")
    with pytest.raises(xml.XmlError):
        xml.parse(broken.body)
    assert state(listed(shop)) == "Closed"


def test_a_fault_of_one_order_leaves_lists_and_other_orders_alone(shop):
    shop.buy(orderTotalAmount="1707.02")
    shop.buy(sellerOrderId="order-2")
    other = shop.call("ListOrderReference", QueryId="order-2", QueryIdType="SellerOrderId")

    assert state(other) == "Closed"
    assert shop.call("ListOrderReference", PageSize="1").status == 200
    assert_xml_error(listed(shop), 503, "ServiceUnavailable")


# --- at once


@pytest.fixture
def own_shop(mockpay_server, database_url):
    """A shop at a server of its own, on either kind of database."""
    keys = mockpay_server.runtime.settings.keys_dir
    with LiveServer(Settings(port=0, database_url=database_url, keys_dir=keys)) as server:
        seller = server.new_seller()
        seller.freeze()
        yield Shop(seller)


def test_many_refunds_at_once_over_http_never_give_back_too_much(own_shop):
    shop, order = own_shop, paid_there(own_shop)
    replies = run_concurrently(12, lambda n: refund(shop, order, f"R-{n}", RefundAmount__Amount="100.00"))

    assert sorted(reply.status for reply in replies) == [200] * 4 + [400] * 8
    assert len(refunds_of(shop, order)) == 4
    shop.seller.advance(seconds=5)
    assert shop.seller.order(order)["state"] == "PARTIALLY_REFUNDED"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}
