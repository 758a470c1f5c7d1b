"""Every invariant of balances, broken on purpose: the audit must see each one and nothing else."""

import pytest
from sqlalchemy import delete, insert, literal, select, text, update

from mockpay.store import orders
from mockpay.store.attempts import attempts
from mockpay.store.wallet import accounts, journals, postings
from tests.factories import World
from tests.services.ledger import ASHA, by_balance, top_up


@pytest.fixture
def world(world):
    """Asha paid once, was sent back once, waits once, and could not pay once."""
    top_up(world, 300_000)
    by_balance(world, world.order("PAID"))
    by_balance(world, world.order("BACK", "1703.08"))
    world.advance(10)
    world.add_rule("noresponse", stage="gateway")
    by_balance(world, world.order("WAITS"))
    by_balance(world, world.order("DEAR", "9999.00"))
    states = [world.states(order_of(world, name)) for name in ("PAID", "BACK", "WAITS", "DEAR")]
    assert states == [("PAID", "CAPTURED"), ("REFUNDED", "REVERSED"), ("PENDING", "UNKNOWN"), ("PENDING", "FAILED")]
    return world


def order_of(world, name):
    with world.read() as sandbox:
        return orders.newest(sandbox, name)


def broken(world, *damage):
    """What the audit says after some damage, which the database itself would refuse."""
    on = " ON postings" if world.runtime.engine.dialect.name == "postgresql" else ""
    drops = [text(f"DROP TRIGGER postings_refuse_{trigger}{on}") for trigger in ("update", "delete")]
    return world.violations_after(*drops, *damage)


def rules(world, *damage):
    return {one.rule for one in broken(world, *damage)}


def attempt_of(world, name):
    (attempt,) = world.attempts(order_of(world, name))
    return attempt.attempt_id


def journal_of(world, kind, name):
    return (journals.c.type == kind) & (journals.c.attempt_id == attempt_of(world, name))


def account(kind):
    return accounts.c.kind == kind


def test_a_world_of_balances_is_sound(world):
    assert broken(world) == []


def test_a_posting_that_was_changed_unbalances_its_journal_and_its_account(world):
    of_seller = (postings.c.seller_id == world.seller_id, postings.c.amount_minor > 0)
    one = select(postings.c.id).where(*of_seller).order_by(postings.c.id).limit(1).scalar_subquery()
    damage = update(postings).where(postings.c.id == one).values(amount_minor=1)
    assert rules(world, damage) == {"ledger.journal", "ledger.balance", "ledger.entry", "wallet.months"}


def test_a_journal_without_postings_moves_nothing(world):
    row = {
        "seller_id": world.seller_id,
        "type": "TOPUP",
        "key": "empty",
        "owner": ASHA,
        "amount_minor": 5,
        "currency": "INR",
        "posted_at": 0,
    }
    (violation,) = broken(world, insert(journals).values(row))
    assert (violation.rule, violation.subject) == ("ledger.journal", "empty")


def test_a_journal_that_says_another_amount_is_reported(world):
    damage = update(journals).where(journals.c.key == "top-up").values(amount_minor=1)
    assert rules(world, damage) == {"ledger.journal"}


def test_a_posting_that_is_gone_is_missed(world):
    one = select(postings.c.id).order_by(postings.c.id).limit(1).scalar_subquery()
    damage = delete(postings).where(postings.c.id == one)
    assert rules(world, damage) == {"ledger.journal", "ledger.balance"}


@pytest.mark.parametrize("kind", ["WALLET_MONEY", "MERCHANT_PAYABLE", "GATEWAY_CLEARING"])
def test_a_balance_that_was_changed_by_hand_is_reported(world, kind):
    value = accounts.c.balance_minor + 1
    damage = update(accounts).where(account(kind)).values(balance_minor=value)
    assert rules(world, damage) == {"ledger.balance"}


def test_the_account_is_named(world):
    damage = update(accounts).where(account("WALLET_MONEY")).values(balance_minor=7)
    (violation,) = broken(world, damage)
    assert violation.subject == f"WALLET_MONEY of {ASHA}"


def test_an_account_that_is_nobodys_is_named_by_its_kind(world):
    damage = update(accounts).where(account("GATEWAY_CLEARING")).values(balance_minor=7)
    (violation,) = broken(world, damage)
    assert violation.subject == "GATEWAY_CLEARING"


@pytest.mark.parametrize("kind", ["WALLET_MONEY", "MERCHANT_PAYABLE"])
def test_a_buyers_or_sellers_account_below_nought_is_reported_whatever_its_mark(world, kind):
    damage = update(accounts).where(account(kind)).values(balance_minor=-1, may_be_negative=True)
    assert rules(world, damage) == {"ledger.balance", "ledger.overdrawn"}


def test_a_hold_that_outlives_its_attempt_is_reported(world):
    damage = update(attempts).where(attempts.c.attempt_id == attempt_of(world, "WAITS")).values(state="FAILED")
    assert rules(world, damage) == {"wallet.hold", "timeline.last_line"}


def test_a_hold_that_is_not_an_attempts_is_reported(world):
    damage = update(journals).where(journal_of(world, "HOLD", "WAITS")).values(attempt_id="other")
    assert rules(world, damage) == {"wallet.hold"}


def test_a_capture_without_its_journal_is_reported(world):
    damage = update(journals).where(journal_of(world, "CAPTURE", "PAID")).values(attempt_id=None)
    (violation,) = broken(world, damage)
    assert (violation.rule, violation.subject) == ("wallet.capture", attempt_of(world, "PAID"))


def test_a_journal_of_capture_without_a_capture_is_reported(world):
    theirs = update(journals).where(journal_of(world, "CAPTURE", "PAID"))
    damage = theirs.values(attempt_id=attempt_of(world, "WAITS"))
    found = broken(world, damage)
    assert {(one.rule, one.subject) for one in found} == {
        ("wallet.capture", attempt_of(world, "PAID")),
        ("wallet.capture", attempt_of(world, "WAITS")),
    }


def test_money_that_was_sent_back_without_its_journal_is_reported(world):
    damage = update(journals).where(journal_of(world, "REFUND", "BACK")).values(attempt_id=None)
    assert rules(world, damage) == {"wallet.refund"}


def test_another_sellers_broken_ledger_is_not_ones_own(world):
    other = World.new(world.runtime)
    top_up(other, 100)
    damage = (
        update(accounts)
        .where(accounts.c.seller_id == literal(other.seller_id))
        .values(balance_minor=accounts.c.balance_minor + 1)
    )
    assert broken(world, damage) == []
    assert rules(other, damage) == {"ledger.balance"}
