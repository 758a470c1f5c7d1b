"""Payments that a seller's rules send to PayU, from the page to the settled order."""

from mockpay.domain.methods.emi import Emi
from mockpay.domain.payments.faults import Fault
from mockpay.kernel.money import Money
from mockpay.services.gateways import faults
from mockpay.services.payments import cancellation
from mockpay.store import gateway_objects, orders
from tests.factories import World
from tests.services.gateways.stubs import OP, VISA, lines, pay, rules, send_all, set_rules
from tests.services.gateways.test_payments import objects


def payu_world(runtime, **settings):
    world = World.new(runtime, **settings)
    set_rules(world, rules("payu", fallbacks=("simulator",)))
    return world


def add_fault(world, fault, operation):
    with world.transaction() as sandbox:
        faults.add(sandbox, "payu", fault, operation=operation, times=1)


def states(world, kind):
    return [each.state for each in objects(world, kind)]


def test_a_card_is_charged_under_our_own_name_for_it(runtime):
    world = payu_world(runtime)
    order = world.order()
    attempt = pay(world, order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert lines(world, attempt) == [("payu", "CHARGE", 1, "approved")]
    [payment] = objects(world)
    assert (payment.reference, payment.object_id) == (attempt.attempt_id, attempt.external_ids["payment"])
    with world.read() as sandbox:
        assert gateway_objects.of_reference(sandbox, "payu", "payment", attempt.attempt_id) == [payment]


def test_a_card_pays_by_instalments(runtime):
    world = payu_world(runtime)
    order = world.order(amount="5000.00")
    emi = Emi.choose(world.card(VISA), order.amount, bank="HDFC", tenure="6", no_cost=False, eligible=True)
    attempt = world.pay_with(order, emi)
    send_all(world)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert lines(world, attempt) == [("payu", "CHARGE", 1, "approved")]
    [payment] = objects(world)
    assert (payment.facts["mode"], payment.facts["bank_code"]) == ("EMI", "EMI6")
    assert world.violations() == []


def test_an_answer_that_is_lost_or_late_never_charges_twice(runtime, subtests):
    ends = {
        Fault.TIMEOUT_AFTER: ["CHARGE no_answer", "LOOKUP approved"],
        Fault.TIMEOUT_BEFORE: ["CHARGE no_answer", "LOOKUP absent", "CHARGE approved"],
        Fault.LATE_COMMIT: ["CHARGE no_answer", "LOOKUP absent", "CHARGE rejected", "LOOKUP approved"],
        Fault.GARBAGE: ["CHARGE no_answer", "LOOKUP approved"],
        Fault.CUT_BODY: ["CHARGE no_answer", "LOOKUP approved"],
        Fault.WRONG_TYPE: ["CHARGE no_answer", "LOOKUP approved"],
    }
    for fault, expected in ends.items():
        with subtests.test(fault=fault):
            world = payu_world(runtime)
            add_fault(world, fault, OP.CHARGE)
            order = world.order()
            attempt = pay(world, order)
            assert world.states(order) == ("PAID", "CAPTURED")
            assert [f"{operation} {outcome}" for _, operation, _, outcome in lines(world, attempt)] == expected
            assert states(world, "payment") == ["captured"]
            assert world.violations() == []


def test_a_capture_is_queued_and_known_half_a_minute_later(runtime, subtests):
    for fault in (None, Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER):
        with subtests.test(fault=fault):
            world = payu_world(runtime, capture="manual")
            order = world.order()
            attempt = pay(world, order)
            assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
            if fault is not None:
                add_fault(world, fault, OP.CAPTURE)
            world.capture(order, "100.00")
            send_all(world)
            assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
            for _ in range(3):
                world.advance(30)
                send_all(world)
            assert world.states(order) == ("PAID", "CAPTURED")
            assert world.get_attempt(attempt.attempt_id).captured_minor == 10_000
            assert states(world, "capture") == ["success"]
            assert world.violations() == []


def test_a_refund_is_queued_and_known_half_a_minute_later(runtime, subtests):
    for fault in (None, Fault.TIMEOUT_AFTER):
        with subtests.test(fault=fault):
            world = payu_world(runtime, refund_delay_seconds=5)
            order = world.order()
            pay(world, order)
            if fault is not None:
                add_fault(world, fault, OP.REFUND)
            world.refund(order, "100.00")
            world.advance(5)
            send_all(world)
            assert world.refunds(order)[0].state == "PENDING"
            world.advance(30)
            send_all(world)
            assert world.refunds(order)[0].state == "COMPLETED"
            [refund] = objects(world, "refund")
            assert (refund.amount_minor, refund.state) == (10_000, "success")
            assert world.violations() == []


def test_a_hold_is_released_and_what_was_captured_meanwhile_goes_back(runtime, subtests):
    ends = {None: ("cancelled", ["cancel"]), "499.00": ("captured", ["refund"]), "100.00": ("captured", ["refund"])}
    for captured, (state, kinds) in ends.items():
        with subtests.test(captured=captured):
            world = payu_world(runtime, capture="manual")
            order = world.order()
            attempt = pay(world, order)
            if captured is not None:
                world.capture(order, captured)
                send_all(world)
            with world.transaction() as sandbox:
                cancellation.cancel(sandbox, orders.by_id(sandbox, order.order_id))
            for _ in range(3):
                send_all(world)
                world.advance(30)
            assert world.states(order) == ("CANCELLED", "VOIDED")
            made = [kind for kind in ("cancel", "refund") for _ in objects(world, kind)]
            assert (states(world, "payment"), made) == ([state], kinds)
            back = objects(world, kinds[0])[0]
            assert back.amount_minor == (Money.parse(captured).minor if captured else 49_900)
            assert ("payu", "VOID", 1, "approved") in lines(world, attempt)
            assert world.violations() == []
