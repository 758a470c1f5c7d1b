"""What leaves the process: claimed, sent outside any transaction, recorded once."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from mockpay.delivery import outbox
from mockpay.domain.payments.gateways import Charge
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
from mockpay.kernel.http.calls import Unreachable
from mockpay.services.payments import charges
from mockpay.services.sellers import accounts
from mockpay.store import outbox as parcels
from mockpay.store.db.engine import writing
from tests.factories import NOON, World, run_concurrently


class Counting:
    """The simulator, counting what it is asked."""

    name = "simulator"

    def __init__(self, runtime, fails=None):
        self.inner = runtime.gateways["simulator"]
        self.fails = fails
        self.asked: list[Charge] = []

    def charge(self, charge):
        self.asked.append(charge)
        if self.fails:
            raise self.fails
        return self.inner.charge(charge)


@pytest.fixture
def gateway(runtime):
    return Counting(runtime)


@pytest.fixture
def world(runtime, gateway):
    return World.new(replace(runtime, gateways={"simulator": gateway}))


def parcel_rows(world):
    query = select(parcels.outbox.c.state, parcels.outbox.c.tries, parcels.outbox.c.reason)
    with world.read() as sandbox:
        return [tuple(row) for row in sandbox.connection.execute(query.order_by("id"))]


def test_a_payment_is_sent_by_who_queued_it(world, gateway):
    order = world.order()
    world.pay(order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert len(gateway.asked) == 1
    assert parcel_rows(world) == [("SENT", 0, None)]


def test_the_gateway_is_told_what_it_needs(world, gateway):
    attempt = world.pay(world.order(amount="1700.51"), "asha@okbank")
    assert gateway.asked == [
        Charge(
            attempt_id=attempt.attempt_id,
            seller_id=world.seller_id,
            amount=attempt.amount,
            method="upi",
            instrument={"flow": "collect", "vpa": "asha@okbank"},
            idempotency_key=f"{attempt.attempt_id}:1",
            planned="iso:51",
            agreed=True,
            patience_ms=10 * SECOND,
        )
    ]


def test_nobody_takes_a_parcel_while_its_lease_holds(world, gateway, real_clock):
    world.create_attempt(world.order(), "success@mockpay")
    real_clock.move(parcels.LEASE_MS - 1)
    assert outbox.send_waiting(world.runtime) == 0
    assert gateway.asked == []


def test_a_parcel_left_by_a_dead_process_is_sent_again_and_charged_once(world, gateway, real_clock):
    order = world.order()
    started = world.create_attempt(order, "success@mockpay")
    real_clock.move(parcels.LEASE_MS)
    assert outbox.send_waiting(world.runtime) == 1
    assert outbox.send_waiting(world.runtime) == 0
    outbox.send_mine(world.runtime, world.seller_id, started.outbox_id)
    world.advance(0)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert len(gateway.asked) == 1
    assert parcel_rows(world) == [("SENT", 1, None)]


def test_a_parcel_sent_twice_has_one_idempotency_key_and_one_result(world, gateway, real_clock):
    """Somebody was slow, not dead: both ask the gateway, one answer counts."""
    order = world.order()
    started = world.create_attempt(order, "success@mockpay")
    with world.read() as sandbox:
        slow = parcels.by_number(sandbox, started.outbox_id)
        charge = charges.charge_request(sandbox, slow.subject)
    result = gateway.charge(charge)
    real_clock.move(parcels.LEASE_MS)
    assert outbox.send_waiting(world.runtime) == 1
    with world.transaction() as sandbox:
        assert not parcels.record(sandbox, slow.parcel_id, parcels.SENT)
        charges.record_gateway_result(sandbox, slow.subject, result)
    world.advance(0)
    assert len({charge.idempotency_key for charge in gateway.asked}) == 1
    assert world.states(order) == ("PAID", "CAPTURED")
    told = [event.event for event in world.timeline(order) if event.machine == "attempt"]
    assert told == ["chosen", "auth_required", "auth_ok", "submit", "approved_and_captured"]


def test_a_payment_that_was_cancelled_before_it_was_sent_is_never_asked_for(world, gateway, real_clock):
    order = world.order()
    started = world.create_attempt(order)
    world.cancel(order)
    outbox.send_mine(world.runtime, world.seller_id, started.outbox_id)
    real_clock.move(parcels.LEASE_MS)
    outbox.send_waiting(world.runtime)
    assert gateway.asked == []
    assert world.states(order) == ("CANCELLED", "CANCELLED")
    assert parcel_rows(world) == [("DEAD", 0, "the attempt is CANCELLED")]


def test_what_cannot_be_sent_is_dead_and_says_why(runtime, real_clock):
    broken = Counting(runtime, Invalid("It cannot charge so.", code="gateway.method"))
    world = World.new(replace(runtime, gateways={"simulator": broken}))
    started = world.create_attempt(world.order())
    outbox.send_mine(world.runtime, world.seller_id, started.outbox_id)
    assert parcel_rows(world) == [("DEAD", 0, "gateway.method: It cannot charge so.")]
    real_clock.move(parcels.LEASE_MS)
    assert outbox.send_waiting(world.runtime) == 0


def test_claimers_that_race_take_each_parcel_once(world, gateway, real_clock):
    orders = [world.order(f"O-{n}") for n in range(12)]
    for order in orders:
        world.create_attempt(order, "success@mockpay")
    real_clock.move(parcels.LEASE_MS)
    sent = run_concurrently(4, lambda _: outbox.send_waiting(world.runtime, limit=5))
    while left := outbox.send_waiting(world.runtime):
        sent.append(left)
    assert sum(sent) == 12
    assert len({charge.attempt_id for charge in gateway.asked}) == len(gateway.asked) == 12


def test_parcels_are_claimed_oldest_first_and_no_more_than_asked(world, real_clock):
    numbers = [world.create_attempt(world.order(f"O-{n}")).parcel_id for n in range(3)]
    real_clock.move(parcels.LEASE_MS)
    with writing(world.runtime.writer) as connection:
        claimed = parcels.claim(connection, real_clock.now(), 2)
        again = parcels.claim(connection, real_clock.now(), 2)
    assert [one.parcel_id for one in claimed + again] == numbers


def test_one_sellers_parcels_are_claimed_alone(world, runtime, real_clock):
    other = World.new(runtime)
    theirs = other.create_attempt(other.order()).parcel_id
    mine = world.create_attempt(world.order()).parcel_id
    real_clock.move(parcels.LEASE_MS)
    with writing(world.runtime.writer) as connection:
        assert parcels.anything(connection, real_clock.now(), world.seller_id)
        claimed = parcels.claim(connection, real_clock.now(), 9, world.seller_id)
        assert not parcels.anything(connection, real_clock.now(), world.seller_id)
        assert parcels.anything(connection, real_clock.now())
    assert [one.parcel_id for one in claimed] == [mine]
    assert mine != theirs


def test_the_parcels_of_a_reset_world_are_forgotten(world, gateway, real_clock):
    started = world.create_attempt(world.order())
    with world.read() as sandbox:
        parcel = parcels.by_number(sandbox, started.outbox_id)
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    outbox.send(world.runtime, parcel)
    outbox.send_mine(world.runtime, world.seller_id, started.outbox_id)
    assert gateway.asked == []
    assert parcel_rows(world) == []


def test_the_return_url_is_asked_once_more_and_its_answer_written_down(world, post):
    with world.transaction() as sandbox:
        number = parcels.add(
            sandbox, outbox.RETURN_AGAIN, "S04", mine=True, url="http://127.0.0.1/r?status=1"
        )
    outbox.send_mine(world.runtime, world.seller_id, number)
    assert [(call.method, call.url) for call in post.sent] == [("GET", "http://127.0.0.1/r?status=1")]
    assert parcel_rows(world) == [("SENT", 0, "answered 200")]


def test_a_shop_that_does_not_answer_had_its_try_but_no_delivery(runtime):
    class Dead:
        def send(self, call):
            raise Unreachable("Nobody is there.")

    world = World.new(replace(runtime, sender=Dead()))
    with world.transaction() as sandbox:
        parcels.add(sandbox, outbox.RETURN_AGAIN, "S04", mine=False, url="http://127.0.0.1/r")
    assert world.advance_to(NOON).delivered == 0
    assert parcel_rows(world) == [("DEAD", 1, "http.unreachable: Nobody is there.")]


def test_a_number_never_comes_again(world):
    """A slow sender must not record what it sent as another parcel's, after a reset."""
    before = world.create_attempt(world.order()).parcel_id
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    again = world.create_attempt(world.order()).parcel_id
    assert again > before
    with world.transaction() as sandbox:
        assert not parcels.record(sandbox, before, parcels.SENT)
        assert parcels.waiting(sandbox) == 1


def test_nobody_records_another_sellers_parcel(world, runtime):
    other = World.new(runtime)
    theirs = other.create_attempt(other.order()).parcel_id
    with world.transaction() as sandbox:
        assert not parcels.record(sandbox, theirs, parcels.DEAD, "mine")
    with other.transaction() as sandbox:
        assert parcels.record(sandbox, theirs, parcels.SENT)
        assert not parcels.record(sandbox, theirs, parcels.SENT)


def test_what_waits_for_a_subject_is_known_until_it_was_sent(world):
    with world.transaction() as sandbox:
        number = parcels.add(sandbox, "kind", "one", mine=False)
        assert parcels.holds(sandbox, "kind", "one")
        assert not parcels.holds(sandbox, "kind", "two")
        assert not parcels.holds(sandbox, "other", "one")
        parcels.record(sandbox, number, parcels.SENT)
        assert not parcels.holds(sandbox, "kind", "one")


def test_a_lane_goes_on_with_its_oldest_when_a_lease_lapses(world, real_clock):
    with world.transaction() as sandbox:
        for name in ("first", "second"):
            parcels.add(sandbox, "test", name, mine=False, lane="L")

    def claimed():
        with writing(world.runtime.writer) as connection:
            return [one.subject for one in parcels.claim(connection, real_clock.now(), 16)]

    assert claimed() == ["first"]
    assert claimed() == []
    real_clock.move(parcels.LEASE_MS)
    assert claimed() == ["first"]
    with world.transaction() as sandbox:
        found = parcels.outbox.select().where(parcels.outbox.c.subject == "first")
        first = sandbox.connection.execute(found).one().id
        assert parcels.record(sandbox, first, parcels.SENT)
    assert claimed() == ["second"]
