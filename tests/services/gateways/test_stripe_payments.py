"""Payments that Stripe takes at the back, from top to bottom: what only its wire can do."""

from mockpay.domain.payments.faults import Fault
from mockpay.services.gateways import faults
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import OP, VISA, lines, pay, rules, send_all, set_rules
from tests.services.gateways.test_payments import objects


def stripe_world(runtime, **settings):
    world = World.new(runtime, **settings)
    set_rules(world, rules("stripe", fallbacks=("simulator",)))
    return world


def states(world):
    """What Stripe's acquirer says of its intents and charges."""
    return [each.state for kind in ("payment_intent", "charge") for each in objects(world, kind)]


def add(world, fault, operation=OP.CHARGE, **more):
    with world.transaction() as sandbox:
        faults.add(sandbox, "stripe", fault, operation=operation, **more)


def test_an_intent_is_made_and_confirmed_and_a_refund_goes_to_it(runtime):
    world = stripe_world(runtime)
    order = world.order()
    attempt = pay(world, order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert [line[1:] for line in lines(world, attempt)] == [("PREPARE", 1, "approved"), ("CHARGE", 1, "approved")]
    [charge] = objects(world, "charge")
    assert attempt.external_ids == {"intent": charge.parent, "payment": charge.object_id}
    assert len(attempt.reference) == 6
    world.refund(order, "100.00")
    world.advance(10)
    send_all(world)
    assert [refund.amount_minor for refund in objects(world, "refund")] == [10_000]
    assert world.violations() == []


@on_sqlite
def test_a_part_is_captured_and_the_rest_released(runtime):
    world = stripe_world(runtime, capture="manual")
    order = world.order()
    pay(world, order)
    assert states(world) == ["requires_capture", "succeeded"]
    world.capture(order, "100.00")
    send_all(world)
    assert world.attempts(order)[0].captured_minor == 10_000
    [charge] = objects(world, "charge")
    assert (charge.facts["captured"], states(world)[0]) == (10_000, "succeeded")
    assert world.violations() == []


@on_sqlite
def test_a_cancelled_order_holds_no_money_at_the_gateway(runtime):
    world = stripe_world(runtime, capture="manual")
    order = world.order()
    pay(world, order)
    world.cancel_by_seller(order)
    send_all(world)
    assert (world.states(order), states(world)[0]) == (("CANCELLED", "VOIDED"), "canceled")


@on_sqlite
def test_the_charge_after_a_challenge_is_not_the_answer_of_the_one_before_it(runtime):
    world = stripe_world(runtime)
    world.add_rule("iso:1A")
    attempt = world.pay_with(world.order(), world.card(VISA, name="3DS FRICTIONLESS"))
    send_all(world)
    assert world.get_attempt(attempt.attempt_id).state == "AUTH_PENDING"
    add(world, Fault.TIMEOUT_BEFORE, times=1)
    world.authenticate(attempt)
    send_all(world)
    assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"
    # The look-up between them found the first decline, which says nothing of the second charge.
    outcomes = [line[3] for line in lines(world, attempt) if line[1] != "PREPARE"]
    assert outcomes == ["declined", "no_answer", "absent", "approved"]
    assert states(world) == ["succeeded", "failed", "succeeded"]
    assert world.violations() == []


@on_sqlite
def test_what_nobody_answers_is_fenced_and_paid_by_the_next_gateway(runtime):
    for fault in (Fault.TIMEOUT_BEFORE, Fault.LATE_COMMIT):
        world = stripe_world(runtime)
        add(world, fault, times=3)
        order = world.order()
        attempt = pay(world, order)
        assert (world.states(order), attempt.gateway) == (("PAID", "CAPTURED"), _payer(fault))
        assert world.violations() == []
        taken = [state for state in states(world) if state == "succeeded"]
        assert len(taken) == (2 if attempt.gateway == "stripe" else 0)


def _payer(fault):
    """A call that arrives late arrives with the look-up, whose answer is the intent before it, so it is seen next time."""
    return "simulator" if fault is Fault.TIMEOUT_BEFORE else "stripe"
