"""The books give back no more than was paid, and every refund has one end."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import AFTER_UPDATE, CONFLICTS, Ledger, OrderState, RefundStatus, RefundUpdate
from mockpay.merchant.ledger.refund_rows import reference_of
from mockpay.merchant.refunds import REFERENCE_ID

NOW = 1_795_255_447_000
PAID, PART = Money(499_00), Money(100_00)
ENDS = {RefundStatus.PROCESSED, RefundStatus.DECLINED, RefundStatus.REFUSED}
TOLD = [each for each in RefundStatus if each is not RefundStatus.NEW]


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


def paid_order(ledger, amount=PAID):
    order = ledger.place("bell", amount, at=NOW)
    assert ledger.move(order, OrderState.PAID, at=NOW, amazon_order_id=f"S04-{order.order_id}")
    return order.order_id


def told(says, by="notification", refund_id="S04-1-1-R1", reason=""):
    known = says in {RefundStatus.INITIATED, RefundStatus.PROCESSED, RefundStatus.DECLINED}
    return RefundUpdate(says, by, refund_id if known else "", reason)


def refund_in(ledger, status, order_id=None):
    """A refund that came to a status by legal news."""
    booked = ledger.refunds.create(order_id or paid_order(ledger), PART, at=NOW)
    if status is RefundStatus.NEW:
        return booked
    return ledger.refunds.update(booked.reference_id, told(status), at=NOW)


def codes(ledger, order_id):
    return [alert.code for alert in ledger.alerts.of_order(order_id)]


# --- entering ---


def test_a_refund_is_entered_before_anybody_is_asked(ledger):
    order_id = paid_order(ledger)
    refund = ledger.refunds.create(order_id, PART, at=NOW + 1, note="sorry")
    assert (refund.reference_id, refund.amount) == (f"{order_id}-R1", PART)
    assert (refund.status, refund.state) == (RefundStatus.NEW, "NEW")
    assert (refund.amazon_order_id, refund.note) == (f"S04-{order_id}", "sorry")
    assert (refund.asked_at, refund.amazon_refund_id) == (NOW + 1, "")
    assert ledger.refunds.refundable(order_id) == Money(399_00)
    assert ledger.refunds.of_order(order_id) == [refund] == ledger.refunds.newest()
    assert [event.status for event in ledger.refunds.events(refund.reference_id)] == [RefundStatus.NEW]


def test_parts_may_be_given_back_until_nothing_is_left(ledger):
    order_id = paid_order(ledger)
    ledger.refunds.create(order_id, PART, at=NOW)
    with pytest.raises(Conflict) as refused:
        ledger.refunds.create(order_id, Money(399_01), at=NOW)
    assert refused.value.code == "refund.exceeds_payment"
    assert ledger.refunds.create(order_id, at=NOW).amount == Money(399_00)
    with pytest.raises(Conflict) as refused:
        ledger.refunds.create(order_id, Money(1), at=NOW)
    assert refused.value.code == "refund.nothing_left"


@pytest.mark.parametrize("state", [OrderState.PLACED, OrderState.FAILED, OrderState.PENDING])
def test_an_order_that_is_not_paid_gives_nothing_back(ledger, state):
    order = ledger.place("bell", PAID, at=NOW)
    if state is not OrderState.PLACED:
        ledger.move(order, state, at=NOW)
    with pytest.raises(Conflict) as refused:
        ledger.refunds.create(order.order_id, PART, at=NOW)
    assert refused.value.code == "refund.unpaid"
    with pytest.raises(Conflict):
        ledger.refunds.refundable(order.order_id)


@pytest.mark.parametrize("amount", [Money(0), Money(-1), Money(1, "USD")])
def test_an_amount_that_is_none_is_refused(ledger, amount):
    with pytest.raises(Invalid):
        ledger.refunds.create(paid_order(ledger), amount, at=NOW)


def test_the_same_reference_again_gives_the_first_refund(ledger):
    order_id = paid_order(ledger)
    first = ledger.refunds.create(order_id, PART, at=NOW, reference_id="MINE")
    assert ledger.refunds.create(order_id, PART, at=NOW + 1, reference_id="MINE") == first
    assert ledger.refunds.refundable(order_id) == Money(399_00)
    for other, amount in ((order_id, Money(1_00)), (paid_order(ledger), PART)):
        with pytest.raises(Conflict) as refused:
            ledger.refunds.create(other, amount, at=NOW, reference_id="MINE")
        assert refused.value.code == "refund.reference_taken"


@pytest.mark.parametrize("reference", ["a" * 33, "a b", "é"])
def test_a_reference_that_amazon_would_refuse_is_not_entered(ledger, reference):
    order_id = paid_order(ledger)
    with pytest.raises(Invalid):
        ledger.refunds.create(order_id, PART, at=NOW, reference_id=reference)
    assert ledger.refunds.of_order(order_id) == []


def test_cancelling_twice_gives_all_that_is_left_back_once(ledger):
    order_id = paid_order(ledger)
    ledger.refunds.create(order_id, PART, at=NOW)
    first = ledger.refunds.create(order_id, at=NOW, cancels=True)
    assert (first.reference_id, first.amount, first.cancels) == (f"{order_id}-C2", Money(399_00), True)
    assert ledger.refunds.create(order_id, at=NOW, cancels=True) == first


def test_what_was_given_back_before_cannot_be_cancelled(ledger):
    order_id = paid_order(ledger)
    ledger.refunds.create(order_id, at=NOW)
    with pytest.raises(Conflict) as refused:
        ledger.refunds.create(order_id, at=NOW, cancels=True)
    assert refused.value.code == "refund.nothing_left"


@pytest.mark.parametrize("end", [RefundStatus.DECLINED, RefundStatus.REFUSED])
def test_a_refund_that_failed_for_good_frees_its_money(ledger, end):
    refund = refund_in(ledger, end)
    assert refund.state == "FAILED"
    assert ledger.refunds.refundable(refund.order_id) == PAID
    assert ledger.refunds.create(refund.order_id, at=NOW).reference_id.endswith("-R2")


def test_a_refund_without_an_answer_keeps_its_money(ledger):
    refund = refund_in(ledger, RefundStatus.LOST)
    assert (refund.state, ledger.refunds.refundable(refund.order_id)) == ("FAILED", Money(399_00))


@given(order_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=80), number=st.integers(1, 9999))
def test_every_order_id_makes_references_that_amazon_takes(order_id, number):
    reference = reference_of(order_id, "R", number)
    assert REFERENCE_ID.fullmatch(reference)
    assert reference != reference_of(order_id, "R", number + 1)
    assert reference != reference_of(order_id, "C", number)
    assert reference != reference_of(order_id + "x", "R", number)


# --- following what is told ---


@pytest.mark.parametrize("says", TOLD)
@pytest.mark.parametrize("status", list(RefundStatus))
def test_a_refund_follows_exactly_the_table(ledger, status, says):
    refund = refund_in(ledger, status)
    before = len(ledger.refunds.events(refund.reference_id))
    after = ledger.refunds.update(refund.reference_id, told(says), at=NOW + 1)
    expected = AFTER_UPDATE.get((status, says), status)
    conflict = (status, says) in CONFLICTS
    assert after.status is expected
    assert len(ledger.refunds.events(refund.reference_id)) == before + (expected is not status)
    assert codes(ledger, refund.order_id) == ["REFUND_STATE_CONFLICT"] * conflict
    assert after.disputed is conflict


def test_the_tables_say_that_an_end_is_left_by_nothing():
    assert {before for before, _ in AFTER_UPDATE}.isdisjoint(ENDS)
    assert all(before in ENDS for before, _ in CONFLICTS)
    assert all(before.state != says.state for before, says in CONFLICTS)


def test_the_first_end_stays_and_the_other_one_is_told_once(ledger):
    refund = refund_in(ledger, RefundStatus.PROCESSED)
    for _ in range(2):
        ledger.refunds.update(refund.reference_id, told(RefundStatus.DECLINED, "GetRefundDetails"), at=NOW + 1)
    (alert,) = ledger.alerts.of_order(refund.order_id)
    assert alert.sentence == (
        f"Refund {refund.reference_id} is PROCESSED by notification; later GetRefundDetails said DECLINED."
    )
    assert ledger.alerts.newest() == [alert]


def test_money_that_may_be_gone_all_the_same_is_not_given_back_again(ledger):
    refund = refund_in(ledger, RefundStatus.DECLINED)
    ledger.refunds.update(refund.reference_id, told(RefundStatus.PROCESSED), at=NOW)
    assert ledger.refunds.refundable(refund.order_id) == Money(399_00)


@pytest.mark.parametrize(
    "news",
    [
        RefundUpdate(RefundStatus.PROCESSED, "notification", "S04-1-1-R1", amount=Money(99_00)),
        RefundUpdate(RefundStatus.PROCESSED, "notification", "S04-1-1-R1", amount=Money(100_00, "USD")),
        RefundUpdate(RefundStatus.PROCESSED, "notification", "S04-1-1-R2"),
    ],
)
def test_news_of_another_amount_or_id_move_nothing_and_raise_an_alert(ledger, news):
    refund = refund_in(ledger, RefundStatus.INITIATED)
    after = ledger.refunds.update(refund.reference_id, news, at=NOW)
    assert after == refund
    assert codes(ledger, refund.order_id) == ["REFUND_VALUE_CONFLICT"]


def test_a_notification_that_comes_again_changes_nothing(ledger):
    refund = refund_in(ledger, RefundStatus.INITIATED)
    assert not ledger.messages.contains("m-1")
    done = ledger.refunds.update(refund.reference_id, told(RefundStatus.PROCESSED), at=NOW + 1, message_id="m-1")
    again = ledger.refunds.update(refund.reference_id, told(RefundStatus.DECLINED), at=NOW + 2, message_id="m-1")
    assert again == done
    assert ledger.messages.contains("m-1")
    assert codes(ledger, refund.order_id) == []


def test_old_message_ids_are_forgotten_after_amazons_last_try(ledger):
    day = 86_400_000
    assert ledger.messages.enter("m-1", at=NOW)
    assert not ledger.messages.enter("m-1", at=NOW + 14 * day)
    ledger.messages.enter("m-2", at=NOW + 31 * day)
    assert not ledger.messages.contains("m-1")


def test_a_refund_that_nobody_asked_for_is_entered_with_an_alert(ledger):
    order_id = paid_order(ledger)
    news = RefundUpdate(RefundStatus.PROCESSED, "notification", "S04-1-1-R1", amount=PART)
    first = ledger.refunds.enter_unrequested(order_id, "THEIRS", news, at=NOW, message_id="m-1")
    assert (first.status, first.amount) == (RefundStatus.PROCESSED, PART)
    assert codes(ledger, order_id) == ["REFUND_NOT_ASKED"]
    assert ledger.refunds.refundable(order_id) == Money(399_00)
    assert ledger.refunds.enter_unrequested(order_id, "THEIRS", news, at=NOW, message_id="m-2") == first
    assert len(ledger.alerts.of_order(order_id)) == 1


# --- what must be asked about ---


def test_what_has_no_end_is_asked_about_the_longest_unasked_first(ledger):
    order_id = paid_order(ledger)
    new, lost, sent = (ledger.refunds.create(order_id, Money(100), at=NOW).reference_id for _ in range(3))
    ledger.refunds.update(lost, told(RefundStatus.LOST), at=NOW)
    ledger.refunds.update(sent, told(RefundStatus.INITIATED), at=NOW)
    refund_in(ledger, RefundStatus.PROCESSED, order_id)
    refund_in(ledger, RefundStatus.REFUSED, order_id)

    def due(at=NOW, **narrowed):
        return [refund.reference_id for refund in ledger.refunds.due(at=at, **narrowed)]

    assert due() == [lost, sent]
    assert due(NOW + 60_000) == [new, lost, sent]  # left behind by a process that died
    ledger.refunds.record_check(lost, at=NOW + 1, error="No answer.")
    assert due() == [sent, lost]
    assert due(limit=1) == [sent]
    assert due(order_id="another") == []
    assert ledger.refunds.find(lost).error == "No answer."


def test_a_decline_by_notification_is_asked_about_until_it_is_confirmed(ledger):
    refund = refund_in(ledger, RefundStatus.DECLINED)
    assert ledger.refunds.due(at=NOW) == [refund]
    ledger.refunds.update(refund.reference_id, told(RefundStatus.DECLINED, "GetRefundDetails"), at=NOW)
    assert ledger.refunds.due(at=NOW) == []


# --- races ---


def test_fifty_threads_never_give_back_more_than_was_paid(ledger):
    order_id = paid_order(ledger)

    def ask(_):
        try:
            return ledger.refunds.create(order_id, PART, at=NOW).reference_id
        except Conflict as refused:
            return refused.code

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(ask, range(50)))
    assert outcomes.count("refund.exceeds_payment") == 46
    assert len(set(outcomes)) == 5
    assert ledger.refunds.refundable(order_id) == Money(99_00)


def test_an_answer_and_a_notification_that_race_leave_one_end(ledger):
    for _ in range(5):
        refund = refund_in(ledger, RefundStatus.NEW)
        news = [told(RefundStatus.INITIATED, "RefundPayment"), told(RefundStatus.PROCESSED)] * 4
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each, of=refund: ledger.refunds.update(of.reference_id, each, at=NOW), news))
        steps = [event.status for event in ledger.refunds.events(refund.reference_id)]
        assert steps in (
            [RefundStatus.NEW, RefundStatus.PROCESSED],
            [RefundStatus.NEW, RefundStatus.INITIATED, RefundStatus.PROCESSED],
        )
        assert codes(ledger, refund.order_id) == []


def test_ends_that_contradict_each_other_at_once_leave_the_first_and_an_alert(ledger):
    for _ in range(5):
        refund = refund_in(ledger, RefundStatus.INITIATED)
        news = [told(RefundStatus.PROCESSED), told(RefundStatus.DECLINED, "GetRefundDetails")] * 4
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each, of=refund: ledger.refunds.update(of.reference_id, each, at=NOW), news))
        steps = [event.status for event in ledger.refunds.events(refund.reference_id)]
        assert len(steps) == 3
        assert ledger.refunds.find(refund.reference_id).status is steps[-1]
        assert codes(ledger, refund.order_id) == ["REFUND_STATE_CONFLICT"]


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(
    parts=st.lists(st.integers(1, 300_00), min_size=1, max_size=6),
    news=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(TOLD), st.booleans()), max_size=20),
)
def test_whatever_is_told_in_whatever_order_the_books_stay_right(ledger, parts, news):
    order_id = paid_order(ledger)
    booked = []
    for part in parts:
        try:
            booked.append(ledger.refunds.create(order_id, Money(part), at=NOW).reference_id)
        except Conflict:
            continue
    first_end = {}
    for chosen, says, doubled in news:
        if not booked:
            break
        reference = booked[chosen % len(booked)]
        for _ in range(1 + doubled):
            after = ledger.refunds.update(reference, told(says, refund_id=f"S04-{reference}"), at=NOW)
        if after.status in ENDS:
            assert after.status is first_end.setdefault(reference, after.status)
    refunds = ledger.refunds.of_order(order_id)
    gone = sum(
        refund.amount.minor
        for refund in refunds
        if refund.disputed or refund.status not in {RefundStatus.DECLINED, RefundStatus.REFUSED}
    )
    assert gone <= PAID.minor
    assert ledger.refunds.refundable(order_id) == Money(PAID.minor - gone)
    disputed = [refund for refund in refunds if refund.disputed]
    assert bool(disputed) is ("REFUND_STATE_CONFLICT" in codes(ledger, order_id))
    for refund in refunds:
        steps = [event.status for event in ledger.refunds.events(refund.reference_id)]
        assert steps[-1] is refund.status
        assert all(pair in AFTER_UPDATE for pair in pairwise(steps))


def test_a_reference_id_that_amazon_would_refuse_is_not_entered(ledger):
    with pytest.raises(Invalid) as refused:
        ledger.refunds.create(paid_order(ledger), PART, reference_id="a b", at=NOW)
    assert refused.value.code == "refund.reference_id"
