"""What follows each step of an order and of an attempt, by where it comes from and where it leads."""

import pytest

from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.orders import CLOSED_UNPAID, OPEN, ORDER, OrderState
from mockpay.domain.payments.attempts import ATTEMPT, TERMINAL, AttemptState, Stage
from mockpay.kernel.errors import NotFound
from mockpay.otp import challenges, otp_table
from mockpay.otp.rules import OtpState, Purpose
from mockpay.services.payments import authentication, settlement
from mockpay.services.payments import transitions as transitions_of
from mockpay.services.payments.transitions import ATTEMPTS, ORDERS
from mockpay.store import schedule
from mockpay.threeds import acs, requestor, threeds_table
from tests.factories import GUEST_AT_PAGE, World, on_sqlite
from tests.services.ledger import balances, by_balance, payable, top_up

_S = AttemptState
#: From here on a balance may be held.
SUBMITTED = {_S.PROCESSING, _S.PENDING, _S.UNKNOWN, _S.AUTHORIZED}
END = {"record_risk_outcome", "shred_secret", "put_rules_back"}


def steps_of(transitions, machine):
    """State, event, next state and what follows, of each step."""
    assert set(transitions.follow_ups) == {event for _, event in machine.table}
    for (state, event), to in machine.table.items():
        yield state, event, to, {follow_up.__name__ for follow_up in transitions.follow_ups[event]}


def test_the_end_of_an_attempt_is_known_to_the_risk_check_and_costs_it_its_card():
    for state, event, to, names in steps_of(ATTEMPTS, ATTEMPT):
        ends = to in TERMINAL and state not in TERMINAL
        assert names & END == (END if ends else {"record_risk_outcome"} if event == "late_success" else set()), event


def test_a_balance_is_captured_released_or_given_back():
    for state, event, to, names in steps_of(ATTEMPTS, ATTEMPT):
        assert ("capture_hold" in names) is (to is _S.CAPTURED), event
        assert ("release_hold" in names) is (state in SUBMITTED and to in TERMINAL - {_S.CAPTURED}), event
        assert ("return_to_balance" in names) is (state is _S.CAPTURED), event
        assert ("cancel_pending_capture" in names) is (event == "void"), event


def test_a_method_is_saved_once_it_was_authorised():
    for state, event, to, names in steps_of(ATTEMPTS, ATTEMPT):
        authorised = to in {_S.AUTHORIZED, _S.CAPTURED} and state is not _S.AUTHORIZED
        assert ("save_method" in names) is authorised, event


def test_whoever_was_asked_is_asked_no_more():
    for state, event, to, names in steps_of(ATTEMPTS, ATTEMPT):
        assert "end_authentication" in names or state is not _S.AUTH_PENDING, event
        assert "end_review" in names or state is not _S.RISK_REVIEW, event
        assert not names & {"end_authentication", "end_review"} or state not in SUBMITTED | {to}, event


def test_the_seller_hears_of_each_end_of_an_order_and_nothing_waits_for_it():
    for state, event, to, names in steps_of(ORDERS, ORDER):
        assert ("notify_seller" in names) is (to in CLOSED_UNPAID | {OrderState.PAID} and "refund" not in event), event
        assert ("cancel_expiry" in names) is (state in OPEN and to not in OPEN and event != "timeout"), event
        held = state is OrderState.AUTHORIZED and event != "auth_expired"
        assert ("cancel_authorization_expiry" in names) is held, event


def test_steps_and_waiting_events_are_stored_under_their_own_names():
    for transitions, table, subject in [(ORDERS, "orders", "order_id"), (ATTEMPTS, "attempts", "attempt_id")]:
        assert (transitions.mapper.table.name, transitions.subject) == (table, subject)
    orders = (transitions_of.ORDER_EXPIRY, transitions_of.AUTHORIZATION_EXPIRY)
    assert orders == ("order.expire", "order.auth_expire")
    attempts = (transitions_of.ANSWER, transitions_of.TIMEOUT, transitions_of.REVIEW, transitions_of.CAPTURE)
    assert attempts == ("attempt.answer", "attempt.timeout", "attempt.review", "attempt.capture")


@on_sqlite
def test_what_comes_after_the_last_try_waits_for_it(world):
    for stage, outcome in [("redirect", "bad_signature"), ("ipn", "doubled"), ("verify", "stale")]:
        world.add_rule(outcome, stage)
        order = world.order(stage)
        failed = world.pay(order, "failure@mockpay")
        assert failed.scenario is not None
        world.advance(5)
        world.pay(order)
        first, second = world.attempts(order)
        assert [attempt.plan.decides(Stage(stage)) for attempt in (first, second)] == [False, True], stage
        assert first.plan.decides(Stage.ISSUER)
        assert (first.scenario, first.updated_at) == (first.plan.scenario, failed.updated_at)


def withdrawn(world, order, attempt):
    """The attempt after its order was cancelled; nothing waits for it."""
    with world.read() as sandbox:
        assert [event.kind for event in schedule.waiting_of(sandbox, attempt.attempt_id)] != []
    world.cancel(order)
    with world.read() as sandbox:
        assert schedule.waiting_of(sandbox, attempt.attempt_id) == []
    return world.get_attempt(attempt.attempt_id)


@on_sqlite
def test_a_request_in_an_app_is_withdrawn_with_its_order(world):
    order = world.order()
    attempt = world.pay(order, "asha@okbank")
    assert withdrawn(world, order, attempt).state is _S.CANCELLED


@on_sqlite
def test_a_code_is_worth_nothing_once_its_order_is_cancelled(world):
    order = world.order(amount="5000.01")
    attempt = world.start(order, Wallet("rich@buyers.mockpay.test")).attempt
    with world.read() as sandbox:
        challenge = challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id)
    withdrawn(world, order, attempt)
    with world.read() as sandbox:
        assert otp_table.find(sandbox, challenge.challenge_id).challenge.state is OtpState.CANCELLED


@on_sqlite
def test_an_order_whose_code_is_over_is_cancelled_all_the_same(world):
    order = world.order(amount="5000.01")
    attempt = world.start(order, Wallet("rich@buyers.mockpay.test")).attempt
    world.advance(620)
    with world.read() as sandbox:
        assert challenges.active(sandbox, Purpose.PAYMENT, attempt.attempt_id) is None
    assert withdrawn(world, order, attempt).state is _S.CANCELLED


@on_sqlite
def test_an_issuers_challenge_is_worth_nothing_once_its_order_is_cancelled(world):
    order = world.order()
    attempt = world.start(order, world.card("4111111111111111")).attempt
    with world.transaction() as sandbox:
        authentication.ask_issuer(sandbox, attempt, GUEST_AT_PAGE.checkout.browser, "Y")
        txn = threeds_table.latest(sandbox, attempt.attempt_id)
        acs.open_challenge(sandbox, txn.acs_token, requestor.creq(txn), txn.session_data)
    with world.read() as sandbox:
        txn = threeds_table.latest(sandbox, attempt.attempt_id)
        assert [event.kind for event in schedule.waiting_of(sandbox, txn.txn_id)] == ["threeds.timeout"]
    withdrawn(world, order, attempt)
    with world.read() as sandbox:
        assert schedule.waiting_of(sandbox, txn.txn_id) == []
        assert otp_table.find(sandbox, txn.otp_challenge_id).challenge.state is OtpState.CANCELLED


@on_sqlite
def test_a_failure_is_told_in_the_timeline_once_by_code_reason_and_method(world):
    order = world.order()
    attempt = world.pay(order, "failure@mockpay")
    code, reason = attempt.failure.code, attempt.failure.reason
    told = [line.facts for line in world.timeline(order) if "reason" in line.facts and line.machine == "attempt"]
    assert [{name: facts[name] for name in ("code", "reason", "method")} for facts in told] == [
        {"code": code, "reason": reason, "method": "upi"}
    ]
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, "00")
    late = world.timeline(order)[-1]
    assert (late.event, "reason" in late.facts) == ("late_success", False)


@on_sqlite
def test_what_is_not_there_is_refused_by_its_noun(world):
    for get, unknown, noun in [
        (transitions_of.get_order, 10**9, "order"),
        (transitions_of.get_attempt, "x", "attempt"),
    ]:
        with pytest.raises(NotFound) as refused, world.read() as sandbox:
            get(sandbox, unknown)
        assert refused.value.code == f"{noun}.not_found"


@on_sqlite
def test_a_balance_pays_what_is_captured_and_has_the_rest_again(runtime):
    world = World.new(runtime, capture="manual")
    top_up(world, 100_000)
    kept, part, void = world.order("ALL", "100.00"), world.order("PART", "100.00"), world.order("NONE", "100.00")
    for order in (kept, part, void):
        assert by_balance(world, order).state == "AUTHORIZED"
    assert balances(world) == (70_000, 30_000)
    world.capture(kept)
    world.capture(part, "40.00")
    world.cancel_by_seller(void)
    assert (balances(world), payable(world)[0]) == ((86_000, 0), 14_000)
    other = world.order("UPI", "100.00")
    assert world.pay(other).state == "AUTHORIZED"
    world.capture(other)
    assert (balances(world), world.violations()) == ((86_000, 0), [])
