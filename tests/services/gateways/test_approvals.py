"""Methods whose buyer approves at an app or a bank: the gateway is asked for the money after that."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.payments.gateways import Capabilities
from mockpay.services.payments import banks, settlement
from mockpay.store import outbox
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import OP, K, Stub, lines, log, routed_world, rules, send_all, set_rules

GATEWAYS = ("razorpay", "payu")
OF_UPI = (*GATEWAYS, "stripe")


def routed(runtime, *gateways, **settings):
    world = World.new(runtime, **settings)
    set_rules(world, rules(*gateways))
    return world


def pay(world, instrument, order=None):
    attempt = world.pay_with(order or world.order(), instrument)
    send_all(world)
    return world.get_attempt(attempt.attempt_id)


@pytest.mark.parametrize("gateway", OF_UPI)
def test_a_upi_payment_goes_to_its_gateway_once_the_buyer_approved(runtime, gateway):
    world = routed(runtime, gateway)
    order = world.order()
    attempt = pay(world, Upi("success@mockpay"), order)
    assert (attempt.state, attempt.gateway) == ("CAPTURED", gateway)
    assert ("CHARGE", "approved") in [(line[1], line[3]) for line in lines(world, attempt)]
    events = [event.event for event in world.timeline(order)]
    assert events.index("auth_ok") < events.index("submit") < events.index("approved_and_captured")
    assert len(attempt.reference) == 12
    assert world.violations() == []


@on_sqlite
def test_by_qr_code_nobody_is_asked_before_the_app_was_opened(runtime):
    world = routed(runtime, "razorpay")
    order = world.order()
    attempt = pay(world, Upi(), order)
    assert (attempt.state, log(world, attempt)) == ("AUTH_PENDING", [])
    world.approve(attempt)
    send_all(world)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert log(world, attempt)


@on_sqlite
def test_a_buyer_who_declines_is_never_told_to_a_gateway(runtime):
    world = routed(runtime, "razorpay")
    order = world.order()
    attempt = pay(world, Upi(), order)
    world.decline(attempt)
    send_all(world)
    assert (world.get_attempt(attempt.attempt_id).state, log(world, attempt)) == ("FAILED", [])


@pytest.mark.parametrize("gateway", OF_UPI)
def test_what_the_bank_refuses_the_gateway_says(runtime, gateway):
    world = routed(runtime, gateway)
    attempt = pay(world, Upi("insufficient@mockpay"))
    assert (attempt.state, attempt.failure.reason) == ("FAILED", "insufficient_funds")
    assert "declined" in [line[3] for line in lines(world, attempt)]


@on_sqlite
def test_a_pending_upi_payment_becomes_known_at_its_gateway(runtime):
    world = routed(runtime, "razorpay")
    order = world.order()
    attempt = pay(world, Upi("pendingok@mockpay"), order)
    assert attempt.state == "PENDING"
    world.advance(60)
    send_all(world)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


@on_sqlite
def test_a_gateway_that_cannot_be_reached_leads_to_the_next_without_another_approval(runtime):
    down = Stub("down", Capabilities(methods=frozenset({"upi"})), {OP.CHARGE: [K.NOT_SENT] * 3})
    world = routed_world(runtime, down, to=["down", "simulator"])
    order = world.order()
    attempt = pay(world, Upi("success@mockpay"), order)
    assert (attempt.gateway, world.states(order)) == ("simulator", ("PAID", "CAPTURED"))
    assert [event.event for event in world.timeline(order)].count("auth_required") == 1
    assert len(attempt.reference) == 12
    assert world.violations() == []


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_net_banking_payment_goes_to_its_gateway_after_its_bank(runtime, gateway):
    world = routed(runtime, gateway)
    order = world.order()
    attempt = pay(world, NetBanking("HDFC"), order)
    assert (attempt.state, log(world, attempt)) == ("AUTH_PENDING", [])
    with world.transaction() as sandbox:
        back = banks.record_decision(sandbox, attempt, banks.BUTTONS["success"][0])
        banks.verify_return(sandbox, order, attempt, back)
        outbox.add(sandbox, settlement.ASK_BANK, attempt.attempt_id, leased=False)
    send_all(world)
    after = world.get_attempt(attempt.attempt_id)
    assert (after.state, after.gateway, after.reference) == ("CAPTURED", gateway, attempt.reference)
    assert world.violations() == []
