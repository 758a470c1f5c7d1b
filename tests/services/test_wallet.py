"""Amazon Pay balance: what a buyer has, and how an attempt's steps move it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockpay.domain.buyers import normal_email
from mockpay.domain.wallet import ledger
from mockpay.domain.wallet.ledger import JournalType, Kind
from mockpay.kernel.errors import Conflict, Invalid
from mockpay.services.payments.transitions import ATTEMPTS
from mockpay.services.wallet import balances as verbs
from mockpay.services.wallet import holds
from mockpay.store import wallet
from mockpay.store.transitions import step
from tests.factories import Actor, World, on_sqlite, run_concurrently
from tests.services.ledger import ASHA, POOR, RICH, balances, by_balance, payable, top_up


def test_a_payment_takes_the_money_from_the_buyer_to_the_seller(world):
    top_up(world, 100_000)
    order = world.order(amount="499.00")
    attempt = by_balance(world, order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert (attempt.method, attempt.instrument) == ("wallet", {"email": ASHA})
    assert balances(world) == (50_100, 0)
    assert payable(world) == (49_900, -100_000)
    assert world.violations() == []


@pytest.mark.parametrize(("owner", "has"), [(RICH, 15_000_000), (POOR, 1_000), (ASHA, 0)])
def test_a_sandbox_buyer_comes_with_an_opening_balance(world, owner, has):
    with world.read() as sandbox:
        assert verbs.balance(sandbox, owner).minor == has


def test_the_opening_balance_is_given_once(world):
    for number in ("A", "B"):
        by_balance(world, world.order(number), RICH)
    assert balances(world, RICH) == (15_000_000 - 2 * 49_900, 0)
    with world.read() as sandbox:
        assert verbs.balance(sandbox, RICH).minor == 15_000_000 - 2 * 49_900


def test_a_balance_that_is_too_small_fails_the_try_and_keeps_all_of_it(world):
    order = world.order()
    attempt = by_balance(world, order, POOR)
    assert world.states(order) == ("PENDING", "FAILED")
    assert (attempt.failure.code, attempt.reason) == ("51", "insufficient_wallet_balance")
    with world.read() as sandbox:
        assert verbs.balance(sandbox, POOR).minor == 1_000
    assert world.violations() == []


def test_the_whole_balance_can_be_spent_but_not_a_paisa_more(world):
    top_up(world, 49_900)
    assert by_balance(world, world.order("ALL")).state == "CAPTURED"
    assert balances(world) == (0, 0)
    assert by_balance(world, world.order("MORE", "1.00")).state == "FAILED"


@pytest.mark.parametrize("fault", ["noresponse", "noresponsefail"])
def test_what_is_unknown_is_held_until_it_is_known(world, fault):
    top_up(world, 49_900)
    world.add_rule(fault, stage="gateway")
    first = world.order("FIRST")
    assert by_balance(world, first).state == "UNKNOWN"
    assert balances(world) == (0, 49_900)
    assert by_balance(world, world.order("SECOND")).state == "FAILED"

    world.advance_until_idle()
    paid = fault == "noresponse"
    assert world.attempts(first)[0].state == ("CAPTURED" if paid else "FAILED")
    assert balances(world) == (0 if paid else 49_900, 0)
    assert world.violations() == []


def test_a_silent_gateway_does_not_hide_that_the_balance_is_too_small(world):
    world.add_rule("noresponse", stage="gateway")
    order = world.order()
    assert by_balance(world, order, POOR).failure.code == "51"
    world.advance_until_idle()
    assert world.attempts(order)[0].state == "FAILED"
    assert world.violations() == []


def test_money_that_was_told_as_failure_comes_back(world):
    top_up(world, 300_000)
    order = world.order(amount="1703.08")
    by_balance(world, order)
    assert balances(world) == (300_000 - 170_308, 0)
    world.advance_until_idle()
    assert world.states(order) == ("REFUNDED", "REVERSED")
    assert (balances(world), payable(world)) == ((300_000, 0), (0, -300_000))
    assert world.violations() == []


@pytest.mark.parametrize("outcome", ["failure", "frozen", "insufficient"])
def test_a_refusal_holds_nothing(world, outcome):
    top_up(world, 100_000)
    world.add_rule(outcome)
    assert by_balance(world, world.order()).state == "FAILED"
    assert balances(world) == (100_000, 0)


def test_a_refusal_is_told_as_planned_though_the_balance_is_too_small(world):
    top_up(world, 100_000)
    codes = []
    for number, owner in (("A", ASHA), ("B", POOR)):
        world.add_rule("failure")
        codes.append(by_balance(world, world.order(number), owner).failure.code)
    assert codes[0] == codes[1] != "51"


def test_the_same_journal_is_posted_once(world):
    assert top_up(world, 100)
    assert not top_up(world, 100)
    assert balances(world) == (100, 0)


def test_a_step_told_twice_moves_nothing_twice(world):
    top_up(world, 100_000)
    attempt = by_balance(world, world.order())
    with world.transaction() as sandbox:
        holds.capture_hold(sandbox, attempt)
    assert balances(world) == (50_100, 0)
    assert world.violations() == []


@pytest.mark.parametrize(("before", "event"), [("UNKNOWN", "found_failure"), ("UNKNOWN", "gave_up")])
def test_every_end_without_money_gives_the_hold_back(world, before, event):
    top_up(world, 100_000)
    world.add_rule("noresponse", stage="gateway")
    attempt = by_balance(world, world.order())
    assert (attempt.state, balances(world)) == (before, (50_100, 49_900))
    with world.transaction() as sandbox:
        step(sandbox, ATTEMPTS, attempt, event, Actor.ISSUER)
    assert balances(world) == (100_000, 0)


def test_buyers_of_two_sellers_have_nothing_in_common(world):
    other = World.new(world.runtime)
    top_up(world, 100_000)
    assert by_balance(other, other.order()).state == "FAILED"
    assert by_balance(world, world.order()).state == "CAPTURED"


def test_an_overdraft_leaves_no_trace_of_its_journal(world):
    top_up(world, 100)
    changes = ledger.moves(JournalType.HOLD, 101)
    with world.transaction() as sandbox:
        with pytest.raises(Conflict) as caught:
            wallet.post(sandbox, JournalType.HOLD, owner=ASHA, changes=changes, currency="INR", key="hold")
        assert caught.value.code == "wallet.insufficient"
        assert wallet.find(sandbox, "hold") is None
        assert wallet.balance(sandbox, ASHA, Kind.WALLET_HOLD) in {None, 0}
    assert balances(world) == (100, 0)
    assert world.violations() == []


@pytest.mark.parametrize(
    ("typed", "owner"),
    [(" Asha@Example.COM ", ASHA), ("a@b.c", "a@b.c"), (f"{'a' * 242}@example.com", f"{'a' * 242}@example.com")],
)
def test_an_email_names_its_owner_in_lower_case(typed, owner):
    assert normal_email(typed) == owner


def test_what_is_no_email_names_nobody(subtests):
    for typed in [
        "",
        "asha",
        "@example.com",
        "asha@",
        "asha@example",
        "a@b@c.d",
        "as ha@example.com",
        "ashā@example.com",
        "a\n@example.com",
        f"{'a' * 243}@example.com",
    ]:
        with subtests.test(typed=typed):
            with pytest.raises(Invalid) as caught:
                normal_email(typed)
            assert (caught.value.code, caught.value.detail["field"]) == ("email.invalid", "email")


def test_fifty_payments_at_once_spend_a_balance_exactly(world):
    """1,000.00 pay for ten orders of 100.00, whoever comes first."""
    top_up(world, 100_000)
    orders = [world.order(f"O-{number}", "100.00") for number in range(50)]
    got = run_concurrently(50, lambda index: by_balance(world, orders[index]))
    states = [attempt.state for attempt in got]
    assert sorted(map(str, states)) == ["CAPTURED"] * 10 + ["FAILED"] * 40
    assert (balances(world), payable(world)) == ((0, 0), (100_000, -100_000))
    assert world.violations() == []


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["top_up", "pay", "silent", "silent_failed", "spoilt", "quiet"]),
        st.sampled_from([ASHA, RICH, POOR]),
        st.integers(min_value=100, max_value=600_000),
    ),
    max_size=8,
)


@on_sqlite
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(moves=MOVES)
def test_whatever_buyers_do_the_ledger_is_sound(runtime, moves):
    world = World.new(runtime)
    for number, (what, owner, minor) in enumerate(moves):
        if what == "top_up":
            top_up(world, minor, owner, f"top-up {number}")
        elif what == "quiet":
            world.advance_until_idle()
        else:
            _pay(world, number, what, owner, minor)
        assert world.violations() == []
    world.advance_until_idle()
    assert [balances(world, owner)[1] for owner in (ASHA, RICH, POOR)] == [0, 0, 0]
    assert world.violations() == []
    assert _everything(world) == 0


def _pay(world, number, what, owner, minor):
    faults = {"silent": "noresponse", "silent_failed": "noresponsefail"}
    if what in faults:
        world.add_rule(faults[what], stage="gateway")
    if what == "spoilt":
        world.add_rule("failure_though_captured", stage="redirect")
    by_balance(world, world.order(f"O-{number}", f"{minor // 100}.{minor % 100:02d}"), owner)


def _everything(world):
    """Money is moved, never made."""
    return sum(payable(world)) + sum(sum(balances(world, owner)) for owner in (ASHA, RICH, POOR))
