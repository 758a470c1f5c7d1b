"""Refunds: what is given back, when, once, and never more than was taken."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockpay.domain.refunds import WINDOW_MS
from mockpay.kernel.clock import DAY, SECOND, rfc3339
from mockpay.kernel.errors import Conflict, IllegalTransition, Invalid
from mockpay.kernel.money import Money
from mockpay.store import scenarios, schedule
from tests.factories import NOON, World, on_sqlite, run_concurrently
from tests.services.ledger import ASHA, balances, by_balance, payable, top_up


def paid(world, number="O-1", amount="499.00", **wish):
    order = world.order(number, amount, **wish)
    world.pay(order)
    assert world.states(order) == ("PAID", "CAPTURED")
    return order


def refused(code, act, *args, **wish):
    with pytest.raises((Conflict, Invalid)) as error:
        act(*args, **wish)
    assert error.value.code == code
    return error.value


def lines(world, refund):
    return [event.event for event in world.timeline_of(refund.refund_id)]


def test_a_refund_keeps_what_else_its_call_said(world):
    order = paid(world)
    world.refund(order, "1.00", facts={"receipt": "é"})
    assert [refund.facts for refund in world.refunds(order)] == [{"receipt": "é"}]


def test_a_refund_is_pending_first_and_completed_by_the_clock(world):
    order = paid(world)
    first = world.refund(order, "100.00")
    assert (first.state, first.due_at) == ("PENDING", NOON + 5 * SECOND)
    assert first.refund_id.startswith(f"{order.order_id}-R")
    assert first.refund_id.removeprefix(f"{order.order_id}-R").isdigit()
    assert len(first.refund_id) == len(order.order_id) + 8
    assert world.get_order(order).refunded_minor == 0
    world.advance(4.999)
    assert world.refunds(order)[0].state == "PENDING"
    world.advance(0.001)
    (done,) = world.refunds(order)
    assert (done.state, done.completed_at) == ("COMPLETED", NOON + 5 * SECOND)
    assert (done.bank_reference_kind, len(done.bank_reference)) == ("RRN", 12)
    assert (world.get_order(order).state, world.get_order(order).refunded_minor) == ("PARTIALLY_REFUNDED", 10_000)
    assert lines(world, done) == ["requested", "sent", "completed"]
    assert world.violations() == []


def test_the_rest_makes_it_refunded_and_a_rupee_more_is_refused(world):
    order = paid(world)
    world.refund(order, "100.00", "A")
    world.refund(order, "399.00", "B")
    refused("refund.exceeds_capture", world.refund, order, "1.00", "C")
    world.advance_until_idle()
    assert (world.get_order(order).state, world.get_order(order).refunded_minor) == ("REFUNDED", 49_900)
    refused("refund.exceeds_capture", world.refund, order, "1.00", "C")
    assert [one.reference for one in world.refunds(order)] == ["A", "B"]
    assert world.violations() == []


def test_the_same_request_is_the_same_refund_whatever_became_of_it(world):
    order = paid(world)
    first = world.refund(order, "499.00", note="why")
    again = world.request_refund(order, "499.00", note="why")
    assert (again.refund, again.answer_lost, again.early) == (first, False, False)
    world.advance_until_idle()
    again = world.refund(order, "499.00", note="why")
    assert (again.refund_id, again.state) == (first.refund_id, "COMPLETED")
    assert len(world.refunds(order)) == 1


@pytest.mark.parametrize("other", [{"amount": "100.01"}, {"note": "another"}, {"soft_descriptor": "SHOP"}])
def test_the_same_name_with_other_values_is_a_duplicate(world, other):
    order = paid(world)
    world.refund(order, "100.00")
    refused("refund.duplicate", world.refund, order, **{"amount": "100.00", **other})
    assert len(world.refunds(order)) == 1


def test_the_same_name_for_another_order_is_a_duplicate(world):
    world.refund(paid(world), "100.00")
    refused("refund.duplicate", world.refund, paid(world, "O-2"), "100.00")


def test_two_sellers_may_use_the_same_name(world, runtime):
    other = World.new(runtime)
    mine, theirs = world.refund(paid(world), "1.00"), other.refund(paid(other), "2.00")
    assert (mine.amount.minor, theirs.amount.minor) == (100, 200)


@pytest.mark.parametrize("how", ["failed", "cancelled", "expired", None])
def test_only_captured_money_is_refunded(world, how):
    order = world.order()
    if how:
        world.end(order, how)
    refused("refund.not_captured", world.refund, order, "1.00")
    assert world.refunds(order) == []


def test_an_authorised_order_has_nothing_to_refund(runtime):
    world = World.new(runtime, capture="manual")
    order = world.order()
    world.pay(order)
    refused("refund.not_captured", world.refund, order, "1.00")


def test_money_that_was_sent_back_by_itself_is_not_refunded_again(world):
    order = world.order(amount="1703.08")
    world.pay(order)
    world.advance_until_idle()
    assert world.states(order) == ("REFUNDED", "REVERSED")
    refused("refund.not_captured", world.refund, order, "1.00")


def test_a_seller_who_refunds_in_time_stops_the_sending_back(world):
    order = world.order(amount="1703.08")
    world.pay(order)
    world.refund(order, "3.08")
    world.advance_until_idle()
    assert world.states(order) == ("PARTIALLY_REFUNDED", "CAPTURED")
    assert world.violations() == []


@pytest.mark.parametrize(
    ("code", "wish"),
    [
        ("refund.invalid", {"key": ""}),
        ("refund.invalid", {"key": "x" * 33}),
        ("refund.invalid", {"key": "R 1"}),
        ("refund.invalid", {"key": "R-1\n"}),
        ("refund.invalid", {"key": "é"}),
        ("refund.invalid", {"note": "x" * 256}),
        ("refund.invalid", {"soft_descriptor": "x" * 17}),
        ("refund.currency", {"currency": "USD"}),
        ("amount.too_small", {"amount": "0.00"}),
        ("refund.exceeds_capture", {"amount": "499.01"}),
        ("simulation.invalid", {"note": '{"SandboxSimulation": {"State": "Nonsense"}}'}),
    ],
)
@on_sqlite
def test_what_no_refund_can_be_is_refused_and_leaves_nothing(world, code, wish):
    order = paid(world)
    refused(code, world.refund, order, **{"amount": "100.00", **wish})
    assert world.refunds(order) == []
    assert world.attempts(order)[0].refund_reserved_minor == 0
    world.refund(order, "499.00")


def test_the_longest_names_and_notes_are_taken(world):
    refund = world.refund(paid(world), "1.00", "x" * 32, note="é" * 255, soft_descriptor="y" * 16)
    assert (len(refund.note), len(refund.soft_descriptor)) == (255, 16)


def test_the_window_is_180_days_of_the_sellers_clock(world):
    order = paid(world)
    world.advance(WINDOW_MS // SECOND)
    assert world.refund(order, "1.00", "IN-TIME") is not None
    world.advance(1)
    refused("refund.window", world.refund, order, "1.00", "TOO-LATE")
    assert WINDOW_MS == 180 * DAY
    assert world.refund(order, "1.00", "IN-TIME").reference == "IN-TIME"


def test_a_declined_refund_gives_back_what_it_had_reserved(world):
    order = paid(world)
    world.refund(order, "24.02", "A")
    world.refund(order, "474.98", "B")
    refused("refund.exceeds_capture", world.refund, order, "1.00", "C")
    world.advance_until_idle()
    first, _ = world.refunds(order)
    assert (first.state, first.reason_code) == ("DECLINED", "REJECTED")
    assert (first.bank_reference, first.completed_at) == (None, None)
    assert world.get_order(order).state == "PARTIALLY_REFUNDED"
    assert world.refund(order, "24.00", "C").state == "PENDING"
    assert world.violations() == []


def test_a_held_refund_waits_for_a_tester(world):
    order = paid(world)
    refund = world.refund(order, "24.04")
    assert refund.held
    world.advance(30 * 86_400)
    assert world.refunds(order)[0].state == "PENDING"
    world.settle_refund(refund, "release")
    world.advance(0)
    assert world.refunds(order)[0].state == "COMPLETED"
    assert lines(world, refund) == ["requested", "sent", "held", "released", "completed"]


def test_nothing_is_scheduled_for_a_refund_while_a_tester_holds_it(world):
    refund = world.refund(paid(world), "100.00")

    def waiting():
        with world.read() as sandbox:
            return [(event.kind, event.due_at) for event in schedule.waiting_of(sandbox, refund.refund_id)]

    due = [("refund.settle", NOON + 5 * SECOND)]
    assert waiting() == due
    world.settle_refund(refund, "hold")
    assert waiting() == []
    world.settle_refund(refund, "release")
    assert waiting() == due


def test_a_refund_that_is_held_and_released_settles_when_it_was_due(world):
    order = paid(world)
    refund = world.refund(order, "100.00")
    world.settle_refund(refund, "hold")
    world.advance(2)
    world.settle_refund(refund, "release")
    world.advance(2.999)
    assert world.refunds(order)[0].state == "PENDING"
    world.advance(0.001)
    assert world.refunds(order)[0].state == "COMPLETED"
    assert world.violations() == []


def test_only_a_held_refund_is_released(world):
    refund = world.refund(paid(world), "100.00")
    refused("refund.not_held", world.settle_refund, refund, "release")


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(("how", "state"), [("complete", "COMPLETED"), ("decline", "DECLINED")])
def test_a_tester_ends_a_refund_and_the_clock_changes_nothing_more(world, how, state, held):
    order = paid(world)
    refund = world.refund(order, "24.04" if held else "100.00")
    world.settle_refund(refund, how)
    assert world.refunds(order)[0].state == state
    world.advance_until_idle()
    assert world.refunds(order)[0].state == state
    for verb in ("complete", "decline", "hold", "release"):
        with pytest.raises(IllegalTransition):
            world.settle_refund(refund, verb)
    assert world.violations() == []


def test_a_refund_planned_as_declined_may_be_completed_by_hand(world):
    order = paid(world)
    world.settle_refund(world.refund(order, "24.03"), "complete")
    (refund,) = world.refunds(order)
    assert (refund.state, refund.reason_code, refund.decline) == ("COMPLETED", None, None)
    assert world.violations() == []


def test_settling_by_polls_needs_that_many(runtime):
    world = World.new(runtime, refund_settle_polls=3)
    order = paid(world)
    refund = world.refund(order, "100.00")
    world.advance(86_400)
    assert [world.poll(refund).state for _ in range(4)] == ["PENDING", "PENDING", "COMPLETED", "COMPLETED"]
    declined = world.refund(order, "24.02", "D")
    assert [world.poll(declined).state for _ in range(3)] == ["PENDING", "PENDING", "DECLINED"]
    assert world.violations() == []


@pytest.mark.parametrize("outcome", ["completed", "delay:0"])
def test_a_scenario_that_says_when_goes_before_the_sellers_polls(runtime, outcome):
    world = World.new(runtime, refund_settle_polls=3)
    order = paid(world)
    world.add_rule(outcome, "refund")
    world.refund(order, "100.00")
    world.advance(0)
    assert world.refunds(order)[0].state == "COMPLETED"


def test_polls_do_not_count_while_a_tester_holds(world):
    order = paid(world)
    world.add_rule("polls:1", "refund")
    refund = world.refund(order, "100.00")
    world.settle_refund(refund, "hold")
    assert [world.poll(refund).state for _ in range(3)] == ["PENDING"] * 3
    assert world.refunds(order)[0].polls_left == 1
    world.settle_refund(refund, "release")
    world.advance(0)
    assert world.refunds(order)[0].state == "COMPLETED"


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        ("delay:30", 30),
        ("completed", 0),
        (f"at:{rfc3339(NOON + 60 * SECOND)}", 60),
        (f"at:{rfc3339(NOON - DAY)}", 0),
        ("success", 5),
    ],
)
@on_sqlite
def test_a_rule_says_when(world, outcome, seconds):
    order = paid(world)
    world.add_rule(outcome, "refund", match={"reference": "R-1"})
    assert world.refund(order, "100.00").state == "PENDING"
    world.refund(order, "100.00", "R-2", note='{"SandboxSimulation": {"State": "Pending", "Hold": true}}')
    world.advance_until_idle()
    done, other = world.refunds(order)
    assert (done.state, done.completed_at) == ("COMPLETED", NOON + seconds * SECOND)
    assert other.state == "PENDING"


def test_a_delay_of_nought_is_settled_at_the_same_moment(runtime):
    world = World.new(runtime, refund_delay_seconds=0)
    order = paid(world)
    world.refund(order, "100.00")
    world.advance(0)
    assert world.refunds(order)[0].completed_at == NOON


def test_a_throttled_request_uses_up_no_rule_and_is_throttled_once(world):
    order = paid(world)
    world.add_rule("throttled_once", "refund", times=1)
    world.add_rule("tripled", "ipn", times=1)
    assert world.refund(order, "100.00") is None
    with world.read() as sandbox:
        assert [rule.times for rule in scenarios.waiting(sandbox)] == [1, 1]
    assert world.refund(order, "100.00").plan.at("ipn").outcome == "tripled"
    with world.read() as sandbox:
        assert [rule for rule in scenarios.waiting(sandbox) if rule.times] == []
    assert world.refund(order, "100.00", "R-2").state == "PENDING"


def test_a_chargeback_gives_the_money_back_to_the_seller(world):
    order = paid(world)
    world.refund(order, "24.12", "A")
    world.refund(order, "474.88", "B")
    world.advance(5)
    assert (world.get_order(order).state, world.get_order(order).refunded_minor) == ("REFUNDED", 49_900)
    world.advance_until_idle()
    assert [one.state for one in world.refunds(order)] == ["REVERSED", "COMPLETED"]
    assert (world.get_order(order).state, world.get_order(order).refunded_minor) == ("PARTIALLY_REFUNDED", 47_488)
    world.refund(order, "24.11", "C")
    world.advance_until_idle()
    assert world.get_order(order).refunded_minor == 49_899
    assert world.violations() == []


def test_the_last_chargeback_makes_the_order_paid_again(world):
    order = world.order(amount="1705.12")
    world.pay(order)
    world.refund(order, "1705.12")
    world.advance_until_idle()
    assert (world.get_order(order).state, world.get_order(order).refunded_minor) == ("PAID", 0)
    assert world.violations() == []


# --- to a balance


def wallet_order(world, amount="499.00"):
    top_up(world, 100_000)
    order = world.order(amount=amount)
    by_balance(world, order)
    return order


def test_a_refund_to_a_balance_is_credited_when_it_completes(world):
    order = wallet_order(world)
    world.refund(order, "100.00", "A")
    assert balances(world) == (50_100, 0)
    world.advance_until_idle()
    assert balances(world) == (60_100, 0)
    (refund,) = world.refunds(order)
    assert (refund.bank_reference_kind, refund.bank_reference) == (None, None)
    world.refund(order, "399.00", "B")
    world.advance_until_idle()
    assert balances(world) == (100_000, 0)
    assert payable(world) == (0, -100_000)
    assert world.violations() == []


def test_a_full_refund_to_a_balance_leaves_a_sound_ledger(world):
    order = wallet_order(world)
    world.refund(order, "499.00")
    world.advance_until_idle()
    assert balances(world) == (100_000, 0)
    assert world.violations() == []


def test_a_chargeback_takes_the_credit_from_the_balance(world):
    order = wallet_order(world)
    world.refund(order, "24.12")
    world.advance(5)
    assert balances(world) == (52_512, 0)
    world.advance_until_idle()
    assert balances(world) == (50_100, 0)
    assert world.refunds(order)[0].state == "REVERSED"
    assert world.violations() == []


def test_a_chargeback_of_a_spent_balance_fails_and_moves_nothing(world):
    top_up(world, 49_900)
    order = world.order()
    by_balance(world, order)
    world.refund(order, "24.12")
    world.advance(5)
    assert balances(world) == (2_412, 0)
    by_balance(world, world.order("SPENT", "24.00"), ASHA)
    assert world.advance_until_idle().complete
    (refund,) = world.refunds(order)
    assert (refund.state, world.get_order(order).state) == ("COMPLETED", "PARTIALLY_REFUNDED")
    assert balances(world) == (12, 0)
    assert world.violations() == []


# --- at once


def test_fifty_refunds_at_once_never_give_back_more_than_was_captured(world):
    order = paid(world)
    got = run_concurrently(50, lambda n: world.refund(order, "20.00", f"R-{n}"))
    refusals = [one for one in got if isinstance(one, Exception)]
    assert len(got) - len(refusals) == 24
    assert {one.code for one in refusals} == {"refund.exceeds_capture"}
    assert world.attempts(order)[0].refund_reserved_minor == 48_000
    assert len({one.refund_id for one in world.refunds(order)}) == 24
    world.advance_until_idle()
    assert world.get_order(order).refunded_minor == 48_000
    assert world.violations() == []


def test_the_same_request_at_once_is_one_refund(world):
    order = paid(world)
    got = run_concurrently(20, lambda n: world.refund(order, "100.00"))
    assert len({one.refund_id for one in got}) == 1
    assert len(world.refunds(order)) == 1
    assert world.violations() == []


def test_a_clock_and_testers_at_once_end_a_refund_once(world):
    order = paid(world)
    refund = world.refund(order, "100.00")
    verbs = ["complete", "decline", "complete", "decline", "hold", "poll"]

    def act(index):
        verb = verbs[index]
        return world.poll(refund) if verb == "poll" else world.settle_refund(refund, verb)

    run_concurrently(len(verbs), act)
    (done,) = world.refunds(order)
    assert done.state in {"COMPLETED", "DECLINED"}
    ends = [name for name in lines(world, refund) if name in {"completed", "declined"}]
    assert len(ends) == 1
    assert world.violations() == []


@on_sqlite
def test_a_refund_without_delay_is_completed_a_second_before_it_is_taken_back(runtime):
    world = World.new(runtime, refund_delay_seconds=0)
    order = paid(world)
    world.refund(order, "24.12")
    world.advance(0.999)
    assert world.refunds(order)[0].state == "COMPLETED"
    world.advance(0.001)
    assert world.refunds(order)[0].state == "REVERSED"


@on_sqlite
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(total=st.integers(100, 20_000), cuts=st.sets(st.integers(1, 19_999), max_size=3))
def test_an_order_that_is_split_in_any_way_is_refunded_to_nothing(runtime, total, cuts):
    """The parts are down to 0.01; a paisa more than is left is refused at each of them."""
    world = World.new(runtime, magic_amounts=False, refund_delay_seconds=0)
    order = paid(world, amount=Money(total).wire())
    borders = [0, *sorted(cut for cut in cuts if cut < total), total]
    for start, end in pairwise(borders):
        refused("refund.exceeds_capture", world.refund, order, Money(total - start + 1).wire(), f"MORE-{start}")
        world.refund(order, Money(end - start).wire(), f"R-{start}")
    world.advance_until_idle()
    assert world.get_order(order).state == "REFUNDED"
    assert world.get_order(order).refunded_minor == total
    assert world.attempts(order)[0].refundable == Money(0)
    refused("refund.exceeds_capture", world.refund, order, "0.01", "ONE-MORE")
    assert world.violations() == []
