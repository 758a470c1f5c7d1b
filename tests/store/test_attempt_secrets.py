"""The attempt's vault: sealed, bound to its attempt, and shredded whenever the attempt ends."""

from collections import deque

import pytest
from sqlalchemy import select, update

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.payments.attempts import ATTEMPT, TERMINAL, AttemptState
from mockpay.kernel.errors import MockpayError
from mockpay.services.payments import payments
from mockpay.services.payments.orders import expire
from mockpay.services.payments.transitions import ATTEMPTS, get_attempt
from mockpay.services.sellers import accounts
from mockpay.store import attempts, transitions
from mockpay.store.transitions import step
from tests.factories import Actor, World

VISA = "4111111111111111"
DECLINED = "4000000000000002"


def kept(world, attempt_id):
    with world.read() as sandbox:
        return dict(attempts.find_secret(sandbox, attempt_id))


def rows(world):
    with world.read() as sandbox:
        return sandbox.connection.execute(select(attempts.secrets)).mappings().all()


def chosen(world, number=VISA, order="O-1"):
    return world.create_attempt_with(world.order(order), world.card(number)).attempt


def test_a_card_number_is_kept_for_its_gateways_call_only(world):
    attempt = chosen(world)
    assert kept(world, attempt.attempt_id) == {"number": VISA}
    with world.read() as sandbox:
        charge = payments.charge_request(sandbox, attempt)
    assert charge.secret == {"number": VISA}
    assert VISA not in repr(charge)
    assert VISA not in repr(attempt)


def test_what_is_kept_is_sealed(world):
    chosen(world)
    (row,) = rows(world)
    sealed = bytes(row["sealed"])
    assert VISA.encode() not in sealed
    assert b"number" not in sealed
    assert len(sealed) > len(VISA)


def test_the_same_number_is_never_sealed_the_same_way_twice(world):
    chosen(world, order="A")
    chosen(world, order="B")
    one, other = (bytes(row["sealed"]) for row in rows(world))
    assert one != other


def test_a_secret_opens_for_its_own_attempt_only(world):
    mine = chosen(world, order="A")
    other = chosen(world, DECLINED, order="B")
    stolen = {row["attempt_id"]: bytes(row["sealed"]) for row in rows(world)}[other.attempt_id]
    with world.transaction() as sandbox:
        sandbox.connection.execute(
            update(attempts.secrets).where(attempts.secrets.c.attempt_id == mine.attempt_id).values(sealed=stolen)
        )
    with world.read() as sandbox, pytest.raises(MockpayError):
        attempts.find_secret(sandbox, mine.attempt_id)


def test_another_seller_finds_nothing(world):
    attempt = chosen(world)
    assert kept(World.new(world.runtime), attempt.attempt_id) == {}


@pytest.mark.parametrize("method", ["upi", "netbanking", "wallet"])
def test_other_methods_have_nothing_to_keep(world, method):
    made = {"upi": Upi("a@bank"), "netbanking": NetBanking("SBIN"), "wallet": Wallet("a@b.c")}
    world.create_attempt_with(world.order(), made[method])
    assert rows(world) == []


# --- the end


def test_a_payment_that_succeeds_leaves_no_secret(world):
    assert world.pay_with(world.order(), world.card(VISA)).state == "CAPTURED"
    assert rows(world) == []


def test_a_payment_that_is_declined_leaves_no_secret(world):
    assert world.pay_with(world.order(), world.card(DECLINED)).state == "FAILED"
    assert rows(world) == []


def test_an_order_that_is_cancelled_or_runs_out_leaves_no_secret(world):
    first, second = world.order("A"), world.order("B")
    world.create_attempt_with(first, world.card(VISA))
    world.create_attempt_with(second, world.card(VISA))
    world.cancel(first)
    assert len(rows(world)) == 1
    with world.transaction() as sandbox:
        expire(sandbox, second.order_pk)
    assert (world.states(first)[1], world.states(second)[1]) == ("CANCELLED", "EXPIRED")
    assert rows(world) == []


@pytest.mark.parametrize(("outcome", "end"), [("deemed", "CAPTURED"), ("deemedfail", "REVERSED")])
def test_what_is_unknown_keeps_its_secret_until_it_is_known(world, outcome, end):
    world.add_rule(outcome)
    attempt = world.pay_with(world.order(), world.card(VISA))
    assert attempt.state == "UNKNOWN"
    assert kept(world, attempt.attempt_id) == {"number": VISA}
    world.advance_until_idle()
    assert world.get_attempt(attempt.attempt_id).state == end
    assert rows(world) == []


def ways():
    """The shortest way of events from CREATED by each last step into each terminal state."""
    found, queue = {}, deque([(AttemptState.CREATED, ())])
    seen = {AttemptState.CREATED}
    while queue:
        state, way = queue.popleft()
        for (before, event), after in ATTEMPT.table.items():
            if before is not state:
                continue
            if after in TERMINAL:
                found.setdefault((before, event), (*way, event))
            if after not in seen:
                seen.add(after)
                queue.append((after, (*way, event)))
    return found


WAYS = ways()


def unjudged(world, attempt):
    """The attempt as it was before anybody had looked at it: a card's waits for its issuer."""
    with world.transaction() as sandbox:
        return transitions.update(sandbox, attempts.mapper, attempt, state=str(AttemptState.CREATED), auth=None)


def test_the_ways_reach_every_end():
    assert {ATTEMPT.table[last] for last in WAYS} == TERMINAL


@pytest.mark.parametrize("way", WAYS.values(), ids="-".join)
def test_whatever_step_ends_an_attempt_shreds_its_secret(world, way):
    attempt, ended = unjudged(world, chosen(world)), False
    for event in way:
        still = kept(world, attempt.attempt_id)
        ended = ended or not attempt.live
        # What is authorised late has none any more.
        assert still == ({} if ended else {"number": VISA})
        with world.transaction() as sandbox:
            now = get_attempt(sandbox, attempt.attempt_id)
            attempt = step(sandbox, ATTEMPTS, now, event, Actor.SANDBOX)
    assert attempt.state in TERMINAL
    assert kept(world, attempt.attempt_id) == {}
    assert rows(world) == []


def test_a_reset_throws_all_secrets_of_that_seller_away(world):
    other = World.new(world.runtime)
    chosen(world)
    theirs = chosen(other)
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    assert [row["attempt_id"] for row in rows(world)] == [theirs.attempt_id]
