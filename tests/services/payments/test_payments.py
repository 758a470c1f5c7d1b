"""Trying to take an order's money, and making the end of a try known."""

import pytest

from mockpay.domain.payments.attempts import Failure
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict
from mockpay.services.payments import settlement
from mockpay.store import schedule
from tests.factories import NOON, World, run_concurrently

# --- one try


def test_a_paid_order_has_its_money_and_no_end_to_wait_for(world):
    order = world.order()
    attempt = world.pay(order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert (attempt.captured_minor, attempt.number, attempt.method) == (49_900, 1, "upi")
    assert (attempt.gateway, attempt.instrument["vpa"]) == ("simulator", "success@mockpay")
    assert len(attempt.reference) == 12
    assert world.get_order(order).attempt_count == 1
    with world.read() as sandbox:
        assert schedule.next_due(sandbox) is None
    assert world.violations() == []


def test_an_ordinary_upi_id_is_answered_after_a_while(runtime):
    world = World.new(runtime, upi_answer_seconds=20)
    order = world.order()
    attempt = world.request_approval(order, "asha@okbank")
    assert attempt.answer_by == NOON + 300 * SECOND
    world.advance(19)
    assert world.states(order) == ("PENDING", "AUTH_PENDING")
    world.advance(1)
    assert world.states(order) == ("PAID", "CAPTURED")


def test_without_a_upi_id_only_the_buyer_answers(world):
    order = world.order()
    attempt = world.request_approval(order)
    world.advance(299)
    assert world.states(order) == ("PENDING", "AUTH_PENDING")
    assert world.approve(attempt).state == "CAPTURED"


def test_a_request_that_nobody_answers_times_out_and_another_try_is_free(world):
    order = world.order()
    world.request_approval(order)
    world.advance(300)
    assert world.states(order) == ("PENDING", "EXPIRED")
    attempt = world.attempts(order)[0]
    unanswered = ("customer", "payment_authentication", "payment_collect_request_expired", "U69")
    assert attempt.failure == Failure(*unanswered)
    world.pay(order)
    assert world.states(order) == ("PAID", "EXPIRED", "CAPTURED")


def test_a_request_never_waits_beyond_its_order(world):
    attempt = world.request_approval(world.order(timeout_seconds=60))
    assert attempt.answer_by == NOON + 60 * SECOND


def test_a_second_answer_changes_nothing(world):
    attempt = world.request_approval(world.order())
    world.approve(attempt)
    assert world.decline(attempt).state == "CAPTURED"


def test_an_app_that_was_opened_waits_for_its_person(world):
    order = world.order()
    attempt = world.request_approval(order, "asha@okbank")
    with world.transaction() as sandbox:
        settlement.mark_app_opened(sandbox, attempt)
        settlement.mark_app_opened(sandbox, attempt)
    world.advance(60)
    assert world.states(order) == ("PENDING", "AUTH_PENDING")
    assert [event.event for event in world.timeline(order)].count("seen") == 1
    assert world.decline(attempt).failure.code == "ZA"


def test_an_approval_after_the_order_expired_is_sent_back(world):
    order = world.order(timeout_seconds=60)
    attempt = world.request_approval(order)
    with world.transaction() as sandbox:
        settlement.approve_after_expiry(sandbox, attempt.attempt_id)
    world.advance_until_idle()
    assert world.states(order) == ("EXPIRED", "REVERSED")
    assert world.now() == NOON + 61 * SECOND
    assert world.violations() == []


def test_an_approval_after_the_order_was_paid_does_not_touch_that_payment(world):
    order = world.order()
    attempt = world.request_approval(order)
    with world.transaction() as sandbox:
        settlement.approve_after_expiry(sandbox, attempt.attempt_id)
    world.advance(300)
    world.pay(order)
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "REVERSED", "CAPTURED")
    assert world.violations() == []


# --- one live try, and retries


@pytest.mark.parametrize("vpa", ["asha@okbank", "pending@mockpay", "deemed@mockpay", None])
def test_while_a_try_is_live_there_is_no_other(world, vpa):
    order = world.order()
    world.pay(order, vpa)
    before = world.states(order)
    with pytest.raises(Conflict) as refused:
        world.create_attempt(order, "success@mockpay")
    assert refused.value.code == "attempt.live"
    assert world.states(order) == before
    assert world.get_order(order).attempt_count == 1


def test_a_refused_try_uses_up_no_rule(world):
    order = world.order()
    world.request_approval(order)
    world.add_rule("frozen")
    with pytest.raises(Conflict):
        world.create_attempt(order)
    world.advance(300)
    assert world.pay(order).failure.code == "YE"


def test_a_failed_try_leaves_the_order_for_another_one(world):
    order = world.order()
    world.pay(order, "insufficient@mockpay")
    assert world.states(order) == ("PENDING", "FAILED")
    assert world.get_order(order).reason == "insufficient_funds"
    world.pay(order)
    assert world.states(order) == ("PAID", "FAILED", "CAPTURED")
    assert world.get_order(order).reason is None
    assert world.violations() == []


def test_the_last_of_the_tries_fails_the_order(runtime):
    world = World.new(runtime, max_attempts=3)
    order = world.order()
    for vpa in ("failure@mockpay", "declined@mockpay"):
        world.pay(order, vpa)
        assert world.get_order(order).state == "PENDING"
    world.pay(order, "invalid@mockpay")
    assert world.states(order) == ("FAILED", "FAILED", "FAILED", "FAILED")
    assert world.get_order(order).reason == "invalid_vpa"
    with pytest.raises(Conflict) as refused:
        world.create_attempt(order)
    assert refused.value.code == "order.closed"
    with world.read() as sandbox:
        assert schedule.next_due(sandbox) is None


def test_a_request_that_times_out_may_be_the_last_try(runtime):
    world = World.new(runtime, max_attempts=1)
    order = world.order()
    world.request_approval(order)
    world.advance(300)
    assert world.states(order) == ("FAILED", "EXPIRED")


def test_fewer_tries_than_were_made_already_leave_none(world):
    order = world.order()
    world.pay(order, "failure@mockpay")
    world.pay(order, "failure@mockpay")
    from mockpay.services.sellers.accounts import Changes, change

    with world.transaction() as sandbox:
        change(sandbox, Changes(settings={"max_attempts": 1}))
    with pytest.raises(Conflict) as refused:
        world.create_attempt(order)
    assert refused.value.code == "order.attempts_used_up"


@pytest.mark.parametrize("how", ["pay", "cancel", "expire"])
def test_a_closed_order_cannot_be_paid(world, how):
    order = world.order()
    {"pay": world.pay, "cancel": world.cancel, "expire": lambda _: world.advance(901)}[how](order)
    before = world.states(order)
    with pytest.raises(Conflict) as refused:
        world.create_attempt(order)
    assert refused.value.code == "order.closed"
    assert world.states(order) == before


@pytest.mark.parametrize("racers", ["one order", "one order each"])
def test_eight_threads_pay_at_once_and_every_order_is_paid_once(world, racers):
    orders = [world.order(f"O-{n}") for n in range(8 if racers == "one order each" else 1)]

    def pay(index):
        return world.pay(orders[index % len(orders)])

    got = run_concurrently(8, pay)
    refused = [one for one in got if isinstance(one, Exception)]
    assert len(refused) == 8 - len(orders)
    assert {one.code for one in refused} <= {"attempt.live", "order.closed"}
    for order in orders:
        assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


def test_two_sellers_pay_at_once_and_share_nothing(runtime):
    worlds = [World.new(runtime) for _ in range(4)]

    def live(index):
        world = worlds[index]
        world.add_rule("frozen", times=1)
        order = world.order("O-1", f"{index + 1}.00")
        world.pay(order, "asha@okbank")
        world.pay(order)
        world.advance(60 * (index + 1))
        return order

    orders = run_concurrently(4, live)
    for index, (world, order) in enumerate(zip(worlds, orders, strict=True)):
        assert world.states(order) == ("PAID", "FAILED", "CAPTURED")
        assert world.get_order(order).amount.minor == 100 * (index + 1)
        assert world.now() == NOON + 60 * SECOND * (index + 1)
        assert world.violations() == []
