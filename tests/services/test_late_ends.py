"""The end of a try at the edge of its order's time, and ends that are made known late."""

import pytest
from msgspec.structs import replace

from mockpay.domain.methods.upi import Upi
from mockpay.domain.payments.gateways import Result, ResultKind
from mockpay.kernel.errors import Conflict
from mockpay.risk.assessment import Inputs
from mockpay.services.payments import payments, settlement
from tests.factories import GUEST_AT_PAGE, NOON, World


@pytest.mark.parametrize("moved", ["by advance", "by nobody yet"])
def test_a_millisecond_before_its_end_an_order_can_still_be_paid(world, moved):
    order = world.order(timeout_seconds=60)
    attempt = world.request_approval(order)
    _go(world, moved, order.expires_at - 1)
    assert world.approve(attempt).state == "CAPTURED"
    assert world.states(order) == ("PAID", "CAPTURED")


@pytest.mark.parametrize("moved", ["by advance", "by nobody yet"])
@pytest.mark.parametrize("beyond", [0, 1])
def test_at_its_end_and_after_it_an_order_takes_no_answer(world, moved, beyond):
    """Also where nobody has noticed yet that the time is over."""
    order = world.order(timeout_seconds=60)
    attempt = world.request_approval(order)
    _go(world, moved, order.expires_at + beyond)
    assert world.approve(attempt).state == "EXPIRED"
    world.advance(0)
    assert world.states(order) == ("EXPIRED", "EXPIRED")
    assert world.violations() == []


@pytest.mark.parametrize("moved", ["by advance", "by nobody yet"])
@pytest.mark.parametrize("beyond", [0, 1])
def test_at_its_end_and_after_it_an_order_takes_no_new_try(world, moved, beyond):
    order = world.order(timeout_seconds=60)
    _go(world, moved, order.expires_at + beyond)
    with pytest.raises(Conflict) as refused:
        world.create_attempt(order)
    assert refused.value.code == "order.closed"


@pytest.mark.parametrize(("early", "ends"), [(1, ("PAID", "CAPTURED")), (0, ("EXPIRED", "REVERSED"))])
def test_a_pending_try_that_resolves_at_the_edge(runtime, early, ends):
    world = World.new(runtime, upi_pending_seconds=30)
    order = world.order(timeout_seconds=30)
    world.set_clock(None, NOON - early)
    world.pay(order, "pendingok@mockpay")
    world.advance_until_idle()
    assert world.states(order) == ends
    assert world.violations() == []


def _go(world, moved, moment):
    if moved == "by advance":
        world.advance_to(moment)
    else:
        world.set_clock(None, moment)


# --- the end of a try, made known late


def test_money_captured_but_reported_as_failure_goes_back(world):
    order = world.order(amount="1703.08")
    world.pay(order, "asha@okbank")
    world.advance(10)
    assert world.states(order) == ("PAID", "CAPTURED")
    world.advance(4.999)
    assert world.states(order) == ("PAID", "CAPTURED")
    world.advance(0.001)
    assert world.states(order) == ("REFUNDED", "REVERSED")
    (attempt,) = world.attempts(order)
    assert world.get_order(order).refunded_minor == attempt.captured_minor == 170_308
    assert (attempt.captured.wire(), attempt.refundable.wire()) == ("1703.08", "0.00")
    assert world.violations() == []


@pytest.mark.parametrize(
    ("vpa", "code", "ends"),
    [
        ("pending@mockpay", "00", ("PAID", "CAPTURED")),
        ("pending@mockpay", "Z9", ("PENDING", "FAILED")),
        ("pending@mockpay", "reversed", ("PENDING", "REVERSED")),
        ("deemed@mockpay", "00", ("PAID", "CAPTURED")),
        ("deemed@mockpay", "U30", ("PENDING", "FAILED")),
        ("deemed@mockpay", "reversed", ("PENDING", "REVERSED")),
    ],
)
def test_a_try_without_an_end_is_settled(world, vpa, code, ends):
    order = world.order()
    attempt = world.pay(order, vpa)
    with world.transaction() as sandbox:
        assert settlement.settle(sandbox, attempt.attempt_id, code).state == ends[1]
    assert world.states(order) == ends
    assert world.violations() == []


@pytest.mark.parametrize("code", ["00", "U30", "reversed"])
@pytest.mark.parametrize("vpa", ["failure@mockpay", "success@mockpay"])
def test_settling_twice_changes_nothing_but_a_late_success_goes_back(world, vpa, code):
    order = world.order()
    attempt = world.pay(order, vpa)
    before = world.states(order)
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, code)
        settlement.settle(sandbox, attempt.attempt_id, code)
    late = vpa == "failure@mockpay" and code == "00"
    assert world.states(order) == (("PENDING", "REVERSED") if late else before)
    assert world.violations() == []


def test_a_cancelled_try_whose_money_came_after_all_goes_back(world):
    order = world.order()
    attempt = world.request_approval(order)
    world.cancel(order)
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, "00")
    assert world.states(order) == ("CANCELLED", "REVERSED")
    assert world.violations() == []


def test_a_gateways_second_answer_changes_nothing(world):
    order = world.order()
    attempt = world.pay(order)
    with world.transaction() as sandbox:
        payments.record_gateway_result(sandbox, attempt.attempt_id, Result(ResultKind.DECLINED, "U30"))
    assert world.states(order) == ("PAID", "CAPTURED")


# --- the timeline


JOURNEYS = {
    "success": lambda world, order: world.pay(order),
    "retry": lambda world, order: (world.pay(order, "z9@mockpay"), world.pay(order)),
    "cancel": lambda world, order: (world.request_approval(order), world.cancel(order)),
    "late": lambda world, order: (world.pay(order, "late@mockpay"), world.advance_until_idle()),
    "deemedfail": lambda world, order: (world.pay(order, "deemedfail@mockpay"), world.advance_until_idle()),
    "timeout": lambda world, order: (world.request_approval(order), world.advance_until_idle()),
    "sent back": lambda world, order: (world.pay(order), world.advance_until_idle()),
}


@pytest.mark.parametrize("journey", JOURNEYS)
def test_the_timeline_tells_every_step_without_a_gap(world, journey):
    order = world.order(amount="1703.08")
    JOURNEYS[journey](world, order)
    now: dict[tuple[str, str], str | None] = {}
    moment = 0
    for event in world.timeline(order):
        subject = (event.machine, event.subject)
        assert event.before == now.get(subject), event
        assert event.at >= moment, event
        now[subject], moment = event.after, event.at
    ends = {("order", order.order_id): str(world.get_order(order).state)}
    ends |= {("attempt", one.attempt_id): str(one.state) for one in world.attempts(order)}
    assert now == ends


def test_the_timeline_names_who_did_it_and_why(world):
    order = world.order()
    world.decline(world.request_approval(order))
    told = [(event.event, str(event.actor)) for event in world.timeline(order)]
    assert told == [
        ("opened", "seller"),
        ("attempt_started", "buyer"),
        ("chosen", "buyer"),
        ("auth_required", "sandbox"),
        ("auth_fail", "buyer"),
        ("attempt_failed", "sandbox"),
    ]
    failed = world.timeline(order)[4].facts
    assert (failed["code"], failed["reason"]) == ("ZA", "payment_declined")


@pytest.mark.parametrize(("late", "next_one"), [(False, "FAILED"), (True, "CAPTURED")])
def test_money_that_came_after_all_is_no_decline_to_the_risk_check(world, late, next_one):
    payer = replace(GUEST_AT_PAGE, inputs=Inputs(ip="192.0.2.5"))
    tries = [world.pay_with(world.order(f"O-{n}"), Upi("failure@mockpay"), payer) for n in range(5)]
    if late:
        with world.transaction() as sandbox:
            settlement.settle(sandbox, tries[0].attempt_id, "00")
    assert world.pay_with(world.order("O-6"), Upi("success@mockpay"), payer).state == next_one


def late(world, instrument=None, number="O-1", **wish):
    """A try that fails, and is known to have paid half a minute later."""
    world.add_rule("latesuccess")
    order = world.order(number, provider="razorpay", timeout_seconds=0, **wish)
    attempt = world.pay_with(order, instrument or Upi("success@mockpay"), GUEST_AT_PAGE)
    world.advance(10)
    assert world.get_attempt(attempt.attempt_id).state == "FAILED"
    return order, attempt


def test_a_company_may_take_a_success_that_comes_after_a_failure(world):
    order, attempt = late(world)
    assert world.get_attempt(attempt.attempt_id).reason == "payment_timed_out"
    world.advance(19)
    assert world.states(order) == ("PENDING", "FAILED")
    world.advance(1)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.get_attempt(attempt.attempt_id).failure is None
    assert world.violations() == []


@pytest.mark.parametrize("number", ["4111111111111111", "6527658900001005"])
def test_a_late_success_of_a_card_waits_for_its_capture_and_goes_back_without(world, number):
    order, _ = late(world, world.card(number), capture="manual", authorization_seconds=3_600)
    world.advance(30)
    assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
    world.advance(3_600)
    assert world.states(order) == ("EXPIRED", "VOIDED")
    assert world.violations() == []


def test_a_late_success_is_sent_back_where_a_later_try_has_paid_or_goes_on(world):
    order, _ = late(world)
    world.pay(order)
    assert world.states(order) == ("PAID", "FAILED", "CAPTURED")
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "REVERSED", "CAPTURED")
    order, _ = late(world, number="O-2")
    world.pay(order, "pending@mockpay")
    world.advance(30)
    assert world.states(order) == ("PENDING", "REVERSED", "PENDING")
    assert world.violations() == []


def test_other_companies_send_a_late_success_back(world):
    world.add_rule("latesuccess")
    order = world.order()
    world.pay_with(order, Upi("success@mockpay"), GUEST_AT_PAGE)
    world.advance(60)
    assert world.states(order) == ("PENDING", "REVERSED")
    assert world.violations() == []


def test_a_late_success_of_an_order_that_is_over_is_sent_back(world):
    world.add_rule("latesuccess")
    order = world.order(provider="razorpay", timeout_seconds=20)
    world.pay_with(order, Upi("success@mockpay"), GUEST_AT_PAGE)
    world.advance(60)
    assert world.states(order) == ("EXPIRED", "REVERSED")
    assert world.violations() == []
