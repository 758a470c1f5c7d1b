"""Orders by control API."""

import pytest

DATABASES = ["sqlite", "postgresql"]


def test_an_order_is_told_with_the_fields_that_others_rely_on(world):
    world.freeze("2026-11-21T15:00:00Z")
    order = world.open_order("A-1", "499.00", custom_information="cart=1", seller_note="Bell", store_name="Bikes")
    line = world.get("/orders").json["items"][0]
    expected = {
        "order_id": order.order_id,
        "seller_order_id": "A-1",
        "state": "CREATED",
        "amount": "499.00",
        "currency": "INR",
        "custom_information": "cart=1",
        "seller_note": "Bell",
        "store_name": "Bikes",
        "created_at": "2026-11-21T15:00:00.000Z",
        "expires_at": "2026-11-21T15:15:00.000Z",
        "attempt": None,
    }
    assert line.items() >= expected.items()


def test_a_paid_order_shows_its_attempt_timeline_and_why(world):
    world.freeze()
    order = world.paid_order()
    told = world.get(f"/orders/{order.order_id}").json

    assert told["state"] == "PAID"
    assert told["refunds"] == []
    (attempt,) = told["attempts"]
    expected = {
        "method": "upi",
        "state": "CAPTURED",
        "amount": "499.00",
        "gateway": "simulator",
        "reason": None,
        "scenario": "upi.success",
        "eci": None,
        "liability": None,
    }
    assert attempt.items() >= expected.items()
    assert [step["after"] for step in told["timeline"] if step["machine"] == "attempt"] == [
        "CREATED",
        "AUTH_PENDING",
        "AUTHENTICATED",
        "PROCESSING",
        "CAPTURED",
    ]
    (why,) = told["why"]
    assert why == {
        "attempt_id": attempt["attempt_id"],
        "stage": "issuer",
        "outcome": "success",
        "source": "instrument",
        "scenario": "upi.success",
        "value": "success@mockpay",
        "description": "approved",
    }


def test_attempts_are_listed_oldest_first_and_the_list_shows_the_newest(world):
    world.freeze()
    order = world.open_order()
    for vpa in ("insufficient@mockpay", "success@mockpay"):
        world.pay(order, vpa)
        world.post("/clock/advance", {"seconds": 0})
    told = world.get(f"/orders/{order.order_id}").json
    assert [one["state"] for one in told["attempts"]] == ["FAILED", "CAPTURED"]
    assert told["attempts"][0]["failure"] == {
        "source": "issuer_bank",
        "step": "payment_debit_request",
        "reason": "insufficient_funds",
        "code": "Z9",
    }
    assert world.get("/orders").json["items"][0]["attempt"]["state"] == "CAPTURED"


def test_nothing_decided_is_an_answer_too(world):
    world.freeze()
    order = world.open_order()
    world.pay(order, "anna@okbank")
    assert world.get(f"/orders/{order.order_id}").json["why"] == []
    world.advance(20)
    why = world.get(f"/orders/{order.order_id}").json["why"]
    assert [(one["source"], one["scenario"]) for one in why] == [("success", None)]


def test_an_attempt_names_no_scenario_before_it_was_met(world):
    world.freeze()
    world.post("/scenarios", {"stage": "issuer", "outcome": "51", "match": {"method": "wallet"}})
    order = world.open_order(amount="20000.00")
    body = {"method": "wallet", "email": "rich@buyers.mockpay.test"}
    assert world.post(f"/orders/{order.order_id}/pay", body).json["waits_for"] == "otp"

    def scenario():
        return world.get(f"/orders/{order.order_id}").json["attempts"][0]["scenario"]

    assert scenario() is None
    world.post(f"/orders/{order.order_id}/pay", {"otp": "111000"})
    assert str(scenario()).startswith("rule ")


@pytest.fixture
def shop_day(world):
    """A paid order, one that failed by amount, one that waits and one that nobody tried to pay."""
    world.freeze()
    world.paid_order("A-1")
    world.pay(world.open_order("A-2", "1700.51"), "anna@okbank")
    world.post("/clock/advance", {"seconds": 10})
    world.pay(world.open_order("B-3", seller_note="Blue 100% wool"), None)
    world.open_order("B-4", custom_information="Cart_Nine")
    return world


def test_an_order_is_found_by_the_token_that_its_buyer_was_sent_to(shop_day):
    (order,) = shop_day.get("/orders?seller_order_id=A-2").json["items"]
    pages = shop_day.get(f"/orders/{order['order_id']}").json["urls"]["pay"]
    token = pages.rstrip("/").rpartition("/pay/")[2]
    assert shop_day.get(f"/orders?token={token}").json["items"] == [order]
    assert shop_day.get(f"/orders?token={token[:-1]}").json["items"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["B-4", "B-3", "A-2", "A-1"]),
        ("seller_order_id=A-2", ["A-2"]),
        ("state=PAID", ["A-1"]),
        ("state=PAID,CREATED", ["B-4", "A-1"]),
        ("state=", ["B-4", "B-3", "A-2", "A-1"]),
        ("method=upi", ["B-3", "A-2", "A-1"]),
        ("method=card", []),
        ("decided_by=amount", ["A-2"]),
        ("decided_by=instrument", ["A-1"]),
        ("decided_by=success", ["B-3"]),
        ("decided_by=amount.issuer.51", ["A-2"]),
        ("text=b-", ["B-4", "B-3"]),
        ("text=cart_", ["B-4"]),
        ("text=100%25", ["B-3"]),
        ("text=%25", ["B-3"]),
        ("text=nothing", []),
        ("state=CREATED&text=cart", ["B-4"]),
        ("attempt_state=CAPTURED&text=upi&method=upi", ["A-1"]),
    ],
)
def test_the_list_can_be_narrowed(shop_day, query, expected):
    items = shop_day.get(f"/orders?{query}").json["items"]
    assert [item["seller_order_id"] for item in items] == expected


def test_pages_of_orders_neither_repeat_nor_leave_out(world):
    for number in range(7):
        world.open_order(f"A-{number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = world.get(f"/orders?limit=3&cursor={cursor}").json
        seen += [item["seller_order_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [f"A-{number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cursor=nonsense", 400, "cursor.invalid"),
        ("cursor=%F0%9F%98%80", 400, "cursor.invalid"),
        ("cursor=am91cm5hbDox", 400, "cursor.invalid"),
        ("cursor=b3JkZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk5", 400, "cursor.invalid"),
        ("state=PAYED", 422, "query.invalid"),
        ("attempt_state=PAID", 422, "query.invalid"),
        ("method=cheque", 422, "query.invalid"),
        ("limit=0", 422, "query.invalid"),
        ("limit=1000", 422, "query.invalid"),
        ("limit=ten", 422, "query.invalid"),
        ("stat=PAID", 422, "query.invalid"),
        ("state=PAID&state=CREATED", 422, "query.invalid"),
        ("text=%00", 400, "text.nul"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(world, query, status, code):
    answer = world.get(f"/orders?{query}")
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_another_sellers_order_is_not_there(api, world):
    other = api.new_seller()
    order = other.open_order()
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/capture")):
        answer = world.call(method, f"/orders/{order.order_id}{path}")
        assert (answer.status_code, answer.json["code"]) == (404, "order.not_found")
    assert other.get(f"/orders/{order.order_id}").json["state"] == "CREATED"


def test_a_tester_may_cancel_an_order_that_nobody_paid(world):
    world.freeze()
    order = world.open_order()
    world.pay(order, None)
    told = world.post(f"/orders/{order.order_id}/cancel").json
    assert told["state"] == "CANCELLED"
    assert told["attempts"][0]["state"] == "CANCELLED"
    assert told["timeline"][-1]["actor"] == "tester"


def test_an_order_that_ended_without_money_cannot_be_cancelled(world):
    order = world.open_order()
    assert world.post(f"/orders/{order.order_id}/cancel").status_code == 200
    answer = world.post(f"/orders/{order.order_id}/cancel")
    assert (answer.status_code, answer.json["code"]) == (409, "transition.illegal")


def test_a_paid_order_is_cancelled_by_refunding_what_is_left(world):
    world.freeze()
    order = world.paid_order("A-1", "499.00")
    world.refund(order, "100.00")
    told = world.post(f"/orders/{order.order_id}/cancel").json

    assert told["state"] == "PAID"
    lines = [(one["kind"], one["amount"], one["state"]) for one in told["refunds"]]
    assert lines == [("SELLER", "100.00", "PENDING"), ("CANCELLATION", "399.00", "PENDING")]
    assert "cancelled_after_capture" in [step["event"] for step in told["timeline"]]
    again = world.post(f"/orders/{order.order_id}/cancel")
    assert (again.status_code, again.json["code"]) == (409, "order.refunded")

    world.advance(5)
    after = world.get(f"/orders/{order.order_id}").json
    assert (after["state"], after["refunded_amount"]) == ("REFUNDED", "499.00")
    assert world.get("/audit").json["ok"]


@pytest.fixture
def held(api):
    """A world whose seller captures by hand, and an order with authorised money."""
    world = api.new_seller(settings={"capture": "manual", "authorization_seconds": 3_600})
    world.freeze()
    order = world.paid_order()
    return world, f"/orders/{order.order_id}"


def test_authorised_money_is_captured_once(held):
    world, path = held
    assert world.get(path).json["state"] == "AUTHORIZED"
    told = world.post(f"{path}/capture").json
    assert (told["state"], told["attempts"][0]["state"]) == ("PAID", "CAPTURED")
    assert told["timeline"][-1]["actor"] == "tester"
    again = world.post(f"{path}/capture")
    assert (again.status_code, again.json["code"]) == (409, "capture.not_authorized")


def test_a_held_order_is_cancelled_by_letting_the_money_go(held):
    world, path = held
    told = world.post(f"{path}/cancel").json
    assert (told["state"], told["attempts"][0]["state"]) == ("CANCELLED", "VOIDED")
    assert told["refunds"] == []


def test_money_that_nobody_captures_in_time_goes_back(held):
    world, path = held
    world.advance(3_600)
    told = world.get(path).json
    assert told["timeline"][-1]["event"] == "auth_expired"
    assert world.post(f"{path}/capture").status_code == 409


def test_a_pending_capture_cannot_be_asked_for_twice(held):
    world, _ = held
    world.post("/scenarios", {"stage": "capture", "outcome": "pending"})
    order = world.paid_order("A-2")
    path = f"/orders/{order.order_id}/capture"
    assert world.post(path).json["state"] == "AUTHORIZED"
    again = world.post(path)
    assert (again.status_code, again.json["code"]) == (409, "capture.pending")
    world.advance(30)
    assert world.get(f"/orders/{order.order_id}").json["state"] == "PAID"


def test_an_order_whose_money_may_be_moving_cannot_be_cancelled(world):
    world.freeze()
    order = world.open_order()
    world.pay(order, "deemed@mockpay")
    world.post("/clock/advance", {"seconds": 0})
    answer = world.post(f"/orders/{order.order_id}/cancel")
    assert (answer.status_code, answer.json["code"]) == (409, "order.busy")


def amounts(record):
    return tuple(record[f"{name}_amount"] for name in ("captured", "refundable"))


def test_a_part_is_captured_and_told_wherever_the_amount_is(held):
    world, path = held
    assert amounts(world.get(path).json) == ("0.00", "0.00")
    told = world.post(f"{path}/capture", {"amount": "4.00"}).json
    listed = world.get("/orders").json["items"][0]
    attempt = world.get(f"/attempts/{told['attempts'][0]['attempt_id']}").json
    for record in (told, told["attempts"][0], listed, listed["attempt"], attempt):
        assert amounts(record) == ("4.00", "4.00")
    assert told["timeline"][-1]["facts"] == {"amount": "4.00", "released": "495.00"}
    world.post(f"{path}/cancel")
    assert amounts(world.get(path).json) == ("4.00", "0.00")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": "0.00"}, 422, "amount.too_small"),
        ({"amount": "4.001"}, 422, "amount.invalid"),
        ({"amount": 4}, 422, "input.invalid"),
        ({"amonut": "4.00"}, 422, "input.invalid"),
        ({"amount": "4.00", "currency": "INR"}, 422, "input.invalid"),
        ({"amount": "499.01"}, 409, "capture.exceeds_authorization"),
    ],
)
def test_a_capture_that_cannot_be_meant_takes_nothing(held, body, status, code):
    world, path = held
    answer = world.post(f"{path}/capture", body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert world.get(path).json["state"] == "AUTHORIZED"


def test_half_a_capture_is_told_as_half_everywhere(world):
    world.freeze()
    order = world.paid_order("A-1", "1708.03")
    told = world.get(f"/orders/{order.order_id}").json
    assert told["amount"] == "1708.03"
    for record in (told, told["attempts"][0]):
        assert amounts(record) == ("854.01", "854.01")
