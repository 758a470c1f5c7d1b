"""Refunds at the front door: in part, in full, once, and never more than was taken."""

import json

import pytest
from razorpay.errors import BadRequestError, ServerError

from tests.providers.razorpay.software import MOUNT


def test_money_goes_back_in_parts_never_more_than_was_taken(software):
    payment = software.paid(50_000)
    first = software.client.payment.refund(
        payment["id"], {"amount": 10_000, "notes": {"why": "torn"}, "receipt": "r-1"}
    )
    assert first["id"].startswith("rfnd_")
    told = {name: first[name] for name in ("entity", "amount", "payment_id", "notes", "receipt", "status")}
    assert told == {
        "entity": "refund",
        "amount": 10_000,
        "payment_id": payment["id"],
        "notes": {"why": "torn"},
        "receipt": "r-1",
        "status": "pending",
    }
    software.advance(5)
    done = software.client.refund.fetch(first["id"])
    assert (done["status"], len(done["acquirer_data"]["rrn"])) == ("processed", 12)
    partial = software.client.payment.fetch(payment["id"])
    assert (partial["status"], partial["amount_refunded"], partial["refund_status"]) == ("captured", 10_000, "partial")
    second = software.client.refund.create({"payment_id": payment["id"], "amount": 1})
    with pytest.raises(BadRequestError, match="greater than amount captured"):
        software.client.payment.refund(payment["id"], {"amount": 40_000})
    rest = software.client.payment.refund(payment["id"])
    assert rest["amount"] == 39_999
    with pytest.raises(BadRequestError, match="fully refunded already"):
        software.client.payment.refund(payment["id"], {"amount": 1})
    software.advance(5)
    whole = software.client.payment.fetch(payment["id"])
    assert (whole["status"], whole["amount_refunded"], whole["refund_status"]) == ("refunded", 50_000, "full")
    assert whole["captured"] is True
    ids = [rest["id"], second["id"], first["id"]]
    assert [each["id"] for each in software.client.payment.fetch_multiple_refund(payment["id"])["items"]] == ids
    assert [each["id"] for each in software.client.refund.all({"count": 2})["items"]] == ids[:2]
    assert software.client.order.fetch(payment["order_id"])["status"] == "paid"


def test_an_old_clients_bare_amount_is_refunded(software):
    payment = software.paid()
    assert software.client.payment.refund(payment["id"], 500)["amount"] == 500
    assert "must be an integer" in software.refused("POST", f"/v1/payments/{payment['id']}/refund", 5.5)


def test_the_same_key_and_body_are_the_same_refund(software):
    payment = software.paid()

    def refund(key, body):
        return software.client.payment.refund(payment["id"], body, headers={"X-Refund-Idempotency": key})

    first = refund("key-000001", {"amount": 100})
    assert refund("key-000001", {"amount": 100})["id"] == first["id"]
    whole = refund("key-000002", {})
    assert refund("key-000002", {})["id"] == whole["id"]
    with pytest.raises(BadRequestError, match="Different request with the same idempotency key"):
        refund("key-000001", {"amount": 101})
    other = software.paid()
    with pytest.raises(BadRequestError, match="Different request with the same idempotency key"):
        software.client.payment.refund(other["id"], {"amount": 100}, headers={"X-Refund-Idempotency": "key-000001"})
    for key in ("short", "with space in it", "x" * 256):
        with pytest.raises(BadRequestError, match="idempotency key must have"):
            refund(key, {"amount": 1})
    assert software.client.payment.fetch_multiple_refund(payment["id"])["count"] == 2


def test_a_receipt_is_used_once(software):
    """Trap 8 (razorpay-python PR 197): a refund receipt used twice."""
    payment = software.paid()
    software.client.payment.refund(payment["id"], {"amount": 100, "receipt": "Rückgabe 1"})
    with pytest.raises(BadRequestError, match="Receipt already exists"):
        software.client.payment.refund(payment["id"], {"amount": 100, "receipt": "Rückgabe 1"})
    assert software.client.payment.fetch_multiple_refund(payment["id"])["count"] == 1


def test_a_speed_that_is_not_possible_falls_back_and_says_so(software):
    """Trap 8 (razorpay-python PR 197): speed optimum not possible."""
    payment = software.paid()
    refund = software.client.payment.refund(payment["id"], {"amount": 100, "speed": "optimum"})
    assert (refund["speed_requested"], refund["speed_processed"], refund["status"]) == ("optimum", "normal", "pending")
    body = {"amount": 100, "speed": "optimum", "notes": {"mockpay_outcome": "refund=completed"}}
    at_once = software.client.payment.refund(payment["id"], body)
    assert (at_once["speed_processed"], at_once["status"]) == ("instant", "processed")
    with pytest.raises(BadRequestError, match="speed is invalid"):
        software.client.payment.refund(payment["id"], {"amount": 100, "speed": "warp"})


def test_only_captured_money_goes_back(software):
    """Trap 7 (razorpay-node#72): refund of an authorised payment."""
    authorized = software.pay(software.order(payment={"capture": "manual"}))
    with pytest.raises(BadRequestError, match="status should be captured"):
        software.client.payment.refund(authorized["id"], {"amount": 100})
    failed = software.pay(software.order(), vpa="failure@razorpay")
    with pytest.raises(BadRequestError, match="status should be captured"):
        software.client.payment.refund(failed["id"], {"amount": 100})


def test_an_amount_that_cannot_be_refunded_is_refused(software, subtests):
    payment = software.paid()
    for amount, words in {
        0: "at least",
        -1: "at least",
        1.5: "must be an integer",
        "100": "must be an integer",
        10**20: "must be an integer",
        10**12: "exceeds maximum",
        49_901: "greater than amount captured",
    }.items():
        with subtests.test(repr(amount)):
            assert words in software.refused("POST", f"/v1/payments/{payment['id']}/refund", {"amount": amount})
    assert "payment id field is required" in software.refused("POST", "/v1/refunds", {"amount": 100})
    assert "not required" in software.refused("POST", f"/v1/payments/{payment['id']}/refund", {"amout": 1})


def test_a_refund_ends_as_its_call_asks(software):
    payment = software.paid()

    def refund(outcome):
        return software.client.payment.refund(payment["id"], {"amount": 100}, headers={"Mockpay-Outcome": outcome})

    declined = refund("refund=REJECTED")
    assert declined["status"] == "pending"
    software.advance(5)
    assert software.client.refund.fetch(declined["id"])["status"] == "failed"
    assert software.client.payment.fetch(payment["id"])["amount_refunded"] == 0
    by_polls = refund("refund=polls:2")
    assert software.client.refund.fetch(by_polls["id"])["status"] == "processed"
    with pytest.raises(ServerError):
        refund("refund=lost_answer")
    assert software.client.payment.fetch_multiple_refund(payment["id"])["count"] == 3
    with pytest.raises(BadRequestError, match="no stage 'issuer'"):
        refund("issuer=insufficient")


def test_a_throttled_refund_succeeds_the_second_time(software):
    payment = software.paid()
    path, body = f"/v1/payments/{payment['id']}/refund", {"amount": 100, "receipt": "once"}
    headers = {"Mockpay-Outcome": "refund=throttled_once"}
    assert software.call("POST", path, body, headers=headers)[0] == 429
    assert software.call("POST", path, body, headers=headers)[0] == 200


def test_a_refunds_notes_are_edited(software):
    payment = software.paid()
    refund = software.client.payment.refund(payment["id"], {"amount": 100})
    assert refund["notes"] == []
    assert software.client.refund.edit(refund["id"], {"notes": {"a": "1"}})["notes"] == {"a": "1"}
    assert software.client.payment.fetch_refund_id(payment["id"], refund["id"])["notes"] == {"a": "1"}
    other = software.paid()
    assert "does not exist" in software.refused("GET", f"/v1/payments/{other['id']}/refunds/{refund['id']}")
    assert "does not exist" in software.refused("GET", "/v1/refunds/rfnd_nobody")


def test_a_body_in_another_order_is_the_same_request(software):
    payment = software.paid()
    headers = {"X-Refund-Idempotency": "order-of-names", "Content-Type": "application/json"}
    path = f"{MOUNT}/v1/payments/{payment['id']}/refund"
    bodies = [
        '{"amount":100,"receipt":"a"}',
        '{"receipt": "a", "amount": 100}',
        json.dumps({"amount": 100, "receipt": "a"}),
    ]
    made = {software.http.post(path, data=body, headers=headers, auth=software.key).get_json()["id"] for body in bodies}
    assert len(made) == 1
