"""The books give back no more than was paid, and every refund has one end."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import AFTER_NEWS, CONFLICTS, Books, OrderState, RefundNews, Standing
from mockpay.merchant.ledger.refund_rows import reference_of
from mockpay.merchant.refunds import REFERENCE_ID

NOW = 1_795_255_447_000
PAID, PART = Money(499_00), Money(100_00)
ENDS = {Standing.PROCESSED, Standing.DECLINED, Standing.REFUSED}
TOLD = [each for each in Standing if each is not Standing.NEW]


@pytest.fixture
def books(tmp_path):
    return Books(tmp_path / "shop.db")


def paid_order(books, amount=PAID):
    order = books.place("bell", amount, at=NOW)
    assert books.move(order, OrderState.PAID, at=NOW, amazon_order_id=f"S04-{order.order_id}")
    return order.order_id


def told(says, by="notification", refund_id="S04-1-1-R1", reason=""):
    known = says in {Standing.INITIATED, Standing.PROCESSED, Standing.DECLINED}
    return RefundNews(says, by, refund_id if known else "", reason)


def refund_in(books, standing, order_id=None):
    """A refund that came to a standing by legal news."""
    booked = books.refunds.book(order_id or paid_order(books), PART, at=NOW)
    if standing is Standing.NEW:
        return booked
    return books.refunds.follow(booked.reference_id, told(standing), at=NOW)


def codes(books, order_id):
    return [alert.code for alert in books.alerts.of_order(order_id)]


# --- entering ---


def test_a_refund_is_entered_before_anybody_is_asked(books):
    order_id = paid_order(books)
    refund = books.refunds.book(order_id, PART, at=NOW + 1, note="sorry")
    assert (refund.reference_id, refund.amount) == (f"{order_id}-R1", PART)
    assert (refund.standing, refund.state) == (Standing.NEW, "NEW")
    assert (refund.amazon_order_id, refund.note) == (f"S04-{order_id}", "sorry")
    assert (refund.asked_at, refund.amazon_refund_id) == (NOW + 1, "")
    assert books.refunds.left(order_id) == Money(399_00)
    assert books.refunds.of_order(order_id) == [refund] == books.refunds.newest()
    assert [event.standing for event in books.refunds.events(refund.reference_id)] == [Standing.NEW]


def test_parts_may_be_given_back_until_nothing_is_left(books):
    order_id = paid_order(books)
    books.refunds.book(order_id, PART, at=NOW)
    with pytest.raises(Conflict) as refused:
        books.refunds.book(order_id, Money(399_01), at=NOW)
    assert refused.value.code == "refund.exceeds_payment"
    assert books.refunds.book(order_id, at=NOW).amount == Money(399_00)
    with pytest.raises(Conflict) as refused:
        books.refunds.book(order_id, Money(1), at=NOW)
    assert refused.value.code == "refund.nothing_left"


@pytest.mark.parametrize("state", [OrderState.PLACED, OrderState.FAILED, OrderState.PENDING])
def test_an_order_that_is_not_paid_gives_nothing_back(books, state):
    order = books.place("bell", PAID, at=NOW)
    if state is not OrderState.PLACED:
        books.move(order, state, at=NOW)
    with pytest.raises(Conflict) as refused:
        books.refunds.book(order.order_id, PART, at=NOW)
    assert refused.value.code == "refund.unpaid"
    with pytest.raises(Conflict):
        books.refunds.left(order.order_id)


@pytest.mark.parametrize("amount", [Money(0), Money(-1), Money(1, "USD")])
def test_an_amount_that_is_none_is_refused(books, amount):
    with pytest.raises(Invalid):
        books.refunds.book(paid_order(books), amount, at=NOW)


def test_the_same_reference_again_gives_the_first_refund(books):
    order_id = paid_order(books)
    first = books.refunds.book(order_id, PART, at=NOW, reference_id="MINE")
    assert books.refunds.book(order_id, PART, at=NOW + 1, reference_id="MINE") == first
    assert books.refunds.left(order_id) == Money(399_00)
    for other, amount in ((order_id, Money(1_00)), (paid_order(books), PART)):
        with pytest.raises(Conflict) as refused:
            books.refunds.book(other, amount, at=NOW, reference_id="MINE")
        assert refused.value.code == "refund.reference_taken"


@pytest.mark.parametrize("reference", ["a" * 33, "a b", "é"])
def test_a_reference_that_amazon_would_refuse_is_not_entered(books, reference):
    order_id = paid_order(books)
    with pytest.raises(Invalid):
        books.refunds.book(order_id, PART, at=NOW, reference_id=reference)
    assert books.refunds.of_order(order_id) == []


def test_cancelling_twice_gives_all_that_is_left_back_once(books):
    order_id = paid_order(books)
    books.refunds.book(order_id, PART, at=NOW)
    first = books.refunds.book(order_id, at=NOW, cancels=True)
    assert (first.reference_id, first.amount, first.cancels) == (f"{order_id}-C2", Money(399_00), True)
    assert books.refunds.book(order_id, at=NOW, cancels=True) == first


def test_what_was_given_back_before_cannot_be_cancelled(books):
    order_id = paid_order(books)
    books.refunds.book(order_id, at=NOW)
    with pytest.raises(Conflict) as refused:
        books.refunds.book(order_id, at=NOW, cancels=True)
    assert refused.value.code == "refund.nothing_left"


@pytest.mark.parametrize("end", [Standing.DECLINED, Standing.REFUSED])
def test_a_refund_that_failed_for_good_frees_its_money(books, end):
    refund = refund_in(books, end)
    assert refund.state == "FAILED"
    assert books.refunds.left(refund.order_id) == PAID
    assert books.refunds.book(refund.order_id, at=NOW).reference_id.endswith("-R2")


def test_a_refund_without_an_answer_keeps_its_money(books):
    refund = refund_in(books, Standing.LOST)
    assert (refund.state, books.refunds.left(refund.order_id)) == ("FAILED", Money(399_00))


@given(order_id=st.text(st.characters(exclude_categories=["Cs"]), max_size=80), number=st.integers(1, 9999))
def test_every_order_id_makes_references_that_amazon_takes(order_id, number):
    reference = reference_of(order_id, "R", number)
    assert REFERENCE_ID.fullmatch(reference)
    assert reference != reference_of(order_id, "R", number + 1)
    assert reference != reference_of(order_id, "C", number)
    assert reference != reference_of(order_id + "x", "R", number)


# --- following what is told ---


@pytest.mark.parametrize("says", TOLD)
@pytest.mark.parametrize("standing", list(Standing))
def test_a_refund_follows_exactly_the_table(books, standing, says):
    refund = refund_in(books, standing)
    before = len(books.refunds.events(refund.reference_id))
    after = books.refunds.follow(refund.reference_id, told(says), at=NOW + 1)
    expected = AFTER_NEWS.get((standing, says), standing)
    conflict = (standing, says) in CONFLICTS
    assert after.standing is expected
    assert len(books.refunds.events(refund.reference_id)) == before + (expected is not standing)
    assert codes(books, refund.order_id) == ["REFUND_STATE_CONFLICT"] * conflict
    assert after.disputed is conflict


def test_the_tables_say_that_an_end_is_left_by_nothing():
    assert {before for before, _ in AFTER_NEWS}.isdisjoint(ENDS)
    assert all(before in ENDS for before, _ in CONFLICTS)
    assert all(before.state != says.state for before, says in CONFLICTS)


def test_the_first_end_stays_and_the_other_one_is_told_once(books):
    refund = refund_in(books, Standing.PROCESSED)
    for _ in range(2):
        books.refunds.follow(refund.reference_id, told(Standing.DECLINED, "GetRefundDetails"), at=NOW + 1)
    (alert,) = books.alerts.of_order(refund.order_id)
    assert alert.sentence == (
        f"Refund {refund.reference_id} is PROCESSED by notification; later GetRefundDetails said DECLINED."
    )
    assert books.alerts.newest() == [alert]


def test_money_that_may_be_gone_all_the_same_is_not_given_back_again(books):
    refund = refund_in(books, Standing.DECLINED)
    books.refunds.follow(refund.reference_id, told(Standing.PROCESSED), at=NOW)
    assert books.refunds.left(refund.order_id) == Money(399_00)


@pytest.mark.parametrize(
    "news",
    [
        RefundNews(Standing.PROCESSED, "notification", "S04-1-1-R1", amount=Money(99_00)),
        RefundNews(Standing.PROCESSED, "notification", "S04-1-1-R1", amount=Money(100_00, "USD")),
        RefundNews(Standing.PROCESSED, "notification", "S04-1-1-R2"),
    ],
)
def test_news_of_another_amount_or_id_move_nothing_and_raise_an_alert(books, news):
    refund = refund_in(books, Standing.INITIATED)
    after = books.refunds.follow(refund.reference_id, news, at=NOW)
    assert after == refund
    assert codes(books, refund.order_id) == ["REFUND_VALUE_CONFLICT"]


def test_a_notification_that_comes_again_changes_nothing(books):
    refund = refund_in(books, Standing.INITIATED)
    assert not books.messages.seen("m-1")
    done = books.refunds.follow(refund.reference_id, told(Standing.PROCESSED), at=NOW + 1, message_id="m-1")
    again = books.refunds.follow(refund.reference_id, told(Standing.DECLINED), at=NOW + 2, message_id="m-1")
    assert again == done
    assert books.messages.seen("m-1")
    assert codes(books, refund.order_id) == []


def test_old_message_ids_are_forgotten_after_amazons_last_try(books):
    day = 86_400_000
    assert books.messages.enter("m-1", at=NOW)
    assert not books.messages.enter("m-1", at=NOW + 14 * day)
    books.messages.enter("m-2", at=NOW + 31 * day)
    assert not books.messages.seen("m-1")


def test_a_refund_that_nobody_asked_for_is_entered_with_an_alert(books):
    order_id = paid_order(books)
    news = RefundNews(Standing.PROCESSED, "notification", "S04-1-1-R1", amount=PART)
    first = books.refunds.adopt(order_id, "THEIRS", news, at=NOW, message_id="m-1")
    assert (first.standing, first.amount) == (Standing.PROCESSED, PART)
    assert codes(books, order_id) == ["REFUND_NOT_ASKED"]
    assert books.refunds.left(order_id) == Money(399_00)
    assert books.refunds.adopt(order_id, "THEIRS", news, at=NOW, message_id="m-2") == first
    assert len(books.alerts.of_order(order_id)) == 1


# --- what must be asked about ---


def test_what_has_no_end_is_asked_about_the_longest_unasked_first(books):
    order_id = paid_order(books)
    new, lost, sent = (books.refunds.book(order_id, Money(100), at=NOW).reference_id for _ in range(3))
    books.refunds.follow(lost, told(Standing.LOST), at=NOW)
    books.refunds.follow(sent, told(Standing.INITIATED), at=NOW)
    refund_in(books, Standing.PROCESSED, order_id)
    refund_in(books, Standing.REFUSED, order_id)

    def due(at=NOW, **narrowed):
        return [refund.reference_id for refund in books.refunds.due(at=at, **narrowed)]

    assert due() == [lost, sent]
    assert due(NOW + 60_000) == [new, lost, sent]  # left behind by a process that died
    books.refunds.checked(lost, at=NOW + 1, trouble="No answer.")
    assert due() == [sent, lost]
    assert due(limit=1) == [sent]
    assert due(order_id="another") == []
    assert books.refunds.find(lost).trouble == "No answer."


def test_a_decline_by_notification_is_asked_about_until_it_is_confirmed(books):
    refund = refund_in(books, Standing.DECLINED)
    assert books.refunds.due(at=NOW) == [refund]
    books.refunds.follow(refund.reference_id, told(Standing.DECLINED, "GetRefundDetails"), at=NOW)
    assert books.refunds.due(at=NOW) == []


# --- races ---


def test_fifty_threads_never_give_back_more_than_was_paid(books):
    order_id = paid_order(books)

    def ask(_):
        try:
            return books.refunds.book(order_id, PART, at=NOW).reference_id
        except Conflict as refused:
            return refused.code

    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(ask, range(50)))
    assert outcomes.count("refund.exceeds_payment") == 46
    assert len(set(outcomes)) == 5
    assert books.refunds.left(order_id) == Money(99_00)


def test_an_answer_and_a_notification_that_race_leave_one_end(books):
    for _ in range(5):
        refund = refund_in(books, Standing.NEW)
        news = [told(Standing.INITIATED, "RefundPayment"), told(Standing.PROCESSED)] * 4
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each, of=refund: books.refunds.follow(of.reference_id, each, at=NOW), news))
        steps = [event.standing for event in books.refunds.events(refund.reference_id)]
        assert steps in (
            [Standing.NEW, Standing.PROCESSED],
            [Standing.NEW, Standing.INITIATED, Standing.PROCESSED],
        )
        assert codes(books, refund.order_id) == []


def test_ends_that_contradict_each_other_at_once_leave_the_first_and_an_alert(books):
    for _ in range(5):
        refund = refund_in(books, Standing.INITIATED)
        news = [told(Standing.PROCESSED), told(Standing.DECLINED, "GetRefundDetails")] * 4
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each, of=refund: books.refunds.follow(of.reference_id, each, at=NOW), news))
        steps = [event.standing for event in books.refunds.events(refund.reference_id)]
        assert len(steps) == 3
        assert books.refunds.find(refund.reference_id).standing is steps[-1]
        assert codes(books, refund.order_id) == ["REFUND_STATE_CONFLICT"]


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(
    parts=st.lists(st.integers(1, 300_00), min_size=1, max_size=6),
    news=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(TOLD), st.booleans()), max_size=20),
)
def test_whatever_is_told_in_whatever_order_the_books_stay_right(books, parts, news):
    order_id = paid_order(books)
    booked = []
    for part in parts:
        try:
            booked.append(books.refunds.book(order_id, Money(part), at=NOW).reference_id)
        except Conflict:
            continue
    first_end = {}
    for chosen, says, doubled in news:
        if not booked:
            break
        reference = booked[chosen % len(booked)]
        for _ in range(1 + doubled):
            after = books.refunds.follow(reference, told(says, refund_id=f"S04-{reference}"), at=NOW)
        if after.standing in ENDS:
            assert after.standing is first_end.setdefault(reference, after.standing)
    refunds = books.refunds.of_order(order_id)
    gone = sum(
        refund.amount.minor
        for refund in refunds
        if refund.disputed or refund.standing not in {Standing.DECLINED, Standing.REFUSED}
    )
    assert gone <= PAID.minor
    assert books.refunds.left(order_id) == Money(PAID.minor - gone)
    disputed = [refund for refund in refunds if refund.disputed]
    assert bool(disputed) is ("REFUND_STATE_CONFLICT" in codes(books, order_id))
    for refund in refunds:
        steps = [event.standing for event in books.refunds.events(refund.reference_id)]
        assert steps[-1] is refund.standing
        assert all(pair in AFTER_NEWS for pair in pairwise(steps))
