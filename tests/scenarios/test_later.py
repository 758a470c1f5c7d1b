"""Every row for what comes after the issuer, played for real against what it says it does."""

from __future__ import annotations

import pytest

from mockpay.domain.payments.attempts import Source, Stage
from mockpay.domain.scenarios.resolution import TABLE, Input
from mockpay.merchant.notifications import verify_notification
from mockpay.providers.amazonpay import operations
from mockpay.providers.amazonpay.xml_responses import order_reference
from mockpay.wire.amazonpay.sns import SnsError
from tests.factories import IPN_URL, World
from tests.scenarios.ways_back import way_back

ROWS = {row.name: row for row in TABLE}


def names(stage: Stage, *looks: Input) -> list[str]:
    return [n for n, row in ROWS.items() if row.stage is stage and row.input in looks]


CAPTURES = names(Stage.CAPTURE, Input.AMOUNT)
PAYMENT_IPNS = names(Stage.IPN, Input.AMOUNT)
VERIFIES = names(Stage.VERIFY, Input.AMOUNT)
REFUNDS = names(Stage.REFUND, Input.REFUND_AMOUNT, Input.REFUND_OF)
REFUND_CARDS = names(Stage.REFUND, Input.PAN)
REFUND_IPNS = names(Stage.IPN, Input.REFUND_AMOUNT, Input.REFUND_OF)


@pytest.fixture
def world(runtime):
    return World.new(runtime, ipn_url=IPN_URL)


def test_every_row_of_these_stages_is_played_here():
    later = {Stage.CAPTURE, Stage.IPN, Stage.VERIFY, Stage.REFUND}
    played = {*CAPTURES, *PAYMENT_IPNS, *VERIFIES, *REFUNDS, *REFUND_IPNS, *REFUND_CARDS}
    assert played == {name for name, row in ROWS.items() if row.stage in later}
    assert {row.equals for name in played if (row := ROWS[name])} == {
        *(f"1708.0{n}" for n in range(1, 4)),
        *(f"1704.0{n}" for n in range(1, 7)),
        *(f"1707.0{n}" for n in range(1, 6)),
        *(f"{band}.{n:02d}" for band in ("24", "1705") for n in range(1, 13)),
        "4000000000007726",
        "4000000000005126",
    }


# --- capture (facts, section 11.6)

#: (order, attempt, status of the way back) at first and in the end, and what was captured.
CAPTURED = {
    "pending": (("AUTHORIZED", "AUTHORIZED", "PENDING"), ("PAID", "CAPTURED", "SUCCESS"), 170_801),
    "fails": (("CANCELLED", "VOIDED", "FAILURE"), ("CANCELLED", "VOIDED", "FAILURE"), 0),
    "partial": (("PAID", "CAPTURED", "SUCCESS"), ("PAID", "CAPTURED", "SUCCESS"), 85_401),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_meets_what_the_row_says(world, name):
    row = ROWS[name]
    order = world.order(amount=row.equals)
    attempt = world.pay(order)

    def seen():
        return *map(str, world.states(order)), way_back(world, order)["status"]

    first, last, captured = CAPTURED[row.outcome]
    decided = attempt.plan.at(Stage.CAPTURE)
    assert (decided.scenario, decided.source) == (name, Source.AMOUNT)
    assert seen() == first
    assert world.violations() == []
    world.advance_until_idle()
    assert seen() == last
    assert world.get_attempt(attempt.attempt_id).captured_minor == captured
    assert world.violations() == []


# --- notifications (facts, sections 11.6 and 11.7)

#: State and tries of each delivery, seconds until each try, and whether the shop believes it.
TOLD = {
    "none": ([("SUPPRESSED", 0)], [], True),
    "tripled": ([("DELIVERED", 1)] * 3, [0, 5, 10], True),
    "out_of_order": ([("DELIVERED", 1)], [60], True),
    "delayed": ([("DELIVERED", 1)], [30], True),
    "bad_signature": ([("DELIVERED", 1)], [0], False),
    "fails_until_4": ([("DELIVERED", 4)], [0, 1, 6, 36], True),
    "early": ([("DELIVERED", 1)], [0], True),
}


def assert_told(world, post, name, deliveries, since):
    row = ROWS[name]
    wanted, moments, believed = TOLD[row.outcome]
    assert [(one.state, one.tries) for one in deliveries] == wanted
    assert {one.outcome for one in deliveries} == {row.outcome}
    tries = sorted(try_.at for one in deliveries for try_ in world.delivery_tries(one))
    assert [(at - since) / 1_000 for at in tries] == moments
    for call in post.sent:
        if call.headers["x-amz-sns-message-id"] == deliveries[0].message_id:
            assert_believed(world, call, believed)
    assert world.violations() == []


def assert_believed(world, call, believed):
    certificate = world.runtime.keys.folder / "ipn_signing_cert.pem"

    def verify():
        return verify_notification(
            call.headers, call.body, lambda url: certificate.read_bytes(), seller_id=world.seller_id
        )

    if believed:
        assert verify().seller_id == world.seller_id
    else:
        with pytest.raises(SnsError):
            verify()


@pytest.mark.parametrize("name", PAYMENT_IPNS)
def test_a_payments_notification_meets_what_the_row_says(world, post, name):
    order = world.order(amount=ROWS[name].equals)
    attempt = world.pay(order, "success@mockpay")
    assert attempt.plan.at(Stage.IPN).scenario == name
    since = world.now()
    world.advance_until_idle()
    assert_told(world, post, name, world.notifications(order), since)


def refunded(world, name):
    """A paid order, and the refund that makes the row speak."""
    row = ROWS[name]
    full = row.input == Input.REFUND_OF
    order = world.order(amount=row.equals if full else "499.00")
    world.pay(order)
    world.advance(0)
    return order, lambda: world.request_refund(order, row.equals)


@pytest.mark.parametrize("name", REFUND_IPNS)
def test_a_refunds_notification_meets_what_the_row_says(world, post, name):
    order, ask = refunded(world, name)
    asked = ask()
    assert asked.early == (ROWS[name].outcome == "early")
    assert asked.refund.state == "PENDING"
    assert asked.refund.scenario == name
    assert world.refunds(order)[0].state == ("COMPLETED" if asked.early else "PENDING")
    world.advance_until_idle()
    (refund,) = world.refunds(order)
    assert refund.state == "COMPLETED"
    payment, *deliveries = world.notifications(order)
    assert payment.state == "DELIVERED"
    assert_told(world, post, name, deliveries, refund.completed_at)


# --- refunds (facts, section 11.7)

#: State after 0 s and in the end, and Amazon's reason.
ENDS = {
    "completed": ("COMPLETED", "COMPLETED", None),
    "REJECTED": ("PENDING", "DECLINED", "REJECTED"),
    "PROCESSING_FAILURE": ("PENDING", "DECLINED", "PROCESSING_FAILURE"),
    "held": ("PENDING", "PENDING", None),
    "throttled_once": ("PENDING", "COMPLETED", None),
    "lost_answer": ("PENDING", "COMPLETED", None),
    "reversed": ("PENDING", "REVERSED", None),
}


@pytest.mark.parametrize("name", REFUNDS)
def test_a_refund_meets_what_the_row_says(world, name):
    row = ROWS[name]
    order, ask = refunded(world, name)
    asked = ask()
    assert asked.answer_lost == (row.outcome == "lost_answer")
    assert (asked.refund is None) == (row.outcome == "throttled_once")
    assert len(world.refunds(order)) == (0 if row.outcome == "throttled_once" else 1)
    again = ask()
    assert not again.answer_lost
    first, last, reason = ENDS[row.outcome]
    world.advance(0)
    (refund,) = world.refunds(order)
    assert refund.refund_id == again.refund.refund_id
    decided = refund.plan.at(Stage.REFUND)
    assert (decided.scenario, decided.outcome) == (name, row.outcome)
    assert refund.state == first
    world.advance_until_idle()
    (refund,) = world.refunds(order)
    assert (refund.state, refund.reason_code) == (last, reason)
    if last == "PENDING":
        world.settle_refund(refund, "release")
        world.advance(0)
        assert world.refunds(order)[0].state == "COMPLETED"
    assert world.violations() == []


@pytest.mark.parametrize("name", REFUND_CARDS)
def test_a_card_decides_its_refunds_before_their_amount_does(world, name):
    row = ROWS[name]
    order = world.order(amount="499.00")
    attempt = world.pay_with(order, world.card(row.equals))
    # The payment itself is an ordinary one.
    assert (str(attempt.state), attempt.scenario) == ("CAPTURED", None)
    refund = world.request_refund(order, "24.02").refund
    decided = refund.plan.at(Stage.REFUND)
    assert (decided.scenario, decided.outcome, str(decided.source)) == (name, row.outcome, "instrument")
    assert decided.value == f"card …{row.equals[-4:]}"
    world.advance_until_idle()
    assert str(world.refunds(order)[0].state) == {"success": "COMPLETED", "reversed": "REVERSED"}[row.outcome]
    assert world.violations() == []


def test_a_full_refund_speaks_by_the_orders_amount_and_a_partial_one_does_not(world):
    order = world.order(amount="1705.02")
    world.pay(order)
    assert world.refund(order, "1000.00", "PART").plan.at(Stage.REFUND).scenario is None


def test_a_sellers_magic_amounts_may_be_off(runtime):
    world = World.new(runtime, magic_amounts=False)
    order = world.order(amount="1705.02")
    world.pay(order)
    assert world.refund(order, "24.03", "A").scenario is None
    assert world.refund(order, "24.00", "B").scenario is None


# --- verification (facts, section 11.6)

#: What the first calls meet at the same moment, and what 5 seconds later.
FAULTS = {
    "throttled": (["throttled", "throttled", "", ""], ""),
    "unavailable": (["unavailable", "", "", ""], ""),
    "stale": (["stale"] * 4, ""),
    "not_found": (["not_found"] * 4, ""),
    "malformed": (["malformed", "", "", ""], ""),
}


@pytest.mark.parametrize("name", VERIFIES)
def test_a_verification_meets_what_the_row_says(world, name):
    order = world.order(amount=ROWS[name].equals)
    attempt = world.pay(order)
    assert attempt.plan.at(Stage.VERIFY).scenario == name
    first, later = FAULTS[ROWS[name].outcome]

    def fault():
        with world.transaction() as sandbox:
            return operations.fault_of(sandbox, world.get_order(order))

    assert [fault() for _ in range(4)] == first
    world.advance(4.999)
    assert fault() == ("" if first[-1] == "" else first[0])
    world.advance(0.001)
    assert fault() == later


def test_a_stale_order_looks_as_before_anybody_paid(world):
    order = world.order(amount="1707.03")
    world.advance(3)
    world.pay(order)
    paid, stale = (order_reference(world.get_order(order), stale=stale) for stale in (False, True))
    assert paid["OrderReferenceStatus"]["State"] == "Closed"
    assert stale["OrderReferenceStatus"] == {
        "LastUpdateTimestamp": stale["CreationTimestamp"],
        "State": "Open",
        "ReasonCode": "",
        "ReasonDescription": "",
    }
