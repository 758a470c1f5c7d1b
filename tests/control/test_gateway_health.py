"""How gateways do, by control API: figures by windows of the seller's clock, and alerts that come and go."""

import json

from tests.control.test_gateways import CARDS_TO_RAZORPAY, fault, pay, send_for, set_rules

DATABASES = ["sqlite", "postgresql"]


def health(world):
    answer = world.get("/gateways/health")
    assert answer.status_code == 200, answer.json
    return answer.json


def windows(world, gateway="razorpay"):
    [line] = [item for item in health(world)["items"] if item["gateway"] == gateway]
    return {window["minutes"]: window for window in line["windows"]}


def open_alerts(world):
    return {alert["kind"]: alert for alert in health(world)["alerts"] if alert["cleared_at"] is None}


def test_figures_are_over_one_five_and_sixty_minutes_of_the_sellers_clock(world):
    world.freeze()
    assert health(world)["items"] == health(world)["alerts"] == []
    set_rules(world, {**CARDS_TO_RAZORPAY, "fallbacks": ["simulator"]})
    pay(world, "A-1")
    world.advance(60)
    fault(world, fault="refuse", operation="CHARGE")
    pay(world, "A-2")
    send_for(world, seconds=5)
    now = windows(world)
    assert {minutes: (over["attempts"], over["success_rate"]) for minutes, over in now.items()} == {
        1: (3, 0),
        5: (4, 0.25),
        60: (4, 0.25),
    }
    assert (now[1]["technical_failure_rate"], now[1]["unknown_rate"], now[1]["decline_rate"]) == (1, 0, 0)
    assert (now[1]["error_classes"], now[1]["retries"], now[1]["failovers"]) == ({"connect": 3}, 2, 1)
    assert now[60]["p50_ms"] is not None
    assert windows(world, "simulator")[1]["success_rate"] == 1
    world.advance(240)
    assert {minutes: over["attempts"] for minutes, over in windows(world).items()} == {1: 0, 5: 3, 60: 4}
    world.advance(3_600)
    assert health(world)["items"] == []


def test_an_alert_appears_is_acknowledged_and_clears_as_the_clock_goes_on(world, api):
    world.freeze()
    set_rules(world, CARDS_TO_RAZORPAY)
    fault(world, fault="latency", operation="CHARGE", times=1, latency_ms=5_500)
    pay(world)
    [alert] = open_alerts(world).values()
    assert (alert["gateway"], alert["method"], alert["kind"]) == ("razorpay", "card", "latency")
    assert 5_500 <= alert["value"] < 6_500
    assert (alert["opened_at"], alert["acknowledged_at"]) == ("2026-11-21T15:00:00.000Z", None)
    world.advance(100)
    path = f"/gateways/alerts/{alert['alert_id']}/acknowledge"
    seen = world.post(path).json
    assert seen["acknowledged_at"] == "2026-11-21T15:01:40.000Z"
    world.advance(10)
    assert world.post(path).json == seen == open_alerts(world)["latency"]
    for number in ("0", "x", "9" * 30):
        assert world.post(f"/gateways/alerts/{number}/acknowledge").status_code == 404
    assert api.new_seller().post(path).status_code == 404
    world.advance(189)
    assert open_alerts(world).keys() == {"latency"}
    world.advance(1)
    [over] = health(world)["alerts"]
    assert over["cleared_at"] == "2026-11-21T15:05:00.000Z"


def test_an_open_breaker_and_unanswered_charges_are_alerts_of_their_own(world):
    world.freeze()
    set_rules(world, CARDS_TO_RAZORPAY)
    fault(world, fault="timeout_after", operation="CHARGE", times=1)
    pay(world)
    assert open_alerts(world)["unknown_rate"]["value"] == 1
    world.put("/gateways/razorpay/breaker", {"force": "open"})
    # Of a method that was called there is a state to force.
    first = open_alerts(world)
    assert first.keys() == {"unknown_rate", "breaker_open"}
    pay(world, "A-2")
    world.put("/gateways/razorpay/breaker", {"force": "auto"})
    assert open_alerts(world).keys() == {"unknown_rate"}
    world.put("/gateways/razorpay/breaker", {"force": "open"})
    again = open_alerts(world)["breaker_open"]
    assert again["alert_id"] > first["breaker_open"]["alert_id"]


def test_a_seller_is_told_when_an_alert_opens_and_when_it_clears(notified_world, listener):
    world = notified_world
    world.call("PATCH", "", {"settings": {"alert_url": listener.url}})
    set_rules(world, CARDS_TO_RAZORPAY)
    fault(world, fault="latency", operation="CHARGE", times=1, latency_ms=6_000)
    pay(world)
    world.advance(0)
    [opened] = told(listener)
    assert (opened["type"], opened["kind"], opened["gateway"]) == ("gateway.alert.opened", "latency", "razorpay")
    assert (opened["seller_id"], opened["cleared_at"]) == (world.seller_id, None)
    world.advance(299)
    assert len(told(listener)) == 1
    world.advance(1)
    cleared = told(listener)[1]
    assert (cleared["type"], cleared["alert_id"]) == ("gateway.alert.cleared", opened["alert_id"])
    assert cleared["cleared_at"] == "2026-11-21T15:05:00.000Z"
    [alert] = health(world)["alerts"]
    assert alert["delivery"] == "cleared: answered 200"
    assert world.post("/clock/advance", {"until": "idle"}).json["complete"]


def told(listener):
    bodies = [json.loads(body) for body in listener.received]
    return [body for body in bodies if "alert_id" in body]


def test_an_address_that_may_not_be_called_is_refused(world):
    for url in ("https://alerts.example/x", "nowhere"):
        answer = world.call("PATCH", "", {"settings": {"alert_url": url}})
        assert (answer.status_code, answer.json["field"]) == (422, "alert_url")
