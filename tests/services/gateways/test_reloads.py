"""Reloads of a balance by a card that a gateway takes, with nobody there: charged once, whatever the gateway does."""

import pytest

from mockpay.delivery import outbox, scheduler
from mockpay.domain.payments.faults import Fault
from mockpay.domain.payments.gateways import Operation
from mockpay.domain.payments.routing import When
from mockpay.kernel.clock import SECOND
from mockpay.services.gateways import faults
from mockpay.services.gateways.calls import CALL
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import lines, rules, send_all, set_rules
from tests.services.gateways.test_payments import objects
from tests.services.ledger import balances, top_up
from tests.services.reloads import REFUSED, ends, order_of, reload_of, runs, save_card, spend, switch_on

CARDS = When(methods=("card",))


def low(runtime, *gateways, card=None, fallbacks=()):
    """A world in which a payment has made a balance so low that it reloads."""
    world = World.new(runtime)
    set_rules(world, rules(*gateways, when=CARDS, fallbacks=fallbacks))
    top_up(world, 600_00)
    switch_on(world, save_card(world, card) if card else None)
    spend(world, "200.00")
    return world


def reload(world):
    """Let the worker do what waits; the attempt of the only run."""
    scheduler.fire_present(world.runtime, world.seller_id)
    send_all(world)
    scheduler.fire_present(world.runtime, world.seller_id)
    return attempt_of(world)


def attempt_of(world):
    [run] = runs(world)
    [attempt] = world.attempts(order_of(world, run))
    return attempt


def called(world, attempt):
    return [f"{gateway} {operation} {outcome}" for gateway, operation, _, outcome in lines(world, attempt)]


def add_fault(world, gateway, fault, **more):
    with world.transaction() as sandbox:
        faults.add(sandbox, gateway, fault, operation=Operation.CHARGE, **more)


@pytest.fixture(params=["razorpay", "payu", "stripe"])
def gateway(request):
    return request.param


def captured(world):
    """What the gateway has taken."""
    kind = "charge" if objects(world, "charge") else "payment"
    return [each.amount_minor for each in objects(world, kind) if each.state in {"captured", "succeeded"}]


def test_a_reload_goes_to_the_gateway_of_the_rules(runtime, gateway):
    world = low(runtime, gateway)
    attempt = reload(world)
    assert (attempt.gateway, attempt.state, attempt.eci) == (gateway, "CAPTURED", None)
    assert called(world, attempt)[-1] == f"{gateway} CHARGE approved"
    assert (ends(world), balances(world)) == ([("spend", "SUCCEEDED", None)], (1_400_00, 0))
    assert captured(world) == [1_000_00]
    assert world.violations() == []


@on_sqlite
def test_a_decline_of_the_gateway_ends_the_run_as_any_decline(runtime, gateway):
    world = low(runtime, gateway, card=REFUSED)
    attempt = reload(world)
    assert (attempt.gateway, attempt.state, attempt.failure.code) == (gateway, "FAILED", "51")
    [(cause, state, reason)] = ends(world)
    assert (cause, state, reason) == ("spend", "FAILED", "insufficient_funds")
    assert (balances(world), captured(world)) == ((400_00, 0), [])
    assert world.violations() == []


@on_sqlite
def test_a_gateway_that_is_down_is_left_for_the_next_one(runtime):
    world = low(runtime, "razorpay", fallbacks=("stripe",))
    add_fault(world, "razorpay", Fault.REFUSE)
    attempt = reload(world)
    assert (attempt.gateway, attempt.state) == ("stripe", "CAPTURED")
    assert (ends(world), balances(world)) == ([("spend", "SUCCEEDED", None)], (1_400_00, 0))
    assert captured(world) == [1_000_00]


@on_sqlite
def test_an_answer_that_comes_too_late_is_looked_up_and_the_card_charged_once(runtime, gateway):
    world = low(runtime, gateway, fallbacks=("simulator",))
    add_fault(world, gateway, Fault.TIMEOUT_AFTER, times=1)
    attempt = reload(world)
    assert called(world, attempt)[-2:] == [f"{gateway} CHARGE no_answer", f"{gateway} LOOKUP approved"]
    assert (ends(world), balances(world)) == ([("spend", "SUCCEEDED", None)], (1_400_00, 0))
    assert captured(world) == [1_000_00]
    assert world.violations() == []


@on_sqlite
def test_a_run_waits_while_nobody_knows_and_no_other_begins(runtime):
    world = low(runtime, "razorpay")
    with world.transaction() as sandbox:
        for operation in (Operation.LOOKUP, Operation.STATUS):
            faults.add(sandbox, "razorpay", Fault.TIMEOUT_BEFORE, operation=operation, seconds=60)
    add_fault(world, "razorpay", Fault.TIMEOUT_AFTER, times=1)
    attempt = reload(world)
    assert (attempt.state, reload_of(world).state) == ("UNKNOWN", "CHARGING")
    spend(world, "50.00", "O-2")
    assert [end[1] for end in ends(world)] == ["CHARGING", "WAITED"]
    world.advance(120)
    send_all(world)
    assert (ends(world)[0], balances(world)) == (("spend", "SUCCEEDED", None), (1_350_00, 0))
    assert captured(world) == [1_000_00]
    assert world.violations() == []


@on_sqlite
def test_a_worker_that_died_while_it_charged_is_followed_by_an_enquiry(runtime, gateway):
    for arrived in (True, False):
        world = low(runtime, gateway)
        call = claim_call(world)
        if arrived:
            call.send(world.runtime)  # The gateway has the money, and nobody has written down that it said so.
        world.runtime.real_clock.move(31 * SECOND)
        send_all(world)
        world.advance(90)
        send_all(world)
        end = ("spend", "SUCCEEDED", None) if arrived else ("spend", "FAILED", "gateway_technical_error")
        assert ends(world)[0] == end
        assert captured(world) == [1_000_00] * arrived
        assert world.violations() == []


def claim_call(world):
    """The call of the charge, as the worker claims it."""
    scheduler.fire_present(world.runtime, world.seller_id)
    while (claimed := outbox.claim(world.runtime, world.seller_id)).row.kind != CALL:
        outbox.send(world.runtime, claimed)
    return claimed
