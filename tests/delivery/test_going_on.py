"""A sender that stays with its seller: each notification recorded, then the next one claimed."""

from dataclasses import replace

import pytest

from mockpay.delivery import outbox
from mockpay.services import sellers
from mockpay.services.sellers import Changes
from mockpay.store import notifications
from tests.given import Post, World


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def world(runtime, post):
    made = World.new(replace(runtime, sender=post))
    with made.work() as sandbox:
        sellers.change(sandbox, Changes(ipn_url="http://127.0.0.1:9/ipn"))
    return made


def told(world):
    with world.look() as sandbox:
        items = notifications.listed(sandbox).items
        return [(str(one.state), one.tries) for one in items]


def test_one_sender_sends_all_that_its_seller_has_once(world, post):
    for number in range(6):
        world.pay(world.order(f"O-{number}"))
    (first,) = outbox.claim(world.runtime, 1)
    outbox.send(world.runtime, first, lambda: True)
    assert told(world) == [("DELIVERED", 1)] * 6
    assert len({call.body for call in post.sent}) == len(post.sent) == 6
    assert outbox.claim(world.runtime, 16) == []


def test_a_sender_that_may_not_go_on_claims_nothing_more(world, post):
    for number in range(3):
        world.pay(world.order(f"O-{number}"))
    (first,) = outbox.claim(world.runtime, 1)
    outbox.send(world.runtime, first, lambda: False)
    assert len(post.sent) == 1
    assert sorted(told(world)) == [("DELIVERED", 1), ("QUEUED", 0), ("QUEUED", 0)]


def test_a_sender_leaves_what_others_are_sending(world, post):
    for number in range(6):
        world.pay(world.order(f"O-{number}"))
    mine, *others = outbox.claim(world.runtime, 4)
    outbox.send(world.runtime, mine, lambda: True)
    assert len(post.sent) == 3
    assert sorted(state for state, _ in told(world)) == ["DELIVERED"] * 3 + ["SENDING"] * 3
    for other in others:
        outbox.send(world.runtime, other)
    assert len({call.body for call in post.sent}) == len(post.sent) == 6
