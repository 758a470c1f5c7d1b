"""The lines of the timeline."""

import pytest

from mockpay.domain.methods.emi import Emi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.notifications import DELIVERY
from mockpay.domain.orders import ORDER
from mockpay.domain.payments.attempts import ATTEMPT
from mockpay.domain.refunds import REFUND
from mockpay.otp import challenges
from mockpay.otp.rules import OTP, Purpose
from mockpay.services import buyers
from mockpay.services.payments import authentication, settlement
from mockpay.store import orders as order_rows
from mockpay.store import schedule
from mockpay.threeds.rules import THREEDS
from mockpay.web.wording.timeline_words import words
from mockpay.web.wording.timelines import expected_lines, offset, timeline_lines
from tests.factories import World
from tests.services.gateways.stubs import OP, K, Stub, pay, routed_world


@pytest.mark.parametrize(("ms", "says"), [(18_700, "+18.7 s"), (902_000, "+15 min 02 s"), (7_260_000, "+2 h 01 min")])
def test_later_events_are_told_as_what_passed_since_the_first(ms, says):
    assert offset(ms) == says


def test_the_timeline_marks_the_event_that_decided(world):
    order = world.order()
    world.pay(order, "insufficient@mockpay")
    lines = timeline_lines(world.timeline(order))
    assert [line.title for line in lines] == [
        "Order opened",
        "UPI chosen",
        "Buyer asked to approve",
        "Buyer approved",
        "Sent to the bank",
        "Declined",
        "Buyer may try again",
    ]
    assert [line.title for line in lines if line.decided] == ["Declined"]
    assert lines[5].fact == "Z9: not enough funds"


def test_a_card_is_told_with_its_plan_where_it_has_one(world):
    card = world.card("5241810000000000")
    plain, paid_back = world.order("plain"), world.order("emi", "10000.00")
    world.pay_with(plain, card)
    emi = Emi.choose(card, paid_back.amount, bank="HDFC", tenure="6", no_cost=False, eligible=True)
    world.pay_with(paid_back, emi)
    told = {}
    for order in (plain, paid_back):
        line = timeline_lines(world.timeline(order))[1]
        told[line.title] = line.fact
    assert told == {
        "Card chosen": "Mastercard •••• 0000, HDFC, credit",
        "EMI chosen": "Mastercard •••• 0000, HDFC, credit; 6 × ₹1,745.30, 6 months at 16 %, HDFC Bank",
    }


def test_a_buyer_who_stops_a_try_is_not_one_who_was_not_authenticated(world):
    stopped, wrong = world.order("STOPPED", "20000.00"), world.order("WRONG", "20000.00")
    attempt = world.start(stopped, Wallet("rich@buyers.mockpay.test")).attempt
    with world.transaction() as sandbox:
        authentication.cancel_otp(sandbox, attempt)
    world.pay_with(wrong, world.card("4111111111111111", name="3DS N"))
    told = {
        order.order_pk: [line.title for line in timeline_lines(world.timeline(order))] for order in (stopped, wrong)
    }
    assert "Try cancelled" in told[stopped.order_pk]
    assert "Buyer not authenticated" not in told[stopped.order_pk]
    assert "Buyer not authenticated" in told[wrong.order_pk]


def test_only_the_first_time_is_told_in_full(world):
    order = world.order()
    world.advance(2)
    world.pay(order, "asha@okhdfc")
    world.advance(20)
    times = [line.at for line in timeline_lines(world.timeline(order))]
    assert times[0] == "17:30:00.000"
    assert times[1] == "+2.0 s"
    assert times[-1] == "+12.0 s"


def test_every_event_that_upi_can_bring_has_words_of_its_own(world):
    """A line with the plain dot is one that fell back to the machine's own name of its event."""
    names = ("success", "pendingok", "pendingfail", "deemed", "deemedfail", "late", "expired", "invalid", "declined")
    for name in names:
        world.pay(world.order(name), f"{name}@mockpay")
    world.pay(world.order("told", "1703.08"), "success@mockpay")
    world.cancel(world.order("cancelled"))
    opened = world.pay(world.order("opened"), "asha@okhdfc")
    with world.transaction() as sandbox:
        settlement.mark_app_opened(sandbox, opened)
    world.approve(opened)
    world.advance_until_idle()
    with world.read() as sandbox:
        found = [order_rows.newest(sandbox, one) for one in (*names, "told", "cancelled", "opened")]
    lines = [line for order in found if order for line in timeline_lines(world.timeline(order))]
    assert len(lines) > 50
    assert [line.title for line in lines if line.icon == "dot"] == []


def test_every_event_of_every_machine_has_words_of_its_own(subtests):
    """What only a machine's first line tells has no step in its table."""
    for machine in [ORDER, ATTEMPT, REFUND, OTP, THREEDS, DELIVERY]:
        with subtests.test(machine=machine):
            timeline_name = {"delivery": "notification"}.get(machine.name, machine.name)
            # Told by the attempt's own line of the same moment.
            events = {event for _, event in machine.table} - {"attempt_started"}
            assert [one for one in sorted(events) if words(timeline_name, one)[2] == "dot"] == []


def test_lines_that_move_no_machine_have_words_too(subtests):
    for machine, event in [
        ("order", "opened"),
        ("order", "capture_pending"),
        ("order", "capture_sent"),
        ("order", "cancelled_after_capture"),
        ("attempt", "seen"),
        ("refund", "requested"),
        ("refund", "sent"),
        ("notification", "queued"),
        ("otp", "start"),
        ("threeds", "prepared"),
    ]:
        with subtests.test(machine=machine, event=event):
            assert words(machine, event)[2] != "dot"


def test_a_payment_that_changed_its_gateway_says_why(runtime):
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NOT_SENT] * 3}), Stub("second"))
    order = world.order()
    pay(world, order)
    facts = {line.title: line.fact for line in timeline_lines(world.timeline(order))}
    assert facts["Sent to the bank"] == "Gateway: first"
    assert facts["Sent by another gateway"] == "first could not be reached; now second"


def test_an_event_that_nobody_knows_is_told_by_its_own_name():
    assert words("wallet", "topped_up") == ("Topped up", "idle", "dot", "")


def test_a_refund_is_told_with_amount_number_and_whose_doing(runtime):
    world = World.new(runtime, ipn_url="http://127.0.0.1:9/ipn")
    order = world.order()
    world.pay(order)
    world.refund(order, "100.00")
    world.advance(5)
    told = {line.title: line.fact for line in timeline_lines(world.timeline(order))}
    number = world.refunds(order)[0].bank_reference
    assert told["Refund requested"] == "₹100.00, as R-1"
    assert told["Refund sent to the bank"] == "Back to success@mockpay"
    assert told["Refund completed"] == f"₹100.00, RRN {number}, by the clock"
    assert told["Seller notified"] == "About the refund: try 1 answered 200"


def test_of_several_refunds_to_come_each_is_named(world):
    order = world.order()
    world.pay(order)
    refunds = [world.refund(order, "100.00", "A"), world.refund(order, "50.00", "B")]
    with world.read() as sandbox:
        waiting = [event for one in refunds for event in schedule.waiting_of(sandbox, one.refund_id)]
    assert [line.fact for line in expected_lines(waiting, world.now())] == [
        f"{one.refund_id}, 21 Nov 2026, 17:30:05 IST" for one in refunds
    ]


def test_a_code_is_told_by_where_it_went_and_never_itself(world):
    order = world.order()
    attempt = world.request_approval(order, "asha@okhdfc")
    with world.transaction() as sandbox:
        challenge = challenges.start(
            sandbox,
            purpose=Purpose.PAYMENT,
            subject=attempt.attempt_id,
            to="+919800003210",
            attempt_id=attempt.attempt_id,
        )
        challenges.verify(sandbox, challenge.challenge_id, "000001")
        (message,) = buyers.list_page(sandbox).items
    lines = timeline_lines(world.timeline(order))[-2:]
    assert [(line.title, line.fact) for line in lines] == [
        ("Code sent", f"To {challenge.destination_masked} for this payment"),
        ("Wrong code typed", f"{challenge.tries_left - 1} tries left"),
    ]
    assert message.otp not in repr(lines)


def test_a_code_that_expires_does_not_look_like_what_ended_the_order(runtime):
    world = World.new(runtime, otp_ttl_seconds=1)
    order = world.order()
    attempt = world.request_approval(order, "asha@okhdfc")
    with world.transaction() as sandbox:
        challenges.start(
            sandbox,
            purpose=Purpose.PAYMENT,
            subject=attempt.attempt_id,
            to="+919800003210",
            attempt_id=attempt.attempt_id,
        )
    world.advance(1)
    lines = timeline_lines(world.timeline(order))
    assert lines[-1].title == "Code expired"
    assert not any(line.decided for line in lines)


def test_a_cancelled_order_marks_the_cancel(world):
    order = world.order()
    world.cancel(order)
    lines = timeline_lines(world.timeline(order))
    assert [(line.title, line.fact) for line in lines if line.decided] == [("Order cancelled", "By the buyer")]


def test_what_is_still_to_come_stands_in_the_order_in_which_it_comes(world):
    order = world.order()
    last = world.pay(order, "deemed@mockpay")
    with world.read() as sandbox:
        waiting = [*schedule.waiting_of(sandbox, str(order.order_pk)), *schedule.waiting_of(sandbox, last.attempt_id)]
    lines = expected_lines(waiting, world.now())
    assert [(line.title, line.at) for line in lines] == [
        ("Bank makes the end known", "in 0:30"),
        ("Order expires", "in 15:00"),
    ]
    assert all(line.expected for line in lines)
