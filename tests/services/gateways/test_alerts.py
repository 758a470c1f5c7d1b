"""A seller is told of alerts: tried again where nobody takes it, and at no cost for others."""

import json

from mockpay.domain.payments.breaker import Force
from mockpay.kernel.clock import SECOND
from mockpay.kernel.http.calls import Unreachable
from mockpay.services.gateways import health
from mockpay.store import gateway_alerts, gateway_breakers, schedule
from tests.factories import on_sqlite
from tests.services.gateways.stubs import OP, K, Stub, pay, routed_world, send_all

URL = "http://127.0.0.1:3000/alerts"


def told(post):
    return [json.loads(call.body)["type"] for call in post.sent if call.url == URL]


@on_sqlite
def test_what_nobody_takes_is_told_three_times_more(runtime, post):
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NO_ANSWER]}), alert_url=URL)
    post.answers = [500, Unreachable("nobody", code="http.refused"), 404, 503, 200]
    pay(world)
    world.advance(0)
    send_all(world)
    assert told(post) == ["gateway.alert.opened"] * 4
    with world.read() as sandbox:
        [alert] = gateway_alerts.open_alerts(sandbox)
    assert alert.delivery == "opened: answered 503"
    world.advance(300)
    send_all(world)
    assert told(post)[4:] == ["gateway.alert.cleared"]


@on_sqlite
def test_what_was_opened_is_told_before_it_is_cleared(runtime, post):
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NO_ANSWER]}), alert_url=URL)
    pay(world)
    world.advance(0)
    with world.transaction() as sandbox:
        health.check(sandbox)
        assert len(schedule.waiting_of(sandbox, "all")) == 1
    world.advance(1_000)
    send_all(world)
    assert told(post) == ["gateway.alert.opened", "gateway.alert.cleared"]


@on_sqlite
def test_nothing_is_scheduled_for_a_seller_who_is_not_told(runtime, post):
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NO_ANSWER]}))
    pay(world)
    with world.transaction() as sandbox:
        assert [event.kind for event in schedule.waiting_of(sandbox, "all")] == []
        assert len(health.refresh(sandbox)) == 1
    world.advance(0)
    assert told(post) == []


@on_sqlite
def test_a_breaker_that_is_forced_open_is_no_end_of_waiting(runtime, post):
    """An alert that only a person ends has no moment at which somebody must look again."""
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NO_ANSWER] * 5}), alert_url=URL)
    pay(world)
    with world.transaction() as sandbox:
        gateway_breakers.save_force(sandbox, "first", Force.OPEN)
        health.check_soon(sandbox)
        health.check_soon(sandbox)
        assert len([event for event in schedule.waiting_of(sandbox, "all") if event.due_at <= sandbox.now]) == 1
    assert world.advance_until_idle().complete
    with world.read() as sandbox:
        assert [alert.kind for alert in gateway_alerts.open_alerts(sandbox)] == ["breaker_open"]
        assert schedule.waiting_of(sandbox, "all") == []


@on_sqlite
def test_a_breakers_alert_is_over_when_it_lets_a_call_through_again(runtime, post):
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NOT_SENT] * 9}), alert_url=URL)
    for number in (1, 2):
        pay(world, world.order(f"O-{number}"))
    world.advance(0)
    send_all(world)
    opened = [json.loads(call.body)["kind"] for call in post.sent if call.url == URL]
    assert opened == ["breaker_open"]
    world.advance(30)
    send_all(world)
    assert told(post) == ["gateway.alert.opened", "gateway.alert.cleared"]
    with world.read() as sandbox:
        [alert] = gateway_alerts.newest(sandbox, 9)
    assert alert.cleared_at == alert.opened_at + 30 * SECOND
