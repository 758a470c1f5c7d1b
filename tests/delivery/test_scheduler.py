"""Firing what is due in one world, in due order, whatever an event does."""

import psycopg
import pytest
from sqlalchemy import select

from mockpay.delivery import clock, scheduler
from mockpay.kernel.clock import SECOND, Mode
from mockpay.kernel.errors import DatabaseUnavailable, NotFound
from mockpay.store import schedule, sellers
from mockpay.store.schedule import events
from tests.factories import NOON, World, on_sqlite


def rows(world):
    """(subject, state, reason) of the seller's events in the order of their numbers."""
    query = select(events.c.subject, events.c.state, events.c.reason)
    with world.read() as sandbox:
        mine = query.where(events.c.seller_id == world.seller_id).order_by(events.c.id)
        return [tuple(row) for row in sandbox.connection.execute(mine)]


@pytest.fixture
def handlers():
    """The kinds of events that a test adds are taken away again."""
    kept = dict(scheduler.HANDLERS)
    yield scheduler.HANDLERS
    scheduler.HANDLERS.clear()
    scheduler.HANDLERS.update(kept)


@pytest.fixture
def seen(handlers):
    """(seller, subject, the seller's now) of each event of the kind `test` as it fires."""
    fired = []
    handlers["test"] = lambda sandbox, event: fired.append((sandbox.seller_id, event.subject, sandbox.now))
    return fired


def plan(world, *due, kind="test"):
    with world.transaction() as sandbox:
        for subject, seconds in due:
            schedule.add(sandbox, kind, subject, NOON + int(seconds * SECOND))


@pytest.fixture
def counted(handlers):
    """Events of the kind `counted` add one to `delivered`, in their transaction."""
    handlers["counted"] = lambda sandbox, event: sellers.count(sandbox.connection, sandbox.seller_id, delivered=1)


def refuse(sandbox, event):
    raise NotFound("There is no such thing.", code="thing.not_found")


def subjects(seen):
    return [subject for _, subject, _ in seen]


def test_a_goal_that_has_passed_is_the_present(world, seen):
    plan(world, ("a", 10), ("b", 20), ("later", 60))
    world.set_clock(Mode.FROZEN, NOON + 30 * SECOND)
    assert scheduler.fire(world.runtime, world.seller_id, NOON + 10 * SECOND).count == 2
    assert subjects(seen) == ["a", "b"]
    assert world.now() == NOON + 30 * SECOND


def test_events_fire_in_the_order_in_which_they_are_due(world, seen):
    plan(world, ("c", 30), ("a", 10), ("b", 20), ("b2", 20), ("later", 60))
    advanced = world.advance(30)
    assert seen == [
        (world.seller_id, "a", NOON + 10 * SECOND),
        (world.seller_id, "b", NOON + 20 * SECOND),
        (world.seller_id, "b2", NOON + 20 * SECOND),
        (world.seller_id, "c", NOON + 30 * SECOND),
    ]
    assert (advanced.fired, advanced.complete) == (4, True)
    assert [state for _, state, _ in rows(world)] == ["DONE"] * 4 + ["WAITING"]


def test_what_is_added_on_the_way_fires_in_its_turn(world, seen, handlers):
    def add(sandbox, event):
        seen.append((sandbox.seller_id, event.subject, sandbox.now))
        schedule.add(sandbox, "test", "added", sandbox.now + 5 * SECOND)

    handlers["adds"] = add
    plan(world, ("first", 10), kind="adds")
    plan(world, ("after", 20), ("last", 100))
    world.advance(1_000)
    assert subjects(seen) == ["first", "added", "after", "last"]
    assert seen[1][2] == NOON + 15 * SECOND


def test_what_is_dropped_on_the_way_does_not_fire_and_does_not_count(world, seen, handlers):
    handlers["drops"] = lambda sandbox, event: schedule.drop(sandbox, "test", event.subject)
    plan(world, ("a", 10), kind="drops")
    plan(world, ("a", 20), ("b", 30))
    assert world.advance(60).fired == 2
    assert subjects(seen) == ["b"]
    assert [state for _, state, _ in rows(world)] == ["DONE", "DROPPED", "DONE"]


def test_a_failing_event_says_why_and_leaves_nothing_behind(world, seen, handlers):
    def fails(sandbox, event):
        schedule.add(sandbox, "test", "left behind", sandbox.now)
        raise NotFound("There is no such thing.", code="thing.not_found")

    handlers["fails"] = fails
    plan(world, ("before", 1))
    plan(world, ("broken", 2), kind="fails")
    plan(world, ("after", 3))
    assert world.advance(10).complete
    # What fails takes all back that happened in its transaction, so it happens again.
    assert subjects(seen) == ["before", "before", "after"]
    assert rows(world) == [
        ("before", "DONE", None),
        ("broken", "FAILED", "thing.not_found: There is no such thing."),
        ("after", "DONE", None),
    ]


def test_what_happens_beside_failing_events_happens_once(world, counted, handlers):
    handlers["fails"] = refuse
    for second, kind in enumerate(["counted", "counted", "fails", "counted", "fails", "counted"]):
        plan(world, (f"e{second}", second), kind=kind)
    advanced = world.advance(60)
    assert (advanced.fired, advanced.delivered) == (6, 4)
    assert [state for _, state, _ in rows(world)] == "DONE DONE FAILED DONE FAILED DONE".split()


def test_what_was_added_before_another_event_fails_is_added_once(world, seen, handlers):
    handlers["adds"] = lambda sandbox, event: schedule.add(sandbox, "test", "added", sandbox.now)
    handlers["fails"] = refuse
    plan(world, ("adds", 1), kind="adds")
    plan(world, ("broken", 2), kind="fails")
    assert world.advance(10).fired == 3
    assert [(subject, state) for subject, state, _ in rows(world)] == [
        ("adds", "DONE"),
        ("broken", "FAILED"),
        ("added", "DONE"),
    ]


def test_a_failing_event_does_not_stop_the_clock_of_the_next_batch(world, counted, handlers):
    handlers["fails"] = refuse
    plan(world, ("broken", 0.5), kind="fails")
    plan(world, *((f"e{n}", n) for n in range(1, 151)), kind="counted")
    advanced = world.advance(200)
    assert (advanced.fired, advanced.delivered, advanced.complete) == (151, 150, True)
    assert world.now() == NOON + 200 * SECOND


def test_an_event_that_breaks_down_fails_alone(world, seen, handlers):
    handlers["breaks"] = lambda sandbox, event: {}["nothing"]
    plan(world, ("broken", 1), kind="breaks")
    plan(world, ("unknown", 1), kind="of no kind")
    plan(world, ("after", 2))
    assert world.advance(10).complete
    assert subjects(seen) == ["after"]
    assert [(state, reason) for _, state, reason in rows(world)] == [
        ("FAILED", "failed: KeyError"),
        ("FAILED", "failed: KeyError"),
        ("DONE", None),
    ]


def test_a_broken_statement_fails_alone(world, seen, handlers):
    handlers["breaks"] = lambda sandbox, event: sandbox.connection.exec_driver_sql("NONSENSE")
    plan(world, ("broken", 1), kind="breaks")
    plan(world, ("after", 2))
    world.advance(10)
    assert subjects(seen) == ["after"]


def test_an_event_that_meets_no_database_happens_later(world, seen, handlers):
    def meet_nobody(_sandbox, _event):
        raise psycopg.OperationalError("the connection is closed")

    handlers["late"] = meet_nobody
    plan(world, ("late", 1), kind="late")
    with pytest.raises(DatabaseUnavailable):
        world.advance(10)
    handlers["late"] = handlers["test"]
    world.advance(10)
    assert subjects(seen) == ["late"]
    assert rows(world) == [("late", "DONE", None)]


def test_one_transaction_fires_a_batch_and_the_clock_follows(world, seen):
    plan(world, *((f"e{n}", n) for n in range(1, 251)))
    target = NOON + 300 * SECOND
    counts, shown = [], []
    more = True
    while more:
        fired = scheduler.fire(world.runtime, world.seller_id, target)
        counts.append(fired.count)
        shown.append(world.now())
        more = fired.more
    assert counts == [100, 100, 50]
    assert shown == [NOON + 100 * SECOND, NOON + 200 * SECOND, target]
    assert subjects(seen) == [f"e{n}" for n in range(1, 251)]


@pytest.mark.parametrize(("many", "counts"), [(99, [99]), (100, [100]), (101, [100, 1])])
def test_a_transaction_knows_whether_it_left_anything(world, seen, many, counts):
    plan(world, *((f"e{n}", n / 10) for n in range(many)), ("much later", 3_600))
    target, fired = NOON + 60 * SECOND, []
    while not fired or fired[-1].more:
        fired.append(scheduler.fire(world.runtime, world.seller_id, target))
    assert [one.count for one in fired] == counts
    with world.read() as sandbox:
        assert sandbox.seller.next_due == NOON + 3_600 * SECOND


def test_what_is_added_for_a_time_that_is_over_fires_next(world, seen, handlers):
    handlers["adds"] = lambda sandbox, event: schedule.add(sandbox, "test", "overdue", NOON - 5 * SECOND)
    plan(world, ("first", 10), kind="adds")
    plan(world, ("after", 20))
    world.advance(60)
    assert [(subject, now) for _, subject, now in seen] == [
        ("overdue", NOON + 10 * SECOND),
        ("after", NOON + 20 * SECOND),
    ]


def test_what_is_dropped_in_one_world_stays_in_another(world, runtime, seen):
    other = World.new(runtime)
    for each in (world, other):
        plan(each, ("a", 10))
    with world.transaction() as sandbox:
        schedule.drop(sandbox, "test", "a")
    assert (world.advance(60).fired, other.advance(60).fired) == (0, 1)


def test_a_caller_may_say_what_each_kind_does(world, seen):
    plan(world, ("a", 10), kind="of no kind")
    said = {"of no kind": lambda sandbox, event: seen.append(("", event.subject, sandbox.now))}
    fired = scheduler.fire(world.runtime, world.seller_id, NOON + 60 * SECOND, said)
    assert (fired.count, subjects(seen)) == (1, ["a"])


@on_sqlite
def test_what_is_next_is_found_by_the_index_of_what_waits(world, seen, engines):
    plan(world, ("a", 10), ("b", 90))
    asked = []
    with engines[1].connect() as connection:
        database = connection.connection.dbapi_connection
    database.set_trace_callback(asked.append)
    world.advance(60)
    database.set_trace_callback(None)
    assert subjects(seen) == ["a"]
    selects = [text for text in asked if text.startswith("SELECT") and "FROM events" in text and "ORDER BY" in text]
    assert selects, asked
    with world.read() as sandbox:
        for text in selects:
            explained = sandbox.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
            assert len(explained) == 1, "it sorts"
            assert "INDEX events_due (seller_id=? AND due_at>?" in explained[0][-1]


def test_what_was_due_long_ago_fires_now(world, seen):
    plan(world, ("late", -60))
    assert scheduler.fire_present(world.runtime, world.seller_id) == 1
    assert seen == [(world.seller_id, "late", NOON)]


def test_the_present_fires_nothing_of_the_future(world, seen):
    plan(world, ("now", 0), ("a moment later", 0.001))
    assert scheduler.fire_present(world.runtime, world.seller_id) == 1
    assert subjects(seen) == ["now"]
    assert world.now() == NOON


def test_the_sellers_next_event_is_known(world, seen):
    def known():
        with world.read() as sandbox:
            return sandbox.seller.next_due

    assert known() is None
    plan(world, ("b", 20), ("a", 10))
    assert known() == NOON + 10 * SECOND
    world.advance(10)
    assert known() == NOON + 20 * SECOND
    world.advance(10)
    assert known() is None


def test_another_world_is_left_alone(world, runtime, seen):
    other = World.new(runtime)
    plan(world, ("mine", 10))
    plan(other, ("theirs", 5))
    world.advance(60)
    assert subjects(seen) == ["mine"]
    assert other.now() == NOON
    assert other.advance(60).fired == 1
    assert subjects(seen) == ["mine", "theirs"]


@on_sqlite
def test_every_kind_that_the_core_schedules_has_somebody_to_do_it(world):
    kinds = {"order.expire", "attempt.answer", "attempt.resolve", "attempt.timeout"}
    kinds |= {"attempt.reverse", "attempt.enquire", "attempt.capture", "order.auth_expire"}
    kinds |= {"refund.settle", "refund.reverse", "notification.send", "otp.expire"}
    kinds |= {"threeds.timeout", "attempt.review", "attempt.return", "attempt.void"}
    kinds |= {"wallet.gift_expiry", "wallet.reload_due", "attempt.reloaded", "gateway.send_webhook", "gateway.alerts"}
    assert set(scheduler.HANDLERS) == kinds


@on_sqlite
def test_an_unknown_seller_is_told(runtime):
    with pytest.raises(NotFound) as refused:
        clock.advance(runtime, "NOBODY", NOON, 1)
    assert refused.value.code == "seller.not_found"


def test_a_running_world_fires_what_real_time_reached(runtime, real_clock, seen):
    world = World.new(runtime, frozen=False)
    plan(world, ("a", 10))
    real_clock.move(10 * SECOND - 1)
    assert scheduler.fire_present(runtime, world.seller_id) == 0
    real_clock.move(3)
    assert scheduler.fire_present(runtime, world.seller_id) == 1
    assert seen == [(world.seller_id, "a", NOON + 10 * SECOND + 2)]
    assert clock.get_clock(runtime, world.seller_id)[0].mode is Mode.RUNNING
