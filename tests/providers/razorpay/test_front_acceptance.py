"""The whole life of a payment through the public client, as its own documentation goes through it."""

import json

import pytest
from razorpay.errors import BadRequestError, GatewayError, ServerError, SignatureVerificationError

from tests.providers.razorpay.software import CARD

SECRET_HEADER = "x-razorpay-signature"


def by_card(software, order, number=CARD["number"], **more):
    body = {"amount": order["amount"], "currency": "INR", "order_id": order["id"], "method": "card"}
    return software.client.payment.createPaymentJson({**body, "card": {**CARD, "number": number}, **more})


def test_a_card_is_authorised_captured_refunded_and_told(software):
    client = software.client
    order = client.order.create({"amount": 50_000, "currency": "INR", "payment": {"capture": "manual"}})
    begun = by_card(software, order)
    authorised = client.payment.otpSubmit(begun["razorpay_payment_id"], {"otp": "1234"})
    assert client.utility.verify_payment_signature(authorised)
    payment_id = authorised["razorpay_payment_id"]
    assert client.payment.fetch(payment_id)["status"] == "authorized"
    assert client.payment.capture(payment_id, 50_000, {"currency": "INR"})["status"] == "captured"
    assert client.order.fetch(order["id"])["status"] == "paid"

    client.payment.refund(payment_id, {"amount": 10_000})
    client.payment.refund(payment_id, {"amount": 15_000})
    with pytest.raises(BadRequestError, match="greater than amount captured"):
        client.payment.refund(payment_id, {"amount": 25_001})
    key = {"X-Refund-Idempotency": "rest-of-it-1"}
    rest = client.payment.refund(payment_id, {}, headers=key)
    assert rest["amount"] == 25_000
    assert client.payment.refund(payment_id, {}, headers=key)["id"] == rest["id"]
    software.advance(5)
    assert client.payment.fetch(payment_id)["status"] == "refunded"

    secret = software.credentials["webhook_secret"]
    names = [json.loads(body)["event"] for _, _, body in software.received]
    assert names[:3] == ["payment.authorized", "payment.captured", "order.paid"]
    assert sorted(names[3:]) == ["refund.created"] * 3 + ["refund.processed"] * 3
    for _, headers, body in software.received:
        assert client.utility.verify_webhook_signature(body, headers[SECRET_HEADER], secret)
        with pytest.raises(SignatureVerificationError):
            client.utility.verify_webhook_signature(body.replace("50000", "50001"), headers[SECRET_HEADER], "other")


def test_a_decline_and_a_failed_challenge_leave_the_order_to_be_paid(software):
    order = software.order()
    begun = by_card(software, order, "4100280000080001")
    with pytest.raises(BadRequestError, match="insufficient account balance"):
        software.client.payment.otpSubmit(begun["razorpay_payment_id"], {"otp": "1234"})
    begun = by_card(software, order)
    with pytest.raises(GatewayError):
        software.client.payment.otpSubmit(begun["razorpay_payment_id"], {"otp": "333333"})
    begun = by_card(software, order)
    assert software.client.payment.otpSubmit(begun["razorpay_payment_id"], {"otp": "1234"})
    statuses = [each["status"] for each in software.client.order.payments(order["id"])["items"]]
    assert statuses == ["failed", "failed", "captured"]


def test_a_refund_whose_answer_was_lost_is_found_and_not_made_twice(software):
    payment = software.paid()
    headers = {"X-Refund-Idempotency": "lost-answer-1", "Mockpay-Outcome": "refund=lost_answer"}
    with pytest.raises(ServerError):
        software.client.payment.refund(payment["id"], {"amount": 100}, headers=headers)
    [found] = software.client.payment.fetch_multiple_refund(payment["id"])["items"]
    again = software.client.payment.refund(payment["id"], {"amount": 100}, headers=headers)
    assert again["id"] == found["id"]
    assert software.client.payment.fetch(payment["id"])["amount_refunded"] == 100


def test_three_pages_of_a_list_have_each_payment_once(software):
    made = {software.paid()["id"] for _ in range(5)}
    pages = [software.client.payment.all({"count": 2, "skip": skip})["items"] for skip in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {payment["id"] for page in pages for payment in page} == made


def test_webhooks_are_believed_while_the_sellers_clock_is_a_year_off(software, subtests):
    for now in ("2025-11-21T12:00:00Z", "2027-11-21T12:00:00Z"):
        with subtests.test(now):
            software.control("PUT", "/clock", {"mode": "frozen", "now": now})
            software.post_office.sent.clear()
            software.paid()
            [*_, (_, headers, body)] = software.received
            secret = software.credentials["webhook_secret"]
            assert software.client.utility.verify_webhook_signature(body, headers[SECRET_HEADER], secret)
            assert json.loads(body)["created_at"] // 86_400 == {"2025": 20_413, "2027": 21_143}[now[:4]]
