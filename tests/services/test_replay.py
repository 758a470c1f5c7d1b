"""
The order that a request leads to: replay, joining, duplicates (contract, section 2).
"""

import pytest

from mockpay.kernel.errors import NotFound
from mockpay.kernel.money import Money
from mockpay.services.payments import orders
from mockpay.services.payments.transitions import get_attempt, get_order
from mockpay.store import orders as order_rows
from tests.factories import ORDER_ENDINGS, World, payment_request, run_concurrently


def same(order, begun):
    return not begun.new and begun.order is not None and begun.order.order_pk == order.order_pk


@pytest.mark.parametrize("how", ORDER_ENDINGS)
def test_the_same_payload_leads_to_its_order_as_it_now_stands(world, how):
    order = world.order()
    assert same(order, world.begin())
    assert world.end(order, how) == how.upper()
    begun = world.begin()
    assert same(order, begun)
    assert (begun.order.state, begun.refusal) == (how.upper(), None)


def test_a_new_payload_for_an_open_order_of_the_same_amount_joins_it(world):
    order = world.order()
    assert same(order, world.begin(digest="second"))
    world.request_approval(order)
    assert same(order, world.begin(digest="third"))
    assert world.begin(digest="third").refusal is None


def test_a_payload_that_joined_an_order_leads_to_it_for_ever(world):
    order = world.order()
    world.begin(digest="second")
    world.cancel(order)
    again = world.order(digest="third")
    assert same(order, world.begin(digest="second"))
    assert same(again, world.begin(digest="third"))
    assert same(order, world.begin())


def test_a_new_payload_for_an_open_order_of_another_amount_is_refused(world):
    order = world.order()
    begun = world.begin(amount="500.00")
    assert same(order, begun)
    assert begun.refusal == "order.open_with_another_amount"
    assert world.get_order(order).amount == Money(49_900)


@pytest.mark.parametrize("amount", ["499.00", "500.00"])
def test_a_new_payload_for_a_paid_order_is_refused_as_a_duplicate(world, amount):
    order = world.order()
    world.pay(order)
    begun = world.begin(amount=amount, digest="second")
    assert same(order, begun)
    assert begun.refusal == "order.already_paid"


def test_money_sent_back_leaves_the_order_paid_for_a_replay(world):
    order = world.order(amount="1703.08")
    world.pay(order)
    world.advance_until_idle()
    assert world.get_order(order).state == "REFUNDED"
    assert world.begin(amount="1703.08", digest="second").refusal == "order.already_paid"


@pytest.mark.parametrize("how", ["failed", "cancelled", "expired"])
@pytest.mark.parametrize("amount", ["499.00", "500.00"])
def test_a_new_payload_after_an_order_closed_unpaid_opens_a_new_one(world, how, amount):
    first = world.order()
    world.end(first, how)
    begun = world.begin(amount=amount, digest="second")
    assert begun.new
    assert begun.order.order_id != first.order_id
    assert begun.order.seller_order_id == first.seller_order_id
    assert same(begun.order, world.begin(amount=amount, digest="second"))


def test_a_stale_request_opens_nothing(world):
    begun = world.begin(stale=True)
    assert (begun.order, begun.new, begun.refusal) == (None, False, "request.stale")
    world.order()
    assert world.begin(stale=True, digest="second").refusal == "request.stale"


def test_a_stale_replay_still_leads_to_what_it_opened(world):
    order = world.order()
    assert same(order, world.begin(stale=True))


def test_another_sellers_order_of_the_same_name_is_another_order(world, runtime):
    mine, theirs = world.order(), World.new(runtime).order()
    assert mine.order_id != theirs.order_id
    with world.read() as sandbox:
        assert order_rows.by_id(sandbox, theirs.order_id) is None
        assert order_rows.by_number(sandbox, theirs.order_pk) is None
        with pytest.raises(NotFound) as refused:
            get_order(sandbox, theirs.order_pk)
        assert refused.value.code == "order.not_found"
        with pytest.raises(NotFound) as refused:
            get_attempt(sandbox, "att_nobodys")
        assert refused.value.code == "attempt.not_found"


@pytest.mark.parametrize("digests", ["same", "different"])
def test_eight_threads_with_one_order_open_it_once(world, digests):
    def begin(index):
        with world.transaction() as sandbox:
            digest = "one" if digests == "same" else f"payload {index}"
            return orders.open_order(sandbox, payment_request(digest=digest))

    begun = run_concurrently(8, begin)
    assert len({one.order.order_pk for one in begun}) == 1
    assert sum(one.new for one in begun) == 1


def test_a_new_payload_does_not_join_an_order_whose_time_is_over(world, real_clock):
    first = world.order(digest="one", timeout_seconds=60)
    world.set_clock(None, first.expires_at)  # the clock is there, the event has not fired
    again = world.begin(digest="two")
    assert again.new
    assert again.order.order_pk != first.order_pk
    assert world.get_order(first).state == "EXPIRED"
