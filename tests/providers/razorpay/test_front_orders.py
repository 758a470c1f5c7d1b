"""Orders at the front door, by the public client and by hand."""

import pytest
from razorpay.errors import BadRequestError

from tests.providers.razorpay.software import MOUNT


def test_an_order_is_made_fetched_and_listed(software):
    notes = {"city": "Pune", "é": "☕"}
    order = software.order(receipt="R 1", notes=notes)
    assert order["id"].startswith("order_")
    assert len(order["id"]) == 20
    assert order == {
        "id": order["id"],
        "entity": "order",
        "amount": 49_900,
        "amount_paid": 0,
        "amount_due": 49_900,
        "currency": "INR",
        "receipt": "R 1",
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": notes,
        "created_at": 1_795_262_400,
    }
    assert software.client.order.fetch(order["id"]) == order
    assert software.client.order.payments(order["id"]) == {"entity": "collection", "count": 0, "items": []}
    expanded = software.client.order.fetch(order["id"], {"expand[]": "payments"})
    assert expanded["payments"]["items"] == []
    [ours] = software.control("GET", "/orders")["items"]
    assert (ours["order_id"], ours["provider"], ours["seller_order_id"]) == (order["id"], "razorpay", "R 1")


def test_an_order_may_be_paid_for_ever(software):
    order = software.order()
    software.advance(3 * 366 * 86_400)
    assert software.pay(order)["status"] == "captured"


def test_two_orders_may_share_a_receipt_and_are_found_by_it(software):
    first, second, third = software.order(receipt="A"), software.order(receipt="A"), software.order()
    assert len({first["id"], second["id"], third["id"]}) == 3
    assert third["notes"] == []
    found = software.client.order.all({"receipt": "A", "count": 10})
    assert [order["id"] for order in found["items"]] == [second["id"], first["id"]]
    # Without a receipt, an order is known to the seller by its id.
    assert software.control("GET", f"/orders?seller_order_id={third['id']}")["items"][0]["order_id"] == third["id"]


def test_a_list_is_cut_by_count_skip_and_time(software):
    made = []
    for _ in range(3):
        made.append(software.order()["id"])
        software.advance(10)

    def listed(**query):
        return [order["id"] for order in software.client.order.all(query)["items"]]

    assert listed() == made[::-1]
    assert listed(count=2) == [made[2], made[1]]
    assert listed(count=2, skip=2) == [made[0]]
    noon = 1_795_262_400
    assert listed(**{"from": noon + 10, "to": noon + 20}) == [made[2], made[1]]
    assert listed(**{"from": noon + 1, "to": noon + 19}) == [made[1]]
    assert listed(skip=10**18, to=10**18) == []
    for query, words in {
        "count=0": "count must be at least 1",
        "count=101": "count may not be greater than 100",
        "count=x": "count must be an integer",
        "skip=-1": "skip must be an integer",
        "from=1.5": "from must be an integer",
    }.items():
        assert words in software.refused("GET", f"/v1/orders?{query}")


def test_notes_are_edited_whatever_became_of_the_order(software):
    order = software.order(notes={"a": "1"})
    software.pay(order)
    assert software.client.order.edit(order["id"], {"notes": {"b": "2"}})["notes"] == {"b": "2"}
    assert software.client.order.fetch(order["id"])["status"] == "paid"


#: Bodies of an order that is refused, and words of the description.
WRONG = {
    "float": ({"amount": 499.99}, "The amount must be an integer."),
    "whole float": ({"amount": 500.0}, "The amount must be an integer."),
    "text": ({"amount": "49900"}, "The amount must be an integer."),
    "huge": ({"amount": 10**20}, "The amount must be an integer."),
    "yes": ({"amount": True}, "The amount must be an integer."),
    "list": ({"amount": [1]}, "The amount must be an integer."),
    "none": ({"amount": None}, "The amount field is required."),
    "99 paise": ({"amount": 99}, "The amount must be at least INR 1.00"),
    "negative": ({"amount": -100}, "The amount must be at least INR 1.00"),
    "too much": ({"amount": 10**12}, "Amount exceeds maximum amount allowed."),
    "no currency": ({"currency": None}, "The currency field is required."),
    "dollars": ({"currency": "USD"}, "Currency is not supported"),
    "long receipt": ({"receipt": "x" * 41}, "The receipt may not be greater than 40 characters."),
    "number as receipt": ({"receipt": 7}, "The receipt must be a string."),
    "NUL in a receipt": ({"receipt": "a\0b"}, "invalid characters"),
    "many notes": ({"notes": {str(n): "" for n in range(16)}}, "less than or equal to 15"),
    "long note": ({"notes": {"a": "x" * 257}}, "256 characters"),
    "deep note": ({"notes": {"a": {"b": 1}}}, "256 characters"),
    "notes as text": ({"notes": "x"}, "notes must be an array"),
    "odd outcome": ({"notes": {"mockpay_outcome": "issuer=odd"}}, "odd"),
    "unknown field": ({"amout": 1}, "amout is/are not required and should not be sent"),
    "odd capture": ({"payment": {"capture": "never"}}, "payment.capture"),
    "payment as text": ({"payment": "x"}, "payment must be an array"),
    "odd window": (
        {"payment": {"capture": "manual", "capture_options": {"manual_expiry_period": 5}}},
        "between 12 and",
    ),
    "parts": ({"partial_payment": True}, "not supported"),
}


def test_what_no_order_can_be_is_refused_in_the_companys_words(software, subtests):
    """Trap 10 (frappe/payments#62): amounts as float, string, huge."""
    for name, (change, words) in WRONG.items():
        with subtests.test(name):
            body = {"amount": 49_900, "currency": "INR", **change}
            assert words in software.refused("POST", "/v1/orders", body)
    with pytest.raises(BadRequestError, match="must be an integer"):
        software.order(amount=49_900.5)
    assert software.client.order.all()["count"] == 0


def test_a_paisa_is_not_rounded_away(software):
    """Trap 10 (frappe/payments#62): 15919 is not 15920."""
    assert software.order(15_919)["amount"] == 15_919
    assert software.order(100)["amount_due"] == 100


def test_a_form_makes_an_order_as_json_does(software):
    form = {"amount": "49900", "currency": "INR", "notes[city]": "Pune", "payment[capture]": "manual"}
    status, order = software.call("POST", "/v1/orders", data=form)
    assert (status, order["amount"], order["notes"]) == (200, 49_900, {"city": "Pune"})


def test_only_the_keys_owner_is_believed(software, subtests):
    key_id, secret = software.key
    for name, auth in {
        "nobody": None,
        "another id": ("rzp_test_nobody", secret),
        "another secret": (key_id, f"{secret}x"),
        "no secret": (key_id, ""),
        "the wrong way round": (secret, key_id),
    }.items():
        with subtests.test(name):
            status, answer = software.call("GET", "/v1/orders", auth=auth)
            assert (status, answer["error"]["code"]) == (401, "BAD_REQUEST_ERROR")
            assert answer["error"]["description"] == "Authentication failed"
    status, _ = software.call("GET", "/v1/orders", auth=None, headers={"Authorization": "Bearer token"})
    assert status == 401
    status, _ = software.call("GET", "/v1/orders", auth=None, headers={"Authorization": "Basic %%%"})
    assert status == 401


def test_an_unknown_id_path_or_method_is_told_in_the_companys_json(software, subtests):
    for method, path, expected in [
        ("GET", "/v1/orders/order_nobody", 400),
        ("GET", "/v1/orders/%00", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/", 404),
        ("POST", "/v2/accounts/acc_1/stakeholders", 404),
        ("DELETE", "/v1/orders", 405),
        ("PUT", "/v1/orders/order_1", 405),
        ("OPTIONS", "/v1/orders", 405),
    ]:
        with subtests.test(f"{method} {path}"):
            status, answer = software.call(method, path)
            assert status == expected
            assert answer["error"]["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b"\xff", b'{"amount": 1e999}', b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(software, body):
    software.refused("POST", "/v1/orders", data=body, content_type="application/json")


def test_the_companys_own_host_leads_below_the_mount(software):
    answer = software.http.get("/v1/orders", auth=software.key, headers={"Host": "api.razorpay.com"})
    assert answer.get_json()["entity"] == "collection"
    assert software.http.get(f"{MOUNT}/v1/orders/", auth=software.key).status_code == 200


def test_another_sellers_order_is_not_found(software, other_software):
    order = software.order()
    assert other_software.refused("GET", f"/v1/orders/{order['id']}") == "The id provided does not exist"
