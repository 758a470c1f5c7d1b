"""Refunds as stored: each seller's own, and never more set aside than was captured."""

import sqlite3

import pytest
from msgspec.structs import replace

from mockpay.kernel.errors import Invalid
from mockpay.services.payments.transitions import get_attempt
from mockpay.store import refunds
from tests.factories import World, on_sqlite


def paid(world, number="O-1"):
    order = world.order(number, "100.00")
    world.pay(order)
    return order


@on_sqlite
def test_only_what_is_left_of_captured_money_is_set_aside_and_given_back(world):
    order = paid(world)
    (attempt,) = world.attempts(order)
    with world.transaction() as sandbox:

        def left():
            return get_attempt(sandbox, attempt.attempt_id).refund_reserved_minor

        assert refunds.reserve(sandbox, attempt, 9_999)
        assert not refunds.reserve(sandbox, attempt, 2)
        assert refunds.reserve(sandbox, attempt, 1)
        assert left() == 10_000
        refunds.release(sandbox, attempt.attempt_id, 10_001)
        assert left() == 10_000
        refunds.release(sandbox, attempt.attempt_id, 10_000)
        assert left() == 0
    unpaid = world.request_approval(world.order("O-2"))
    with world.transaction() as sandbox:
        assert not refunds.reserve(sandbox, unpaid, 0)


@on_sqlite
def test_a_refund_is_found_by_either_id_by_its_own_seller_alone(world, runtime):
    order = paid(world)
    refund = world.refund(order, "1.00", "R-1")
    other = World.new(runtime)
    world.refund(paid(world, "O-2"), "1.00", "R-2")
    with world.read() as sandbox:
        assert refunds.by_reference(sandbox, "R-1") == refunds.by_id(sandbox, refund.refund_id) == refund
        assert refunds.of_order(sandbox, order.order_pk) == [refund]
        assert refunds.by_reference(sandbox, "R-3") is None
    with other.read() as sandbox:
        assert refunds.by_reference(sandbox, "R-1") is None
        assert refunds.by_id(sandbox, refund.refund_id) is None
        assert refunds.list_page(sandbox).items == []


@on_sqlite
def test_a_seller_has_each_id_once_and_another_seller_may_have_it_too(world, runtime):
    world.refund(paid(world), "1.00", "R-1")
    other = World.new(runtime)
    other.refund(paid(other), "1.00", "R-1")
    for taken in ("reference", "refund_id"):
        with world.transaction() as sandbox:
            first = refunds.by_reference(sandbox, "R-1")
            second = replace(first, reference="R-9", refund_id="S04-9")
            with pytest.raises(sqlite3.IntegrityError):
                refunds.add(sandbox, replace(second, **{taken: getattr(first, taken)}))


@on_sqlite
def test_refunds_are_listed_newest_first_by_state_order_and_reference(world):
    first, second = paid(world, "A"), paid(world, "B")
    for order, reference in [(first, "R-1"), (first, "R-2"), (second, "R-3")]:
        world.refund(order, "1.00", reference)
    world.settle_refund(world.refunds(first)[0], "complete")

    def listed(**filters):
        with world.read() as sandbox:
            page = refunds.list_page(sandbox, **filters)
        return " ".join(refund.reference for refund in page.items), page.next_cursor

    assert listed() == ("R-3 R-2 R-1", None)
    assert listed(states=("PENDING",)) == ("R-3 R-2", None)
    assert listed(order_id=first.order_id) == ("R-2 R-1", None)
    assert listed(reference="R-2") == ("R-2", None)
    assert listed(limit=3) == ("R-3 R-2 R-1", None)
    names, cursor = listed(limit=2)
    assert names == "R-3 R-2"
    assert listed(limit=2, cursor=cursor) == ("R-1", None)
    with pytest.raises(Invalid) as refused:
        listed(cursor="x")
    assert refused.value.code == "cursor.invalid"
