"""The one way in which a stored record changes."""

import pytest

from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import IllegalTransition, NotFound
from mockpay.services.payments.transitions import ORDERS
from mockpay.store import orders
from mockpay.store.transitions import of_order, require, step, transition, update
from tests.factories import NOON, SECOND, World, on_sqlite


def test_a_record_that_moved_on_meanwhile_takes_no_step_and_tells_nothing(world):
    order = world.order()
    world.cancel(order)
    told = len(world.timeline(order))
    for act in (transition, lambda sandbox, mapper, *how: step(sandbox, ORDERS, *how, Actor.BUYER)):
        with pytest.raises(IllegalTransition) as refused, world.transaction() as sandbox:
            act(sandbox, orders.mapper, order, "buyer_cancel")
        assert refused.value.message == "The order moved on meanwhile."
        assert refused.value.detail == {"machine": "order"}
    assert len(world.timeline(order)) == told


@on_sqlite
def test_an_update_may_depend_on_what_the_row_still_has(world):
    order = world.order()
    with world.transaction() as sandbox:
        changed = update(sandbox, orders.mapper, order, unchanged=("attempt_count",), attempt_count=1)
    assert (changed.attempt_count, world.get_order(order).attempt_count) == (1, 1)
    with pytest.raises(IllegalTransition), world.transaction() as sandbox:
        update(sandbox, orders.mapper, order, unchanged=("attempt_count",), attempt_count=2)
    assert world.get_order(order).attempt_count == 1


@on_sqlite
def test_a_record_knows_when_it_changed_last(world):
    order = world.order()
    world.advance(5)
    with world.transaction() as sandbox:
        assert update(sandbox, orders.mapper, order, reason="x").updated_at == NOON + 5 * SECOND
        assert update(sandbox, orders.mapper, order, reason="y", updated_at=7).updated_at == 7


@on_sqlite
def test_the_timeline_of_an_order_is_its_sellers_own_oldest_first(world, runtime):
    order = world.order()
    world.pay(order)
    with world.read() as sandbox:
        lines = of_order(sandbox, order.order_pk)
    assert [line.event for line in lines][:2] == ["opened", "attempt_started"]
    assert {line.at for line in lines} == {NOON}
    with World.new(runtime).read() as sandbox:
        assert of_order(sandbox, order.order_pk) == []


def test_what_is_not_there_is_refused_by_its_noun():
    assert require("x", "order") == "x"
    with pytest.raises(NotFound) as refused:
        require(None, "order")
    assert (refused.value.code, refused.value.message) == ("order.not_found", "There is no such order.")
