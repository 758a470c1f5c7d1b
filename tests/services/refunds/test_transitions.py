"""What follows each step of a refund."""

import pytest

from mockpay.domain.refunds import REFUND
from mockpay.kernel.errors import NotFound
from mockpay.services.refunds import transitions as transitions_of
from mockpay.services.refunds.transitions import REFUNDS

#: Where money arrives the order counts it; where it does not, or is taken back, it can be refunded again.
FOLLOWS = {
    "held": {"cancel_settlement"},
    "released": {"schedule_settlement"},
    "expedited": {"cancel_settlement", "schedule_settlement"},
    "completed": {"cancel_settlement", "add_to_order", "credit_balance", "schedule_reversal", "notify_seller"},
    "declined": {"cancel_settlement", "release_reserve", "return_load", "notify_seller"},
    "reversed": {"debit_balance", "return_load", "release_reserve", "take_from_order"},
}


def test_each_step_has_its_consequences():
    assert {event for _, event in REFUND.table} == set(FOLLOWS)
    for event, follow_ups in REFUNDS.follow_ups.items():
        assert [follow_up.__name__ for follow_up in follow_ups if follow_up.__name__ not in FOLLOWS[event]] == []
        assert len(follow_ups) == len(FOLLOWS[event])
    assert set(REFUNDS.follow_ups) == set(FOLLOWS)


def test_steps_and_waiting_events_are_stored_under_their_own_names():
    assert (REFUNDS.mapper.table.name, REFUNDS.subject) == ("refunds", "refund_id")
    assert (transitions_of.SETTLE, transitions_of.REVERSE) == ("refund.settle", "refund.reverse")


def test_a_refund_that_there_is_not_is_not_found(world):
    with pytest.raises(NotFound) as refused, world.read() as sandbox:
        transitions_of.get_refund(sandbox, "S04-1-R1")
    assert refused.value.code == "refund.not_found"
