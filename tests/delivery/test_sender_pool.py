"""Notifications on their way: in order, few at once, nobody waits for somebody else's server."""

import dataclasses
from contextlib import ExitStack
from socket import create_server
from threading import Barrier, BrokenBarrierError, Event, Lock, Semaphore

import pytest
from msgspec.structs import replace
from sqlalchemy import delete, select, update

from mockpay.delivery import outbox
from mockpay.delivery.sender_pool import SLOW_MS, SenderPool, Worker, send_waiting
from mockpay.domain.notifications import DeliveryState
from mockpay.kernel.http.calls import HttpReply, Unreachable
from mockpay.kernel.http.hosts import OutgoingHosts
from mockpay.kernel.http.sender import HttpSender
from mockpay.services.refunds.refund_settlement import settle
from mockpay.services.sellers import accounts
from mockpay.store import outbox as outbox_rows
from mockpay.store import refunds
from mockpay.store.notifications import notifications
from tests.factories import IPN_URL, World, on_sqlite, run_concurrently

#: How long a test waits for what must happen, in seconds; nothing that passes takes it.
PATIENCE = 20


class Gate:
    """A server that answers only when it is let, and remembers how many it held at once."""

    def __init__(self):
        self.sent = []
        self.at_once = self.most = 0
        self._let, self._came, self._lock = Semaphore(0), Semaphore(0), Lock()

    def send(self, call):
        with self._lock:
            self.sent.append(call)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self._came.release()
        assert self._let.acquire(timeout=PATIENCE)
        with self._lock:
            self.at_once -= 1
        return HttpReply(200, {}, b"")

    def let(self, count=1):
        self._let.release(count)

    def wait_for(self, count=1):
        for _ in range(count):
            assert self._came.acquire(timeout=PATIENCE)


class Slow:
    """A gate for one address; everybody else answers at once."""

    def __init__(self, url, gate, post):
        self.url, self.gate, self.post = url, gate, post

    def send(self, call):
        return (self.gate if call.url == self.url else self.post).send(call)


@pytest.fixture
def gate():
    return Gate()


def on(runtime, sender):
    return replace(runtime, sender=sender)


def notified(world, *numbers):
    """Orders that were paid, each with a notification that waits."""
    orders = []
    for number in numbers:
        orders.append(world.order(number))
        world.pay(orders[-1])
    return orders


def states(world, *orders):
    return [str(one.state) for order in orders for one in world.notifications(order)]


def subjects(gate):
    return [call.headers["x-amz-sns-message-id"] for call in gate.sent]


def test_threads_that_take_at_once_fill_the_pool_and_no_more(runtime, gate):
    for _ in range(12):
        notified(World.new(on(runtime, gate), ipn_url=IPN_URL), "O-1")
    pool = SenderPool(on(runtime, gate), size=4, refill=False)
    assert sum(run_concurrently(8, lambda _: pool.take())) == 4
    gate.let(4)
    assert pool.finish(PATIENCE)


def test_what_is_told_of_one_order_is_sent_one_after_the_other(runtime, gate):
    world = World.new(on(runtime, gate), ipn_url=IPN_URL)
    (order,) = notified(world, "O-1")
    for number in range(3):
        world.add_rule("completed", "refund", times=1)
        world.refund(order, "10.00", f"R-{number}")
    with world.transaction() as sandbox:  # what the refunds queue, without waiting for the payment's
        for refund in refunds.of_order(sandbox, order.order_pk):
            settle(sandbox, refund.refund_id)
    pool = SenderPool(world.runtime, refill=False)
    wanted = [one.message_id for one in world.notifications(order)]
    assert len(wanted) == 4
    for count in range(1, 5):
        assert pool.take() == 1
        gate.wait_for()
        assert pool.take() == 0
        assert subjects(gate) == wanted[:count]
        gate.let()
        assert pool.finish(PATIENCE)
    assert pool.take() == 0
    assert gate.most == 1
    assert states(world, order) == ["DELIVERED"] * 4
    assert world.violations() == []


def test_a_seller_has_four_on_the_way_at_most(runtime, gate):
    world = World.new(on(runtime, gate), ipn_url=IPN_URL)
    orders = notified(world, *"ABCDEF")
    pool = SenderPool(world.runtime, refill=False)
    assert pool.take() == outbox_rows.MAX_IN_FLIGHT == 4
    gate.wait_for(4)
    assert pool.take() == 0
    assert sorted(states(world, *orders)) == ["QUEUED"] * 2 + ["SENDING"] * 4
    assert world.violations() == []
    gate.let(6)
    assert pool.finish(PATIENCE)
    assert pool.take() == 2
    assert pool.finish(PATIENCE)
    assert gate.most == 4
    assert states(world, *orders) == ["DELIVERED"] * 6


def test_a_slow_seller_delays_nobody_else(runtime, gate, post):
    slow_url = "http://127.0.0.1:1/slow"
    ours = on(runtime, Slow(slow_url, gate, post))
    slow, quick = World.new(ours, ipn_url=slow_url), World.new(ours, ipn_url=IPN_URL)
    waiting = notified(slow, *"ABCDEFGH")
    orders = notified(quick, *"ABC")
    pool = SenderPool(ours)
    pool.take()
    gate.wait_for(4)
    while states(quick, *orders) != ["DELIVERED"] * 3:
        pass
    assert len(post.sent) == 3
    assert sorted(states(slow, *waiting)) == ["QUEUED"] * 4 + ["SENDING"] * 4
    gate.let(8)
    while states(slow, *waiting) != ["DELIVERED"] * 8:
        pass
    assert pool.finish(PATIENCE)
    assert gate.most == 4


@on_sqlite
def test_a_healthy_seller_waits_for_none_of_ten_who_hang(runtime, gate, post):
    """Nobody knows yet that they hang: no try of theirs has ended."""
    slow_url = "http://127.0.0.1:1/slow"
    ours = on(runtime, Slow(slow_url, gate, post))
    worker = Worker(ours)
    worker.start()
    try:
        for _ in range(10):
            notified(World.new(ours, ipn_url=slow_url), *"ABCD")
        gate.wait_for(10)
        healthy = World.new(ours, ipn_url=IPN_URL)
        orders = notified(healthy, *"ABCD")
        while states(healthy, *orders) != ["DELIVERED"] * 4:
            pass
        assert gate.at_once == 14
    finally:
        gate.let(40)
        worker.stop(PATIENCE)


@on_sqlite
def test_what_is_slow_gives_its_place_away_and_its_seller_gets_no_other(runtime, gate, real_clock):
    """More sellers hang than the pool has places; a row is slow from half a second on."""
    ours = on(runtime, gate)
    hung = [World.new(ours, ipn_url=IPN_URL) for _ in range(3)]
    rows = [(world, notified(world, "A", "B")) for world in hung]
    pool = SenderPool(ours, size=2, refill=False)
    assert pool.take() == 2
    gate.wait_for(2)
    healthy = World.new(ours, ipn_url=IPN_URL)
    orders = notified(healthy, "A")
    real_clock.move(SLOW_MS - 1)
    assert pool.take() == 0
    real_clock.move(1)
    assert pool.take() == 2
    gate.wait_for(2)
    assert states(healthy, *orders) == ["SENDING"]
    assert [sorted(states(world, *orders)) for world, orders in rows] == [["QUEUED", "SENDING"]] * 3
    real_clock.move(SLOW_MS)
    assert pool.take() == 0
    gate.let(4)
    assert pool.finish(PATIENCE)


@on_sqlite
def test_slow_rows_have_a_bound_of_their_own(runtime, gate, real_clock):
    ours = on(runtime, gate)
    for _ in range(9):
        notified(World.new(ours, ipn_url=IPN_URL), "A")
    pool = SenderPool(ours, size=1, refill=False)
    taken = []
    for _ in range(9):
        taken.append(pool.take())
        real_clock.move(SLOW_MS)
    assert taken == [1] * 8 + [0]
    gate.let(8)
    assert pool.finish(PATIENCE)


@on_sqlite
def test_a_notification_arrives_while_ten_listeners_hang(runtime, post):
    """Their kernel takes the connections, nobody ever reads from them."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(create_server(("127.0.0.1", 0))) for _ in range(10)]
        ours = on(runtime, Slow(IPN_URL, post, HttpSender(OutgoingHosts())))
        worker = Worker(ours)
        worker.start()
        hung = []
        for listener in listeners:
            world = World.new(ours, ipn_url=f"http://127.0.0.1:{listener.getsockname()[1]}/", ipn_timeout_seconds=25)
            hung.append((world, notified(world, *"ABCD")))
        for world, orders in hung:
            while "SENDING" not in states(world, *orders):
                pass
        healthy = World.new(ours, ipn_url=IPN_URL)
        (order,) = notified(healthy, "A")
        while states(healthy, order) != ["DELIVERED"]:
            pass
        assert all("SENDING" in states(world, *orders) for world, orders in hung)
        assert not any("DELIVERED" in states(world, *orders) for world, orders in hung)
        for listener in listeners:
            listener.close()  # which resets what it has not accepted
        worker.stop(PATIENCE)


class TimingOut(Gate):
    """A gate before which calls time out until somebody says that they no longer do."""

    late = True

    def send(self, call):
        if self.late:
            raise Unreachable("Too late.", code="http.timeout")
        return super().send(call)


@on_sqlite
def test_sellers_who_hang_have_one_on_the_way_each_and_half_of_the_pool_together(runtime, post):
    gate, slow_url = TimingOut(), "http://127.0.0.1:1/slow"
    ours = on(runtime, Slow(slow_url, gate, post))
    hanging = [World.new(ours, ipn_url=slow_url) for _ in range(6)]
    for world in hanging:
        notified(world, "A")
    pool = SenderPool(ours, size=8, refill=False)
    while pool.take():
        assert pool.finish(PATIENCE)
    gate.late = False
    waiting = [(world, notified(world, "B", "C")) for world in hanging]
    assert pool.take() == 4
    gate.wait_for(4)
    healthy = World.new(ours, ipn_url=IPN_URL)
    orders = notified(healthy, "A")
    assert pool.take() == 1
    while states(healthy, *orders) != ["DELIVERED"]:
        pass
    sending = [states(world, *orders).count("SENDING") for world, orders in waiting]
    assert sorted(sending) == [0, 0, 1, 1, 1, 1]
    gate.let(12)
    assert pool.finish(PATIENCE)
    # Those who answered now may have more than one on the way again.
    while pool.take():
        assert pool.finish(PATIENCE)
    assert [states(world, *orders) for world, orders in waiting] == [["DELIVERED"] * 2] * 6


def test_what_was_sent_is_recorded_while_the_next_one_hangs(runtime, gate, post):
    class HangingLater:
        def send(self, call):
            with lock:
                quick = not post.sent
                if quick:
                    return post.send(call)
            return gate.send(call)

    lock = Lock()
    world = World.new(on(runtime, HangingLater()), ipn_url=IPN_URL)
    orders = notified(world, *"ABCD")
    pool = SenderPool(world.runtime, refill=False)
    assert pool.take() == 4
    gate.wait_for(3)
    while "DELIVERED" not in states(world, *orders):
        pass
    assert sorted(states(world, *orders)) == ["DELIVERED"] + ["SENDING"] * 3
    gate.let(3)
    assert pool.finish(PATIENCE)
    assert states(world, *orders) == ["DELIVERED"] * 4
    assert len(gate.sent) == 3


@pytest.mark.parametrize("sequences", [1, 300])
def test_a_backlog_of_one_seller_hides_nobody_else(runtime, sequences):
    slow, quick = World.new(runtime), World.new(runtime)
    with slow.transaction() as sandbox:
        for number in range(300):
            key = f"{slow.seller_id} {number % sequences}"
            outbox_rows.add(sandbox, outbox.RETURN_AGAIN, f"S-{number}", leased=False, sequence_key=key, url="/")
    with quick.transaction() as sandbox:
        outbox_rows.add(sandbox, outbox.RETURN_AGAIN, "Q", leased=False, sequence_key=quick.seller_id, url="/")
    subjects = []
    while (claim := outbox.claim(runtime)) is not None:
        subjects.append(claim.row.subject)
    first = ["S-0"] if sequences == 1 else [f"S-{number}" for number in range(4)]
    assert subjects == [*first, "Q"]


def test_a_process_has_no_more_on_the_way_than_senders(runtime, gate):
    ours = on(runtime, gate)
    worlds = [World.new(ours, ipn_url=IPN_URL) for _ in range(6)]
    for world in worlds:
        notified(world, "A", "B")
    pool = SenderPool(ours, size=5)
    assert pool.take() == 5
    gate.wait_for(5)
    assert pool.take() == 0
    gate.let(12)
    gate.wait_for(7)
    assert pool.finish(PATIENCE)
    assert len(gate.sent) == 12
    assert gate.most <= 5


def test_one_whose_sender_died_is_sent_again(runtime, post, real_clock):
    world = World.new(runtime, ipn_url=IPN_URL)
    orders = notified(world, "A")
    assert outbox.claim(runtime) is not None  # and then the process is killed
    assert states(world, *orders) == ["SENDING"]
    assert world.violations() == []
    real_clock.move(outbox_rows.LEASE_MS - 1)
    assert send_waiting(runtime) == 0
    real_clock.move(1)
    assert send_waiting(runtime) == 1
    assert states(world, *orders) == ["DELIVERED"]
    assert len(post.sent) == 1
    assert world.violations() == []


def test_one_that_was_sent_twice_is_recorded_once(runtime, gate, real_clock):
    """Its first sender was slow, not dead."""
    world = World.new(on(runtime, gate), ipn_url=IPN_URL)
    (order,) = notified(world, "A")
    pool = SenderPool(world.runtime, refill=False)
    pool.take()
    gate.wait_for()
    real_clock.move(outbox_rows.LEASE_MS)
    other_process = SenderPool(world.runtime, refill=False)
    assert other_process.take() == 1
    gate.wait_for()
    gate.let(2)
    assert pool.finish(PATIENCE)
    assert other_process.finish(PATIENCE)
    (one,) = world.notifications(order)
    assert (one.state, one.tries, len(world.delivery_tries(one))) == ("DELIVERED", 1, 1)
    assert len(gate.sent) == 2
    assert world.violations() == []


def test_doubled_at_once_really_overlaps(runtime):
    both = Barrier(2)

    class Overlapping:
        def send(self, call):
            both.wait(PATIENCE)
            return HttpReply(200, {}, b"")

    world = World.new(on(runtime, Overlapping()), ipn_url=IPN_URL)
    world.add_rule("doubled_at_once", "ipn")
    (order,) = notified(world, "A")
    pool = SenderPool(world.runtime, refill=False)
    assert pool.take() == 2
    assert pool.finish(PATIENCE)
    assert not both.broken
    assert states(world, order) == ["DELIVERED"] * 2


def test_spaced_copies_do_not_overlap(runtime):
    both = Barrier(2)

    class Overlapping:
        def send(self, call):
            with pytest.raises(BrokenBarrierError):
                both.wait(0.05)
            both.reset()
            return HttpReply(200, {}, b"")

    world = World.new(on(runtime, Overlapping()), ipn_url=IPN_URL)
    world.add_rule("tripled", "ipn")
    (order,) = notified(world, "A")
    world.set_clock(None, world.now() + 60_000)
    world.advance_until_idle()
    assert states(world, order) == ["DELIVERED"] * 3


@pytest.mark.parametrize("again", [False, True])
def test_a_reset_while_one_is_on_its_way_loses_nothing_else(runtime, gate, again):
    """Not even where the same order is made again, whose notification has the same name."""
    ours = on(runtime, gate)
    world, other = World.new(ours, ipn_url=IPN_URL), World.new(ours, ipn_url=IPN_URL)
    notified(world, "A")
    pool = SenderPool(ours, refill=False)
    pool.take()
    gate.wait_for()
    with world.transaction() as sandbox:
        accounts.reset(sandbox)
    theirs = notified(other, "THEIRS")
    mine = notified(world, "A") if again else []
    gate.let()
    assert pool.finish(PATIENCE)
    assert states(other, *theirs) == ["QUEUED"]
    assert states(world, *mine) == ["QUEUED"] * again
    gate.let(2)
    assert pool.take() == 1 + again
    assert pool.finish(PATIENCE)
    assert states(other, *theirs) == ["DELIVERED"]
    assert states(world, *mine) == ["DELIVERED"] * again
    assert world.violations() == other.violations() == []


def test_a_seller_deleted_while_one_is_on_its_way_raises_nothing(runtime, gate):
    world = World.new(on(runtime, gate), ipn_url=IPN_URL)
    notified(world, "A")
    pool = SenderPool(world.runtime, refill=False)
    pool.take()
    gate.wait_for()
    with world.transaction() as sandbox:
        accounts.delete(sandbox)
    gate.let()
    assert pool.finish(PATIENCE)
    assert outbox.claim(runtime) is None


def test_one_that_cannot_be_written_is_dead_and_holds_up_nobody(runtime, post):
    broken = dataclasses.replace(runtime.providers["amazonpay"], notify=lambda *_: {}["no such key"])
    ours = replace(runtime, providers={"amazonpay": broken})
    world = World.new(ours, ipn_url=IPN_URL)
    (order,) = notified(world, "A")
    assert send_waiting(ours) == 1
    (one,) = world.notifications(order)
    assert (one.state, one.tries) == ("DEAD", 0)
    assert one.reason == "notification.unwritten: It could not be written: KeyError."
    mended = World(runtime, world.seller_id)
    mended.deliver(one.notification_id)
    assert send_waiting(runtime) == 1
    assert states(world, order) == ["DELIVERED"]
    assert world.violations() == []


def test_a_notification_that_is_gone_is_no_error(runtime, post):
    world = World.new(runtime, ipn_url=IPN_URL)
    notified(world, "A")
    with world.transaction() as sandbox:
        sandbox.connection.execute(delete(notifications))
    assert send_waiting(runtime) == 1
    assert post.sent == []


def test_one_that_moved_on_meanwhile_is_dead_and_holds_up_nobody_else(runtime, gate):
    world = World.new(on(runtime, gate), ipn_url=IPN_URL)
    orders = notified(world, *"ABCD")
    pool = SenderPool(world.runtime, refill=False)
    assert pool.take() == 4
    gate.wait_for(4)
    (odd,) = world.notifications(orders[1])
    with world.transaction() as sandbox:
        its_row = notifications.c.notification_id == odd.notification_id
        sandbox.connection.execute(update(notifications).where(its_row).values(tries=7, state="DELIVERED"))
    gate.let(4)
    assert pool.finish(PATIENCE)
    ends = [(one.state, one.tries) for order in orders for one in world.notifications(order)]
    assert ends == [("DELIVERED", 1), ("DELIVERED", 7), ("DELIVERED", 1), ("DELIVERED", 1)]
    assert world.delivery_tries(odd) == []
    with world.read() as sandbox:
        columns = outbox_rows.outbox.c
        query = select(columns.state, columns.reason).where(columns.subject == odd.notification_id)
        state, reason = sandbox.connection.execute(query).one()
    assert (state, reason.partition(":")[0]) == ("DEAD", "transition.illegal")
    later = notified(world, "E")
    gate.let()
    assert pool.take() == 1
    assert pool.finish(PATIENCE)
    assert states(world, *later) == ["DELIVERED"]


def test_claimers_of_many_processes_take_each_once(runtime, post):
    world = World.new(runtime, ipn_url=IPN_URL)
    orders = notified(world, *(f"O-{n}" for n in range(12)))
    run_concurrently(6, lambda _: [send_waiting(runtime, limit=3) for _ in range(4)])
    while send_waiting(runtime):
        pass
    assert len(post.sent) == 12
    assert states(world, *orders) == ["DELIVERED"] * 12
    with world.read() as sandbox:
        query = select(notifications.c.state, notifications.c.tries)
        rows = {tuple(row) for row in sandbox.connection.execute(query)}
    assert rows == {(str(DeliveryState.DELIVERED), 1)}
    assert world.violations() == []


def test_the_worker_sends_what_becomes_due_and_stops_when_all_has_arrived(runtime):
    done = Event()

    class Watching:
        def send(self, call):
            done.set()
            return HttpReply(200, {}, b"")

    world = World.new(on(runtime, Watching()), ipn_url=IPN_URL)
    worker = Worker(world.runtime)
    worker.start()
    try:
        (order,) = notified(world, "A")
        assert done.wait(PATIENCE)
    finally:
        worker.stop(PATIENCE)
    assert states(world, order) == ["DELIVERED"]
