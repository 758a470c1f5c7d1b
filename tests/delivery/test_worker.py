"""The background thread, one turn at a time."""

from threading import Event
from threading import enumerate as enumerate_threads

import pytest
from msgspec.structs import replace

from mockpay.delivery import scheduler
from mockpay.delivery.sender_pool import Worker
from mockpay.kernel.clock import SECOND, Mode
from mockpay.services.sellers import accounts
from mockpay.store import outbox
from tests.factories import NOON, World, on_sqlite


@pytest.fixture
def worker(runtime):
    return Worker(runtime)


def test_with_nothing_to_do_a_turn_says_so(worker, world):
    assert worker.turn() is False
    world.order()
    assert worker.turn() is False


def test_a_turn_fires_what_real_time_reached(worker, runtime, real_clock):
    world = World.new(runtime, frozen=False)
    order = world.order(timeout_seconds=60)
    real_clock.move(60 * SECOND - 1)
    assert worker.turn() is False
    real_clock.move(1)
    assert worker.turn() is True
    assert world.states(order) == ("EXPIRED",)
    assert worker.turn() is False


def test_a_frozen_world_waits_whatever_real_time_does(worker, world, real_clock):
    order = world.order(timeout_seconds=60)
    real_clock.move(3_600 * SECOND)
    assert worker.turn() is False
    world.set_clock(None, NOON + 60 * SECOND)
    assert worker.turn() is True
    assert world.states(order) == ("EXPIRED",)


def test_what_the_worker_did_counts_for_the_next_clock_call(worker, world):
    world.order(timeout_seconds=60)
    world.set_clock(None, NOON + 60 * SECOND)
    worker.turn()
    assert world.advance(0).fired == 1


def test_a_turn_visits_every_world_that_has_something_due(worker, runtime):
    worlds = [World.new(runtime) for _ in range(3)]
    orders = [world.order(timeout_seconds=60) for world in worlds]
    for world in worlds:
        world.set_clock(None, NOON + 60 * SECOND)
    worker.turn()
    states = [world.states(order) for world, order in zip(worlds, orders, strict=True)]
    assert states == [("EXPIRED",)] * 3


def test_a_turn_sends_what_a_dead_process_left(worker, world, runtime, real_clock):
    order = world.order()
    world.create_attempt(order, "success@mockpay")
    assert worker.turn() is False
    real_clock.move(outbox.LEASE_MS)
    assert worker.turn() is True
    worker.stop(20)  # when what it sends has an answer
    assert Worker(runtime).turn() is True
    assert world.states(order) == ("PAID", "CAPTURED")


def test_a_seller_deleted_meanwhile_stops_nobody(worker, runtime, world):
    gone = World.new(runtime)
    orders = [each.order(timeout_seconds=60) for each in (gone, world)]
    for each in (gone, world):
        each.set_clock(None, NOON + 60 * SECOND)
    with gone.transaction() as sandbox:
        accounts.delete(sandbox)
    assert worker.turn() is True
    assert world.states(orders[1]) == ("EXPIRED",)


class Sleep(Event):
    """Writes down for how long the worker would sleep, and lets it stop instead."""

    def __init__(self):
        super().__init__()
        self.asked, self.began = None, Event()

    def wait(self, timeout=None):
        self.asked = timeout
        self.began.set()
        return super().wait()


def sleep_of(runtime):
    """How long a worker of this process sleeps when it has done what was to do."""
    sleep = Sleep()
    worker = Worker(replace(runtime, wake=sleep))
    worker.start()
    assert sleep.began.wait(60)
    worker.stop(20)
    return sleep.asked


def test_it_sleeps_until_the_next_event_but_a_second_at_most(runtime, real_clock):
    assert sleep_of(runtime) == 1.0
    world = World.new(runtime, frozen=False)
    world.order(timeout_seconds=60)
    assert sleep_of(runtime) == 1.0
    real_clock.move(60 * SECOND - 250)
    assert sleep_of(runtime) == 0.25


def test_a_frozen_worlds_events_wake_nobody(runtime, world):
    world.order(timeout_seconds=1)
    assert sleep_of(runtime) == 1.0


@on_sqlite
def test_the_worker_is_woken_after_the_commit_and_only_for_what_comes_first(runtime):
    world = World.new(runtime, frozen=False)
    wake = runtime.wake
    wake.clear()
    with world.transaction() as sandbox:
        scheduler.schedule.add(sandbox, "order.expire", "1", NOON + 60 * SECOND)
        assert not wake.is_set()
    assert wake.is_set()
    wake.clear()
    world.order(timeout_seconds=3_600)
    assert not wake.is_set()
    world.order("O-2", timeout_seconds=30)
    assert wake.is_set()


@on_sqlite
def test_a_started_worker_does_what_becomes_due_and_stops(runtime, handlers_of):
    # Servers of other tests in this process have workers too.
    before = {thread for thread in enumerate_threads() if thread.name == "mockpay-worker"}
    done = Event()
    handlers_of["test"] = lambda sandbox, event: done.set()
    world = World.new(runtime)
    worker = Worker(runtime)
    worker.start()
    try:
        with world.transaction() as sandbox:
            scheduler.schedule.add(sandbox, "test", "x", NOON)
        assert done.wait(10)
    finally:
        worker.stop(20)
    assert {thread for thread in enumerate_threads() if thread.name == "mockpay-worker"} <= before
    assert world.advance(0).fired == 1


@pytest.fixture
def handlers_of():
    kept = dict(scheduler.HANDLERS)
    yield scheduler.HANDLERS
    scheduler.HANDLERS.clear()
    scheduler.HANDLERS.update(kept)


@on_sqlite
def test_a_world_that_was_set_running_again_catches_up(worker, world, real_clock):
    order = world.order(timeout_seconds=60)
    world.set_clock(Mode.RUNNING)
    real_clock.move(61 * SECOND)
    assert worker.turn() is True
    assert world.states(order) == ("EXPIRED",)
