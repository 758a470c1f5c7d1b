"""What goes wrong between us and a gateway: each fault ends in a state that is known, and no money is taken twice."""

import pytest

from mockpay.domain.payments.breaker import Force, after_admission
from mockpay.domain.payments.faults import OF_WEBHOOKS, Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.kernel.errors import Conflict
from mockpay.services.gateways import faults
from mockpay.store import gateway_breakers, gateway_faults
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import OP, K, Stub, lines, pay, routed_world, rules, set_rules
from tests.services.gateways.test_payments import objects


def routed_to_razorpay(runtime):
    world = World.new(runtime)
    set_rules(world, rules("razorpay", fallbacks=("simulator",)))
    return world


@pytest.fixture
def routed(runtime):
    return routed_to_razorpay(runtime)


def add(world, fault, operation=Operation.CHARGE, **more):
    with world.transaction() as sandbox:
        return faults.add(sandbox, "razorpay", fault, operation=operation, **more)


#: Once, on the charge: who has the money then, and the calls after the prepared order.
ONCE = {
    Fault.REFUSE: ("razorpay", ["CHARGE not_sent", "CHARGE approved"]),
    Fault.TIMEOUT_BEFORE: ("razorpay", ["CHARGE no_answer", "LOOKUP absent", "CHARGE approved"]),
    Fault.TIMEOUT_AFTER: ("razorpay", ["CHARGE no_answer", "LOOKUP approved"]),
    Fault.LATE_COMMIT: ("razorpay", ["CHARGE no_answer", "LOOKUP absent", "CHARGE rejected", "LOOKUP approved"]),
    Fault.HTTP_500: ("razorpay", ["CHARGE no_answer", "LOOKUP approved"]),
    Fault.HTTP_502_HTML: ("razorpay", ["CHARGE no_answer", "LOOKUP absent", "CHARGE approved"]),
    Fault.HTTP_503: ("razorpay", ["CHARGE no_answer", "LOOKUP absent", "CHARGE approved"]),
    Fault.HTTP_429: ("razorpay", ["CHARGE rejected", "CHARGE approved"]),
    Fault.GARBAGE: ("razorpay", ["CHARGE no_answer", "LOOKUP approved"]),
    Fault.CUT_BODY: ("razorpay", ["CHARGE no_answer", "LOOKUP approved"]),
    Fault.WRONG_TYPE: ("razorpay", ["CHARGE no_answer", "LOOKUP approved"]),
    Fault.WRONG_SIGNATURE: ("razorpay", ["CHARGE no_answer", "LOOKUP approved"]),
    Fault.LATENCY: ("razorpay", ["CHARGE approved"]),
}


def told(world, attempt):
    return [f"{operation} {outcome}" for _, operation, _, outcome in lines(world, attempt) if operation != "PREPARE"]


def test_every_fault_is_overcome_and_no_money_is_taken_twice(runtime, subtests):
    assert set(ONCE) == set(Fault) - OF_WEBHOOKS
    for fault, (gateway, calls) in ONCE.items():
        with subtests.test(fault=str(fault)):
            world = routed_to_razorpay(runtime)
            add(world, fault, times=1)
            attempt = pay(world)
            assert (attempt.state, attempt.gateway) == ("CAPTURED", gateway)
            assert told(world, attempt) == calls
            assert [each.state for each in objects(world)] == ["captured"]
            assert world.violations() == []


@on_sqlite
def test_a_gateway_that_is_down_is_left_for_the_next_one_unless_money_may_have_moved(routed):
    add(routed, Fault.REFUSE, operation=None)
    assert pay(routed).gateway == "simulator"
    with routed.transaction() as sandbox:
        gateway_faults.clear(sandbox, "razorpay")
    add(routed, Fault.TIMEOUT_BEFORE, operation=None)
    silent = pay(routed, routed.order("O-2"))
    # The order could not be named, so nobody was asked for money.
    assert silent.gateway == "simulator"
    with routed.transaction() as sandbox:
        gateway_faults.clear(sandbox, "razorpay")
        gateway_breakers.save_force(sandbox, "razorpay", Force.CLOSED)
    add(routed, Fault.TIMEOUT_BEFORE)
    unknown = pay(routed, routed.order("O-3"))
    assert (unknown.state, unknown.gateway) == ("UNKNOWN", "razorpay")
    assert routed.violations() == []


@on_sqlite
def test_a_slow_answer_is_late_only_beyond_what_is_waited_for(routed):
    add(routed, Fault.LATENCY, times=1, latency_ms=9_999)
    assert told(routed, pay(routed)) == ["CHARGE approved"]
    add(routed, Fault.LATENCY, times=1, latency_ms=10_000)
    assert told(routed, pay(routed, routed.order("O-2"))) == ["CHARGE no_answer", "LOOKUP approved"]


@on_sqlite
def test_a_fault_is_met_as_often_and_as_long_as_it_says(routed):
    add(routed, Fault.REFUSE, times=2)
    assert told(routed, pay(routed)) == ["CHARGE not_sent", "CHARGE not_sent", "CHARGE approved"]
    add(routed, Fault.REFUSE, seconds=10)
    routed.advance(10)
    assert told(routed, pay(routed, routed.order("O-2"))) == ["CHARGE approved"]
    with routed.transaction() as sandbox:
        gateway_faults.clear(sandbox, "razorpay")
    add(routed, Fault.HTTP_429, probability=0.5)
    met = [told(routed, pay(routed, routed.order(f"P-{n}"))).count("CHARGE rejected") for n in range(7)]
    assert 0 < sum(count > 0 for count in met) < 7


@on_sqlite
def test_there_is_an_end_to_the_rules_of_a_gateway(routed):
    for _ in range(100):
        add(routed, Fault.REFUSE)
    with pytest.raises(Conflict):
        add(routed, Fault.REFUSE)


# --- the circuit breaker


def breaker(world):
    with world.read() as sandbox:
        return gateway_breakers.find(sandbox, "first", "card")


def failing(runtime, number, **more):
    stub = Stub("first", answers={OP.CHARGE: [K.NOT_SENT] * number}, **more)
    return routed_world(runtime, stub, Stub("second")), stub


def test_a_breaker_opens_spares_the_gateway_and_closes_after_one_probe(runtime):
    world, stub = failing(runtime, 5)
    pay(world, world.order("O-1"))
    assert breaker(world).state(world.now()) == "CLOSED"
    second = pay(world, world.order("O-2"))
    # The fifth failure opened it in the middle of this payment: the third try was not sent any more.
    assert lines(world, second) == [
        ("first", "CHARGE", 1, "not_sent"),
        ("first", "CHARGE", 2, "not_sent"),
        ("first", "CHARGE", 3, "not_sent"),
        ("second", "CHARGE", 1, "approved"),
    ]
    assert len(stub.asked) == 5
    assert breaker(world).state(world.now()) == "OPEN"
    third = pay(world, world.order("O-3"))
    assert (third.gateway, third.routing.candidates[0].reason) == ("second", "its circuit breaker is open")
    world.advance(30)
    assert breaker(world).state(world.now()) == "HALF_OPEN"
    assert pay(world, world.order("O-4")).gateway == "first"
    assert breaker(world).state(world.now()) == "CLOSED"
    assert world.violations() == []


@on_sqlite
def test_declines_never_open_a_breaker(runtime):
    stub = Stub("first", answers={OP.CHARGE: [K.DECLINED] * 6})
    world = routed_world(runtime, stub)
    for number in range(6):
        pay(world, world.order(f"O-{number}"))
    assert breaker(world).failures == ()


@on_sqlite
def test_one_payment_probes_and_the_others_go_elsewhere_meanwhile(runtime):
    world, stub = failing(runtime, 5)
    pay(world, world.order("O-1"))
    pay(world, world.order("O-2"))
    world.advance(30)
    with world.transaction() as sandbox:
        gateway_breakers.save(sandbox, after_admission(breaker(world), sandbox.now))
    assert pay(world, world.order("O-3")).gateway == "second"
    assert len(stub.asked) == 5


@on_sqlite
def test_where_no_other_gateway_is_left_the_payment_fails_and_nobody_is_asked(runtime):
    stub = Stub("first")
    world = routed_world(runtime, stub)
    with world.transaction() as sandbox:
        gateway_breakers.save_force(sandbox, "first", Force.OPEN)
    attempt = pay(world)
    assert (attempt.state, attempt.failure.reason, stub.asked) == ("FAILED", "gateway_technical_error", [])
    assert lines(world, attempt) == [("first", "CHARGE", 1, "not_sent")]
    # What the breaker itself kept back is no failure of the gateway.
    assert breaker(world).failures == ()
    with world.transaction() as sandbox:
        gateway_breakers.save_force(sandbox, "first", Force.AUTO)
    assert pay(world, world.order("O-2")).state == "CAPTURED"
