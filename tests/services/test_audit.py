"""Every invariant, broken on purpose: the audit must see each one and nothing else."""

import pytest
from sqlalchemy import delete, insert, literal, select, text, update

from mockpay.store.attempts import attempts
from mockpay.store.orders import orders
from mockpay.store.transitions import timeline
from tests.control.worlds import Api, database, make_app
from tests.factories import violations_after


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request, tmp_path_factory):
    """A world with one order of each kind: paid, failed and tried again, reversed, late, open."""
    folder = tmp_path_factory.mktemp("audit")
    api = Api(make_app(folder, database_url=database(request, folder)))
    world = api.new_seller()
    world.freeze()
    world.paid_order("PAID")
    again = world.open_order("AGAIN")
    for vpa in ("insufficient@mockpay", "success@mockpay"):
        world.pay(again, vpa)
        world.post("/clock/advance", {"seconds": 0})
    world.pay(world.open_order("REVERSED", "1703.08"))
    world.pay(world.open_order("LATE"), "late@mockpay")
    world.post("/clock/advance", {"until": "idle"})
    world.pay(world.open_order("OPEN"), None)
    yield world
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()


def broken(world, *statements, seller_id=None):
    """What the audit says after some damage, which is then undone."""
    return violations_after(world.api.runtime, seller_id or world.seller_id, *statements)


def rules(*damage, **whose):
    return {violation.rule for violation in broken(*damage, **whose)}


def number(name):
    return select(orders.c.id).where(orders.c.seller_order_id == name).scalar_subquery()


def of_order(name):
    return update(orders).where(orders.c.seller_order_id == name)


def of_attempts(name):
    return update(attempts).where(attempts.c.order_pk == number(name))


def test_a_world_in_which_everything_happened_is_sound(world):
    states = {o["seller_order_id"]: o["state"] for o in world.get("/orders").json["items"]}
    assert states["PAID"] == states["AGAIN"] == "PAID"
    assert states["REVERSED"] == "REFUNDED"
    assert states["LATE"] == "EXPIRED"
    assert broken(world) == []


def test_a_violation_names_its_subject_and_says_what_is_wrong(world):
    violation, _ = broken(world, of_order("PAID").values(refunded_minor=49_901))
    items = world.get("/orders?seller_order_id=PAID").json["items"]
    assert violation.subject == items[0]["order_id"]
    assert violation.rule == "refund.exceeds_capture"
    assert violation.description == "No more can be refunded than was captured."


UNTOLD = "timeline.last_line"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (of_attempts("PAID").values(captured_minor=1), {"paid.amount"}),
        (of_attempts("PAID").values(captured_minor=0), {"paid.amount"}),
        (of_attempts("PAID").values(state="FAILED", captured_minor=0), {"paid.one_capture", "paid.amount", UNTOLD}),
        (of_attempts("PAID").values(state="FAILED"), {"paid.one_capture", "attempt.captured_without_state", UNTOLD}),
        (of_attempts("PAID").values(state="REVERSED"), {"paid.reversed_unrefunded", UNTOLD}),
        (of_attempts("AGAIN").values(state="CAPTURED"), {"paid.one_capture", "order.captured_twice", UNTOLD}),
        (of_attempts("LATE").values(state="CAPTURED"), {"unpaid.captured", UNTOLD}),
        (of_attempts("LATE").values(captured_minor=5), {"unpaid.captured"}),
        (of_order("REVERSED").values(refunded_minor=170_307), {"paid.reversed_unrefunded"}),
        (of_order("PAID").values(state="EXPIRED"), {"unpaid.captured", UNTOLD}),
        (of_order("OPEN").values(state="PAID"), {"paid.one_capture", "paid.amount", UNTOLD}),
        (of_order("LATE").values(refunded_minor=1), {"refund.exceeds_capture", "refund.sum"}),
        (of_order("PAID").values(refunded_minor=-1), {"order.negative", "refund.sum"}),
        (of_order("OPEN").values(amount_minor=-1), {"order.negative"}),
        (of_attempts("OPEN").values(amount_minor=-1), {"attempt.negative"}),
        (of_attempts("OPEN").values(refund_reserved_minor=-1), {"attempt.negative", "refund.reserved"}),
        (of_attempts("OPEN").values(state="PROCESSING"), {UNTOLD}),
        (of_order("OPEN").values(state="CREATED"), {UNTOLD}),
        (delete(timeline).where(timeline.c.order_pk == number("OPEN")), {UNTOLD}),
    ],
)
def test_a_broken_invariant_is_reported_by_its_rule(world, statement, expected):
    assert rules(world, statement) == expected
    assert broken(world) == []


def test_two_live_attempts_of_one_order_are_reported(world):
    """The database's own index forbids them, so it must be gone first."""
    row = {**{column.name: column for column in attempts.c}, "attempt_id": literal("att_second"), "number": literal(2)}
    second = select(*[row[column.name] for column in attempts.c]).where(attempts.c.order_pk == number("OPEN"))
    damage = (text("DROP INDEX attempts_one_live"), insert(attempts).from_select(list(row), second))
    assert "order.two_live_attempts" in rules(world, *damage)


def test_another_sellers_broken_world_is_not_ones_own(world):
    other = world.api.new_seller()
    other.paid_order("THEIRS")
    damage = of_attempts("THEIRS").values(captured_minor=1)
    assert rules(world, damage) == set()
    assert rules(world, damage, seller_id=other.seller_id) == {"paid.amount"}
