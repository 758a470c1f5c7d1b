"""The end of a refund: what it leaves in its row and in the timeline."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.refunds import RefundState
from mockpay.kernel.errors import IllegalTransition, Invalid
from mockpay.services.refunds import refund_settlement
from tests.factories import NOON, on_sqlite


@pytest.fixture
def order(world):
    order = world.order("O-1", "100.00")
    world.pay(order)
    return order


def act(world, how, *args):
    with world.transaction() as sandbox:
        return how(sandbox, *args)


def last_line(world, refund):
    line = world.timeline_of(refund.refund_id)[-1]
    return line.event, str(line.actor), dict(line.facts)


@on_sqlite
def test_a_completed_refund_has_the_number_of_its_network(world):
    order = world.order("O-1", "100.00")
    attempt = world.pay_with(order, NetBanking("SBIN"))
    world.approve(attempt)
    done = act(world, refund_settlement.complete, world.refund(order, "1.00"))
    assert (done.bank_reference_kind, done.bank_reference[:5]) == ("UTR", "SBINN")
    assert last_line(world, done) == ("completed", "tester", {"amount": "1.00", "utr": done.bank_reference})


@on_sqlite
def test_whatever_a_tester_held_or_planned_is_over_with_the_end(world, order):
    for reference, how, reason, event in [
        ("R-1", refund_settlement.complete, None, "completed"),
        ("R-2", refund_settlement.decline, "PROCESSING_FAILURE", "declined"),
    ]:
        world.add_rule("REJECTED", "refund")
        refund = world.settle_refund(world.refund(order, "1.00", reference), "hold")
        assert (refund.held, refund.decline) == (True, "REJECTED")
        done = act(world, how, refund)
        assert (done.held, done.decline, done.reason_code) == (False, reason, reason)
        assert last_line(world, done)[0] == event
    assert last_line(world, done) == ("declined", "tester", {"reason": "PROCESSING_FAILURE"})


@on_sqlite
def test_the_clock_ends_what_is_pending_and_not_held_as_planned(world, order):
    world.add_rule("REJECTED", "refund")
    declined = act(world, refund_settlement.settle, world.refund(order, "1.00", "R-1").refund_id)
    assert (declined.state, declined.reason_code, last_line(world, declined)[1]) == ("DECLINED", "REJECTED", "clock")
    done = act(world, refund_settlement.settle, world.refund(order, "1.00", "R-2").refund_id)
    assert (done.state, done.completed_at, last_line(world, done)[1]) == ("COMPLETED", NOON, "clock")
    held = world.settle_refund(world.refund(order, "1.00", "R-3"), "hold")
    for refund in (declined, done, held):
        assert act(world, refund_settlement.settle, refund.refund_id) == refund


@on_sqlite
def test_only_what_is_completed_is_taken_back(world, order):
    pending = world.refund(order, "1.00")
    assert act(world, refund_settlement.reverse, pending.refund_id) == pending
    act(world, refund_settlement.complete, pending)
    back = act(world, refund_settlement.reverse, pending.refund_id)
    assert last_line(world, back) == ("reversed", "issuer", {"amount": "1.00"})
    assert back.state is RefundState.REVERSED
    with pytest.raises(IllegalTransition):
        act(world, refund_settlement.complete, back)


@on_sqlite
def test_a_reason_that_there_is_not_declines_nothing(world, order):
    refund = world.refund(order, "1.00")
    with pytest.raises(Invalid) as refused:
        act(world, refund_settlement.decline, refund, "BORED")
    assert (refused.value.code, refused.value.detail["field"]) == ("refund.reason", "reason")
    assert refused.value.message.startswith("There is no reason 'BORED'.")
    assert world.refunds(order) == [refund]
