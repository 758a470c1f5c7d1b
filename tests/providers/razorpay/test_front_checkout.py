"""The hosted checkout: a shop's form, our pages, and what the browser posts back."""

import json
from urllib.parse import parse_qsl

import pytest
from razorpay.errors import SignatureVerificationError

from tests.providers.razorpay.software import CALLBACK, CANCEL, DECLINED, MOUNT


def verified(software, fields):
    return software.client.utility.verify_payment_signature(fields)


def test_a_payment_comes_back_signed(software):
    order = software.order(receipt="R-1")
    page = software.checkout(order, **{"prefill[email]": "asha@example.in", "notes[cart]": "7", "description": "Tea"})
    software.choose(page)
    url, fields = software.leave(page)
    assert url == CALLBACK
    assert fields.keys() == {"razorpay_payment_id", "razorpay_order_id", "razorpay_signature"}
    assert fields["razorpay_order_id"] == order["id"]
    assert verified(software, fields)
    for name in fields:
        with pytest.raises(SignatureVerificationError):
            verified(software, {**fields, name: fields[name][:-1] + ("0" if fields[name][-1] != "0" else "1")})
    payment = software.client.payment.fetch(fields["razorpay_payment_id"])
    told = {name: payment[name] for name in ("status", "captured", "amount", "method", "vpa", "email", "description")}
    assert told == {
        "status": "captured",
        "captured": True,
        "amount": 49_900,
        "method": "upi",
        "vpa": "success@razorpay",
        "email": "asha@example.in",
        "description": "Tea",
    }
    assert (payment["notes"], payment["fee"], payment["tax"]) == ({"cart": "7"}, 1178, 180)
    again = software.client.order.fetch(order["id"])
    assert (again["status"], again["amount_paid"], again["amount_due"], again["attempts"]) == ("paid", 49_900, 0, 1)


def test_a_failure_comes_back_with_its_error_and_the_order_may_be_paid_again(software):
    order = software.order()
    page = software.checkout(order)
    software.choose(page, DECLINED)
    url, fields = software.leave(page)
    assert url == CALLBACK
    metadata = json.loads(fields.pop("error[metadata]"))
    assert metadata["order_id"] == order["id"]
    assert fields.keys() == {f"error[{name}]" for name in ("code", "description", "source", "step", "reason")}
    assert (fields["error[code]"], fields["error[reason]"]) == ("BAD_REQUEST_ERROR", "payment_failed")
    failed = software.client.payment.fetch(metadata["payment_id"])
    assert (failed["status"], failed["error_reason"], failed["captured"]) == ("failed", "payment_failed", False)
    assert failed["error_description"] == fields["error[description]"]
    assert software.client.order.fetch(order["id"])["status"] == "attempted"
    software.choose(software.checkout(order))
    assert verified(software, software.leave(page)[1])
    statuses = [payment["status"] for payment in software.client.order.payments(order["id"])["items"]]
    assert statuses == ["failed", "captured"]


def test_a_buyer_who_gives_up_goes_to_the_cart_and_may_come_again(software):
    order = software.order()
    page = software.checkout(order)
    assert software.http.post(f"{page}cancel").status_code == 303
    assert software.leave(page) == (CANCEL, None)
    assert software.client.order.fetch(order["id"])["status"] == "created"
    without = software.checkout(order, cancel_url="")
    url, fields = software.leave(without)
    assert (url, fields["error[reason]"]) == (CALLBACK, "payment_cancelled")
    software.choose(page)
    assert verified(software, software.leave(page)[1])


def test_a_paid_order_takes_no_other_payment(software):
    order = software.order()
    software.pay(order)
    form = {"key_id": software.key[0], "order_id": order["id"], "callback_url": CALLBACK}
    assert "already done" in software.refused("POST", "/v1/checkout/embedded", data=form, auth=None)


def test_a_form_that_cannot_be_is_refused(software, subtests):
    order = software.order()
    good = {"key_id": software.key[0], "order_id": order["id"], "callback_url": CALLBACK, "amount": "49900"}
    for name, (change, words) in {
        "nobody's key": ({"key_id": "rzp_test_1"}, "Authentication failed"),
        "no key": ({"key_id": ""}, "Authentication failed"),
        "no order": ({"order_id": ""}, "order id field is required"),
        "unknown order": ({"order_id": "order_1"}, "does not exist"),
        "other amount": ({"amount": "100"}, "different from your order amount"),
        "no callback": ({"callback_url": ""}, "callback url field is required"),
        "foreign callback": ({"callback_url": "https://evil.example/"}, "callback_url is not one of"),
        "foreign cancel": ({"cancel_url": "https://evil.example/"}, "cancel_url is not one of"),
        "odd outcome": ({"notes[mockpay_outcome]": "issuer=odd"}, "odd"),
        "no such stage": ({"notes[mockpay_outcome]": "verify=throttled"}, "verify=throttled"),
        "nothing to change": ({"notes[mockpay_outcome]": "redirect=amount_changed"}, "amount_changed"),
        "prefill as text": ({"prefill": "x"}, "prefill"),
    }.items():
        with subtests.test(name):
            assert words in software.refused("POST", "/v1/checkout/embedded", data={**good, **change}, auth=None)
    page = software.http.post(f"{MOUNT}/v1/checkout/embedded", data={}, headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (401, "text/html")


def test_what_the_form_asks_for_decides_its_payments(software):
    order = software.order()
    page = software.checkout(order, **{"notes[mockpay_outcome]": "issuer=insufficient, redirect=bad_signature"})
    software.choose(page)
    assert software.leave(page)[1]["error[reason]"] == "insufficient_funds"
    order = software.order()
    page = software.checkout(order, **{"notes[mockpay_outcome]": "redirect=bad_signature"})
    software.choose(page)
    with pytest.raises(SignatureVerificationError):
        verified(software, software.leave(page)[1])


@pytest.mark.parametrize(("fault", "missing"), [("missing_field", {"razorpay_signature"}), ("order_changed", set())])
def test_a_fault_of_the_way_back_is_played(software, fault, missing):
    order = software.order(notes={"mockpay_outcome": f"redirect={fault}"})
    page = software.checkout(order)
    software.choose(page)
    fields = software.leave(page)[1]
    assert {"razorpay_payment_id", "razorpay_order_id", "razorpay_signature"} - fields.keys() == missing
    assert (fields["razorpay_order_id"] == order["id"]) is bool(missing)


def test_a_duplicated_result_is_posted_once_more(software):
    order = software.order(notes={"mockpay_outcome": "redirect=duplicated"})
    page = software.checkout(order)
    software.choose(page)
    software.post_office.sent.clear()
    url, fields = software.leave(page)
    (again,) = software.post_office.sent
    assert (again.method, again.url, dict(parse_qsl(again.body.decode()))) == ("POST", url, fields)
    assert again.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert verified(software, fields)


def test_what_razorpay_cannot_show_decides_nothing_and_its_rule_waits(software):
    rule = {"stage": "redirect", "outcome": "amount_changed", "match": {"method": "upi"}, "times": 1}
    software.control("POST", "/scenarios", rule)
    order = software.order(170_303)
    page = software.checkout(order)
    software.choose(page)
    assert verified(software, software.leave(page)[1])
    stages = {decision["stage"] for decision in software.control("GET", f"/orders/{order['id']}")["why"]}
    assert "issuer" in stages
    assert "redirect" not in stages
    (waiting,) = software.control("GET", "/scenarios")["items"]
    assert waiting["times"] == 1


def test_a_form_may_lead_to_a_methods_own_page(software):
    assert software.checkout(software.order(), method="card").endswith("/card")
    assert software.checkout(software.order(), method="odd").endswith("/")
