"""Every invariant of refunds, broken on purpose: the audit must see each one and nothing else."""

import pytest
from sqlalchemy import delete, select, update

from mockpay.delivery import outbox
from mockpay.kernel.money import Money
from mockpay.store import orders as order_rows
from mockpay.store.attempts import attempts
from mockpay.store.notifications import notifications
from mockpay.store.orders import orders
from mockpay.store.refunds import refunds
from mockpay.store.transitions import timeline
from mockpay.store.wallet import journals
from tests.factories import IPN_URL, World
from tests.services.ledger import by_balance, top_up

UNTOLD = "timeline.last_line"


@pytest.fixture
def world(runtime):
    """A world in which refunds ended in every way, one to a balance too."""
    world = World.new(runtime, ipn_url=IPN_URL)
    order = world.order("MANY", "1000.00")
    world.pay(order)
    for amount in ("100.00", "24.02", "24.12", "24.04"):
        world.refund(order, amount, f"R-{Money.parse(amount).minor}")
    top_up(world, 200_000)
    for number, amount in (("BALANCE", "100.00"), ("TAKEN", "24.12")):
        by_balance(world, world.order(number))
        world.refund(order_of(world, number), amount, f"R-{number}")
    part = world.order("PART", "1708.03")
    world.pay(part)
    reversed_ = world.order("BACK", "1703.08")
    world.pay(reversed_)
    world.advance_until_idle()
    states = [one.state for one in world.refunds(order)]
    assert states == ["COMPLETED", "DECLINED", "REVERSED", "PENDING"]
    assert world.states(part) == ("PAID", "CAPTURED")
    assert world.states(reversed_) == ("REFUNDED", "REVERSED")
    assert world.violations() == []
    return world


def order_of(world, name):
    with world.read() as sandbox:
        return order_rows.newest(sandbox, name)


def rules(world, *damage):
    """The rules that some damage breaks."""
    return {one.rule for one in world.violations_after(*damage)}


def of_refund(key):
    return update(refunds).where(refunds.c.reference == key)


def of_order(name):
    return update(orders).where(orders.c.seller_order_id == name)


def of_attempts(name):
    number = select(orders.c.id).where(orders.c.seller_order_id == name).scalar_subquery()
    return update(attempts).where(attempts.c.order_pk == number)


def last_line(machine):
    """The newest line of one machine, so that the one before is the last."""
    newest = select(timeline.c.id).where(timeline.c.machine == machine)
    one = newest.order_by(timeline.c.id.desc()).limit(1).scalar_subquery()
    return delete(timeline).where(timeline.c.id == one)


DONE, DECLINED, BACK, OPEN = "R-10000", "R-2402", "R-2412", "R-2404"


#: What is damaged, and the rules that must see it.
DAMAGES = [
    (of_order("MANY").values(refunded_minor=9_999), {"refund.sum"}),
    (of_order("PART").values(refunded_minor=1), {"refund.sum"}),
    (of_refund(DONE).values(amount_minor=10_001), {"refund.sum", "refund.reserved"}),
    (of_refund(OPEN).values(amount_minor=2_405), {"refund.reserved"}),
    (of_refund(OPEN).values(amount_minor=0), {"refund.reserved", "refund.amount"}),
    (of_refund(DECLINED).values(amount_minor=-1), {"refund.amount"}),
    (of_attempts("MANY").values(refund_reserved_minor=0), {"refund.reserved"}),
    (of_attempts("PART").values(refund_reserved_minor=1), {"refund.reserved"}),
    (of_attempts("BACK").values(refund_reserved_minor=1), {"refund.reserved"}),
    (of_attempts("MANY").values(captured_minor=10_000), {"paid.amount", "refund.over_reserved"}),
    (of_refund(OPEN).values(completed_at=1), {"refund.completed_at"}),
    (of_refund(DONE).values(completed_at=None), {"refund.completed_at"}),
    (of_refund(BACK).values(completed_at=None), {"refund.completed_at"}),
    (of_refund(DECLINED).values(reason_code=None), {"refund.reason"}),
    (of_refund(DONE).values(reason_code="REJECTED"), {"refund.reason"}),
    (of_refund(BACK).values(state="COMPLETED"), {"refund.sum", "refund.reserved", UNTOLD}),
    (of_refund(OPEN).values(state="COMPLETED"), {"refund.sum", "refund.completed_at", UNTOLD}),
    (of_refund(OPEN).values(state="DECLINED"), {"refund.reserved", "refund.reason", UNTOLD}),
    (of_refund("R-BALANCE").values(amount_minor=9_999), {"refund.sum", "refund.reserved", "refund.credit"}),
    (delete(journals).where(journals.c.key.like("refund:%")), {"refund.credit", "ledger.posting"}),
    (delete(journals).where(journals.c.key.like("chargeback:%")), {"refund.chargeback", "ledger.posting"}),
    (of_refund("R-TAKEN").values(state="COMPLETED"), {"refund.sum", "refund.reserved", "refund.chargeback", UNTOLD}),
    (last_line("refund"), {UNTOLD}),
    (last_line("notification"), {UNTOLD}),
    (delete(timeline).where(timeline.c.machine == "refund"), {UNTOLD}),
    (delete(timeline).where(timeline.c.machine == "notification"), {UNTOLD}),
    (update(notifications).values(state="DEAD"), {UNTOLD}),
    (update(notifications).values(state="SENDING"), {UNTOLD}),
    (of_attempts("PART").values(captured_minor=0), {"paid.amount"}),
    (of_attempts("PART").values(captured_minor=170_804), {"paid.amount"}),
    (of_attempts("MANY").values(captured_minor=99_999), {"paid.amount"}),
    (update(timeline).where(timeline.c.event == "capture").values(facts='{"released":"0.00"}'), {"paid.amount"}),
]


def test_every_broken_invariant_is_reported_by_its_rule_and_by_no_other(world):
    """One test for all: the world takes longer to make than to break."""
    wrong = {}
    for place, (damage, expected) in enumerate(DAMAGES):
        found = rules(world, damage)
        if found != expected:
            wrong[place, str(damage)] = found
    assert wrong == {}
    assert world.violations() == []


def test_a_notification_on_its_way_is_no_violation_whatever_it_waited_for(world, post):
    order = world.order("NEW")
    world.pay(order)
    assert outbox.claim(world.runtime) is not None
    assert world.notifications(order)[0].state == "SENDING"
    assert world.violations() == []


def test_another_sellers_broken_refunds_are_not_ones_own(world, runtime):
    other = World.new(runtime)
    assert other.violations_after(update(refunds).values(amount_minor=1)) == []
