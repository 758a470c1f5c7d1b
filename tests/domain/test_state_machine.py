"""The tables of legal transitions, against the published ones."""

import pytest

from mockpay.domain.orders import CLOSED_UNPAID, OPEN, ORDER, PAID, OrderState
from mockpay.domain.payments.attempts import ATTEMPT, HOLDS_ORDER, LIVE, TERMINAL, AttemptState
from mockpay.domain.timeline import Machine, steps
from mockpay.kernel.errors import Conflict, IllegalTransition

#: facts, section 12.1: where each state may lead.
ORDER_LEADS = {
    "CREATED": "PENDING CANCELLED EXPIRED",
    "PENDING": "PENDING CANCELLED EXPIRED FAILED AUTHORIZED PAID",
    "AUTHORIZED": "PAID CANCELLED EXPIRED",
    "PAID": "PARTIALLY_REFUNDED REFUNDED",
    "PARTIALLY_REFUNDED": "PARTIALLY_REFUNDED REFUNDED PAID",
    "REFUNDED": "PAID PARTIALLY_REFUNDED",
    "FAILED": "",
    "CANCELLED": "",
    "EXPIRED": "",
}
#: facts, section 12.2, without what nothing can reach here: an order is held while its attempt
#: is AUTHENTICATED, PROCESSING or UNKNOWN.
ATTEMPT_LEADS = {
    "CREATED": "FAILED RISK_REVIEW AUTH_PENDING AUTHENTICATED CANCELLED EXPIRED",
    "RISK_REVIEW": "AUTH_PENDING AUTHENTICATED FAILED EXPIRED CANCELLED",
    "AUTH_PENDING": "AUTHENTICATED FAILED CANCELLED EXPIRED PENDING",
    "AUTHENTICATED": "PROCESSING",
    "PROCESSING": "PROCESSING AUTHORIZED CAPTURED FAILED PENDING UNKNOWN AUTH_PENDING",
    "PENDING": "AUTHORIZED CAPTURED REVERSED FAILED UNKNOWN",
    "UNKNOWN": "AUTHORIZED CAPTURED REVERSED FAILED",
    "AUTHORIZED": "CAPTURED AUTHORIZED VOIDED",
    "CAPTURED": "REVERSED",
    "FAILED": "AUTHORIZED REVERSED",
    "EXPIRED": "AUTHORIZED REVERSED",
    "CANCELLED": "REVERSED",
    "VOIDED": "",
    "REVERSED": "",
}


def leads(machine: Machine, state: str) -> set[str]:
    return {str(to) for (one, _), to in machine.table.items() if one == state}


def test_an_order_moves_as_published(subtests):
    for state, to in ORDER_LEADS.items():
        with subtests.test(state=state, to=to):
            assert leads(ORDER, state) == set(to.split())


def test_an_attempt_moves_as_published(subtests):
    for state, to in ATTEMPT_LEADS.items():
        with subtests.test(state=state, to=to):
            assert leads(ATTEMPT, state) == set(to.split())


def test_no_state_is_missing_or_made_up():
    assert set(ORDER_LEADS) == set(OrderState)
    assert set(ATTEMPT_LEADS) == set(AttemptState)


@pytest.mark.parametrize(
    ("machine", "states"), [(ORDER, OrderState), (ATTEMPT, AttemptState)], ids=["order", "attempt"]
)
def test_every_state_can_be_reached_from_the_start(machine, states):
    reached, waiting = set(), {"CREATED"}
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting |= leads(machine, state) - reached
    assert reached == set(states)


def test_an_ended_attempt_has_no_exit_but_a_reversal_or_a_late_success_that_its_company_takes():
    late = {state for state in TERMINAL if "AUTHORIZED" in leads(ATTEMPT, state)}
    assert late == {"FAILED", "EXPIRED"}
    assert set().union(*(leads(ATTEMPT, state) for state in TERMINAL)) == {"AUTHORIZED", "REVERSED"}
    assert {"CAPTURED", "FAILED", "CANCELLED", "EXPIRED", "VOIDED", "REVERSED"} == TERMINAL
    assert set(AttemptState) - TERMINAL == LIVE


def test_a_closed_order_has_no_exit():
    assert {"FAILED", "CANCELLED", "EXPIRED"} == CLOSED_UNPAID
    assert all(not leads(ORDER, state) for state in CLOSED_UNPAID)


def test_open_paid_and_closed_share_no_state():
    assert OPEN | PAID | CLOSED_UNPAID | {"AUTHORIZED"} == set(OrderState)
    assert len(OPEN) + len(PAID) + len(CLOSED_UNPAID) + 1 == len(OrderState)


def test_an_order_is_held_while_money_may_be_moving():
    assert {"AUTHORIZED", "UNKNOWN", "PROCESSING", "AUTHENTICATED"} == HOLDS_ORDER


def test_a_step_that_the_table_has_not_is_refused():
    with pytest.raises(IllegalTransition) as refused:
        ORDER.target(OrderState.PAID, "buyer_cancel")
    assert isinstance(refused.value, Conflict)
    assert refused.value.code == "transition.illegal"
    assert refused.value.detail == {"machine": "order", "state": "PAID", "event": "buyer_cancel"}
    assert not ORDER.allows(OrderState.PAID, "buyer_cancel")
    assert ORDER.allows(OrderState.CREATED, "buyer_cancel")


def test_a_line_of_a_table_serves_several_states():
    line = steps([OrderState.CREATED, OrderState.PENDING], timeout=OrderState.EXPIRED)
    assert line == {
        (OrderState.CREATED, "timeout"): OrderState.EXPIRED,
        (OrderState.PENDING, "timeout"): OrderState.EXPIRED,
    }
