"""PayU as a gateway: what its client sends and understands, answered by its own acquirer in process."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from mockpay.delivery.gateway_transport import GatewaySender
from mockpay.domain.methods.method import MoneyStatus
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.gateways import Charge, Link, ResultKind
from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.http.calls import HttpReply, Unreachable
from mockpay.kernel.money import Money
from mockpay.providers.payu import provider
from mockpay.providers.payu.outcomes import code_of, error_of
from mockpay.wire.payu import errors, hashes, requests
from mockpay.wire.payu.requests import Command

NUMBER = "4111111111111111"
ATTEMPT = "att_k5xq2mjv6n3c4w8e7r9t"
CHARGE = Charge(
    attempt_id=ATTEMPT,
    seller_id="",
    amount=Money(49_900),
    method="card",
    instrument={"network": "Visa", "bin": "411111", "last4": "1111", "expiry": "08/29"},
    idempotency_key=f"{ATTEMPT}-payu-CHARGE",
    planned="success",
    agreed=True,
    patience_ms=0,
    secret={"number": NUMBER},
    delay_ms=30_000,
)
GATEWAY = provider.adapter
K = ResultKind


class Client:
    """The adapter with a link to one seller's acquirer."""

    def __init__(self, world):
        self.world = world
        with world.read() as sandbox:
            credentials = GATEWAY.credentials(world.seller_id, sandbox.seller.secret_key)
        sender = GatewaySender(world.runtime, world.seller_id, provider.name, provider.acquirer)
        self.link = Link("http://gateway", sender, credentials)

    def paid(self, capture=True, **changes):
        charge = replace(CHARGE, seller_id=self.world.seller_id, **changes)
        result = (GATEWAY.charge if capture else GATEWAY.authorize)(charge, self.link)
        return replace(charge, ids=result.ids), result

    def post(self, path, form):
        call = requests.encode(form, path, self.link.base_url, 3)
        return json.loads(self.link.sender.send(call).body)

    def command(self, name, **values):
        """A command by hand."""
        return self.post(requests.COMMAND_PATH, requests.command_form(Command(name, values), **self.link.credentials))

    def payment(self, **fields):
        """A payment's form by hand; what is None is left out."""
        usual = {
            "txnid": "t-1",
            "amount": "10",
            "productinfo": "p",
            "firstname": "f",
            "email": "e@x.in",
            "phone": "9",
            "surl": "http://s",
            "furl": "http://f",
            "pg": "CC",
        }
        form = {name: value for name, value in {**usual, **fields}.items() if value is not None}
        return self.post(requests.PAYMENT_PATH, requests.payment(form, **self.link.credentials))


@pytest.fixture
def client(world):
    return Client(world)


def test_a_card_is_charged_looked_up_and_refunded(client):
    charge, result = client.paid()
    assert (result.kind, result.code) == (K.APPROVED, "00")
    assert GATEWAY.prepare(charge, client.link, capture=True) is None
    assert GATEWAY.status(charge, client.link).kind is K.APPROVED
    assert GATEWAY.lookup(charge, client.link).ids == result.ids

    refund = GATEWAY.refund(charge, 10_000, "R-1-payu-REFUND", client.link)
    assert refund.kind is K.PENDING
    again = GATEWAY.refund(charge, 10_000, "R-1-payu-REFUND", client.link)
    assert (again.kind, again.exchange.request["command"]) == (K.APPROVED, "check_action_status")
    over = GATEWAY.refund(charge, 39_901, "R-2-payu-REFUND", client.link)
    assert (over.kind, over.elsewhere, over.raw_code) == (K.REJECTED, False, "105")
    assert GATEWAY.refund(charge, 39_900, "R-3-payu-REFUND", client.link).kind is K.PENDING
    assert GATEWAY.refund(charge, 39_900, "R-3-payu-REFUND", client.link).kind is K.APPROVED
    assert GATEWAY.refund(charge, 1, "R-4-payu-REFUND", client.link).kind is K.REJECTED
    told = client.command("check_action_status", var1=charge.ids["payment"], var2="payuid")
    actions = told["transaction_details"][charge.ids["payment"]]
    assert [(each["action"], each["amt"], each["status"]) for each in actions.values()] == [
        ("refund", "100.00", "success"),
        ("refund", "399.00", "success"),
    ]
    assert client.command("check_action_status", var1=refund.ids["request"])["status"] == 1


@pytest.mark.parametrize(
    ("method", "instrument", "sent"),
    [
        ("upi", {"vpa": "success@mockpay"}, {"pg": "UPI", "bankcode": "UPI", "vpa": "[hidden]"}),
        ("netbanking", {"bank": "HDFC"}, {"pg": "NB", "bankcode": "HDFB"}),
        ("netbanking", {"bank": "MKS1"}, {"pg": "NB", "bankcode": "MKS1"}),
        ("emi", {**CHARGE.instrument, "emi_bank": "UTIB", "tenure": "12"}, {"pg": "EMI", "bankcode": "EMIA12"}),
        ("emi", {**CHARGE.instrument, "emi_bank": "HDFC", "tenure": "3"}, {"pg": "EMI", "bankcode": "EMI"}),
    ],
)
def test_other_methods_are_paid_as_a_card_is(client, method, instrument, sent):
    charge, result = client.paid(method=method, instrument=instrument)
    assert (result.kind, result.code) == (K.APPROVED, METHODS[method].response_codes.approved)
    assert sent.items() <= result.exchange.request.items()
    assert GATEWAY.lookup(charge, client.link).kind is K.APPROVED


def test_a_long_key_becomes_a_token_that_fits(client):
    charge, _ = client.paid()
    key = "RFND-2026-11-30-000000000000000001-payu-REFUND"
    sent = GATEWAY.refund(charge, 100, key, client.link).exchange.request["var2"]
    assert len(sent) == 23
    assert GATEWAY.refund(charge, 100, key, client.link).kind is K.APPROVED
    assert GATEWAY.refund(charge, 100, f"{key}-2", client.link).exchange.request["var2"] != sent
    assert "23" in client.command("cancel_refund_transaction", var1=charge.ids["payment"], var2="x" * 24)["msg"]


def test_a_key_of_another_payments_refund_is_refused(client):
    first, _ = client.paid()
    second, _ = client.paid(attempt_id="att_2")
    GATEWAY.refund(first, 100, "R-1", client.link)
    other = GATEWAY.refund(second, 100, "R-1", client.link)
    assert (other.kind, other.message) == (K.REJECTED, "The action belongs to another payment.")


def test_what_was_authorised_is_captured_once_by_a_queue(client):
    charge, result = client.paid(capture=False)
    assert result.kind is K.AUTHORIZED
    assert GATEWAY.status(charge, client.link).kind is K.AUTHORIZED
    charge = replace(charge, idempotency_key=f"{ATTEMPT}-payu-CAPTURE")
    over = GATEWAY.capture(charge, 49_901, client.link)
    assert (over.kind, over.raw_code) == (K.REJECTED, "303")
    queued = GATEWAY.capture(charge, 20_000, client.link)
    assert queued.kind is K.PENDING
    # Whoever has not heard that it is queued asks again, and is told that it is.
    unheard = GATEWAY.capture(charge, 20_000, client.link)
    assert (unheard.kind, unheard.ids["capture"]) == (K.PENDING, queued.ids["capture"])
    known = replace(charge, ids={**charge.ids, **queued.ids})
    assert GATEWAY.capture(known, 20_000, client.link).kind is K.APPROVED
    twice = GATEWAY.capture(replace(charge, idempotency_key="another"), 1, client.link)
    assert (twice.kind, twice.raw_code) == (K.REJECTED, "301")
    assert GATEWAY.status(charge, client.link).kind is K.APPROVED
    assert GATEWAY.refund(charge, 20_001, "R-1", client.link).kind is K.REJECTED
    assert GATEWAY.refund(charge, 20_000, "R-2", client.link).kind is K.PENDING


def test_what_was_authorised_is_released(client):
    charge, _ = client.paid(capture=False)
    charge = replace(charge, idempotency_key=f"{ATTEMPT}-payu-VOID")
    assert GATEWAY.void(charge, client.link).kind is K.PENDING
    assert GATEWAY.void(charge, client.link).kind is K.APPROVED
    released = GATEWAY.status(charge, client.link)
    assert (released.kind, released.code) == (K.DECLINED, "reversed")


def test_what_a_queued_capture_has_taken_is_refunded_instead_of_released(client):
    for attempt_id, captured in (("att_whole", 49_900), ("att_part", 10_000)):
        charge, _ = client.paid(capture=False, attempt_id=attempt_id)
        charge = replace(charge, idempotency_key=f"{attempt_id}-C")
        assert GATEWAY.capture(charge, captured, client.link).kind is K.PENDING
        charge = replace(charge, idempotency_key=f"{attempt_id}-V")
        assert GATEWAY.void(charge, client.link).kind is K.PENDING
        assert GATEWAY.void(charge, client.link).kind is K.APPROVED
        told = client.command("check_action_status", var1=charge.ids["payment"], var2="payuid")
        refunds = [
            each for each in told["transaction_details"][charge.ids["payment"]].values() if each["action"] == "refund"
        ]
        assert [each["amt"] for each in refunds] == [Money(captured).wire()]


def test_a_txnid_takes_money_once_and_a_refused_one_may_be_tried_again(client):
    charge, declined = client.paid(planned="iso:51")
    assert (declined.kind, declined.code, declined.raw_code) == (K.DECLINED, "51", "E202")
    assert GATEWAY.status(charge, client.link).code == "51"
    assert GATEWAY.lookup(charge, client.link).kind is K.DECLINED

    again, paid = client.paid()
    assert paid.kind is K.APPROVED
    assert paid.ids != declined.ids
    _, twice = client.paid()
    assert (twice.kind, twice.elsewhere, twice.message) == (K.REJECTED, False, errors.DUPLICATE_TXNID)
    assert GATEWAY.lookup(again, client.link).ids == paid.ids


def test_what_the_network_does_not_know_is_known_later(client):
    ends = {
        "pendingok": (K.APPROVED, "00"),
        "pendingreversed": (K.DECLINED, "reversed"),
        "pending": (K.PENDING, "00"),
        "deemed": (K.APPROVED, "00"),
    }
    for planned, end in ends.items():
        charge, result = client.paid(planned=planned, attempt_id=f"att_{planned}")
        assert result.kind is K.PENDING
        assert client.paid(attempt_id=f"att_{planned}")[1].message == errors.DUPLICATE_TXNID
        client.world.advance(29.999)
        assert GATEWAY.status(charge, client.link).kind is K.PENDING
        client.world.advance(0.001)
        known = GATEWAY.status(charge, client.link)
        assert (known.kind, known.code) == end
        assert GATEWAY.lookup(charge, client.link).kind is known.kind


def test_a_payment_that_becomes_known_of_one_to_be_captured_is_authorised(client):
    charge, _ = client.paid(capture=False, planned="pendingok")
    client.world.advance(30)
    assert GATEWAY.status(charge, client.link).kind is K.AUTHORIZED


def test_a_reference_that_nobody_paid_is_absent_and_no_fence_is_offered(client):
    assert GATEWAY.lookup(CHARGE, client.link).kind is K.ABSENT
    assert GATEWAY.fence(CHARGE, client.link).kind is K.REJECTED
    assert not GATEWAY.capabilities.fence


def test_two_sellers_have_other_names_and_see_nothing_of_each_other(client, runtime):
    charge, _ = client.paid()
    other = Client(type(client.world).new(runtime))
    assert not set(other.link.credentials.values()) & set(client.link.credentials.values())
    assert GATEWAY.status(charge, other.link).kind is K.REJECTED
    wrong_key = replace(client.link, credentials=other.link.credentials)
    wrong_salt = replace(client.link, credentials={**client.link.credentials, "salt": "other"})
    for link, words in [(wrong_key, errors.INVALID_KEY), (wrong_salt, errors.INVALID_HASH)]:
        for refused in (GATEWAY.status(charge, link), GATEWAY.charge(replace(CHARGE, attempt_id="att_3"), link)):
            assert (refused.kind, refused.elsewhere, refused.message) == (K.REJECTED, True, words)


@pytest.mark.parametrize("method", sorted(GATEWAY.capabilities.methods))
def test_every_refusal_of_a_network_comes_back_with_its_reason(method, subtests):
    codes = METHODS[method].response_codes
    for row in codes.codes.values():
        if row.money is MoneyStatus.DECLINED:
            with subtests.test(code=row.code):
                assert error_of(row) in errors.PAYMENT_ERRORS
                back = codes.codes[code_of(codes, error_of(row), row.meaning)]
                assert (back.reason, back.source) == (row.reason, row.source)
    assert code_of(codes, "E202", "other words") == codes.other


def test_of_other_words_the_error_tells_the_reason():
    codes = METHODS["card"].response_codes
    assert codes.codes[code_of(codes, "E208", "other words")].reason == "bank_technical_error"


def test_what_cannot_be_is_refused_in_the_companys_own_words(client, subtests):
    paid, _ = client.paid()
    mihpayid = paid.ids["payment"]
    refund = {"name": "cancel_refund_transaction", "var1": mihpayid}
    wrong = [
        ({"name": "verify_payment", "var1": ""}, "Parameter missing"),
        ({"name": "no_command", "var1": "1"}, "Invalid command"),
        ({"name": "check_payment", "var1": "1"}, "not exists"),
        ({"name": "capture_transaction", "var1": mihpayid, "var2": "T", "var3": "1"}, "already successful"),
        ({"name": "capture_transaction", "var1": mihpayid, "var2": "T", "var3": "x"}, "Invalid amount"),
        (refund, "Token is empty"),
        ({**refund, "var2": "T"}, "Amount is empty"),
        ({**refund, "var2": "T", "var3": "0"}, "Invalid amount"),
        ({**refund, "var2": "T", "var3": "1.001"}, "Invalid amount"),
    ]
    for values, words in wrong:
        with subtests.test(values=values):
            plain = client.command(**values)
            assert plain["status"] == 0
            assert words in plain["msg"]
    payments = [
        ({"amount": "0.99"}, "1.00"),
        ({"amount": "ten"}, "amount"),
        ({"surl": None}, "Parameter missing: surl"),
        ({"txnid": "x" * 26}, "txnid"),
        ({"udf1": "x" * 256}, "udf1"),
        ({"pg": "GOLD"}, "payment mode"),
        ({"pg": "EMI", "bankcode": "EMI5"}, "bankcode"),
        ({"productinfo": "\0"}, "NUL"),
    ]
    for fields, words in payments:
        with subtests.test(fields=fields):
            plain = client.payment(**fields)
            assert plain["result"] is None
            assert words in plain["metaData"]["message"]
    failed, _ = client.paid(planned="iso:05", attempt_id="att_failed")
    for command in ("capture_transaction", "cancel_refund_transaction"):
        plain = client.command(command, var1=failed.ids["payment"], var2="T", var3="1")
        assert (plain["status"], plain["error_code"]) == (0, errors.INVALID_STATUS)


def test_the_amount_of_a_refund_may_have_a_name_as_one_public_client_sends_it(client):
    paid, _ = client.paid()
    plain = client.command("cancel_refund_transaction", var1=paid.ids["payment"], var2="T", amount="1")
    assert (plain["status"], plain["error_code"]) == (1, errors.QUEUED)


class Scripted:
    """A sender that answers as it is told."""

    def __init__(self, answer):
        self.answer = answer

    def send(self, call):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def reply(status, body=b"{}", **headers):
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


REFUSED = b'{"status":0,"msg":"Requests limit reached"}'
#: What comes back, and what is then known: the kind, whether to try again, whether others might do better, the wait.
ANSWERS = [
    (Unreachable("late", code="http.timeout"), K.NO_ANSWER, None, False, None),
    (Unreachable("refused", code="http.refused"), K.NOT_SENT, None, False, None),
    (reply(500, REFUSED), K.NO_ANSWER, None, False, None),
    (reply(502, b"<html>"), K.NO_ANSWER, None, False, None),
    (reply(503, b"{}", Retry_After="3"), K.NO_ANSWER, None, False, 3_000),
    (reply(302, b"{}"), K.NO_ANSWER, None, False, None),
    (reply(429, b"{}", retry_after="7"), K.REJECTED, True, False, 7_000),
    (reply(200, REFUSED), K.REJECTED, True, False, None),
    (reply(200, b'{"status":0,"msg":"Locked","error_code":120}'), K.REJECTED, True, False, None),
    (reply(200, b'{"status":0,"msg":"No."}'), K.REJECTED, False, False, None),
    (reply(400, b"{}"), K.REJECTED, False, False, None),
    (reply(404, b"{}"), K.REJECTED, False, True, None),
    (reply(200, b'{"status":0,"msg":"Invalid Hash."}'), K.REJECTED, False, True, None),
    (reply(200, b'{"mihpayid":'), K.NO_ANSWER, None, False, None),
    (reply(200, b'{"mihpayid":"1","unmappedstatus":"captured"}'), K.NO_ANSWER, None, False, None),
    (reply(200, b"[]"), K.NO_ANSWER, None, False, None),
]


def test_each_answer_has_its_class(subtests):
    for answer, kind, may_retry, elsewhere, wait in ANSWERS:
        with subtests.test(answer=answer):
            link = Link("http://x", Scripted(answer), {"key": "k", "salt": "s4lt"})
            result = GATEWAY.charge(CHARGE, link)
            assert (result.kind, result.may_retry, result.elsewhere) == (kind, may_retry, elsewhere)
            assert result.retry_after_ms == wait
            assert NUMBER not in repr(result)
            assert "s4lt" not in repr(result)


def test_the_log_has_what_was_asked_and_answered_without_what_is_secret(client):
    _, result = client.paid()
    exchange = result.exchange
    assert (exchange.method, exchange.url, exchange.status) == ("POST", "http://gateway/_payment", 200)
    assert (exchange.request["amount"], exchange.request["txnid"]) == ("499.00", ATTEMPT)
    assert exchange.answer["mihpayid"] == result.ids["payment"]
    for secret in (NUMBER, *client.link.credentials.values(), "Card holder", "411111XXXXXX1111"):
        assert secret not in repr(exchange)


def test_a_webhook_is_believed_by_its_hash(client):
    fields = client.payment(txnid="t-9", amount="10")
    body = urlencode(fields).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    webhook = GATEWAY.parse_webhook(headers, body, client.link.credentials)
    assert (webhook.reference, webhook.result.kind) == ("t-9", K.APPROVED)
    assert webhook.result.ids == {"payment": fields["mihpayid"]}
    assert webhook.event_id == GATEWAY.parse_webhook(headers, body, client.link.credentials).event_id
    for tampered in ({"amount": "1.00"}, {"status": "failure"}, {"hash": ""}, {"key": "other"}):
        with pytest.raises(Forbidden):
            GATEWAY.parse_webhook(headers, urlencode({**fields, **tampered}).encode(), client.link.credentials)
    other = {**fields, "key": "another-merchant"}
    other["hash"] = hashes.digest(hashes.response_text(other, client.link.credentials["salt"]))
    with pytest.raises(Forbidden):
        GATEWAY.parse_webhook(headers, urlencode(other).encode(), client.link.credentials)
    assert (
        GATEWAY.parse_webhook({"content-type": "application/json"}, b'{"action":"dispute"}', client.link.credentials)
        is None
    )
    for odd in ({"mode": "CASH"}, {"unmappedstatus": "odd"}, {"mihpayid": ""}):
        changed = {**fields, **odd}
        changed["hash"] = hashes.digest(hashes.response_text(changed, client.link.credentials["salt"]))
        with pytest.raises(Invalid):
            GATEWAY.parse_webhook(headers, urlencode(changed).encode(), client.link.credentials)
