"""Webhooks of the front door: a payment's result with its hash, refunds as JSON."""

import json
from urllib.parse import parse_qsl

import pytest

from mockpay.wire.payu import hashes
from tests.providers.amazonpay.http_client import send_request
from tests.providers.payu.merchant import Merchant

#: Nobody listens there.
HOOK = "http://127.0.0.1:9/payu"


@pytest.fixture
def told(mockpay_server):
    return Merchant(mockpay_server.new_seller(ipn_url=HOOK, settings={"refund_delay_seconds": 0}))


def messages(merchant, kind):
    """Address, headers, body and signed text of each message's first try, the oldest first."""
    merchant.seller.advance(seconds=1)
    found = [merchant.seller.notification(each["notification_id"]) for each in merchant.seller.notifications()]
    first = [each["tries"][0] for each in found[::-1] if each["type"] == kind]
    return [{**each["request"], "signed": each["string_to_sign"]} for each in first]


def results(merchant):
    return [dict(parse_qsl(each["body"], keep_blank_values=True)) for each in messages(merchant, "payment")]


def test_each_end_of_a_payment_is_told_once_with_its_hash(told, subtests):
    ends = {"success@mockpay": ("success", "captured"), "insufficient@mockpay": ("failure", "failed")}
    for vpa, end in ends.items():
        with subtests.test(vpa):
            before = len(results(told))
            _, page = told.opened()
            posted = told.finish(page, vpa)[1]
            [result] = results(told)[before:]
            assert (result["status"], result["unmappedstatus"]) == end
            assert result == posted
            assert told.believes(result)
    [hook, _] = messages(told, "payment")
    assert hook["url"] == HOOK
    assert hook["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert told.credentials["salt"] not in json.dumps(hook)


def test_a_payment_that_is_authorised_first_is_told_then_and_not_again(told):
    result = told.paid(pre_authorize="1")
    told.command("capture_transaction", var1=result["mihpayid"], var2="C-1", var3="499.00")
    assert [each["unmappedstatus"] for each in results(told)] == ["auth"]


def test_a_capture_that_takes_a_while_is_told_when_it_is_done(told):
    _, page = told.opened(mockpay_outcome="capture=pending")
    told.finish(page)
    assert results(told) == []
    told.seller.advance(seconds=3_600)
    assert [each["unmappedstatus"] for each in results(told)] == ["captured"]


def test_a_buyer_who_never_tried_is_not_told_of_and_one_who_gave_up_is(told):
    _, page = told.opened()
    send_request(told.seller.server, f"{page}cancel", form="")
    assert results(told) == []
    _, page = told.opened()
    send_request(told.seller.server, f"{page}upi", form="vpa=slow%40payu")
    told.seller.advance(seconds=2000)
    assert len(results(told)) == 1


def test_a_refund_is_told_as_json_to_the_seller_and_to_its_own_address(told):
    result = told.paid()
    called = {"var1": result["mihpayid"], "var3": "100.00"}
    made = told.command("cancel_refund_transaction", var2="R-1", var5="http://127.0.0.1:9/own?a=1", **called)
    hooks = messages(told, "refund")
    assert {each["url"] for each in hooks} == {HOOK, "http://127.0.0.1:9/own?a=1"}
    body = json.loads(hooks[0]["body"])
    wanted = ("refund", "success", result["txnid"], result["mihpayid"], made["request_id"], "R-1", "100.00")
    names = ("action", "status", "merchantTxnId", "mihpayid", "request_id", "token", "amt")
    assert tuple(body[name] for name in names) == wanted
    assert body["key"] == told.credentials["key"]
    assert "hash" not in body
    told.command("cancel_refund_transaction", var2="R-2", mockpay_outcome="refund=REJECTED", **called)
    assert json.loads(messages(told, "refund")[-1]["body"])["status"] == "failure"


def test_what_a_scenario_does_to_a_message(told, subtests):
    for outcome in ("bad_signature", "old_signature"):
        with subtests.test(outcome):
            _, page = told.opened(mockpay_outcome=f"ipn={outcome}")
            told.finish(page)
            assert not told.believes(results(told)[-1])
    _, page = told.opened(mockpay_outcome="ipn=doubled_at_once")
    told.finish(page)
    assert results(told)[-1] == results(told)[-2]
    assert told.believes(results(told)[-1])


def test_the_hash_of_a_message_does_not_move_with_the_sellers_clock(told):
    told.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2031-01-01T00:00:00Z"})
    result = told.paid()
    assert result["addedon"].startswith("2031-01-01")
    assert told.believes(results(told)[-1])
    shown = messages(told, "payment")[-1]["signed"]
    assert hashes.digest(shown.replace("<SALT>", told.credentials["salt"])) == result["hash"]


@pytest.mark.parametrize("outcome", ["none", "doubled_at_once", "delayed", "bad_signature", "future_signature"])
def test_what_is_asked_of_messages_holds_for_payments_failures_and_refunds(told, outcome):
    """Trap 16 (stripe-cli#1434): an option of delivery that holds for one path only."""
    for vpa in ("success@mockpay", "insufficient@mockpay"):
        _, page = told.opened(mockpay_outcome=f"ipn={outcome}")
        told.finish(page, vpa)
    paid = told.paid(mockpay_outcome="ipn=none")
    called = {"var1": paid["mihpayid"], "var3": "100.00"}
    for status in ("completed", "REJECTED"):
        asked = f"refund={status},ipn={outcome}"
        told.command("cancel_refund_transaction", var2=f"R-{status}", mockpay_outcome=asked, **called)
    merchant = told.seller
    if outcome == "delayed":
        merchant.advance(seconds=1)
        assert {each["state"] for each in merchant.notifications()} == {"QUEUED", "SUPPRESSED"}
    merchant.advance(seconds=60)
    tried = [merchant.notification(each["notification_id"]) for each in merchant.notifications()]
    sent = [(each["type"], each["tries"][0]["request"]["body"]) for each in tried if each["tries"]]
    payments = [dict(parse_qsl(body, keep_blank_values=True)) for kind, body in sent if kind == "payment"]
    refunds = [json.loads(body) for kind, body in sent if kind == "refund"]
    copies = {"none": 0, "doubled_at_once": 2}.get(outcome, 1)
    assert [len(payments), len(refunds)] == [2 * copies, 2 * copies]
    forged = outcome.endswith("signature")
    assert all(told.believes(each) is not forged for each in payments)
    # Nothing signs a refund's message: a forged one is another merchant's.
    assert all((each["key"] == told.credentials["key"]) is not forged for each in refunds)
    # A refund's id and its payment's each in its own place.
    assert all(each["mihpayid"] == paid["mihpayid"] != each["request_id"] for each in refunds)
