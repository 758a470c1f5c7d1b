import json
from urllib.parse import urlsplit

import pytest

from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import HttpReply
from mockpay.merchant import AmazonPayClient, ServiceError, SignatureMismatch
from mockpay.merchant.results import Outcome
from mockpay.wire import forms, keys, xml
from mockpay.wire.amazonpay import opening, signing
from mockpay.wire.amazonpay.opening import Flavour, open_envelope, read_parameters
from mockpay.wire.amazonpay.results import ResultError
from mockpay.wire.amazonpay.signature_verification import SignedRequest, request_fields, verify_request
from mockpay.wire.amazonpay.signing import Encoding
from tests.wire.known_answers import ACCESS_KEY, PRIVATE_KEY, PUBLIC_KEY, SECRET_KEY, SELLER_ID, VECTORS

NOW = 1_795_294_910_123
NAMESPACE = "http://mws.amazonservices.com/schema/OffAmazonPayments/2013-01-01"
ANSWER = {"status": "SUCCESS", "reasonCode": "001", "description": "Txn Success"}


class FixedClock:
    def now(self):
        return NOW


class FakeSender:
    """Answers with what it was given and keeps the calls."""

    def __init__(self, body=b"", status=200):
        self.reply = HttpReply(status, {}, body)
        self.calls = []

    def send(self, call):
        self.calls.append(call)
        return self.reply


def client_of(sender=None, flavour=Flavour.PHP, **settings):
    settings = {"base_url": "http://127.0.0.1:8420/", "public_key": keys.public_key_line(PUBLIC_KEY)} | settings
    return AmazonPayClient(
        SELLER_ID,
        ACCESS_KEY,
        SECRET_KEY,
        sender=sender or FakeSender(),
        flavour=flavour,
        clock=FixedClock(),
        **settings,
    )


def opened_from(query):
    sent = read_parameters(forms.decode_form(query))
    return sent, open_envelope(sent.payload, sent.key, sent.iv, PRIVATE_KEY)


def signed(answer):
    signature = signing.sign_result(answer, ACCESS_KEY, SECRET_KEY, Encoding.PHP)
    return answer | {"signature": signature}


# --- paying ---


def test_a_payment_url_carries_everything_the_shop_said(subtests):
    for flavour in Flavour:
        with subtests.test(flavour=flavour):
            url = client_of(flavour=flavour).payment_url(
                amount="499.00",
                seller_order_id="O-1",
                redirect_url="https://shop.example/back?x=1",
                custom_information="नमस्ते (1)",
                seller_note="a/b",
                seller_store_name="Chai & Co",
                transaction_timeout=900,
                is_sandbox=False,
            )
            sent, opened = opened_from(urlsplit(url).query)

            assert url.startswith("http://127.0.0.1:8420/initiatePayment?payload=")
            assert sent.redirect_url == "https://shop.example/back?x=1"
            assert opened.iv_bytes == flavour.iv_bytes
            assert opening.verify_envelope(opened, SECRET_KEY)
            assert opened.values == {
                "orderTotalAmount": "499.00",
                "orderTotalCurrencyCode": "INR",
                "sellerOrderId": "O-1",
                "customInformation": "नमस्ते (1)",
                "sellerNote": "a/b",
                "sellerStoreName": "Chai & Co",
                "transactionTimeout": "900",
                "isSandbox": "false",
                "sellerId": SELLER_ID,
                "startTime": "1795294910",
                "AWSAccessKeyId": ACCESS_KEY,
                "Signature": opened.signature,
            }


def test_what_the_shop_does_not_say_is_not_sent():
    query = client_of().signed_payload(amount="1.00", seller_order_id="O-1")
    sent, opened = opened_from(query)

    assert sent.redirect_url is None
    assert opened.values["isSandbox"] == "true"
    assert opened.values.keys().isdisjoint({"customInformation", "sellerNote", "transactionTimeout"})


@pytest.mark.parametrize("name", ["amount", "seller_order_id", "redirect_url"])
def test_a_payment_without_a_mandatory_field_is_refused_by_name(name):
    fields = {"amount": "1.00", "seller_order_id": "O-1", "redirect_url": "https://shop.example/"}

    with pytest.raises(Invalid) as refused:
        client_of().payment_url(**fields | {name: ""})

    assert (refused.value.code, refused.value.detail) == ("payment.field", {"name": name})


def test_the_public_key_may_be_pem():
    query = client_of(public_key=VECTORS["rsa_public_key_pem"]).signed_payload(amount="1.00", seller_order_id="O-1")

    assert opened_from(query)[1].values["sellerOrderId"] == "O-1"


def test_a_broken_public_key_is_refused_at_once():
    with pytest.raises(Invalid):
        client_of(public_key="no key")


# --- the way back ---


def test_a_result_is_read_after_its_signature_is_verified():
    answer = signed(
        ANSWER
        | {
            "amazonOrderId": "S04-1-2",
            "sellerOrderId": "O-1",
            "orderTotalAmount": "1.00",
            "orderTotalCurrencyCode": "INR",
            "transactionDate": "1519025049876",
            "customInformation": "é x",
        }
    )
    result = client_of().verify_result(answer)

    assert result.outcome is Outcome.SUCCESS
    assert (result.amazon_order_id, result.seller_order_id) == ("S04-1-2", "O-1")
    assert (result.amount, result.currency) == ("1.00", "INR")
    assert result.transaction_date == 1519025049876
    assert result.custom_information == "é x"
    assert client_of().verify_result(forms.encode_form(answer.items())) == result


def test_only_success_with_its_own_reason_code_is_success(subtests):
    for status, reason_code, outcome in [
        ("SUCCESS", "001", Outcome.SUCCESS),
        ("SUCCESS", "101", Outcome.FAILURE),
        ("PENDING", "01", Outcome.PENDING),
        ("FAILURE", "001", Outcome.FAILURE),
        ("whatever", "x", Outcome.FAILURE),
    ]:
        with subtests.test(status=status, reason_code=reason_code, outcome=outcome):
            answer = signed({"status": status, "reasonCode": reason_code, "description": "x"})

            assert client_of().verify_result(answer).outcome is outcome


def test_a_changed_result_is_never_believed(subtests):
    for name in ["status", "reasonCode", "description", "signature"]:
        with subtests.test(name=name):
            answer = signed(ANSWER)

            with pytest.raises(SignatureMismatch):
                client_of().verify_result(answer | {name: answer[name] + "x"})


def test_a_result_with_a_parameter_too_many_too_few_or_twice_is_refused():
    answer = signed(ANSWER)
    query = forms.encode_form(answer.items())

    for spoilt in (answer | {"utm": "x"}, {**ANSWER}, query + "&utm=x"):
        with pytest.raises(ResultError):
            client_of().verify_result(spoilt)
    with pytest.raises(forms.FormError):
        client_of().verify_result(query + "&status=FAILURE")


# --- charge status ---

CHARGE = {
    "transactionStatusCode": "001",
    "transactionStatusDescription": "Txn Success",
    "transactionId": "S04-1-2",
    "merchantTransactionId": "O-1",
    "transactionValue": "1.00",
    "transactionCurrencyCode": "INR",
    "merchantCustomData": "(x)*",
    "transactionDate": "1519025049876",
}


def charge_body(response=None, encoding=Encoding.PHP, **changes):
    response = response or CHARGE
    signature = signing.sign_result(response, ACCESS_KEY, SECRET_KEY, encoding)
    return json.dumps({"response": response, "signature": signature} | changes).encode()


def test_a_charge_status_is_asked_in_an_envelope_and_read(subtests):
    for encoding in Encoding:
        with subtests.test(encoding=encoding):
            sender = FakeSender(charge_body(encoding=encoding))
            status = client_of(sender).charge_status("S04-1-2")
            url = urlsplit(sender.calls[0].url)
            _, opened = opened_from(url.query)

            assert url.path == "/v2/payments/chargeStatus"
            assert opened.values["transactionId"] == "S04-1-2"
            assert opened.values["transactionIdType"] == "TRANSACTION_ID"
            assert (status.outcome, status.status_code) == (Outcome.SUCCESS, "001")
            assert (status.amount, status.custom_information) == ("1.00", "(x)*")
            assert status.transaction_date == 1519025049876


def test_the_status_code_of_a_charge_decides(subtests):
    for code, outcome in [
        ("001", Outcome.SUCCESS),
        ("01", Outcome.PENDING),
        ("1", Outcome.FAILURE),
        ("", Outcome.FAILURE),
    ]:
        with subtests.test(code=code, outcome=outcome):
            sender = FakeSender(charge_body(CHARGE | {"transactionStatusCode": code}))

            assert client_of(sender).charge_status("S04-1-2").outcome is outcome


@pytest.mark.parametrize("signature", ["", "x", None])
def test_a_charge_status_with_a_wrong_signature_is_never_believed(signature):
    with pytest.raises(SignatureMismatch):
        client_of(FakeSender(charge_body(signature=signature))).charge_status("S04-1-2")


def test_a_refused_charge_status_tells_why(subtests):
    for status, body, code, message in [
        (404, b'{"code":"InvalidId","message":"No."}', "InvalidId", "No."),
        (403, b'{"Error":{"Code":"A","Message":"B"}}', "A", "B"),
        (400, b'{"error":"bad"}', "", "bad"),
        (200, b"{}", "", "The service answered HTTP 200."),
        (500, charge_body(), "", "The service answered HTTP 500."),
        (502, b"<html>", "", "The service answered HTTP 502 with something unreadable."),
        (200, b"[]", "", "The service answered HTTP 200 with something unreadable."),
        (200, b"[" * 100_000, "", "The service answered HTTP 200 with something unreadable."),
    ]:
        with subtests.test(status=status, body=body, code=code, message=message):
            with pytest.raises(ServiceError) as refused:
                client_of(FakeSender(body, status)).charge_status("S04-1-2")

            error = refused.value
            assert (error.service_code, error.message, error.http_status) == (code, message, status)


# --- asking about orders ---

ORDER = {
    "AmazonOrderReferenceId": "S04-1-2",
    "ReleaseEnvironment": "Sandbox",
    "CreationTimestamp": "2026-11-21T10:00:00.000Z",
    "OrderReferenceStatus": {
        "State": "Closed",
        "ReasonCode": "UpfrontChargeSuccess",
        "ReasonDescription": "Txn Success",
        "LastUpdateTimestamp": "2026-11-21T10:01:00Z",
    },
    "SellerOrderAttributes": {"SellerOrderId": "O-1", "CustomInformation": "é <x>", "StoreName": "Chai"},
    "OrderTotal": {"CurrencyCode": "INR", "Amount": "1.00"},
    "SellerNote": "note",
}


def xml_body(operation, result):
    tree = {f"{operation}Result": result, "ResponseMetadata": {"RequestId": "r"}}
    return xml.render(f"{operation}Response", NAMESPACE, tree)


def list_body(*orders, token=None):
    return xml_body(
        "ListOrderReference", {"OrderReferenceList": {"OrderReference": list(orders)}, "NextPageToken": token}
    )


def request_from(sender):
    """The call as a server sees it."""
    call = sender.calls[-1]
    url = urlsplit(call.url)
    return SignedRequest(call.method, url.netloc, url.path, url.query)


def test_every_question_is_signed_so_that_the_server_verifies_it(subtests):
    for flavour in Flavour:
        with subtests.test(flavour=flavour):
            sender = FakeSender(list_body())
            client_of(sender, flavour).list_order_reference("O/1 (é) *~")
            request = request_from(sender)

            assert request.path == "/OffAmazonPayments_Sandbox/2013-01-01"
            assert verify_request(request, secret=SECRET_KEY) is not None
            assert verify_request(request, secret="another") is None
            assert request_fields(request.raw)["QueryId"] == "O/1 (é) *~"


def test_an_unknown_filter_or_option_is_a_type_error():
    sender = FakeSender()
    with pytest.raises(TypeError, match="created_after"):
        client_of(sender).list_order_reference("x", created_after=0)
    with pytest.raises(TypeError, match="colour"):
        client_of(sender).payment_url(
            amount="1.00", seller_order_id="x", redirect_url="http://localhost/", colour="red"
        )

    assert sender.calls == []


def test_a_list_is_asked_with_all_its_filters():
    sender = FakeSender(list_body())
    client_of(sender).list_order_reference(
        "O-1", created_from=0, created_to=NOW, statuses=["Open", "Closed"], page_size=5, sort_order="Ascending"
    )
    fields = request_fields(request_from(sender).raw)
    del fields["Signature"]

    assert fields == {
        "Action": "ListOrderReference",
        "AWSAccessKeyId": ACCESS_KEY,
        "SellerId": SELLER_ID,
        "Timestamp": "2026-11-21T21:01:50.123Z",
        "Version": "2013-01-01",
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        "QueryId": "O-1",
        "QueryIdType": "SellerOrderId",
        "PaymentDomain": "IN_INR",
        "CreatedTimeRange.StartTime": "1970-01-01T00:00:00.000Z",
        "CreatedTimeRange.EndTime": "2026-11-21T21:01:50.123Z",
        "OrderReferenceStatusListFilter.OrderReferenceStatus.1": "Open",
        "OrderReferenceStatusListFilter.OrderReferenceStatus.2": "Closed",
        "PageSize": "5",
        "SortOrder": "Ascending",
    }


@pytest.mark.parametrize("orders", [[], [ORDER], [ORDER, {"AmazonOrderReferenceId": "S04-1-3"}]])
def test_a_list_of_none_one_or_several_orders_is_read(orders):
    page = client_of(FakeSender(list_body(*orders))).list_order_reference("O-1")

    found = [order.amazon_order_reference_id for order in page.order_references]
    assert found == [order["AmazonOrderReferenceId"] for order in orders]
    assert page.next_page_token is None


def test_an_order_is_read_with_all_its_parts():
    page = client_of(FakeSender(list_body(ORDER, token="t+/="))).list_order_reference("O-1")
    order = page.order_references[0]

    assert page.next_page_token == "t+/="
    assert order.paid
    assert (order.state, order.release_environment) == ("Closed", "Sandbox")
    assert (order.seller_order_id, order.custom_information) == ("O-1", "é <x>")
    assert (order.amount, order.currency) == ("1.00", "INR")
    assert (order.store_name, order.seller_note) == ("Chai", "note")
    assert (order.created_at, order.updated_at) == (1_795_255_200_000, 1_795_255_260_000)


def test_an_order_that_was_not_charged_is_not_paid():
    status = {"State": "Closed", "ReasonCode": "UpfrontChargeFailure"}
    sender = FakeSender(list_body(ORDER | {"OrderReferenceStatus": status}))

    assert not client_of(sender).list_order_reference("O-1").order_references[0].paid


def test_the_next_page_is_asked_by_its_token():
    body = xml_body("ListOrderReferenceByNextToken", {"OrderReferenceList": {"OrderReference": ORDER}})
    sender = FakeSender(body)
    page = client_of(sender).list_order_reference_by_next_token("t+/=")

    assert len(page.order_references) == 1
    assert request_fields(request_from(sender).raw)["NextPageToken"] == "t+/="


def test_one_order_is_read_by_amazons_id():
    sender = FakeSender(xml_body("GetOrderReferenceDetails", {"OrderReferenceDetails": ORDER}))
    order = client_of(sender).get_order_reference_details("S04-1-2")

    assert order.seller_order_id == "O-1"
    assert request_fields(request_from(sender).raw)["AmazonOrderReferenceId"] == "S04-1-2"


def test_the_service_tells_its_status():
    body = xml_body("GetServiceStatus", {"Status": "GREEN", "Timestamp": "1970-01-01T00:00:01Z"})
    status = client_of(FakeSender(body)).get_service_status()

    assert (status.status, status.timestamp) == ("GREEN", 1000)


def test_a_refused_question_tells_why():
    fault = {"Type": "Sender", "Code": "SignatureDoesNotMatch", "Message": "No."}
    body = xml.render("ErrorResponse", NAMESPACE, {"Error": fault, "RequestID": "r"})

    with pytest.raises(ServiceError) as refused:
        client_of(FakeSender(body, 403)).get_service_status()

    assert refused.value.service_code == "SignatureDoesNotMatch"
    assert (refused.value.message, refused.value.http_status) == ("No.", 403)


def test_an_answer_that_cannot_be_read_is_an_error_of_the_service(subtests):
    for status, body in [(502, b"<html><br></html>"), (200, b""), (200, b"<Other/>"), (500, b"{}")]:
        with subtests.test(status=status, body=body):
            with pytest.raises(ServiceError) as refused:
                client_of(FakeSender(body, status)).get_service_status()

            assert (refused.value.service_code, refused.value.http_status) == ("", status)


def test_the_public_key_is_fetched_on_one_line():
    sender = FakeSender(b'{"publicKey": "AAAA"}')

    assert client_of(sender).get_dynamic_config() == "AAAA"
    assert sender.calls[0].url == "http://127.0.0.1:8420/getDynamicConfig?key=serverSideSDKPHP"


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (404, b'{"publicKey":"A"}'), (200, b"x")])
def test_an_answer_without_a_public_key_is_an_error(status, body):
    with pytest.raises(ServiceError):
        client_of(FakeSender(body, status)).get_dynamic_config()


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (
            {"base_url": "https://amazonpay.amazon.in", "sandbox": False},
            "https://mws.amazonservices.in/OffAmazonPayments/2013-01-01?",
        ),
        ({"mws_url": "https://mws.example/"}, "https://mws.example/OffAmazonPayments_Sandbox/2013-01-01?"),
    ],
)
def test_the_real_service_is_reached_by_another_base_url(settings, where):
    sender = FakeSender(list_body())
    client_of(sender, **settings).list_order_reference("O-1")

    assert sender.calls[0].url.startswith(where)
    assert verify_request(request_from(sender), secret=SECRET_KEY) is not None
