"""A gateway that does not answer is asked again, at Amazon's own spacing, until it knows."""

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from mockpay.domain.payments.gateways import Result, ResultKind
from mockpay.kernel.clock import SECOND
from mockpay.services.payments import settlement
from mockpay.store.schedule import events
from tests.factories import NOON, World, on_sqlite
from tests.services.test_mixing import instrument

METHODS = ("upi", "card", "bank", "balance")


class SilentGateway:
    """A gateway that never answers a charge, and an enquiry only the n-th time."""

    name = "simulator"

    def __init__(self, answers_at, kind=ResultKind.APPROVED, code="00"):
        self.answers_at, self.answer, self.enquiries = answers_at, (kind, code), []

    def charge(self, charge):
        return Result(ResultKind.NO_ANSWER, "00")

    def enquire(self, charge, times):
        self.enquiries.append(times)
        kind, code = self.answer if times >= self.answers_at else (ResultKind.NO_ANSWER, "00")
        return Result(kind, code)


def enquiry_seconds(world, attempt):
    """The seconds after the charge at which enquiries were due."""
    with world.read() as sandbox:
        rows = sandbox.connection.execute(
            select(events.c.due_at, events.c.fired_at)
            .where(events.c.kind == "attempt.enquire", events.c.subject == attempt.attempt_id)
            .order_by(events.c.id)
        ).all()
    assert all(fired in {None, due} for due, fired in rows)
    return [(due - NOON) / SECOND for due, _ in rows]


def world_of(runtime, gateway):
    world = World.new(replace(runtime, gateways={"simulator": gateway}))
    world.add_rule("noresponse", stage="gateway")
    return world


def test_the_pauses_are_1_2_4_10_and_30_seconds_and_then_30_again(runtime):
    gateway = SilentGateway(answers_at=7)
    world = world_of(runtime, gateway)
    order = world.order()
    attempt = world.pay_with(order, world.card("4111111111111111"))
    assert attempt.state == "UNKNOWN"
    assert enquiry_seconds(world, attempt) == [1]

    world.advance_until_idle()
    assert gateway.enquiries == [1, 2, 3, 4, 5, 6, 7]
    assert enquiry_seconds(world, attempt) == [1, 3, 7, 17, 47, 77, 107]
    assert world.states(order) == ("PAID", "CAPTURED")
    (success,) = [line for line in world.timeline(order) if line.event == "found_success"]
    assert (success.at - NOON, success.actor) == (107 * SECOND, "issuer")
    assert world.violations() == []


@pytest.mark.parametrize(("second", "enquiries"), [(0, 0), (0.999, 0), (1, 1), (2.999, 1), (3, 2), (7, 3)])
def test_no_enquiry_is_made_before_its_time(runtime, second, enquiries):
    gateway = SilentGateway(answers_at=9)
    world = world_of(runtime, gateway)
    world.pay_with(world.order(), world.card("4111111111111111"))
    world.advance(second)
    assert len(gateway.enquiries) == enquiries


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fault", "end"), [("noresponse", "CAPTURED"), ("noresponsefail", "FAILED")])
def test_the_simulator_answers_the_third_enquiry(world, method, fault, end):
    world.add_rule(fault, stage="gateway")
    order = world.order()
    attempt = world.pay_with(order, instrument(world, method))
    assert attempt.state == "UNKNOWN"
    world.advance(6.999)
    assert world.get_attempt(attempt.attempt_id).state == "UNKNOWN"
    world.advance(0.001)
    assert world.get_attempt(attempt.attempt_id).state == end
    assert enquiry_seconds(world, attempt) == [1, 3, 7]
    assert world.states(order)[0] == ("PAID" if end == "CAPTURED" else "PENDING")
    assert world.violations() == []


@on_sqlite
def test_an_answer_that_came_meanwhile_ends_the_enquiries(runtime):
    """The buyer's bank tells by itself before the gateway is asked again."""
    gateway = SilentGateway(answers_at=99)
    world = world_of(runtime, gateway)
    attempt = world.pay_with(world.order(), world.card("4111111111111111"))
    world.advance(1)
    with world.transaction() as sandbox:
        settlement.settle(sandbox, attempt.attempt_id, "00")
    world.advance_until_idle()
    assert gateway.enquiries == [1]
    assert world.get_attempt(attempt.attempt_id).state == "CAPTURED"


@on_sqlite
def test_a_decline_by_enquiry_has_its_code(runtime):
    gateway = SilentGateway(answers_at=2, kind=ResultKind.DECLINED, code="51")
    world = world_of(runtime, gateway)
    order = world.order()
    world.pay_with(order, world.card("4111111111111111"))
    world.advance(3)
    assert world.states(order) == ("PENDING", "FAILED")
    assert world.attempts(order)[0].reason == "insufficient_funds"
