"""Adjustments, gifts, reversals, limits and statuses of a wallet, and a ledger that the database keeps."""

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from mockpay.domain.buyers import Kyc
from mockpay.domain.wallet.gifts import Grant, spend
from mockpay.domain.wallet.ledger import JournalType
from mockpay.domain.wallet.limits import Status
from mockpay.kernel.clock import DAY, Mode, parse_time
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.services.sellers import accounts as sellers
from mockpay.services.wallet import balances as wallets
from mockpay.services.wallet import corrections, loads
from mockpay.services.wallet.corrections import Part
from mockpay.services.wallet.overview import overview
from mockpay.store import wallet
from mockpay.store.wallet import accounts, journals, postings
from tests.factories import World
from tests.services.ledger import ASHA, RICH, by_balance, top_up

MINKYC = "minkyc@buyers.mockpay.test"


def adjust(world, minor, part=Part.MONEY, owner=ASHA, **more):
    with world.transaction() as sandbox:
        return corrections.adjust(sandbox, owner, part, minor, **more)


def gift(world, minor, days=None, owner=ASHA):
    with world.read() as sandbox:
        expires_at = None if days is None else sandbox.now + days * DAY
    return adjust(world, minor, Part.GIFT, owner, expires_at=expires_at)


def has(world, owner=ASHA):
    """(money, gifts, on hold) in paise."""
    with world.read() as sandbox:
        figures = wallets.figures(sandbox, owner)
    return figures.money.minor, figures.gifts.minor, figures.on_hold.minor


def reverse(world, journal, owner=ASHA):
    with world.transaction() as sandbox:
        return corrections.reverse(sandbox, owner, journal.number)


def profile(world, owner=ASHA, **changes):
    with world.transaction() as sandbox:
        corrections.change_profile(sandbox, owner, **changes)


def refused(act, *args, **more):
    with pytest.raises((Conflict, Invalid, NotFound)) as caught:
        act(*args, **more)
    return caught.value.code


def test_an_adjustment_adds_and_takes(world):
    first = adjust(world, 500_00, note="a present")
    assert (first.type, first.change_minor, first.balance_after_minor, first.note) == (
        "ADJUST",
        500_00,
        500_00,
        "a present",
    )
    second = adjust(world, -200_00)
    assert (second.change_minor, second.direction, second.balance_after_minor) == (-200_00, "DEBIT", 300_00)
    assert has(world) == (300_00, 0, 0)
    assert refused(adjust, world, -300_01) == "wallet.insufficient"
    assert refused(adjust, world, 0) == "amount.invalid"
    assert has(world) == (300_00, 0, 0)
    assert world.violations() == []


def test_a_sandbox_buyer_is_adjusted_from_the_opening_balance(world):
    assert adjust(world, -100_00, owner=RICH).balance_after_minor == 1_49_900_00
    assert world.violations() == []


def test_gifts_are_spent_before_money_and_the_oldest_expiry_first(world):
    adjust(world, 100_00)
    gift(world, 30_00)
    gift(world, 20_00, days=9)
    gift(world, 10_00, days=2)
    by_balance(world, world.order("A", "25.00"))
    assert has(world) == (100_00, 35_00, 0)
    world.advance(2 * DAY // 1000)
    assert has(world) == (100_00, 35_00, 0), "the gift that expires was spent"
    world.advance(8 * DAY // 1000)
    assert has(world) == (100_00, 30_00, 0), "of the other one 5.00 were left"
    by_balance(world, world.order("B", "60.00"))
    assert has(world) == (70_00, 0, 0)
    assert world.violations() == []


def test_a_refund_brings_gifts_back_before_money(world):
    adjust(world, 100_00)
    gift(world, 40_00)
    order = world.order("A", "100.00")
    by_balance(world, order)
    assert has(world) == (40_00, 0, 0)
    world.refund(order, "30.00")
    world.advance(60)
    assert has(world) == (40_00, 30_00, 0)
    world.refund(order, "70.00", "R-2")
    world.advance(60)
    assert has(world) == (100_00, 40_00, 0)
    assert world.violations() == []


def test_what_is_not_captured_comes_back_money_first(world):
    world = World.new(world.runtime, capture="manual")
    adjust(world, 100_00)
    gift(world, 40_00)
    order = world.order("A", "100.00")
    by_balance(world, order)
    assert has(world) == (40_00, 0, 100_00)
    world.capture(order, "30.00")
    assert has(world) == (100_00, 10_00, 0)
    assert world.violations() == []


def test_a_hold_that_ends_without_money_gives_gifts_back_as_gifts(world):
    adjust(world, 100_00)
    gift(world, 40_00, days=1)
    world.add_rule("noresponsefail", stage="gateway")
    by_balance(world, world.order("A", "100.00"))
    assert has(world) == (40_00, 0, 100_00)
    world.advance_until_idle()
    assert has(world)[0] == 100_00
    assert world.violations() == []


def test_a_gift_that_comes_back_after_its_expiry_lives_another_thirty_days(world):
    gift(world, 100_00, days=1)
    order = world.order("A", "100.00")
    by_balance(world, order)
    world.advance(2 * DAY // 1000)
    world.refund(order, "100.00")
    world.advance(60)
    assert has(world) == (0, 100_00, 0)
    world.advance(29 * DAY // 1000)
    assert has(world) == (0, 100_00, 0)
    world.advance(2 * DAY // 1000)
    assert has(world) == (0, 0, 0)
    assert world.violations() == []


def test_a_chargeback_takes_back_what_the_refund_gave(world):
    adjust(world, 100_00)
    gift(world, 10_00)
    order = world.order("A", "100.00")
    by_balance(world, order)
    world.refund(order, "24.12")
    world.advance(6)
    assert has(world) == (10_00 + 14_12, 10_00, 0)
    world.advance(60)
    assert has(world) == (10_00, 0, 0)
    assert world.violations() == []


def test_gifts_can_be_taken_and_never_more_than_there_are(world):
    adjust(world, 100_00)
    gift(world, 10_00)
    assert refused(gift, world, -10_01) == "wallet.insufficient"
    gift(world, -4_00)
    assert has(world) == (100_00, 6_00, 0)
    assert world.violations() == []


def test_only_a_new_gift_expires_and_not_in_the_past(world):
    assert refused(gift, world, 100, days=0) == "expiry.invalid"
    assert refused(gift, world, -100, days=1) == "expiry.invalid"
    with world.read() as sandbox:
        later = sandbox.now + DAY
    assert refused(adjust, world, 100, expires_at=later) == "expiry.invalid"


def test_an_entry_is_reversed_once_by_a_second_one(world):
    first = adjust(world, 500_00)
    second = reverse(world, first)
    assert (second.type, second.reverses, second.change_minor) == ("REVERSAL", first.number, -500_00)
    assert has(world) == (0, 0, 0)
    assert refused(reverse, world, first) == "entry.reversed"
    assert refused(reverse, world, second) == "entry.not_reversible"
    assert world.violations() == []


def test_a_gift_is_reversed_as_a_gift(world):
    given = gift(world, 10_00, days=1)
    taken = gift(world, -4_00)
    assert refused(reverse, world, given) == "wallet.insufficient"
    reverse(world, taken)
    reverse(world, given)
    assert has(world) == (0, 0, 0)
    assert world.violations() == []


def test_what_a_payment_moved_and_what_is_anothers_cannot_be_reversed(world):
    first = adjust(world, 500_00)
    by_balance(world, world.order("A", "100.00"))
    with world.read() as sandbox:
        moved = wallet.mapper.all(sandbox.connection, journals.select())
    assert {refused(reverse, world, journal) for journal in moved if journal.type != "ADJUST"} == {
        "entry.not_reversible"
    }
    assert refused(reverse, world, first, RICH) == "entry.not_found"
    assert refused(reverse, World.new(world.runtime), first) == "entry.not_found"


def test_spent_money_cannot_be_reversed(world):
    first = adjust(world, 500_00)
    by_balance(world, world.order("A", "100.00"))
    assert refused(reverse, world, first) == "wallet.insufficient"
    assert world.violations() == []


def test_loads_stop_at_the_cap_of_the_month_and_begin_again_with_the_next(world):
    profile(world, profile=Kyc.MIN, own={"balance_cap": 1_00_000_00})
    load = top_up(world, 9_000_00, key="A")
    with pytest.raises(Conflict) as caught:
        top_up(world, 1_000_01, key="B")
    assert caught.value.code == "wallet_monthly_load_cap"
    assert caught.value.detail == {
        "field": "amount",
        "limit": "monthly_load_cap",
        "left": "1000.00",
        "from": "2026-11-30T18:30:00.000Z",
    }
    reverse(world, load)
    assert top_up(world, 10_000_00, key="C"), "what was reversed does not count"
    assert refused(top_up, world, 1, key="D") == "wallet_monthly_load_cap"
    world.advance(10 * DAY // 1000)
    assert top_up(world, 10_000_00, key="E")
    assert world.violations() == []


def test_an_opening_balance_is_no_load_but_counts_under_the_cap(world):
    assert refused(top_up, world, 500_01, MINKYC) == "wallet_balance_cap"
    assert top_up(world, 500_00, MINKYC)
    assert refused(adjust, world, 1, owner=MINKYC) == "wallet_balance_cap"
    assert gift(world, 1_000_00, owner=MINKYC), "gifts are no money"
    assert world.violations() == []


def test_a_month_of_spending_ends_at_its_cap_and_a_hold_that_is_given_back_does_not_count(world):
    profile(world, profile=Kyc.MIN, own={"monthly_spend_cap": 500_00})
    adjust(world, 1_000_00)
    world.add_rule("noresponsefail", stage="gateway")
    by_balance(world, world.order("A", "400.00"))
    refusal = by_balance(world, world.order("B", "101.00"))
    assert (refusal.failure.code, refusal.reason) == ("61", "wallet_monthly_spend_cap")
    world.advance_until_idle()
    assert by_balance(world, world.order("C", "500.00")).state == "CAPTURED"
    assert by_balance(world, world.order("D", "1.00")).state == "FAILED"
    assert world.violations() == []


@pytest.mark.parametrize(("status", "code"), [(Status.FROZEN, "57"), (Status.CLOSED, "62")])
def test_a_wallet_that_is_not_active_pays_nothing_and_still_gets_its_refund(world, status, code):
    adjust(world, 1_000_00)
    order = world.order("A", "100.00")
    by_balance(world, order)
    profile(world, status=status)
    assert by_balance(world, world.order("B", "100.00")).failure.code == code
    assert refused(top_up, world, 100, key="B") == f"wallet_{status.lower()}"
    world.refund(order, "100.00")
    world.advance(60)
    assert has(world) == (1_000_00, 0, 0)
    profile(world, status=Status.ACTIVE)
    assert by_balance(world, world.order("C", "100.00")).state == "CAPTURED"


def test_a_refund_above_the_cap_is_credited_and_flagged(world):
    adjust(world, 1_000_00)
    order = world.order("A", "100.00")
    by_balance(world, order)
    profile(world, own={"balance_cap": 950_00})
    for key, flagged in [("R-1", False), ("R-2", True)]:
        refund = world.refund(order, "50.00", key)
        world.advance(60)
        with world.read() as sandbox:
            assert wallet.find(sandbox, f"refund:{refund.refund_id}").over_cap is flagged
    assert has(world) == (1_000_00, 0, 0)
    assert world.violations() == []


def test_a_load_of_the_same_key_is_credited_once(world):
    with world.transaction() as sandbox:
        assert loads.load(sandbox, JournalType.AUTO_RELOAD, ASHA, 100_00, "reload:1")
        assert loads.load(sandbox, JournalType.AUTO_RELOAD, ASHA, 100_00, "reload:1") is None
    assert has(world) == (100_00, 0, 0)
    assert world.violations() == []


# --- what the database refuses


def test_the_database_refuses_to_change_a_posting_or_to_delete_one_alone(world):
    adjust(world, 500_00)
    for statement in (update(postings).values(amount_minor=1), delete(postings)):
        with pytest.raises(DBAPIError, match="a posting is never"), world.transaction() as sandbox:
            sandbox.connection.execute(statement)
    assert world.violations() == []


def test_a_reset_still_empties_the_ledger(world):
    other = World.new(world.runtime)
    for each in (world, other):
        adjust(each, 500_00)
        gift(each, 10_00)
    with world.transaction() as sandbox:
        sellers.reset(sandbox)
        left = [
            sandbox.connection.execute(table.select().where(table.c.seller_id == sandbox.seller_id)).first()
            for table in (accounts, journals, postings)
        ]
    assert left == [None, None, None]
    assert (has(world), has(other)) == ((0, 0, 0), (500_00, 10_00, 0))


# --- edges


def test_a_gift_is_not_spent_at_the_instant_of_its_expiry():
    grants = [Grant(1, 100, 100, 50), Grant(2, 100, 100, None)]
    assert spend(grants, 150, 49) == {1: 100, 2: 50}
    assert spend(grants, 150, 50) == {2: 100}


def test_the_reversal_of_an_opening_balance_is_no_load_taken_back(world):
    top_up(world, 1_00, MINKYC)
    with world.read() as sandbox:
        opening = wallet.find(sandbox, f"opening:{MINKYC}")
    reverse(world, opening, MINKYC)
    with world.read() as sandbox:
        assert overview(sandbox, MINKYC).allowances["monthly_load_cap"].amount.minor == 9_999_00
    assert world.violations() == []


def test_what_is_on_hold_counts_under_the_cap(world):
    world = World.new(world.runtime, capture="manual")
    profile(world, own={"balance_cap": 500_00})
    adjust(world, 500_00)
    by_balance(world, world.order("A", "400.00"))
    assert has(world) == (100_00, 0, 400_00)
    assert refused(adjust, world, 1) == "wallet_balance_cap"


def test_a_hold_that_is_given_back_next_month_was_never_spent_in_either(world):
    world = World.new(world.runtime, capture="manual")
    profile(world, profile=Kyc.MIN)
    world.set_clock(Mode.FROZEN, parse_time("2026-11-30T18:29:00Z"))
    adjust(world, 500_00)
    order = world.order("A", "400.00")
    by_balance(world, order)
    world.advance(120)
    world.cancel_by_seller(order)
    with world.read() as sandbox:
        assert overview(sandbox, ASHA).allowances["monthly_spend_cap"].amount.minor == 10_000_00
    assert has(world) == (500_00, 0, 0)
    assert world.violations() == []
