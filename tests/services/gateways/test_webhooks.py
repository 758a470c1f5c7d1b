"""What gateways tell unasked: verified, once, in any order, and never more than what they answer."""

import pytest

from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.kernel.errors import NotFound
from mockpay.services import scenarios
from mockpay.services.gateways import faults, webhooks
from mockpay.store import gateway_calls
from mockpay.store.reads import gateway_log
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import pay, rules, send_all, set_rules

GATEWAYS = ("razorpay", "stripe", "payu")


def routed(runtime, gateway, **settings):
    world = World.new(runtime, risk_rules={"VEL_CARD": "off"}, **settings)
    set_rules(world, rules(gateway))
    return world


def add_fault(world, gateway, fault, **more):
    with world.transaction() as sandbox:
        faults.add(sandbox, gateway, Fault(fault), **more)


def plan(world, stage, outcome):
    with world.transaction() as sandbox:
        scenarios.add_rule(sandbox, stage=stage, match={}, outcome=outcome)


def incoming(world, attempt=None):
    with world.read() as sandbox:
        page = gateway_log.calls_page(sandbox, gateway_log.CallFilter(directions=("in",)))
    return [line for line in page.items if attempt is None or line.attempt_id == attempt.attempt_id]


def test_each_gateway_tells_of_a_payment_and_is_believed(runtime, subtests):
    for gateway in GATEWAYS:
        with subtests.test(gateway=gateway):
            world = routed(runtime, gateway)
            attempt = pay(world)
            assert attempt.state == "CAPTURED"
            (line,) = incoming(world)
            assert (line.gateway, line.status, line.attempt_id) == (gateway, 200, attempt.attempt_id)
            assert str(line.outcome) == "approved"
            assert "4111111111111111" not in repr(line.exchange)
            assert world.violations() == []


def test_a_pending_payment_becomes_known_by_the_message_alone(runtime, subtests):
    for gateway in GATEWAYS:
        with subtests.test(gateway=gateway):
            world = routed(runtime, gateway, upi_pending_seconds=600)
            plan(world, "issuer", "pendingok")
            order = world.order()
            attempt = pay(world, order)
            assert attempt.state == "PENDING"
            world.advance(600)
            assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"
            assert [str(line.outcome) for line in incoming(world)] == ["approved"]
            assert world.violations() == []


@on_sqlite
def test_a_forged_message_changes_nothing_and_is_written_down(runtime, subtests):
    for gateway in GATEWAYS:
        with subtests.test(gateway=gateway):
            world = routed(runtime, gateway)
            add_fault(world, gateway, "webhook_bad_signature")
            attempt = pay(world)
            (line,) = incoming(world)
            assert (line.status, line.raw_code, line.attempt_id) == (401, "webhook.signature", "")
            assert attempt.state == "CAPTURED"


@on_sqlite
def test_a_message_that_is_dropped_doubled_or_late_ends_in_the_same_state(runtime, subtests):
    expected = {"webhook_drop": 0, "webhook_duplicate": 2, "webhook_simultaneous": 2, "webhook_reorder": 1}
    for fault, count in expected.items():
        with subtests.test(fault=fault):
            world = routed(runtime, "razorpay")
            add_fault(world, "razorpay", fault)
            attempt = pay(world)
            lines = incoming(world)
            assert len(lines) == count
            assert len({line.idempotency_key for line in lines}) == {"webhook_simultaneous": 2}.get(
                fault, min(count, 1)
            )
            assert attempt.state == "CAPTURED"
            assert world.violations() == []


@on_sqlite
def test_a_delayed_message_comes_thirty_seconds_later_by_the_sellers_clock(runtime):
    world = routed(runtime, "razorpay")
    add_fault(world, "razorpay", "webhook_delay")
    pay(world)
    world.advance(29)
    assert incoming(world) == []
    world.advance(1)
    assert len(incoming(world)) == 1


@on_sqlite
def test_a_fault_of_webhooks_is_met_by_no_call_and_used_up_by_one_message(runtime):
    world = routed(runtime, "razorpay")
    add_fault(world, "razorpay", "webhook_drop", times=1)
    first, second = pay(world, world.order("O-1")), pay(world, world.order("O-2"))
    assert (first.state, second.state) == ("CAPTURED", "CAPTURED")
    assert [line.attempt_id for line in incoming(world)] == [second.attempt_id]


@on_sqlite
def test_a_message_of_a_payment_whose_answer_was_lost_has_the_gateway_asked_at_once(runtime):
    world = routed(runtime, "razorpay")
    plan(world, "gateway", "noresponse")
    for _ in range(9):
        add_fault(world, "razorpay", "timeout_before", operation=Operation.LOOKUP, times=1)
    add_fault(world, "razorpay", "webhook_delay")
    order = world.order()
    attempt = pay(world, order)
    assert attempt.state == "UNKNOWN"
    world.advance(31)
    send_all(world)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


@on_sqlite
def test_a_message_about_nobodys_payment_is_written_down_and_changes_nothing(runtime):
    first, second = routed(runtime, "razorpay"), routed(runtime, "razorpay")
    attempt = pay(first)
    (call,) = [line for line in first_calls(first, attempt) if line.operation == Operation.CHARGE]
    with first.transaction() as sandbox:
        message = runtime.provider("razorpay").webhook(sandbox, call.reference, "other", None)
    with second.transaction() as sandbox:
        refusal = webhooks.receive(sandbox, "razorpay", message.headers, message.body)
    assert refusal.code == "webhook.signature"
    assert [line.status for line in incoming(second)] == [401]


def first_calls(world, attempt):
    with world.read() as sandbox:
        return gateway_calls.of_attempt(sandbox, attempt.attempt_id)


@on_sqlite
def test_what_is_no_message_is_refused_and_what_is_of_no_gateway_is_not_found(world):
    with world.transaction() as sandbox:
        assert webhooks.receive(sandbox, "stripe", {}, b"\xff{").code == "webhook.signature"
        with pytest.raises(NotFound):
            webhooks.receive(sandbox, "simulator", {}, b"{}")
    assert [line.status for line in incoming(world)] == [401]
