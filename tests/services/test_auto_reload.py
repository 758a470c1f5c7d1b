"""Auto-reload: a balance below its threshold is filled from a saved card, within every limit, and once."""

import pytest

from mockpay.delivery import sender_pool as outbox_worker
from mockpay.domain.orders import OrderKind
from mockpay.domain.wallet.auto_reload import ReloadSettings
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.clock import DAY, parse_time, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.otp.rules import Verdict
from mockpay.services import buyers
from mockpay.services.payments import orders as order_service
from mockpay.services.sellers import accounts as sellers
from mockpay.services.sellers.accounts import Changes
from mockpay.services.wallet import corrections, reload_settings
from mockpay.store import auto_reloads, notifications
from mockpay.store import orders as order_rows
from mockpay.vault import saved_methods
from mockpay.vault.rules import RELOAD_TEXT, consent, consent_to
from tests.factories import run_concurrently
from tests.services.ledger import ASHA, balances, by_balance, top_up
from tests.services.reloads import (
    MINUTE,
    REFUSED,
    RELOAD,
    RELOAD_CAP,
    RELOAD_FAIL,
    adjust,
    ends,
    messages,
    order_of,
    reload_of,
    runs,
    save_card,
    settle,
    spend,
    switch_on,
    trigger,
)

# --- a run


def test_a_payment_that_lowers_the_balance_reloads_it(asha):
    assert spend(asha, "200.00").state == "CAPTURED"
    assert balances(asha) == (400_00, 0)
    assert (reload_of(asha).state, ends(asha)) == ("TRIGGERED", [("spend", "TRIGGERED", None)])
    settle(asha)
    assert balances(asha) == (1_400_00, 0)
    (run,) = runs(asha)
    assert (run.state, run.balance.minor, run.amount.minor) == ("SUCCEEDED", 400_00, 1_000_00)
    order = order_of(asha, run)
    assert (order.kind, order.state, order.provider, order.wallet_owner) == (OrderKind.RELOAD, "PAID", "", ASHA)
    (attempt,) = asha.attempts(order)
    assert (attempt.method, attempt.saved_token, attempt.auth, attempt.eci) == ("card", run.token, None, None)
    with asha.read() as sandbox:
        assert notifications.of_order(sandbox, order.order_pk) == []
    assert messages(asha) == ["reload.ahead", "reload.charged"]
    assert asha.violations() == []


def test_a_balance_at_its_threshold_is_left_alone(asha):
    spend(asha, "100.00")
    settle(asha)
    assert (balances(asha), runs(asha)) == ((500_00, 0), [])
    spend(asha, "1.00", "O-2")
    settle(asha)
    assert balances(asha) == (1_499_00, 0)


def test_whatever_lowers_a_balance_counts(asha):
    adjust(asha, "-101.00")
    settle(asha)
    assert ends(asha) == [("spend", "SUCCEEDED", None)]
    assert balances(asha) == (1_499_00, 0)


def test_switching_on_reloads_a_balance_that_is_low_already(world):
    top_up(world, 100_00)
    switch_on(world)
    settle(world)
    assert ends(world) == [("settings", "SUCCEEDED", None)]
    assert balances(world) == (1_100_00, 0)


def test_a_buyer_without_auto_reload_has_no_run(world):
    top_up(world, 600_00)
    spend(world, "200.00")
    settle(world)
    assert (runs(world), trigger(world), balances(world)) == ([], None, (400_00, 0))


def test_by_hand_it_runs_whatever_the_balance_is(asha):
    assert trigger(asha).cause == "manual"
    settle(asha)
    assert balances(asha) == (1_600_00, 0)


def test_one_run_is_under_way_at_a_time(asha):
    spend(asha, "200.00")
    spend(asha, "50.00", "O-2")
    trigger(asha)
    assert ends(asha) == [
        ("spend", "TRIGGERED", None),
        ("spend", "WAITED", "in_flight"),
        ("manual", "WAITED", "in_flight"),
    ]
    settle(asha)
    assert balances(asha) == (1_350_00, 0)
    assert asha.violations() == []


def test_a_spend_shortly_after_a_reload_waits_for_the_cool_down(asha):
    spend(asha, "200.00")
    settle(asha)
    asha.advance(299)
    spend(asha, "1000.00", "O-2")
    settle(asha)
    assert ends(asha)[1:] == [("spend", "WAITED", "cool_down")]
    assert balances(asha) == (400_00, 0)
    asha.advance(1)
    assert ends(asha)[2:] == [("retry", "SUCCEEDED", None)]
    assert balances(asha) == (1_400_00, 0)


def test_a_balance_that_is_low_after_its_reload_is_reloaded_again(asha):
    adjust(asha, "-600.00")
    with asha.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_cooldown_seconds": 60}))
    settle(asha)
    spend(asha, "800.00")
    assert balances(asha) == (200_00, 0)
    asha.advance(60)
    assert balances(asha) == (1_200_00, 0)
    assert ends(asha) == [("spend", "SUCCEEDED", None), ("spend", "WAITED", "cool_down"), ("retry", "SUCCEEDED", None)]


def test_a_balance_that_one_reload_does_not_lift_to_its_threshold_is_reloaded_until_it_is_there(world):
    switch_on(world, amount="200.00")
    for expected in (200_00, 400_00, 600_00, 600_00):
        settle(world)
        assert balances(world) == (expected, 0)
        world.advance(5 * MINUTE)


# --- failures


def test_three_failures_in_a_row_switch_it_off(world):
    top_up(world, 600_00)
    switch_on(world, save_card(world, REFUSED))
    spend(world, "200.00")
    settle(world)
    began = world.now()
    assert (reload_of(world).state, reload_of(world).next_allowed_at) == ("BACKOFF", began + 5 * MINUTE * 1000)
    world.advance(5 * MINUTE - 1)
    assert len(runs(world)) == 1
    world.advance(1)
    assert [run.until for run in runs(world)] == [began + 300_000, began + 300_000 + 1_800_000]
    world.advance(30 * MINUTE)
    assert ends(world) == [
        ("spend", "FAILED", "insufficient_funds"),
        ("retry", "FAILED", "insufficient_funds"),
        ("retry", "FAILED", "insufficient_funds"),
    ]
    off = reload_of(world)
    assert (off.state, off.failures, off.disabled_reason, off.next_allowed_at) == (
        "DISABLED_FAILURES",
        3,
        "failures",
        None,
    )
    assert messages(world) == ["reload.ahead", "reload.failed"] * 3 + ["reload.off"]
    spend(world, "100.00", "O-2")
    world.advance(3 * 3600)
    assert len(runs(world)) == 3
    assert [order_of(world, run).state for run in runs(world)] == ["FAILED"] * 3
    assert (balances(world), world.violations()) == ((300_00, 0), [])


def test_a_setting_says_how_many_failures_and_the_wait_grows_to_two_hours(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_max_failures": 5}))
    top_up(world, 600_00)
    switch_on(world, save_card(world, REFUSED))
    spend(world, "200.00")
    world.advance(DAY // 1000)
    waits = [(run.until - run.ended_at) // 60_000 for run in runs(world) if run.until]
    assert waits == [5, 30, 120, 120]
    assert reload_of(world).state == "DISABLED_FAILURES"


def test_a_success_forgets_the_failures(asha):
    asha.add_rule("51", match={"kind": "reload"}, times=2)
    spend(asha, "200.00")
    asha.advance(36 * MINUTE)
    assert [state for _, state, _ in ends(asha)] == ["FAILED", "FAILED", "SUCCEEDED"]
    assert (reload_of(asha).failures, reload_of(asha).state) == (0, "ON")


def test_it_comes_back_when_its_buyer_switches_it_on_again(world):
    top_up(world, 600_00)
    switch_on(world, save_card(world, REFUSED))
    spend(world, "200.00")
    world.advance(36 * MINUTE)
    again = switch_on(world, save_card(world))
    assert (again.state, again.failures, again.disabled_reason) == ("TRIGGERED", 0, None)
    settle(world)
    assert balances(world) == (1_400_00, 0)


def test_by_hand_nobody_waits_after_a_failure(asha):
    asha.add_rule("51", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    assert reload_of(asha).state == "BACKOFF"
    trigger(asha)
    settle(asha)
    assert balances(asha) == (1_400_00, 0)
    assert reload_of(asha).state == "ON"


def test_a_balance_that_is_high_again_needs_no_retry(asha):
    asha.add_rule("51", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    adjust(asha, "500.00")
    asha.advance(5 * MINUTE)
    assert (reload_of(asha).state, reload_of(asha).waits_for, len(runs(asha))) == ("ON", None, 1)


@pytest.mark.parametrize(
    ("outcome", "before", "state", "reason"),
    [
        ("pendingok", "CHARGING", "SUCCEEDED", None),
        ("pending", "CHARGING", "FAILED", "payment_timed_out"),
        ("deemed", "CHARGING", "SUCCEEDED", None),
        ("deemedfail", "CHARGING", "FAILED", "payment_failed"),
        ("timedout", "FAILED", "FAILED", "payment_timed_out"),
    ],
)
def test_an_answer_that_comes_late_ends_the_run_when_it_is_there(asha, outcome, before, state, reason):
    asha.add_rule(outcome, match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    assert runs(asha)[0].state == before
    asha.advance(16 * MINUTE)
    run = runs(asha)[0]
    assert (run.state, run.reason) == (state, reason)
    assert asha.violations() == []


def test_a_gateway_that_says_nothing_is_asked_until_it_knows(asha):
    asha.add_rule("noresponse", stage="gateway", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    assert (runs(asha)[0].state, balances(asha)) == ("CHARGING", (400_00, 0))
    asha.advance(60)
    assert (runs(asha)[0].state, balances(asha)) == ("SUCCEEDED", (1_400_00, 0))


def test_a_success_after_the_run_has_ended_is_sent_back(asha):
    asha.add_rule("late", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    asha.advance(15 * MINUTE)
    assert runs(asha)[0].reason == "payment_timed_out"
    asha.advance(10 * MINUTE)
    (attempt,) = asha.attempts(order_of(asha, runs(asha)[0]))
    assert attempt.state == "REVERSED"
    assert (balances(asha), asha.violations()) == ((1_400_00, 0), [])


def test_a_run_that_is_cancelled_is_no_failure(asha):
    asha.add_rule("pending", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    with asha.transaction() as sandbox:
        order_service.cancel(sandbox, order_rows.by_id(sandbox, runs(asha)[0].order_id))
    assert ends(asha) == [("spend", "CANCELLED", "payment_cancelled")]
    assert (reload_of(asha).state, reload_of(asha).failures) == ("ON", 0)
    assert (balances(asha), asha.violations()) == ((400_00, 0), [])


def test_a_reload_is_refunded_to_its_card(asha):
    trigger(asha)
    settle(asha)
    order = order_of(asha, runs(asha)[0])
    asha.refund(order, "1000.00")
    asha.advance(60)
    assert (asha.states(order), balances(asha), asha.violations()) == (("REFUNDED", "CAPTURED"), (600_00, 0), [])


# --- limits


def test_a_day_has_so_many_reloads_and_the_next_goes_on(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_cooldown_seconds": 0}))
    top_up(world, 600_00)
    switch_on(world, max_per_day=2)
    for _ in range(3):
        adjust(world, "-1000.00" if runs(world) else "-200.00")
        settle(world)
    assert ends(world)[2:] == [("spend", "WAITED", "max_per_day")]
    paused = reload_of(world)
    assert (paused.state, rfc3339(paused.next_allowed_at)) == ("PAUSED_CAP", "2026-11-21T18:30:00.000Z")
    assert messages(world)[-1] == "reload.paused"
    assert trigger(world).reason == "max_per_day"
    world.advance_to(parse_time("2026-11-21T18:29:59Z"))
    assert len(ends(world)) == 4
    world.advance(1)
    assert ends(world)[4:] == [("resumed", "SUCCEEDED", None)]
    assert (balances(world), world.violations()) == ((1_400_00, 0), [])


@pytest.mark.parametrize(
    ("cap", "until"), [("cap_day", "2026-11-21T18:30:00.000Z"), ("cap_month", "2026-11-30T18:30:00.000Z")]
)
def test_a_cap_of_ones_own_pauses_until_its_window_rolls(world, cap, until):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_cooldown_seconds": 0}))
    top_up(world, 600_00)
    switch_on(world, **{cap: "1999.99"})
    adjust(world, "-200.00")
    settle(world)
    if cap == "cap_month":
        world.advance(DAY // 1000)
    adjust(world, "-1000.00")
    settle(world)
    assert ends(world) == [("spend", "SUCCEEDED", None), ("spend", "WAITED", cap)]
    assert rfc3339(reload_of(world).next_allowed_at) == until
    world.advance_to(parse_time(until))
    assert ends(world)[2:] == [("resumed", "SUCCEEDED", None)]
    assert balances(world) == (1_400_00, 0)


def test_two_reloads_fit_into_a_cap_of_just_that(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_cooldown_seconds": 0}))
    top_up(world, 600_00)
    switch_on(world, cap_day="2000.00")
    for amount in ("-200.00", "-1000.00"):
        adjust(world, amount)
        settle(world)
    assert [state for _, state, _ in ends(world)] == ["SUCCEEDED", "SUCCEEDED"]


def test_a_limit_of_the_wallet_pauses_too(asha):
    with asha.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, own={"monthly_load_cap": 1_599_99})
    spend(asha, "200.00")
    settle(asha)
    assert ends(asha) == [("spend", "WAITED", "wallet_monthly_load_cap")]
    assert rfc3339(reload_of(asha).next_allowed_at) == "2026-11-30T18:30:00.000Z"
    asha.advance_to(parse_time("2026-11-30T18:30:00Z"))
    assert ends(asha)[1:] == [("resumed", "SUCCEEDED", None)]


@pytest.mark.parametrize(("limit", "minor"), [("balance_cap", 1_300_00), ("monthly_load_cap", 999_99)])
def test_a_limit_that_no_time_lifts_waits_for_the_next_spend(asha, limit, minor):
    with asha.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, own={limit: minor})
    spend(asha, "200.00")
    settle(asha)
    assert ends(asha) == [("spend", "WAITED", f"wallet_{limit}")]
    assert (reload_of(asha).state, reload_of(asha).next_allowed_at) == ("ON", None)
    with asha.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, own={"monthly_load_cap": None})
    spend(asha, "100.00", "O-2")
    settle(asha)
    assert (ends(asha)[1:], balances(asha)) == ([("spend", "SUCCEEDED", None)], (1_300_00, 0))


def test_a_frozen_balance_is_not_reloaded(asha):
    with asha.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, status=Status.FROZEN)
    adjust(asha, "-200.00")
    settle(asha)
    assert ends(asha) == [("spend", "WAITED", "wallet_frozen")]


@pytest.mark.parametrize(("limit", "end"), [("999.99", ("WAITED", "mandate_limit")), ("1000.00", ("SUCCEEDED", None))])
def test_what_may_be_charged_without_the_buyer_is_looked_at_again(asha, limit, end):
    with asha.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_mandate_limit": limit}))
    spend(asha, "200.00")
    settle(asha)
    assert ends(asha) == [("spend", *end)]


def test_a_limit_that_was_reached_while_the_card_was_charged_sends_the_money_back(asha):
    asha.add_rule("pendingok", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    with asha.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, own={"monthly_load_cap": 1_000_00})
    asha.advance(60)
    assert ends(asha) == [("spend", "FAILED", "wallet_monthly_load_cap")]
    assert order_of(asha, runs(asha)[0]).state == "REFUNDED"
    assert (reload_of(asha).state, reload_of(asha).failures) == ("PAUSED_CAP", 0)
    assert (balances(asha), asha.violations()) == ((400_00, 0), [])


# --- just in time


def test_a_payment_that_lacks_money_waits_for_its_reload(world):
    top_up(world, 600_00)
    switch_on(world, just_in_time=True)
    attempt = spend(world, "1600.00")
    assert (attempt.state, balances(world)) == ("PENDING", (600_00, 0))
    settle(world)
    assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"
    assert ends(world) == [("just_in_time", "SUCCEEDED", None), ("spend", "WAITED", "cool_down")]
    assert (balances(world), world.violations()) == ((0, 0), [])


def test_a_reload_that_fails_refuses_the_payment_that_waited(world):
    top_up(world, 600_00)
    switch_on(world, save_card(world, REFUSED), just_in_time=True)
    attempt = spend(world, "700.00")
    settle(world)
    after = world.get_attempt(attempt.attempt_id)
    assert (after.state, after.reason) == ("FAILED", "insufficient_wallet_balance")
    assert (balances(world), world.violations()) == ((600_00, 0), [])


@pytest.mark.parametrize(("amount", "settings"), [("1600.01", {"just_in_time": True}), ("700.00", {})])
def test_without_a_reload_that_suffices_nothing_waits(world, amount, settings):
    top_up(world, 600_00)
    switch_on(world, **settings)
    assert spend(world, amount).reason == "insufficient_wallet_balance"
    assert runs(world) == []


def test_a_frozen_balance_is_refused_at_once_whatever_it_lacks(world):
    top_up(world, 600_00)
    switch_on(world, just_in_time=True)
    with world.transaction() as sandbox:
        corrections.change_profile(sandbox, ASHA, status=Status.FROZEN)
    assert spend(world, "900.00").reason == "wallet_frozen"
    assert runs(world) == []


def test_a_payment_waits_for_a_reload_that_is_under_way(world):
    top_up(world, 600_00)
    switch_on(world, just_in_time=True)
    trigger(world)
    first, second = spend(world, "900.00"), spend(world, "800.00", "O-2")
    assert (first.state, second.state) == ("PENDING", "PENDING")
    settle(world)
    states = sorted(world.get_attempt(attempt.attempt_id).state for attempt in (first, second))
    assert states == ["CAPTURED", "FAILED"]
    assert len([run for run in runs(world) if run.order_id]) == 1
    assert world.violations() == []


def test_just_after_a_reload_no_payment_waits_for_another(world):
    top_up(world, 600_00)
    switch_on(world, just_in_time=True)
    trigger(world)
    settle(world)
    assert spend(world, "1700.00").reason == "insufficient_wallet_balance"
    assert ends(world)[1:] == [("just_in_time", "WAITED", "cool_down")]


def test_a_payment_whose_order_ended_while_it_waited_takes_nothing(world):
    top_up(world, 600_00)
    switch_on(world, just_in_time=True)
    order = world.order("O-1", "900.00")
    attempt = by_balance(world, order, ASHA)
    world.cancel(order)
    settle(world)
    assert world.get_attempt(attempt.attempt_id).state == "REVERSED"
    assert (balances(world), world.violations()) == ((1_600_00, 0), [])


# --- the saved method


@pytest.mark.parametrize("end", ["delete", "suspend", "deactivate"])
def test_it_ends_with_its_method(asha, end):
    reason = f"method_{end}d" if end != "suspend" else "method_suspended"
    with asha.transaction() as sandbox:
        buyer_id = buyers.by_email(sandbox, ASHA).buyer_id
        getattr(saved_methods, end)(sandbox, buyer_id, auto_reloads.find(sandbox, ASHA).settings.token)
    spend(asha, "200.00")
    settle(asha)
    assert ends(asha) == [("spend", "CANCELLED", reason)]
    off = reload_of(asha)
    assert (off.state, off.disabled_reason, messages(asha)) == ("OFF", reason, ["reload.off"])
    assert (balances(asha), asha.violations()) == ((400_00, 0), [])


def test_it_ends_with_an_expired_card(asha):
    asha.advance_to(parse_time("2029-08-31T18:30:00Z"))
    spend(asha, "200.00")
    settle(asha)
    assert ends(asha) == [("spend", "CANCELLED", "method_expired")]
    assert reload_of(asha).disabled_reason == "method_expired"


def test_what_a_seller_does_not_take_is_a_failure_without_an_order(asha):
    from mockpay.services.sellers import offers

    with asha.transaction() as sandbox:
        offers.change(sandbox, {"methods": {"card": {"enabled": False}}})
    spend(asha, "200.00")
    settle(asha)
    assert ends(asha) == [("spend", "FAILED", "method_unavailable")]
    assert (runs(asha)[0].order_id, asha.violations()) == (None, [])


def test_switched_off_nothing_runs_and_what_waited_is_taken_back(asha):
    spend(asha, "200.00")
    with asha.transaction() as sandbox:
        reload_settings.switch_off(sandbox, ASHA)
    settle(asha)
    assert ends(asha) == [("spend", "CANCELLED", "switched_off")]
    assert (reload_of(asha).state, balances(asha)) == ("OFF", (400_00, 0))
    assert trigger(asha) is None


def test_switched_off_while_the_card_is_charged_it_stays_off(asha):
    asha.add_rule("pendingok", match={"kind": "reload"}, times=1)
    spend(asha, "200.00")
    settle(asha)
    with asha.transaction() as sandbox:
        reload_settings.switch_off(sandbox, ASHA)
    asha.advance(60)
    assert (ends(asha), balances(asha)) == ([("spend", "SUCCEEDED", None)], (1_400_00, 0))
    assert (reload_of(asha).state, asha.violations()) == ("OFF", [])


# --- settings


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("amount", {"amount": "99.99"}),
        ("amount", {"amount": "15000.01"}),
        ("amount", {"threshold": "190000.00", "amount": "10000.01"}),
        ("threshold", {"threshold": "200000.01"}),
        ("max_per_day", {"max_per_day": 0}),
        ("max_per_day", {"max_per_day": 101}),
        ("cap_day", {"cap_day": "999.99"}),
        ("cap_month", {"cap_month": "999.99"}),
        ("token", {"token": "tok_nobodys"}),
    ],
)
def test_settings_that_could_never_work_are_refused_at_their_field(world, field, settings):
    save_card(world)
    with pytest.raises(Invalid) as caught:
        switch_on(world, **settings)
    assert (caught.value.code, caught.value.detail["field"]) == ("auto_reload.invalid", field)
    assert reload_of(world) is None


def test_the_limits_themselves_are_allowed(world):
    token = save_card(world)
    for settings in (
        {"amount": "100.00"},
        {"amount": "15000.00"},
        {"threshold": "190000.00", "amount": "10000.00"},
        {"threshold": "0.00", "max_per_day": 100},
        {"cap_day": "1000.00", "cap_month": "1000.00"},
    ):
        assert switch_on(world, token, **settings).enabled


def test_only_an_active_card_of_ones_own_can_be_charged(world):
    from mockpay.domain.methods.upi import Upi

    with world.transaction() as sandbox:
        buyer_id = buyers.ensure(sandbox, ASHA).buyer_id
        vpa = saved_methods.save(sandbox, buyer_id, Upi("asha@okhdfc"), consent(sandbox.now, "test", "upi")).token
    suspended, of_another = save_card(world), save_card(world, owner="ravi@example.com")
    with world.transaction() as sandbox:
        saved_methods.suspend(sandbox, buyer_id, suspended)
    for token in (vpa, suspended, of_another):
        with pytest.raises(Invalid) as caught:
            switch_on(world, token)
        assert caught.value.detail["field"] == "token"
    with world.read() as sandbox:
        assert reload_settings.usable_methods(sandbox, ASHA) == []


def test_an_expired_card_is_no_choice(world):
    token = save_card(world)
    world.advance_to(parse_time("2029-08-31T18:30:00Z"))
    with pytest.raises(Invalid) as caught:
        switch_on(world, token)
    assert caught.value.detail["field"] == "token"


def test_what_ends_with_the_method_of_a_reload_that_is_off_is_the_method_alone(asha):
    with asha.transaction() as sandbox:
        off = reload_settings.switch_off(sandbox, ASHA)
        reload_settings.end_with_method(sandbox, ASHA, off.settings.token, "method_suspended")
        reload_settings.refuse_in_use(sandbox, ASHA, off.settings.token)
    assert (reload_of(asha).state, reload_of(asha).disabled_reason) == ("OFF", None)


def test_changed_settings_hold_for_the_next_run_and_are_kept_in_the_history(asha):
    switch_on(asha, amount="2000.00")
    spend(asha, "200.00")
    with asha.transaction() as sandbox:
        reload_settings.switch_off(sandbox, ASHA)
    with asha.read() as sandbox:
        lines = auto_reloads.changes_page(sandbox, ASHA, None, 10).items[::-1]
    assert [(line.event, str(line.actor)) for line in lines] == [
        ("switched_on", "tester"),
        ("changed", "tester"),
        ("switched_off", "tester"),
    ]
    assert (lines[1].before["amount"], lines[1].after["amount"]) == ("1000.00", "2000.00")
    assert (lines[0].before, lines[2].after["enabled"]) == ({"enabled": False}, False)
    assert runs(asha)[0].amount == Money(2_000_00)


def request_change(world, amount="1000.00", agreed=True, token=None):
    settings = ReloadSettings(Money(500_00), Money.parse(amount), token or save_card(world))
    with world.transaction() as sandbox:
        buyer = buyers.ensure(sandbox, ASHA)
        accepted = consent_to(RELOAD_TEXT, sandbox.now, "127.0.0.1") if agreed else None
        return reload_settings.request_change(sandbox, buyer, settings, accepted)


def confirm(world, challenge, code="123456", owner=ASHA):
    with world.transaction() as sandbox:
        buyer = buyers.ensure(sandbox, owner)
        return reload_settings.confirm_change(sandbox, buyer, challenge.challenge_id, code)


def test_a_buyer_switches_it_on_by_a_code(world):
    challenge = request_change(world)
    assert reload_of(world) is None
    assert confirm(world, challenge, "111222") is Verdict.WRONG
    assert reload_of(world) is None
    assert confirm(world, challenge) is Verdict.VERIFIED
    assert (reload_of(world).state, reload_of(world).settings.amount) == ("TRIGGERED", Money(1_000_00))
    assert confirm(world, challenge) is Verdict.USED
    with world.read() as sandbox:
        assert reload_settings.requested(sandbox, ASHA, challenge.challenge_id) is None
        (line,) = auto_reloads.changes_page(sandbox, ASHA, None, 10).items
    assert (line.event, str(line.actor)) == ("switched_on", "buyer")


def test_a_code_confirms_the_newest_settings_of_its_own_buyer_only(world):
    first = request_change(world, "1000.00")
    second = request_change(world, "2000.00")
    assert confirm(world, first) is Verdict.USED
    assert confirm(world, second, owner="ravi@example.com") is Verdict.USED
    assert reload_of(world) is None
    assert confirm(world, second) is Verdict.VERIFIED
    assert reload_of(world).settings.amount == Money(2_000_00)


def test_without_consent_no_code_is_sent(world):
    with pytest.raises(Invalid) as caught:
        request_change(world, agreed=False)
    assert caught.value.code == "consent.required"


def test_a_method_that_ended_before_the_code_came_is_refused(world):
    token = save_card(world)
    challenge = request_change(world, token=token)
    with world.transaction() as sandbox:
        saved_methods.delete(sandbox, buyers.by_email(sandbox, ASHA).buyer_id, token)
    with pytest.raises(Invalid):
        confirm(world, challenge)
    assert reload_of(world) is None


# --- the sandbox buyers


def test_the_sandbox_buyers_have_what_they_stand_for(world):
    for owner in (RELOAD, RELOAD_FAIL, RELOAD_CAP):
        spend(world, "200.00", owner[:9], owner)
    settle(world)
    assert [ends(world, owner) for owner in (RELOAD, RELOAD_FAIL, RELOAD_CAP)] == [
        [("spend", "SUCCEEDED", None)],
        [("spend", "FAILED", "insufficient_funds")],
        [("spend", "WAITED", "cap_day")],
    ]
    assert [balances(world, owner) for owner in (RELOAD, RELOAD_FAIL, RELOAD_CAP)] == [
        (1_400_00, 0),
        (400_00, 0),
        (400_00, 0),
    ]
    assert trigger(world, RELOAD_CAP).reason == "cap_day"
    world.advance_to(parse_time("2026-11-21T18:30:00Z"))
    assert balances(world, RELOAD_CAP) == (1_400_00, 0)
    assert world.violations() == []


# --- at once


def test_spends_reloads_and_refunds_at_once_keep_the_ledger(world):
    with world.transaction() as sandbox:
        sellers.change(sandbox, Changes(settings={"reload_cooldown_seconds": 0, "risk_rules": {"VEL_CARD": "off"}}))
    top_up(world, 600_00)
    switch_on(world, max_per_day=100, just_in_time=True)
    paid = [world.order(f"P-{number}", "50.00") for number in range(4)]
    for order in paid:
        by_balance(world, order, ASHA)
    orders = [world.order(f"O-{number}", "150.00") for number in range(8)]

    def act(index):
        if index < 8:
            return by_balance(world, orders[index], ASHA)
        if index < 12:
            return world.refund(paid[index - 8], "50.00", f"R-{index}")
        return trigger(world) if index < 16 else outbox_worker.send_waiting(world.runtime, world.seller_id)

    results = run_concurrently(20, act)
    assert not [result for result in results if isinstance(result, Exception)]
    world.advance(60)
    charged = [run for run in runs(world) if run.order_id]
    assert charged
    assert {str(run.state) for run in charged} == {"SUCCEEDED"}
    spent = sum(attempt.captured_minor for order in orders for attempt in world.attempts(order))
    assert balances(world) == (600_00 + 1_000_00 * len(charged) - spent, 0)
    assert world.violations() == []


def test_however_many_begin_one_at_once_one_is_charged(asha):
    began = run_concurrently(10, lambda _: trigger(asha))
    assert sorted(str(run.state) for run in began) == ["TRIGGERED"] + ["WAITED"] * 9
    settle(asha)
    assert (balances(asha), asha.violations()) == ((1_600_00, 0), [])
