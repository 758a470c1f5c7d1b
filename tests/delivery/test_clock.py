"""Moving a seller's clock: all that becomes due on the way happens before it returns."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from mockpay.delivery import clock as clocks
from mockpay.delivery.clock import Advanced, Until
from mockpay.delivery.outbox import RETURN_AGAIN
from mockpay.delivery.sender_pool import SenderPool
from mockpay.kernel.clock import DAY, SECOND, Clock, Mode
from mockpay.kernel.errors import Conflict
from mockpay.kernel.http.calls import HttpReply
from mockpay.store import outbox, schedule, sellers
from tests.factories import IPN_URL, NOON, World, on_sqlite, run_concurrently


def due(world, *seconds):
    """Events that do nothing: orders that are not there cannot expire."""
    with world.transaction() as sandbox:
        for one in seconds:
            schedule.add(sandbox, "attempt.timeout", "nobody", NOON + one * SECOND)


def return_call(world, *, leased=False):
    with world.transaction() as sandbox:
        return outbox.add(sandbox, RETURN_AGAIN, "S04", leased=leased, url="http://127.0.0.1/r")


def clock(world):
    return clocks.get_clock(world.runtime, world.seller_id)[0]


@pytest.fixture(params=Mode)
def moved(request, runtime):
    """A world with each kind of clock."""
    return World.new(runtime, frozen=request.param is Mode.FROZEN)


def test_advancing_by_seconds_fires_what_is_due_by_then(moved):
    due(moved, 10, 20, 31)
    assert moved.advance(30) == Advanced(NOON + 30 * SECOND, 2, 0, complete=True)
    assert moved.advance(1) == Advanced(NOON + 31 * SECOND, 1, 0, complete=True)


def test_the_clock_keeps_its_mode_and_goes_on_from_there(moved, real_clock):
    mode = clock(moved).mode
    moved.advance(3_600)
    assert clock(moved).mode is mode
    real_clock.move(5 * SECOND)
    on = 5 * SECOND if mode is Mode.RUNNING else 0
    assert moved.now() == NOON + 3_600 * SECOND + on


def test_advancing_to_a_time_that_is_over_moves_nothing(moved):
    due(moved, 10)
    assert moved.advance_to(NOON - DAY) == Advanced(NOON, 0, 0, complete=True)


def test_the_next_event_may_be_far_away(moved):
    due(moved, 500, 500, 90_000)
    assert moved.advance_to(Until.NEXT) == Advanced(NOON + 500 * SECOND, 2, 0, complete=True)
    assert moved.advance_to(Until.NEXT) == Advanced(NOON + 90_000 * SECOND, 1, 0, complete=True)


def test_idle_is_when_nothing_is_left(moved):
    due(moved, 500, 90_000)
    assert moved.advance_until_idle() == Advanced(NOON + 90_000 * SECOND, 2, 0, complete=True)


@pytest.mark.parametrize("goal", Until)
def test_with_nothing_due_the_clock_stays(moved, goal):
    assert moved.advance_to(goal) == Advanced(NOON, 0, 0, complete=True)


def test_a_frozen_clock_may_be_put_anywhere_and_fires_nothing_by_itself(world):
    due(world, 10, 60)
    world.set_clock(None, NOON + 30 * SECOND)
    assert world.now() == NOON + 30 * SECOND
    assert world.advance(0) == Advanced(NOON + 30 * SECOND, 1, 0, complete=True)


def test_a_clock_that_is_set_back_keeps_what_was_due(world):
    due(world, 60)
    world.set_clock(None, NOON - DAY)
    assert world.now() == NOON - DAY
    assert world.advance(DAY // SECOND + 59).fired == 0
    assert world.advance(1) == Advanced(NOON + 60 * SECOND, 1, 0, complete=True)


def test_a_clock_is_stopped_and_started(world, real_clock):
    world.set_clock(Mode.RUNNING)
    real_clock.move(4 * SECOND)
    assert world.now() == NOON + 4 * SECOND
    world.set_clock(Mode.FROZEN)
    real_clock.move(60 * SECOND)
    assert world.now() == NOON + 4 * SECOND
    assert clock(world) == Clock(Mode.FROZEN, NOON + 4 * SECOND, NOON + 4 * SECOND)


def test_counts_are_those_since_the_previous_clock_call(world):
    due(world, 1, 2, 3)
    return_call(world)
    with world.transaction() as sandbox:
        sellers.count(sandbox.connection, world.seller_id, fired=4, delivered=2)
    assert world.advance(2) == Advanced(NOON + 2 * SECOND, 6, 3, complete=True)
    assert world.advance(0) == Advanced(NOON + 2 * SECOND, 0, 0, complete=True)
    world.set_clock(None, NOON + 3 * SECOND)
    assert world.advance(0).fired == 1


def test_setting_a_clock_begins_the_counts_anew(world):
    due(world, 1)
    with world.transaction() as sandbox:
        sellers.count(sandbox.connection, world.seller_id, fired=4, delivered=2)
    world.set_clock(Mode.FROZEN)
    assert (world.advance(5).fired, world.advance(5).delivered) == (1, 0)


@pytest.mark.parametrize("goal", [NOON, NOON + SECOND, Until.NEXT, Until.IDLE])
def test_what_waits_to_be_sent_is_sent_before_it_returns(world, post, goal):
    return_call(world)
    assert world.advance_to(goal).delivered == 1
    assert [call.url for call in post.sent] == ["http://127.0.0.1/r"]


def test_what_waits_is_sent_before_the_clock_moves(world, runtime):
    """A notification of now must not have its first try in an hour."""
    moments = []

    class Watching:
        def send(self, call):
            moments.append(world.now())
            return HttpReply(200, {}, b"")

    return_call(world)
    World(replace(runtime, sender=Watching()), world.seller_id).advance(3_600)
    assert moments == [NOON]
    assert world.now() == NOON + 3_600 * SECOND


def test_nobody_elses_letters_are_sent(world, runtime, post):
    return_call(World.new(runtime))
    assert world.advance(1).delivered == 0
    assert post.sent == []


def test_what_a_sent_row_makes_due_happens_too(world):
    """The gateway's answer schedules the bank's, which is due at once."""
    order = world.order()
    world.create_attempt(order, "success@mockpay")
    world.runtime.real_clock.move(outbox.LEASE_MS)
    assert world.advance(0).complete
    assert world.states(order) == ("PAID", "CAPTURED")


class Ticking:
    """Real time that moves by itself whenever somebody looks."""

    def __init__(self, clock, step):
        self.clock, self.step = clock, step

    def now(self):
        self.clock.move(self.step)
        return self.clock.now()


def ticking(world, step=SECOND):
    slow = Ticking(world.runtime.real_clock, step)
    return World(replace(world.runtime, real_clock=slow), world.seller_id)


@on_sqlite
def test_it_waits_for_what_somebody_else_is_sending(world, post):
    """The lease lapses meanwhile: whoever had the letter is dead."""
    return_call(world, leased=True)
    advanced = ticking(world).advance_to(NOON + SECOND, timeout=3_600)
    assert (advanced.complete, advanced.delivered) == (True, 1)
    assert len(post.sent) == 1


@on_sqlite
def test_what_is_not_reached_in_time_is_told(world):
    return_call(world, leased=True)
    advanced = ticking(world).advance_to(NOON + SECOND, timeout=5)
    assert not advanced.complete
    due(world, 5)
    assert not ticking(world).advance_to(NOON + 5 * SECOND, timeout=0).complete


@on_sqlite
def test_a_shop_that_takes_longer_than_the_timeout_is_not_waited_for(world):
    answer = Event()

    class Slow:
        def send(self, call):
            assert answer.wait(20)
            return HttpReply(200, {}, b"")

    return_call(world)
    slow = ticking(World(replace(world.runtime, sender=Slow()), world.seller_id))
    assert not slow.advance_to(NOON + SECOND, timeout=2).complete
    answer.set()
    assert world.advance_to(NOON + SECOND).complete


@on_sqlite
def test_a_server_that_stops_ends_the_wait(world):
    return_call(world, leased=True)
    world.runtime.stopping.set()
    assert not world.advance(1).complete


def test_a_second_advance_meanwhile_is_refused(world, real_clock):
    until = real_clock.now() + 30 * SECOND
    with world.transaction() as sandbox:
        assert sellers.begin_advance(sandbox.connection, world.seller_id, sandbox.now, until)
    with pytest.raises(Conflict) as refused:
        world.advance(1)
    assert refused.value.code == "clock.busy"
    with world.transaction() as sandbox:
        sellers.end_advance(sandbox.connection, world.seller_id, until)
    assert world.advance(1).complete


def test_an_advance_whose_process_died_blocks_nobody_for_long(world, real_clock):
    until = real_clock.now() + 30 * SECOND
    with world.transaction() as sandbox:
        sellers.begin_advance(sandbox.connection, world.seller_id, sandbox.now, until)
    real_clock.move(30 * SECOND)
    assert world.advance(1).complete


def eventually(holds):
    """Wait for what another thread does; whether it did."""
    for _ in range(2_000):
        if holds():
            return True
        Event().wait(0.01)
    return False


def advancing_until(world):
    with world.read() as sandbox:
        row = sellers.sellers.c
        return sandbox.connection.execute(select(row.advancing_until).where(row.seller_id == world.seller_id)).scalar()


@contextmanager
def long_advance(world):
    """One that waits for what somebody else sends; its end as a future."""
    return_call(world, leased=True)
    with ThreadPoolExecutor() as pool:
        advance = pool.submit(world.advance, 1)
        try:
            assert eventually(lambda: advancing_until(world))
            yield advance
        finally:
            world.runtime.stopping.set()


@on_sqlite
def test_an_advance_that_takes_longer_than_its_lease_keeps_the_clock(world, real_clock):
    with long_advance(world) as advance:
        lapses = advancing_until(world)
        assert lapses - real_clock.now() < 10 * SECOND
        real_clock.move(4 * SECOND)
        assert eventually(lambda: advancing_until(world) == lapses + 4 * SECOND)
        real_clock.move(4 * SECOND)
        with pytest.raises(Conflict):
            world.advance(1)
        assert not advance.done()
    assert advancing_until(world) == 0


@on_sqlite
def test_an_advance_whose_lease_lapsed_ends_and_leaves_the_clock_to_another(world, real_clock):
    with long_advance(world) as advance:
        real_clock.move(10 * SECOND)
        taken = real_clock.now() + 30 * SECOND
        with world.transaction() as sandbox:
            assert sellers.begin_advance(sandbox.connection, world.seller_id, real_clock.now(), taken)
        assert not advance.result(20).complete
        assert advancing_until(world) == taken


def test_of_advances_that_race_each_moves_the_clock_alone(world):
    due(world, *range(1, 60))
    got = run_concurrently(4, lambda _: clocks.advance(world.runtime, world.seller_id, Until.IDLE, 30))
    done = [one for one in got if isinstance(one, Advanced)]
    busy = [one for one in got if isinstance(one, Conflict)]
    assert len(done) + len(busy) == 4
    assert {one.code for one in busy} <= {"clock.busy"}
    assert sum(one.fired for one in done) == 59
    assert world.now() == NOON + 59 * SECOND


def test_two_sellers_advance_at_once_and_share_nothing(runtime):
    worlds = [World.new(runtime) for _ in range(4)]
    for index, world in enumerate(worlds):
        due(world, *range(1, 20 + index))
    got = run_concurrently(4, lambda index: worlds[index].advance(1_000 + index))
    assert got == [Advanced(NOON + (1_000 + index) * SECOND, 19 + index, 0, complete=True) for index in range(4)]


class MeetingAnotherSender:
    """
    Real time, asked by an advance: between its transactions another sender takes a row from it.

    Args:
        looks: How often the advance looks at the time until that sender has recorded its try.
    """

    def __init__(self, runtime, looks):
        self.runtime, self.looks = runtime, looks
        self.answer, self.taken = Event(), 0
        self.pool = SenderPool(replace(runtime, sender=self), refill=False)

    def send(self, _call):
        assert self.answer.wait(20)
        return HttpReply(500, {}, b"")

    def now(self):
        in_transaction = any(engine.pool.checkedout() for engine in (self.runtime.engine, self.runtime.writer))
        if not in_transaction and not self.answer.is_set():
            self.looks -= self.taken
            if not self.taken:
                self.taken = self.pool.take()
            elif not self.looks:
                self.answer.set()
                assert self.pool.finish(20)
        return self.runtime.real_clock.now()


@pytest.mark.parametrize("looks", range(1, 6))
def test_what_another_senders_try_makes_due_is_waited_for(runtime, post, looks):
    world = World.new(runtime, ipn_url=IPN_URL)
    order = world.order()
    post.answers = [500]
    world.pay(order)
    world.advance(0)
    other = MeetingAnotherSender(runtime, looks)
    meeting = World(replace(runtime, real_clock=other), world.seller_id)
    moved = meeting.advance(14 * DAY // SECOND)
    assert (other.taken, moved.delivered, moved.complete) == (1, 1, True)
    (one,) = world.notifications(order)
    assert (one.state, one.tries) == ("DELIVERED", 3)
