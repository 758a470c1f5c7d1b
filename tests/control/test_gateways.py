"""Gateways by control API: rules, dry runs, payments that go by them, and the log of calls."""

import json

from mockpay.store import orders
from mockpay.store.unit_of_work import read

DATABASES = ["sqlite", "postgresql"]
CARD = {"method": "card", "number": "4111111111111111", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
CARDS_TO_RAZORPAY = {"name": "cards", "when": {"methods": ["card"]}, "targets": [{"gateway": "razorpay"}]}


def set_rules(world, *rules, **more):
    answer = world.put("/routing", {"rules": list(rules), **more})
    assert answer.status_code == 200, answer.json
    return answer.json


def pay(world, number="A-1", amount="499.00", **more):
    order = world.open_order(number, amount)
    first = world.post(f"/orders/{order.order_id}/pay", {**CARD, **more})
    assert first.status_code == 200, first.json
    world.post(f"/orders/{order.order_id}/pay", {"otp": "123456"})
    return world.get(f"/orders/{order.order_id}").json


def without_messages(world):
    """Razorpay tells of nothing by itself, so that the log has calls alone."""
    world.post("/gateways/razorpay/faults", {"fault": "webhook_drop"})


def calls(world, query=""):
    return world.get(f"/gateway-calls?{query}").json["items"]


def test_gateways_say_what_they_can_do(world):
    by_name = {item["gateway"]: item for item in world.get("/gateways").json["items"]}
    assert by_name["razorpay"] == {
        "gateway": "razorpay",
        "title": "Razorpay",
        "methods": ["upi", "card", "netbanking", "emi"],
        "partial_capture": False,
        "fence": False,
        "breakers": [],
        "force": "auto",
        "endpoint": None,
        "enabled": True,
        "credentials": by_name["razorpay"]["credentials"],
        "timeouts": {"connect": 2.0, "read": 10.0, "total": 10.0},
    }
    assert "upi" in by_name["simulator"]["methods"]
    assert "amazonpay" not in by_name


def test_rules_are_kept_and_taken_away_and_a_reset_leaves_them(world):
    assert world.get("/routing").json == {"rules": [], "costs": {}, "window": 200, "hedging_percent": 0}
    stored = set_rules(world, CARDS_TO_RAZORPAY)
    assert stored["rules"][0]["strategy"] == "PRIORITY"
    assert world.get("/routing").json == stored
    world.post("/reset")
    assert world.get("/routing").json == stored
    assert set_rules(world)["rules"] == []
    assert pay(world)["attempts"][0]["routing"] is None


def test_a_payment_goes_by_the_rules_and_says_why(world):
    set_rules(world, {**CARDS_TO_RAZORPAY, "fallbacks": ["simulator"]})
    order = pay(world)
    assert order["state"] == "PAID"
    [attempt] = order["attempts"]
    assert attempt["gateway"] == "razorpay"
    assert attempt["routing"] == {
        "rule": "rule 1: cards",
        "strategy": "PRIORITY",
        "candidates": [
            {"gateway": "razorpay", "eligible": True, "reason": None, "score": None},
            {"gateway": "simulator", "eligible": True, "reason": None, "score": None},
        ],
        "chosen": "razorpay",
        "sequence": ["razorpay", "simulator"],
    }
    assert attempt["external_ids"].keys() == {"order", "payment"}
    assert world.get("/audit").json["ok"]


def test_whoever_pays_may_name_the_gateway(world):
    [attempt] = pay(world, gateway="razorpay")["attempts"]
    assert (attempt["gateway"], attempt["routing"]["rule"]) == ("razorpay", "forced")
    order = world.open_order("A-2")
    refused = world.post(f"/orders/{order.order_id}/pay", {**CARD, "gateway": "razorpy"})
    assert (refused.status_code, refused.json["code"]) == (422, "routing.invalid")
    assert "'razorpay'" in refused.json["detail"]
    assert world.get(f"/orders/{order.order_id}").json["attempts"] == []


def test_a_dry_run_says_what_would_be_and_stores_nothing(world):
    set_rules(world, CARDS_TO_RAZORPAY)

    def dry_run(**payment):
        answer = world.post("/routing/dry-run", {"amount": "499.00", **payment})
        assert answer.status_code == 200, answer.json
        return answer.json

    assert dry_run(network="Visa", bin="411111")["chosen"] == "razorpay"
    upi = dry_run(method="upi")
    assert (upi["rule"], upi["chosen"], upi["candidates"][0]["reason"]) == (None, "simulator", "no rule fits")
    assert dry_run(method="netbanking", gateway="stripe")["candidates"][0]["reason"] == "does not take netbanking"
    world.put("/routing", {})
    assert dry_run()["chosen"] == "simulator"
    assert calls(world) == []


def test_weights_by_control_api_are_drawn_by_the_attempt(world):
    targets = [{"gateway": "razorpay", "weight": 1}, {"gateway": "simulator", "weight": 1}]
    set_rules(world, {"targets": targets, "strategy": "WEIGHTED"})

    def drawn(number):
        body = {"amount": "1.00", "attempt_id": f"att_{number}"}
        return world.post("/routing/dry-run", body).json["chosen"]

    assert {drawn(number) for number in range(20)} == {"razorpay", "simulator"}
    assert [drawn(number) for number in range(9)] == [drawn(number) for number in range(9)]


def test_the_best_rate_is_that_of_the_calls_in_the_log(world):
    set_rules(world, CARDS_TO_RAZORPAY)
    pay(world, "A-1")
    world.post("/scenarios", {"stage": "issuer", "outcome": "insufficient"})
    pay(world, "A-2")
    set_rules(world, {"targets": [{"gateway": "razorpay"}, {"gateway": "simulator"}], "strategy": "BEST_RATE"})
    made = world.post("/routing/dry-run", {"amount": "1.00"}).json
    # Nothing is known of the simulator, so it is tried first.
    assert [(each["gateway"], each["score"]) for each in made["candidates"]] == [("simulator", None), ("razorpay", 0.5)]
    set_rules(
        world, {"targets": [{"gateway": "razorpay"}, {"gateway": "simulator"}], "strategy": "BEST_RATE"}, window=1
    )
    assert world.post("/routing/dry-run", {"amount": "1.00"}).json["candidates"][1]["score"] == 0


def test_rules_that_cannot_be_are_refused_and_the_old_ones_stay(world, subtests):
    before = set_rules(world, CARDS_TO_RAZORPAY)
    target = [{"gateway": "razorpay"}]
    wrong = [
        ({"targets": []}, "targets"),
        ({"targets": [{"gateway": "razorpay", "weight": 0}]}, "weight"),
        ({"targets": [{"gateway": "stripes"}]}, "rules[0].targets"),
        ({"targets": target, "when": {"methods": ["crad"]}}, "rules[0].when.methods"),
        ({"targets": target, "when": {"bins": ["4111111"]}}, "bins"),
        ({"targets": target, "when": {"bins": ["x"]}}, "bins"),
        ({"targets": target, "when": {"from_hour": 25, "to_hour": 3}}, "from_hour"),
        ({"targets": target, "strategy": "CHEAPEST"}, "strategy"),
        ({"targets": target, "strategy": "LEAST_COST"}, "rules[0].strategy"),
        ({"targets": target, "valid_from": "tomorrow"}, "rules[0].valid_from"),
        ({"targets": target, "odd": 1}, "odd"),
    ]
    for rule, field in wrong:
        with subtests.test(rule=rule):
            answer = world.put("/routing", {"rules": [rule]})
            assert answer.status_code == 422
            assert field in json.dumps(answer.json)
    assert world.get("/routing").json == before


def test_the_log_is_filtered_paged_and_streamed(world, subtests):
    world.freeze("2026-11-21T15:00:00Z")
    without_messages(world)
    set_rules(world, CARDS_TO_RAZORPAY)
    first = pay(world, "A-1")
    world.freeze("2026-11-21T16:00:00Z")
    world.post("/scenarios", {"stage": "issuer", "outcome": "insufficient"})
    second = pay(world, "A-2")
    filters = {
        "": 4,
        f"order_id={first['order_id']}": 2,
        f"attempt_id={second['attempts'][0]['attempt_id']}": 2,
        "gateway=razorpay": 4,
        "gateway=simulator": 0,
        "operation=CHARGE": 2,
        "operation=CHARGE,PREPARE": 4,
        "outcome=declined": 1,
        "outcome=approved,declined&operation=CHARGE": 2,
        "since=2026-11-21T16:00:00Z": 2,
        "until=2026-11-21T16:00:00Z": 2,
        "error_class=decline": 1,
        "error_class=risk,timeout": 0,
        "status=200": 3,
        "status=400,503": 1,
        "latency=0": 4,
        "latency=60000": 0,
        "direction=out": 4,
        "direction=in": 0,
    }
    for query, count in filters.items():
        with subtests.test(query=query):
            assert len(calls(world, query)) == count
    page = world.get("/gateway-calls?limit=3").json
    rest = world.get(f"/gateway-calls?limit=3&cursor={page['next_cursor']}").json
    assert page["items"] + rest["items"] == calls(world)
    assert rest["next_cursor"] is None
    streamed = world.get("/gateway-calls?operation=CHARGE", headers={"Accept": "application/x-ndjson"})
    assert streamed.content_type == "application/x-ndjson"
    assert [json.loads(line) for line in streamed.text.splitlines()] == calls(world, "operation=CHARGE")
    for query in (
        "gateway=razorpy",
        "operation=PAY",
        "outcome=fine",
        "since=x",
        "since=2027-01-01T00:00:00Z&until=2026-01-01T00:00:00Z",
        "error_class=oops",
        "direction=up",
        "status=99",
        "status=200,",
        "latency=-1",
        "latency=x",
    ):
        with subtests.test(query=query):
            assert world.get(f"/gateway-calls?{query}").status_code == 422


def test_a_line_of_the_log_has_request_and_answer_and_no_secret(world, api):
    set_rules(world, CARDS_TO_RAZORPAY)
    order = pay(world)
    [line] = calls(world, "operation=CHARGE")
    assert world.get(f"/gateway-calls/{line['call_id']}").json == line
    assert (line["outcome"], line["code"], line["status"]) == ("approved", "00", 200)
    assert line["reference"] == order["attempts"][0]["external_ids"]["payment"]
    exchange = line["exchange"]
    assert (exchange["method"], exchange["request"]["amount"]) == ("POST", 49_900)
    assert exchange["request"]["card"]["number"] == "[hidden]"
    assert exchange["request_headers"]["Authorization"] == "[hidden]"
    assert exchange["answer"]["razorpay_payment_id"] == line["reference"]
    whole = json.dumps(calls(world))
    for secret in (CARD["number"], CARD["name"], "Basic "):
        assert secret not in whole
    other = api.new_seller()
    for seller, number in ((other, line["call_id"]), (world, "0"), (world, "x"), (world, "9" * 30)):
        assert seller.get(f"/gateway-calls/{number}").status_code == 404


def test_a_capture_by_control_api_has_asked_the_gateway_when_it_answers(world):
    world.call("PATCH", "", {"settings": {"capture": "manual"}})
    without_messages(world)
    set_rules(world, CARDS_TO_RAZORPAY)
    order = pay(world)
    assert order["state"] == "AUTHORIZED"
    part = world.post(f"/orders/{order['order_id']}/capture", {"amount": "1.00"})
    assert (part.status_code, part.json["code"]) == (409, "capture.no_part")
    captured = world.post(f"/orders/{order['order_id']}/capture", {}).json
    assert (captured["state"], captured["captured_amount"]) == ("PAID", "499.00")
    assert [line["operation"] for line in calls(world)] == ["CAPTURE", "AUTHORIZE", "PREPARE"]


def test_a_refund_moves_the_money_at_the_gateway_that_took_it(world):
    set_rules(world, CARDS_TO_RAZORPAY)
    order = pay(world)
    with read(world.api.runtime, world.seller_id) as sandbox:
        stored = orders.by_id(sandbox, order["order_id"])
    refund_id = world.refund(stored, "100.00")
    world.advance(10)
    assert world.get(f"/refunds/{refund_id}").json["state"] == "COMPLETED"
    [line] = calls(world, "operation=REFUND&direction=out")
    assert (line["refund_id"], line["amount"], line["outcome"]) == (refund_id, "100.00", "approved")


# --- faults and circuit breakers


def test_the_log_tells_what_kind_of_error_a_fault_was_to_who_called(world, api, subtests):
    kinds = {
        "refuse": "connect",
        "timeout_before": "timeout",
        "timeout_after": "timeout",
        "late_commit": "timeout",
        "http_500": "http_5xx",
        "http_502_html": "http_5xx",
        "http_503": "http_5xx",
        "http_429": "throttled",
        "garbage": "parse",
        "cut_body": "parse",
        "wrong_type": "parse",
        "wrong_signature": "bad_signature",
        "latency": None,
    }
    for name, kind in kinds.items():
        with subtests.test(fault=name):
            other = api.new_seller()
            set_rules(other, CARDS_TO_RAZORPAY)
            fault(other, fault=name, operation="CHARGE", times=1)
            pay(other)
            first = calls(other, "operation=CHARGE")[-1]
            assert (first["error_class"], first["direction"]) == (kind, "out")
    set_rules(world, CARDS_TO_RAZORPAY)
    fault(world, fault="refuse", operation="PREPARE", times=1)
    order = pay(world, "UNNAMED")
    first = calls(world, f"order_id={order['order_id']}&operation=CHARGE")[-1]
    assert (first["error_class"], first["outcome"]) == ("not_prepared", "not_sent")
    order = world.open_order("LATER")
    world.post(f"/orders/{order.order_id}/pay", CARD)
    world.put("/gateways/razorpay/breaker", {"force": "open"})
    world.post(f"/orders/{order.order_id}/pay", {"otp": "123456"})
    first = calls(world, f"order_id={order.order_id}")[-1]
    assert (first["error_class"], first["outcome"]) == ("breaker_open", "not_sent")


def fault(world, **rule):
    answer = world.post("/gateways/razorpay/faults", rule)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_fault_is_met_as_often_as_it_says_and_taken_away(world, api):
    set_rules(world, CARDS_TO_RAZORPAY)
    made = fault(world, fault="timeout_after", operation="CHARGE", times=1)
    assert (made["gateway"], made["times"], made["probability"], made["expires_at"]) == ("razorpay", 1, 1, None)
    order = world.open_order()
    world.post(f"/orders/{order.order_id}/pay", CARD)
    waits = world.post(f"/orders/{order.order_id}/pay", {"otp": "123456"}).json
    assert waits["state"] == "PENDING"
    assert 'data-testid="payment-waiting"' in page(api, order)
    send_for(world, seconds=2)
    assert 'data-testid="payment-status"' in page(api, order)
    assert world.get(f"/orders/{order.order_id}").json["state"] == "PAID"
    called = calls(world, "direction=out")
    told = [(line["operation"], line["outcome"]) for line in called if line["operation"] != "PREPARE"]
    assert told == [("LOOKUP", "approved"), ("CHARGE", "no_answer")]
    [left] = world.get("/gateways/razorpay/faults").json["items"]
    assert left["times"] == 0
    assert world.call("DELETE", "/gateways/razorpay/faults").status_code == 204
    assert world.get("/gateways/razorpay/faults").json["items"] == []


def page(api, order):
    """What the buyer sees."""
    answer = api.client.get(f"/pay/{order.page_token}/", follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def send_for(world, seconds):
    """Send what becomes due in real time, as the worker does, until nothing waits."""
    moved = world.post("/clock/advance", {"seconds": 0, "timeout": seconds}).json
    assert moved["complete"], moved


def test_faults_that_cannot_be_are_refused(world, subtests):
    for path, rule in (
        ("razorpay", {"fault": "timeout"}),
        ("razorpay", {"fault": "refuse", "operation": "PAY"}),
        ("razorpay", {"fault": "refuse", "times": 0}),
        ("razorpay", {"fault": "refuse", "probability": 2}),
        ("razorpay", {}),
    ):
        with subtests.test(rule=rule):
            assert world.post(f"/gateways/{path}/faults", rule).status_code == 422
    for name in ("simulator", "amazonpay", "nobody"):
        with subtests.test(name=name):
            assert world.post(f"/gateways/{name}/faults", {"fault": "refuse"}).status_code == 404
            assert world.get(f"/gateways/{name}/faults").status_code == 404
            assert world.put(f"/gateways/{name}/breaker", {"force": "open"}).status_code == 404


def test_a_breaker_that_is_forced_open_leads_to_the_next_gateway_until_it_is_left_alone(world):
    world.freeze()
    set_rules(world, {**CARDS_TO_RAZORPAY, "fallbacks": ["simulator"]})
    forced = world.put("/gateways/razorpay/breaker", {"force": "open"}).json
    assert (forced["gateway"], forced["force"]) == ("razorpay", "open")
    [attempt] = pay(world)["attempts"]
    assert (attempt["gateway"], attempt["routing"]["candidates"][0]["reason"]) == (
        "simulator",
        "its circuit breaker is open",
    )
    world.put("/gateways/razorpay/breaker", {"force": "auto"})
    assert pay(world, "A-2")["attempts"][0]["gateway"] == "razorpay"
    fault(world, fault="refuse", operation="CHARGE")
    for number in (3, 4):
        pay(world, f"A-{number}")
        send_for(world, seconds=5)
    by_name = {item["gateway"]: item for item in world.get("/gateways").json["items"]}
    assert by_name["razorpay"]["breakers"] == [
        {"method": "card", "state": "OPEN", "failures": 5, "next_probe_at": "2026-11-21T15:00:30.000Z"}
    ]
    assert by_name["simulator"]["breakers"] == []
    assert world.get("/audit").json["ok"]


# --- accounts at gateways


NEW = {"key_id": "rzp_test_OTHERKEY", "key_secret": "another-secret-of-razorpay", "webhook_secret": "another-hook"}


def test_credentials_are_written_and_never_read_back(world):
    answer = world.put("/gateways/razorpay", {"credentials": NEW})
    assert answer.status_code == 200
    assert answer.json["credentials"] == {"key_id": "••••RKEY", "key_secret": "••••rpay", "webhook_secret": "••••hook"}
    for text in (answer.text, world.get("/gateways/razorpay").text, world.get("/gateways").text):
        assert not [value for value in NEW.values() if value in text]
    set_rules(world, CARDS_TO_RAZORPAY)
    assert pay(world)["state"] == "PAID"


def test_what_no_gateway_has_is_refused_without_repeating_it(world, subtests):
    refused = (
        ({"credentials": {**NEW, "key_sekret": "hunter2hunter2"}}, 422, "credentials.key_sekret"),
        ({"credentials": {"key_id": "rzp_test_OTHERKEY"}}, 422, "credentials.key_secret"),
        ({"credentials": {**NEW, "key_secret": "two words"}}, 422, "credentials.key_secret"),
        ({"endpoint": "https://api.razorpay.com"}, 422, "endpoint"),
        ({"endpoint": "ftp://127.0.0.1"}, 422, "endpoint"),
        ({"timeouts": {"connect": 2, "read": 10, "total": 26}}, 422, "timeouts.total"),
    )
    for body, status, field in refused:
        with subtests.test(field=field):
            answer = world.put("/gateways/razorpay", body)
            assert (answer.status_code, answer.json.get("field")) == (status, field), answer.json
            assert "hunter2" not in answer.text
            assert "two words" not in answer.text
    assert world.get("/gateways/razorpay").json["endpoint"] is None
    assert world.put("/gateways/simulator", {"enabled": False}).status_code == 404


def test_what_is_left_out_stays_and_a_reset_leaves_an_account(world):
    world.put("/gateways/razorpay", {"credentials": NEW, "timeouts": {"connect": 1, "read": 2, "total": 3}})
    world.put("/gateways/razorpay", {"enabled": False})
    world.post("/reset")
    gateway = world.get("/gateways/razorpay").json
    assert (gateway["enabled"], gateway["timeouts"]["total"]) == (False, 3.0)
    assert gateway["credentials"]["key_id"] == "••••RKEY"
    issued = world.put("/gateways/razorpay", {"credentials": {}}).json
    assert issued["credentials"]["key_id"] != "••••RKEY"


def test_a_gateway_that_is_switched_off_takes_nothing_and_says_so(world):
    set_rules(world, {**CARDS_TO_RAZORPAY, "fallbacks": ["simulator"]})
    world.put("/gateways/razorpay", {"enabled": False})
    attempt = pay(world)["attempts"][0]
    assert attempt["gateway"] == "simulator"
    assert attempt["routing"]["candidates"][0]["reason"] == "is switched off"
    world.put("/gateways/razorpay", {"enabled": True})
    assert pay(world, "A-2")["attempts"][0]["gateway"] == "razorpay"


def test_a_connection_is_tried_and_says_what_was_tried(world):
    good = world.post("/gateways/razorpay/check").json
    assert (good["ok"], good["outcome"], good["status"]) == (True, "absent", 200)
    assert good["tried"] == "GET http://razorpay.invalid/v1/orders"
    world.post("/gateways/razorpay/faults", {"fault": "http_503", "seconds": 600})
    down = world.post("/gateways/razorpay/check").json
    assert (down["ok"], down["outcome"], down["status"]) == (False, "no_answer", 503)
    assert world.post("/gateways/nobody/check").status_code == 404
    assert calls(world) == []
