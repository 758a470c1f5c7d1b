"""Authorise now, capture later: by hand, by itself, in part, or not at all."""

import json

import pytest

from mockpay.delivery.clock import Until
from mockpay.kernel.clock import DAY
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.store import schedule
from tests.factories import IPN_URL, NOON, SECOND, World, on_sqlite, run_concurrently
from tests.services.ledger import balances, by_balance, payable, top_up


@pytest.fixture
def by_hand(runtime):
    return World.new(runtime, capture="manual", ipn_url=IPN_URL)


def authorised(world, amount="499.00", number="O-1"):
    order = world.order(number, amount)
    world.pay(order)
    assert world.states(order) == ("AUTHORIZED", "AUTHORIZED")
    return order


def refused(code, act, *args):
    with pytest.raises(Conflict) as error:
        act(*args)
    assert error.value.code == code


def test_money_is_authorised_and_nothing_is_notified_until_it_is_captured(by_hand):
    order = authorised(by_hand)
    assert by_hand.attempts(order)[0].captured_minor == 0
    assert by_hand.notifications(order) == []
    assert by_hand.violations() == []
    captured = by_hand.capture(order)
    assert captured.state == "PAID"
    assert by_hand.states(order) == ("PAID", "CAPTURED")
    assert by_hand.attempts(order)[0].captured_minor == 49_900
    (told,) = by_hand.notifications(order)
    assert told.facts["completed"]
    assert by_hand.violations() == []


@on_sqlite
def test_an_orders_own_request_says_who_captures_whatever_the_seller_does(by_hand, runtime):
    by_itself = by_hand.order("O-2", capture="auto")
    by_hand.pay(by_itself)
    assert by_hand.states(by_itself) == ("PAID", "CAPTURED")
    automatic = World.new(runtime)
    held = automatic.order("O-3", capture="manual")
    automatic.pay(held)
    assert automatic.states(held) == ("AUTHORIZED", "AUTHORIZED")
    assert automatic.capture(held).state == "PAID"


def test_the_time_to_pay_is_over_once_the_money_is_secured(by_hand):
    order = authorised(by_hand)
    by_hand.advance(10_000)
    assert by_hand.get_order(order).state == "AUTHORIZED"
    assert by_hand.capture(order).state == "PAID"


def waiting(world):
    with world.read() as sandbox:
        return [event.kind for event in schedule.due(sandbox, sandbox.now + 365 * DAY, 100)]


def test_secured_money_waits_for_the_end_of_its_hold_alone_and_captured_money_for_nothing(by_hand):
    order = authorised(by_hand)
    assert waiting(by_hand) == ["order.auth_expire"]
    by_hand.capture(order)
    assert waiting(by_hand) == []


def test_a_released_hold_waits_for_no_pending_capture(by_hand):
    order = authorised(by_hand, "1708.01")
    by_hand.capture(order)
    assert waiting(by_hand) == ["attempt.capture", "order.auth_expire"]
    by_hand.cancel_by_seller(order)
    assert waiting(by_hand) == []


def test_a_hold_that_nobody_captures_expires(runtime):
    world = World.new(runtime, capture="manual", authorization_seconds=600, ipn_url=IPN_URL)
    order = authorised(world)
    world.advance(599)
    assert world.get_order(order).state == "AUTHORIZED"
    world.advance(1)
    assert world.states(order) == ("EXPIRED", "VOIDED")
    assert world.get_order(order).reason == "authorization_expired"
    (told,) = world.notifications(order)
    assert (told.facts["completed"], told.facts["reason"]) == (False, "authorization_expired")
    refused("capture.not_authorized", world.capture, order)
    assert world.violations() == []


def test_the_usual_hold_is_five_days(by_hand):
    order = authorised(by_hand)
    by_hand.advance(5 * 86_400 - 1)
    assert by_hand.get_order(order).state == "AUTHORIZED"
    by_hand.advance(1)
    assert by_hand.get_order(order).state == "EXPIRED"


@pytest.mark.parametrize("how", ["paid", "failed", "cancelled", "expired"])
def test_only_what_is_authorised_is_captured(world, how):
    order = world.order()
    refused("capture.not_authorized", world.capture, order)
    world.end(order, how)
    refused("capture.not_authorized", world.capture, order)


def test_it_is_captured_once_however_many_ask(by_hand):
    order = authorised(by_hand)
    got = run_concurrently(8, lambda _: by_hand.capture(order))
    assert [one.state for one in got if not isinstance(one, Exception)] == ["PAID"]
    assert {one.code for one in got if isinstance(one, Exception)} == {"capture.not_authorized"}
    assert len(by_hand.notifications(order)) == 1
    assert by_hand.violations() == []


def test_capture_and_cancel_at_once_have_one_winner(by_hand):
    order = authorised(by_hand)
    verbs = [by_hand.capture, by_hand.cancel_by_seller] * 3
    run_concurrently(len(verbs), lambda n: verbs[n](order))
    by_hand.advance_until_idle()
    assert by_hand.get_order(order).state in {"CANCELLED", "REFUNDED"}
    assert by_hand.violations() == []


def test_a_pending_capture_is_done_by_the_clock_and_asked_for_once(by_hand):
    order = authorised(by_hand, "1708.01")
    assert by_hand.capture(order).state == "AUTHORIZED"
    refused("capture.pending", by_hand.capture, order)
    by_hand.advance(29.999)
    assert by_hand.get_order(order).state == "AUTHORIZED"
    by_hand.advance(0.001)
    assert by_hand.states(order) == ("PAID", "CAPTURED")
    assert by_hand.violations() == []


def test_a_hold_that_expires_before_its_pending_capture_keeps_nothing(runtime):
    world = World.new(runtime, capture="manual", authorization_seconds=10)
    order = authorised(world, "1708.01")
    world.capture(order)
    assert world.advance_until_idle().complete
    assert world.states(order) == ("EXPIRED", "VOIDED")
    assert world.violations() == []


def test_a_capture_by_hand_may_fail_too(by_hand):
    order = authorised(by_hand, "1708.02")
    assert by_hand.capture(order).state == "CANCELLED"
    assert by_hand.states(order) == ("CANCELLED", "VOIDED")
    assert by_hand.get_order(order).reason == "capture_failed"


def test_only_half_is_captured_notified_and_refunded(by_hand):
    order = authorised(by_hand, "1708.03")
    by_hand.capture(order)
    assert by_hand.attempts(order)[0].captured_minor == 85_401
    (told,) = by_hand.notifications(order)
    assert told.facts["amount"] == "854.01"
    refused("refund.exceeds_capture", by_hand.refund, order, "854.02")
    by_hand.refund(order, "854.01")
    by_hand.advance_to(Until.NEXT)
    assert by_hand.get_order(order).state == "REFUNDED"
    assert by_hand.violations() == []


@pytest.mark.parametrize(
    ("amount", "spent", "state"),
    [("1708.01", 170_801, "PAID"), ("1708.02", 0, "CANCELLED"), ("1708.03", 85_401, "PAID")],
)
def test_a_balance_gives_what_was_captured_and_keeps_the_rest(world, amount, spent, state):
    top_up(world, 200_000)
    order = world.order(amount=amount)
    by_balance(world, order)
    world.advance(30)
    assert world.get_order(order).state == state
    assert balances(world) == (200_000 - spent, 0)
    assert payable(world) == (spent, -200_000)
    assert world.violations() == []


def test_a_balance_that_is_held_by_an_authorisation_is_given_back_by_cancelling(by_hand):
    top_up(by_hand, 49_900)
    order = by_hand.order()
    by_balance(by_hand, order)
    assert balances(by_hand) == (0, 49_900)
    assert by_hand.violations() == []
    by_hand.cancel_by_seller(order)
    assert balances(by_hand) == (49_900, 0)
    assert by_hand.violations() == []


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        ({"State": "Closed", "ReasonCode": "ExpiredUnused", "ExpirationTimeInMins": 3}, "EXPIRED"),
        ({"State": "Closed", "ReasonCode": "AmazonClosed"}, "CANCELLED"),
    ],
)
def test_a_note_closes_an_authorisation(world, asked, state):
    order = world.order(seller_note=json.dumps({"SandboxSimulation": asked}))
    world.pay(order)
    world.advance(179)
    assert world.get_order(order).state == ("AUTHORIZED" if state == "EXPIRED" else "CANCELLED")
    world.advance(1)
    assert world.get_order(order).state == state
    assert world.now() == NOON + 180 * SECOND
    assert world.violations() == []


@pytest.mark.parametrize("how", ["manual", "pending"])
def test_money_reported_as_failure_goes_back_however_it_was_captured(runtime, how):
    world = World.new(runtime, capture="manual" if how == "manual" else "auto")
    if how == "pending":
        world.add_rule("pending", "capture")
    order = authorised(world, "1703.08")
    if how == "manual":
        world.capture(order)
    world.advance(30)
    world.advance_until_idle()
    assert world.states(order) == ("REFUNDED", "REVERSED")
    assert world.violations() == []


@on_sqlite
def test_a_part_is_captured_down_to_a_paisa_and_the_rest_released(by_hand):
    for part, rest in (("4.00", "495.00"), ("0.01", "498.99"), ("499.00", "0.00")):
        order = authorised(by_hand, number=part)
        by_hand.capture(order, part)
        (attempt,) = by_hand.attempts(order)
        assert (attempt.captured.wire(), attempt.refundable.wire()) == (part, part)
        steps = [event for event in by_hand.timeline(order) if event.event == "capture"]
        assert [step.machine for step in steps] == ["attempt", "order"]
        assert all(step.facts == {"amount": part, "released": rest} for step in steps)
        (told,) = by_hand.notifications(order)
        assert told.facts["amount"] == part
    assert by_hand.violations() == []


@on_sqlite
def test_no_more_than_is_authorised_and_no_less_than_a_paisa_is_captured(by_hand):
    order = authorised(by_hand)
    refused("capture.exceeds_authorization", by_hand.capture, order, "499.01")
    with pytest.raises(Invalid) as error:
        by_hand.capture(order, "0.00")
    assert error.value.code == "amount.too_small"
    assert by_hand.states(order) == ("AUTHORIZED", "AUTHORIZED")


def test_a_pending_capture_takes_the_part_that_was_asked_for(by_hand):
    order = authorised(by_hand, "1708.01")
    by_hand.capture(order, "4.00")
    by_hand.advance(30)
    assert by_hand.attempts(order)[0].captured_minor == 400
    assert by_hand.violations() == []


@on_sqlite
def test_of_a_paisa_half_is_a_paisa(by_hand):
    order = authorised(by_hand, "1708.03")
    by_hand.capture(order, "0.01")
    assert by_hand.attempts(order)[0].captured_minor == 1


@on_sqlite
def test_a_balance_gives_the_part_that_is_captured_and_keeps_the_rest(by_hand):
    top_up(by_hand, 49_900)
    order = by_hand.order()
    by_balance(by_hand, order)
    by_hand.capture(order, "4.00")
    assert balances(by_hand) == (49_500, 0)
    assert by_hand.violations() == []
