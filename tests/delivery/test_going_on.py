"""A sender that stays with its seller: a batch recorded, then the next one claimed."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from mockpay.delivery import outbox
from mockpay.delivery.notifications import Batch, Claimed, tell
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import Changes
from mockpay.store import notifications
from mockpay.store import outbox as parcels
from mockpay.store.outbox import MOST_IN_FLIGHT
from tests.factories import RecordingSender, World


@pytest.fixture
def post():
    return RecordingSender()


@pytest.fixture
def world(runtime, post):
    made = World.new(replace(runtime, sender=post))
    with made.transaction() as sandbox:
        accounts.change(sandbox, Changes(ipn_url="http://127.0.0.1:9/ipn"))
    return made


def told(world):
    with world.read() as sandbox:
        items = notifications.listed(sandbox).items
        return [(str(one.state), one.tries) for one in items]


def claimed(world, limit):
    return [Claimed(parcel) for parcel in outbox.claim(world.runtime, limit)]


def stay(world, waiting, room=MOST_IN_FLIGHT):
    """Send a batch and all that its seller has next; how many came each time."""
    batch, counts = Batch(world.seller_id, waiting), []
    while found := tell(world.runtime, batch, lambda: room):
        counts.append(len(found))
        batch.begin(found)
    return counts


def notified(world, count):
    for number in range(count):
        world.pay(world.order(f"O-{number}"))


def test_one_sender_sends_all_that_its_seller_has_once(world, post):
    notified(world, 7)
    assert stay(world, claimed(world, 1)) == [4, 2]
    assert told(world) == [("DELIVERED", 1)] * 7
    assert len({call.body for call in post.sent}) == len(post.sent) == 7
    assert outbox.claim(world.runtime, 16) == []
    assert world.advance(0).delivered == 7


def test_a_sender_that_may_not_go_on_claims_nothing_more(world, post):
    notified(world, 3)
    assert stay(world, claimed(world, 1), room=0) == []
    assert len(post.sent) == 1
    assert sorted(told(world)) == [("DELIVERED", 1), ("QUEUED", 0), ("QUEUED", 0)]


def test_a_sender_leaves_what_others_are_sending(world, post):
    notified(world, 6)
    mine, *others = claimed(world, 4)
    assert stay(world, [mine]) == [1, 1]
    assert len(post.sent) == 3
    assert sorted(state for state, _ in told(world)) == ["DELIVERED"] * 3 + ["SENDING"] * 3
    assert stay(world, others) == []
    assert len({call.body for call in post.sent}) == len(post.sent) == 6


def test_a_batch_is_recorded_after_all_of_it_was_sent(world, post):
    seen = []

    class Watching:
        def send(self, call):
            seen.append({state for state, _ in told(world)})
            return post.send(call)

    notified(world, 4)
    watched = World(replace(world.runtime, sender=Watching()), world.seller_id)
    stay(watched, claimed(watched, 4))
    assert seen == [{"SENDING"}] * 4
    assert told(world) == [("DELIVERED", 1)] * 4


def test_one_that_moved_on_meanwhile_holds_up_nobody_else_of_its_batch(world):
    notified(world, 4)
    waiting = claimed(world, 4)
    odd = notifications.notifications.c.notification_id == waiting[1].parcel.subject
    with world.read() as sandbox:
        read = [(sandbox, notifications.by_id(sandbox, one.parcel.subject)) for one in waiting]
    with world.transaction() as sandbox:
        moved = update(notifications.notifications).where(odd).values(tries=7, state="DELIVERED")
        sandbox.connection.execute(moved)
    stay(world, [Claimed(one.parcel, found) for one, found in zip(waiting, read, strict=True)])
    assert sorted(told(world)) == [("DELIVERED", 1)] * 3 + [("DELIVERED", 7)]
    with world.read() as sandbox:
        query = select(parcels.outbox.c.state, parcels.outbox.c.reason)
        query = query.where(parcels.outbox.c.subject == waiting[1].parcel.subject)
        state, reason = sandbox.connection.execute(query).one()
    assert (state, reason.partition(":")[0]) == ("DEAD", "transition.illegal")


def test_the_rest_of_a_batch_may_be_taken_away_at_any_time(world, post):
    notified(world, 4)
    batch = Batch(world.seller_id, claimed(world, 4))
    first = batch.next()
    assert batch.size == 4
    parts = batch.share()
    assert (batch.size, batch.shared, batch.next()) == (1, True, None)
    assert [part.size for part in parts] == [1, 1, 1]
    for part in parts:
        tell(world.runtime, part)
    stay(world, [first])
    assert len({call.body for call in post.sent}) == len(post.sent) == 4
    assert told(world) == [("DELIVERED", 1)] * 4


def test_one_that_was_sent_is_recorded_by_who_takes_the_rest(world, post):
    notified(world, 3)
    parts = []

    class Taking:
        def send(self, call):
            if post.sent:
                parts.extend(batch.share())
            return post.send(call)

    taking = World(replace(world.runtime, sender=Taking()), world.seller_id)
    batch = Batch(world.seller_id, claimed(world, 3))
    tell(taking.runtime, batch)
    assert sorted(told(world)) == [("DELIVERED", 1), ("SENDING", 0), ("SENDING", 0)]
    (part,) = parts
    assert part.size == 2
    tell(world.runtime, part)
    assert told(world) == [("DELIVERED", 1)] * 3
    assert len(post.sent) == 3
