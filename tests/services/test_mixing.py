"""Several methods for one order: retries, what blocks them, and everybody at once."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.kernel.errors import Conflict
from mockpay.services.sellers import offers
from tests.factories import World, on_sqlite, run_concurrently
from tests.services.ledger import POOR, RICH, balances

VISA, BAD_CARD = "4111111111111111", "4000000000000002"


def instrument(world, what):
    made = {
        "upi": lambda: Upi("success@mockpay"),
        "bad upi": lambda: Upi("failure@mockpay"),
        "card": lambda: world.card(VISA),
        "bad card": lambda: world.card(BAD_CARD),
        "bank": lambda: NetBanking("MKS1"),
        "bad bank": lambda: NetBanking("MKF1"),
        "balance": lambda: Wallet(RICH),
        "bad balance": lambda: Wallet(POOR),
    }
    return made[what]()


def tried(world, order, *whats):
    return [str(world.pay_with(order, instrument(world, what)).state) for what in whats]


def refused(world, order, what="card"):
    with pytest.raises(Conflict) as caught:
        world.create_attempt_with(order, instrument(world, what))
    return caught.value.code


# --- one after the other


@pytest.mark.parametrize(
    ("first", "second"),
    [("bad upi", "card"), ("bad card", "balance"), ("bad balance", "bank"), ("bad bank", "upi"), ("bad card", "card")],
)
def test_a_failed_try_may_be_followed_by_another_method(world, first, second):
    order = world.order()
    assert tried(world, order, first, second) == ["FAILED", "CAPTURED"]
    assert world.states(order) == ("PAID", "FAILED", "CAPTURED")
    assert world.get_order(order).reason is None
    assert world.violations() == []


def test_all_methods_share_the_tries_of_an_order(runtime):
    world = World.new(runtime, max_attempts=4)
    order = world.order()
    tried(world, order, "bad upi", "bad card", "bad bank")
    assert world.get_order(order).state == "PENDING"
    tried(world, order, "bad balance")
    assert world.states(order) == ("FAILED", *["FAILED"] * 4)
    assert world.get_order(order).reason == "insufficient_wallet_balance"
    assert [one.method for one in world.attempts(order)] == ["upi", "card", "netbanking", "wallet"]
    assert refused(world, order) == "order.closed"


def test_the_last_try_may_still_succeed(runtime):
    world = World.new(runtime, max_attempts=3)
    order = world.order()
    assert tried(world, order, "bad upi", "bad card", "balance")[-1] == "CAPTURED"
    assert world.states(order)[0] == "PAID"


def test_a_paid_order_takes_nothing_more(world):
    order = world.order()
    tried(world, order, "card")
    assert {refused(world, order, what) for what in ("upi", "card", "bank", "balance")} == {"order.closed"}
    assert balances(world, RICH) == (0, 0)


@pytest.mark.parametrize("second", ["upi", "card", "bank", "balance"])
@pytest.mark.parametrize("first", ["upi", "card", "bank", "balance"])
def test_an_unknown_try_blocks_every_other_one(world, first, second):
    world.add_rule("noresponse", stage="gateway")
    order = world.order()
    assert tried(world, order, first) == ["UNKNOWN"]
    assert refused(world, order, second) == "attempt.live"
    assert len(world.attempts(order)) == 1
    with pytest.raises(Conflict) as caught:
        world.cancel(order)
    assert caught.value.code == "order.busy"
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "CAPTURED")
    assert world.violations() == []


@pytest.mark.parametrize("first", ["upi", "card", "bank", "balance"])
def test_an_unknown_try_that_is_found_failed_frees_the_next(world, first):
    world.add_rule("noresponsefail", stage="gateway")
    order = world.order()
    assert tried(world, order, first) == ["UNKNOWN"]
    world.advance(10)
    assert world.states(order) == ("PENDING", "FAILED")
    assert tried(world, order, "card") == ["CAPTURED"]
    assert world.violations() == []


def test_an_unknown_try_holds_its_order_beyond_the_time_to_pay(world):
    order = world.order(timeout_seconds=1)
    world.add_rule("noresponse", stage="gateway")
    tried(world, order, "card")
    world.advance(2)
    assert world.states(order) == ("PENDING", "UNKNOWN")
    world.advance_until_idle()
    assert world.states(order) == ("PAID", "CAPTURED")


def test_a_buyer_at_the_bank_cannot_pay_by_card_meanwhile(world):
    order = world.order()
    world.pay_with(order, NetBanking("HDFC"))
    assert refused(world, order) == "attempt.live"


def test_a_method_that_is_off_makes_no_try_and_leaves_the_others(world):
    order = world.order()
    with world.transaction() as sandbox:
        offers.change(sandbox, {"methods": {"wallet": {"enabled": False}}})
    assert refused(world, order, "balance") == "method.unavailable"
    assert world.states(order) == ("CREATED",)
    assert tried(world, order, "card") == ["CAPTURED"]
    assert world.get_order(order).attempt_count == 1


@on_sqlite
@pytest.mark.parametrize(
    ("patch", "what", "because"),
    [
        ({"methods": {"upi": {"max_amount": "498.99"}}}, "upi", "transaction_limit_exceeded"),
        ({"methods": {"card": {"min_amount": "499.01"}}}, "card", "amount_below_minimum"),
        ({"card_networks": {"Visa": False}}, "card", "card_network_not_enabled"),
        ({"banks": {"MKS1": {"enabled": False}}}, "bank", "bank_not_enabled"),
        ({"upi_collect": False}, "upi", "upi_collect_not_enabled"),
    ],
)
def test_what_is_not_offered_is_refused_with_its_reason(world, patch, what, because):
    order = world.order()
    with world.transaction() as sandbox:
        offers.change(sandbox, patch)
    with pytest.raises(Conflict) as caught:
        world.create_attempt_with(order, instrument(world, what))
    assert (caught.value.code, caught.value.detail["because"]) == ("method.unavailable", because)
    assert world.attempts(order) == []


# --- everybody at once

EVERYBODY = ("upi", "card", "bank", "balance", "upi", "card", "bank", "balance")


@pytest.mark.parametrize("round_", range(3))
def test_eight_methods_at_once_make_one_capture(world, round_):
    order = world.order()
    first = len(EVERYBODY) // 3 * round_  # another one is nearest to the gate each time
    instruments = [instrument(world, what) for what in EVERYBODY[first:] + EVERYBODY[:first]]
    got = run_concurrently(8, lambda index: world.pay_with(order, instruments[index]))
    errors = [one.code for one in got if isinstance(one, Exception)]
    assert set(errors) <= {"attempt.live", "order.closed"}
    world.advance(1)
    tries = world.attempts(order)
    assert [str(one.state) for one in tries].count("CAPTURED") == 1
    assert world.get_order(order).state == "PAID"
    assert len(errors) == 8 - len(tries)
    assert balances(world, RICH)[1] == 0
    assert world.violations() == []


def test_eight_bad_methods_at_once_use_up_no_more_tries_than_there_are(runtime):
    world = World.new(runtime, max_attempts=3)
    order = world.order()
    instruments = [instrument(world, f"bad {what}") for what in EVERYBODY]
    got = run_concurrently(8, lambda index: world.pay_with(order, instruments[index]))
    codes = {one.code for one in got if isinstance(one, Exception)}
    assert codes <= {"attempt.live", "order.closed", "order.attempts_used_up"}
    tries = world.attempts(order)
    assert 1 <= len(tries) <= 3
    assert {str(one.state) for one in tries} == {"FAILED"}
    assert [one.number for one in tries] == list(range(1, len(tries) + 1))
    assert world.violations() == []


def test_one_form_pressed_by_eight_hands_makes_one_payment(world):
    order, card = world.order(), world.card(VISA)
    got = run_concurrently(8, lambda _: world.pay_with(order, card))
    assert sum(not isinstance(one, Exception) for one in got) == 1
    assert world.states(order) == ("PAID", "CAPTURED")
