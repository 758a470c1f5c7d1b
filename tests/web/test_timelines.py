"""The lines of the timeline."""

import pytest

from mockpay.domain.instruments import Emi
from mockpay.services import settling
from mockpay.store import orders as order_rows
from mockpay.store import schedule
from mockpay.web.timelines import lines_to_come, offset, timeline_lines


@pytest.mark.parametrize(
    ("ms", "says"),
    [(18_700, "+18.7 s"), (902_000, "+15 min 02 s"), (7_260_000, "+2 h 01 min")],
)
def test_later_events_are_told_as_what_passed_since_the_first(ms, says):
    assert offset(ms) == says


def test_the_timeline_marks_the_event_that_decided(world):
    order = world.order()
    world.pay(order, "insufficient@mockpay")
    lines = timeline_lines(world.story(order))
    assert [line.title for line in lines] == [
        "Order opened", "UPI chosen", "Buyer asked to approve", "Buyer approved",
        "Sent to the bank", "Declined", "Buyer may try again",
    ]  # fmt: skip
    assert [line.title for line in lines if line.decided] == ["Declined"]
    assert lines[5].fact == "Z9: not enough funds"


def test_a_card_is_told_with_its_plan_where_it_has_one(world):
    card = world.card("5241810000000000")
    plain, paid_back = world.order("plain"), world.order("emi", "10000.00")
    world.pay_with(plain, card)
    emi = Emi.chosen(card, paid_back.amount, bank="HDFC", tenure="6", no_cost=False, eligible=True)
    world.pay_with(paid_back, emi)
    told = {}
    for order in (plain, paid_back):
        line = timeline_lines(world.story(order))[1]
        told[line.title] = line.fact
    assert told == {
        "Card chosen": "Mastercard •••• 0000, HDFC, credit",
        "EMI chosen": "Mastercard •••• 0000, HDFC, credit; 6 × ₹1,745.30, "
        "6 months at 16 %, HDFC Bank",
    }


def test_only_the_first_time_is_told_in_full(world):
    order = world.order()
    world.later(2)
    world.pay(order, "asha@okhdfc")
    world.later(20)
    times = [line.at for line in timeline_lines(world.story(order))]
    assert times[0] == "17:30:00.000"
    assert times[1] == "+2.0 s"
    assert times[-1] == "+12.0 s"


def test_every_event_that_upi_can_bring_has_words_of_its_own(world):
    """A line with the plain dot is one that fell back to the machine's own name of its event."""
    names = ("success", "pendingok", "pendingfail", "deemed", "deemedfail", "late", "expired",
             "invalid", "declined")  # fmt: skip
    for name in names:
        world.pay(world.order(name), f"{name}@mockpay")
    world.pay(world.order("told", "1703.08"), "success@mockpay")
    world.cancel(world.order("cancelled"))
    opened = world.pay(world.order("opened"), "asha@okhdfc")
    with world.work() as sandbox:
        settling.opened(sandbox, opened)
    world.approve(opened)
    world.idle()
    with world.look() as sandbox:
        found = [order_rows.newest(sandbox, one) for one in (*names, "told", "cancelled", "opened")]
    lines = [line for order in found if order for line in timeline_lines(world.story(order))]
    assert len(lines) > 50
    assert [line.title for line in lines if line.icon == "dot"] == []


def test_a_cancelled_order_marks_the_cancel(world):
    order = world.order()
    world.cancel(order)
    lines = timeline_lines(world.story(order))
    assert [(line.title, line.fact) for line in lines if line.decided] == [
        ("Order cancelled", "By the buyer")
    ]


def test_what_is_still_to_come_stands_in_the_order_in_which_it_comes(world):
    order = world.order()
    last = world.pay(order, "deemed@mockpay")
    with world.look() as sandbox:
        waiting = [
            *schedule.waiting_of(sandbox, str(order.order_id)),
            *schedule.waiting_of(sandbox, last.attempt_id),
        ]
    lines = lines_to_come(waiting, world.now())
    assert [(line.title, line.at) for line in lines] == [
        ("Bank makes the end known", "in 0:30"),
        ("Order expires", "in 15:00"),
    ]
    assert all(line.to_come for line in lines)
