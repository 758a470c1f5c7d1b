"""What leaves the process: claimed, sent outside any transaction, recorded once."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from mockpay.delivery import outbox
from mockpay.delivery.sender_pool import send_waiting
from mockpay.domain.payments.gateways import Charge
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import DatabaseUnavailable, Invalid
from mockpay.kernel.http.calls import Unreachable
from mockpay.services.payments import payments
from mockpay.services.sellers import accounts
from mockpay.store import outbox as outbox_rows
from mockpay.store.db.engine import writing
from tests.factories import IPN_URL, NOON, World, on_sqlite, run_concurrently


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


def outbox_states(world):
    query = select(outbox_rows.outbox.c.state, outbox_rows.outbox.c.tries, outbox_rows.outbox.c.reason)
    with world.read() as sandbox:
        return [tuple(row) for row in sandbox.connection.execute(query.order_by("id"))]


def test_a_payment_is_sent_by_who_queued_it(world, gateway):
    order = world.order()
    world.pay(order)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert len(gateway.asked) == 1
    assert outbox_states(world) == [("SENT", 0, None)]


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
            delay_ms=30 * SECOND,
        )
    ]


def test_nobody_takes_a_row_while_its_lease_holds(world, gateway, real_clock):
    world.create_attempt(world.order(), "success@mockpay")
    real_clock.move(outbox_rows.LEASE_MS - 1)
    assert send_waiting(world.runtime) == 0
    assert gateway.asked == []


def test_a_row_left_by_a_dead_process_is_sent_again_and_charged_once(world, gateway, real_clock):
    order = world.order()
    started = world.create_attempt(order, "success@mockpay")
    real_clock.move(outbox_rows.LEASE_MS)
    assert send_waiting(world.runtime) == 1
    assert send_waiting(world.runtime) == 0
    outbox.send_leased(world.runtime, world.seller_id, started.outbox_id)
    world.advance(0)
    assert world.states(order) == ("PAID", "CAPTURED")
    assert len(gateway.asked) == 1
    assert outbox_states(world) == [("SENT", 1, None)]


def test_a_row_sent_twice_has_one_idempotency_key_and_one_result(world, gateway, real_clock):
    """Somebody was slow, not dead: both ask the gateway, one answer counts."""
    order = world.order()
    started = world.create_attempt(order, "success@mockpay")
    with world.read() as sandbox:
        slow = outbox_rows.by_id(sandbox, started.outbox_id)
        charge = payments.charge_request(sandbox, started.attempt)
    result = gateway.charge(charge)
    real_clock.move(outbox_rows.LEASE_MS)
    assert send_waiting(world.runtime) == 1
    with world.transaction() as sandbox:
        assert not outbox_rows.record(sandbox, slow.outbox_id, outbox_rows.SENT)
        assert payments.record_gateway_result(sandbox, slow.subject, result).attempt_id == slow.subject
    world.advance(0)
    assert len({charge.idempotency_key for charge in gateway.asked}) == 1
    assert world.states(order) == ("PAID", "CAPTURED")
    told = [event.event for event in world.timeline(order) if event.machine == "attempt"]
    assert told == ["chosen", "auth_required", "auth_ok", "submit", "approved_and_captured"]


def test_a_try_to_notify_that_two_made_is_written_down_once(runtime, real_clock, post):
    world = World.new(runtime, ipn_url=IPN_URL)
    order = world.order()
    world.pay(order)
    slow = outbox.claim(runtime)
    real_clock.move(outbox_rows.LEASE_MS)
    post.answers = [500, 500]
    for claim in (outbox.claim(runtime), slow):
        outbox.send(runtime, claim)
    assert len(post.sent) == 2
    (told,) = world.notifications(order)
    assert (told.state, told.tries, len(world.delivery_tries(told))) == ("RETRY_WAIT", 1, 1)


def test_a_payment_that_was_cancelled_before_it_was_sent_is_never_asked_for(world, gateway, real_clock):
    order = world.order()
    started = world.create_attempt(order)
    world.cancel(order)
    outbox.send_leased(world.runtime, world.seller_id, started.outbox_id)
    real_clock.move(outbox_rows.LEASE_MS)
    send_waiting(world.runtime)
    assert gateway.asked == []
    assert world.states(order) == ("CANCELLED", "CANCELLED")
    assert outbox_states(world) == [("DEAD", 0, "attempt.not_ready: The attempt is CANCELLED.")]


def test_what_cannot_be_sent_is_dead_and_says_why(runtime, real_clock):
    broken = Counting(runtime, Invalid("It cannot charge so.", code="gateway.method"))
    world = World.new(replace(runtime, gateways={"simulator": broken}))
    started = world.create_attempt(world.order())
    outbox.send_leased(world.runtime, world.seller_id, started.outbox_id)
    assert outbox_states(world) == [("DEAD", 0, "gateway.method: It cannot charge so.")]
    real_clock.move(outbox_rows.LEASE_MS)
    assert send_waiting(world.runtime) == 0


def test_claimers_that_race_take_each_row_once(world, gateway, real_clock):
    orders = [world.order(f"O-{n}") for n in range(12)]
    for order in orders:
        world.create_attempt(order, "success@mockpay")
    real_clock.move(outbox_rows.LEASE_MS)
    sent = run_concurrently(4, lambda _: send_waiting(world.runtime, limit=5))
    while left := send_waiting(world.runtime):
        sent.append(left)
    assert sum(sent) == 12
    assert len({charge.attempt_id for charge in gateway.asked}) == len(gateway.asked) == 12


def claimed(runtime, seller_id=None):
    """What may be claimed now, one after the other."""
    rows = []
    while (claim := outbox.claim(runtime, seller_id)) is not None:
        rows.append(claim.row)
    return rows


def test_rows_are_claimed_oldest_first(world, real_clock):
    numbers = [world.create_attempt(world.order(f"O-{n}")).outbox_id for n in range(3)]
    real_clock.move(outbox_rows.LEASE_MS)
    assert [row.outbox_id for row in claimed(world.runtime)] == numbers


def test_a_row_that_nobody_has_claimed_goes_before_one_whose_lease_is_over(world, real_clock):
    lapsed = world.create_attempt(world.order("O-1")).outbox_id
    real_clock.move(outbox_rows.LEASE_MS)
    with world.transaction() as sandbox:
        fresh = outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "S04", leased=False, url="/")
    assert [row.outbox_id for row in claimed(world.runtime)] == [fresh, lapsed]


def test_one_sellers_rows_are_claimed_alone(world, runtime, real_clock):
    other = World.new(runtime)
    theirs = other.create_attempt(other.order()).outbox_id
    own = world.create_attempt(world.order()).outbox_id
    real_clock.move(outbox_rows.LEASE_MS)
    assert [row.outbox_id for row in claimed(runtime, world.seller_id)] == [own]
    assert outbox.claim(runtime, excluded=[other.seller_id]) is None
    assert [row.outbox_id for row in claimed(runtime)] == [theirs]


def test_the_rows_of_a_reset_world_are_forgotten(world, gateway, real_clock):
    started = world.create_attempt(world.order())
    real_clock.move(outbox_rows.LEASE_MS)
    claim = outbox.claim(world.runtime)
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    outbox.send_leased(world.runtime, world.seller_id, started.outbox_id)
    assert gateway.asked == []
    outbox.send(world.runtime, claim)
    assert len(gateway.asked) == 1
    assert outbox_states(world) == []


def test_the_return_url_is_asked_once_more_and_its_answer_written_down(world, post):
    with world.transaction() as sandbox:
        number = outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "S04", leased=True, url="http://127.0.0.1/r?status=1")
    outbox.send_leased(world.runtime, world.seller_id, number)
    assert [(call.method, call.url) for call in post.sent] == [("GET", "http://127.0.0.1/r?status=1")]
    assert outbox_states(world) == [("SENT", 0, "answered 200")]


def test_a_shop_that_does_not_answer_had_its_try_but_no_delivery(runtime):
    class Dead:
        def send(self, call):
            raise Unreachable("Nobody is there.")

    world = World.new(replace(runtime, sender=Dead()))
    with world.transaction() as sandbox:
        outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "S04", leased=False, url="http://127.0.0.1/r")
    assert world.advance_to(NOON).delivered == 0
    assert outbox_states(world) == [("DEAD", 1, "http.unreachable: Nobody is there.")]


def test_a_number_never_comes_again(world):
    """A slow sender must not record what it sent as another row's, after a reset."""
    before = world.create_attempt(world.order()).outbox_id
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    again = world.create_attempt(world.order()).outbox_id
    assert again > before
    with world.transaction() as sandbox:
        assert not outbox_rows.record(sandbox, before, outbox_rows.SENT)
        assert outbox_rows.count_waiting(sandbox) == 1


def test_nobody_records_another_sellers_row(world, runtime):
    other = World.new(runtime)
    theirs = other.create_attempt(other.order()).outbox_id
    with world.transaction() as sandbox:
        assert not outbox_rows.record(sandbox, theirs, outbox_rows.DEAD, "mine")
    with other.transaction() as sandbox:
        assert outbox_rows.record(sandbox, theirs, outbox_rows.SENT)
        assert not outbox_rows.record(sandbox, theirs, outbox_rows.SENT)


def test_nobody_finds_another_sellers_row(world, runtime):
    theirs = World.new(runtime)
    number = theirs.create_attempt(theirs.order()).outbox_id
    with theirs.read() as sandbox:
        assert outbox_rows.by_id(sandbox, number).outbox_id == number
    with world.read() as sandbox:
        assert outbox_rows.by_id(sandbox, number) is None


def test_what_waits_for_a_subject_is_known_until_it_was_sent(world):
    with world.transaction() as sandbox:
        number = outbox_rows.add(sandbox, "kind", "one", leased=False)
        assert outbox_rows.is_queued(sandbox, "kind", "one")
        assert not outbox_rows.is_queued(sandbox, "kind", "two")
        assert not outbox_rows.is_queued(sandbox, "other", "one")
        outbox_rows.record(sandbox, number, outbox_rows.SENT)
        assert not outbox_rows.is_queued(sandbox, "kind", "one")


def test_a_sequence_goes_on_with_its_oldest_when_a_lease_lapses(world, real_clock):
    with world.transaction() as sandbox:
        for name in ("first", "second"):
            outbox_rows.add(sandbox, outbox.RETURN_AGAIN, name, leased=False, sequence_key="L", url="/")

    def subjects():
        return [row.subject for row in claimed(world.runtime)]

    assert subjects() == ["first"]
    real_clock.move(outbox_rows.LEASE_MS)
    assert subjects() == ["first"]
    with world.transaction() as sandbox:
        found = outbox_rows.outbox.select().where(outbox_rows.outbox.c.subject == "first")
        first = sandbox.connection.execute(found).one().id
        assert outbox_rows.record(sandbox, first, outbox_rows.SENT)
    assert subjects() == ["second"]


def test_no_more_than_four_rows_of_a_seller_are_on_their_way(world, runtime, real_clock):
    other = World.new(runtime)
    for sender in (world, world, world, world, world, other):
        with sender.transaction() as sandbox:
            outbox_rows.add(sandbox, outbox.RETURN_AGAIN, sender.seller_id, leased=False, url="/")
    owners = [row.subject for row in claimed(runtime)]
    assert sorted(owners) == sorted([world.seller_id] * 4 + [other.seller_id])
    real_clock.move(outbox_rows.LEASE_MS)
    assert len(claimed(runtime)) == 5


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_on_postgresql_who_claims_waits_for_who_is_claiming(world, runtime):
    """Else two would each see three on their way, and five would be."""
    for _ in range(2):
        with world.transaction() as sandbox:
            outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "x", leased=False, url="/")

    def claim():
        with writing(runtime.writer) as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 20")
            return outbox_rows.claim(connection, NOON)

    with writing(runtime.writer) as first:
        assert outbox_rows.claim(first, NOON) is not None
        with pytest.raises(DatabaseUnavailable):
            claim()
    assert claim() is not None


def timeouts_of_tries(runtime, post):
    """Method and time-out of a notification, to a seller who allows nine seconds, and of a return."""
    world = World.new(runtime, ipn_url=IPN_URL, ipn_timeout_seconds=9)
    world.pay(world.order())
    with world.transaction() as sandbox:
        outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "x", leased=False, url="http://127.0.0.1/r")
    while claim := outbox.claim(runtime):
        outbox.send(runtime, claim)
    return {(call.method, call.timeout) for call in post.sent}


@on_sqlite
def test_a_try_ends_before_its_lease(runtime, post):
    runtime = replace(runtime, settings=replace(runtime.settings, lease_seconds=6))
    assert timeouts_of_tries(runtime, post) == {("POST", 5), ("GET", 5)}


@on_sqlite
def test_a_try_takes_no_longer_than_its_seller_or_ten_seconds(runtime, post):
    assert timeouts_of_tries(runtime, post) == {("POST", 9), ("GET", 10)}
