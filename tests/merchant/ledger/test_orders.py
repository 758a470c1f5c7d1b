"""The shop's books keep one truth, however often and in whatever order results come."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mockpay.kernel.errors import Conflict, IllegalTransition
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import AFTER_RESULT, LEGAL, Ledger, OrderState

NOW = 1_795_255_447_000  # 21 November 2026
PRICE = Money(499_00)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "var" / "ledger.db")


def result(signature, amazon_order_id="S04-1111111-2222222"):
    return {"status": "any", "amazonOrderId": amazon_order_id, "signature": signature}


def order_in(ledger, state):
    """Put a new order into a state by legal steps."""
    order = ledger.place("bell", PRICE, at=NOW)
    ways = {
        OrderState.PLACED: [],
        OrderState.PENDING: [OrderState.PENDING],
        OrderState.PAID: [OrderState.PAID],
        OrderState.FAILED: [OrderState.FAILED],
        OrderState.UNKNOWN: [OrderState.PAID, OrderState.UNKNOWN],
    }
    for step in ways[state]:
        assert ledger.move(order, step, at=NOW)
        order = ledger.find(order.order_id)
    return order


def test_orders_are_numbered_within_the_year_of_the_indian_calendar(ledger):
    first, second = (ledger.place("bell", PRICE, at=NOW).order_id for _ in range(2))
    assert (first, second) == ("NCW-2026-000001", "NCW-2026-000002")
    new_year_in_india = 1_798_742_000_000  # 18:33 UTC on 31 December 2026
    assert ledger.place("bell", PRICE, at=new_year_in_india).order_id == "NCW-2027-000003"


def test_new_books_can_begin_at_another_number(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db", prefix="XY", first_number=4217)
    assert ledger.place("bell", PRICE, at=NOW).order_id == "XY-2026-004217"
    assert ledger.place("bell", PRICE, at=NOW).order_id == "XY-2026-004218"


def test_what_was_placed_is_found_again_in_reopened_books(tmp_path):
    placed = Ledger(tmp_path / "ledger.db").place("bell", Money(1_701_03), at=NOW)
    assert Ledger(tmp_path / "ledger.db").find(placed.order_id) == placed
    assert (placed.amount, placed.state, placed.placed_at) == (Money(1_701_03), OrderState.PLACED, NOW)


def test_an_unknown_order_is_not_found(ledger):
    assert ledger.find("NCW-2026-000001") is None


def test_an_order_id_is_given_once(ledger):
    ledger.place("bell", PRICE, at=NOW, order_id="MINE-1")
    with pytest.raises(Conflict) as refused:
        ledger.place("bell", PRICE, at=NOW, order_id="MINE-1")
    assert refused.value.code == "order.exists"
    assert len(ledger.newest()) == 1


def test_eight_threads_get_eight_numbers(ledger):
    with ThreadPoolExecutor(8) as pool:
        placed = list(pool.map(lambda _: ledger.place("bell", PRICE, at=NOW), range(40)))
    assert sorted(order.order_id for order in placed) == [f"NCW-2026-{n:06d}" for n in range(1, 41)]


def test_the_newest_order_is_listed_first_and_the_list_is_bounded(ledger):
    for _ in range(3):
        ledger.place("bell", PRICE, at=NOW)
    assert [order.order_id for order in ledger.newest(2)] == ["NCW-2026-000003", "NCW-2026-000002"]


@pytest.mark.parametrize("says", [OrderState.PAID, OrderState.PENDING, OrderState.FAILED])
@pytest.mark.parametrize("state", list(OrderState))
def test_a_result_moves_an_order_exactly_as_the_table_says(ledger, state, says):
    order = order_in(ledger, state)
    after = ledger.record_result(order.order_id, result("new"), says, at=NOW + 1)
    assert after.state == AFTER_RESULT.get((state, says), state)


@pytest.mark.parametrize("target", list(OrderState))
@pytest.mark.parametrize("state", list(OrderState))
def test_the_shop_takes_only_the_steps_of_its_table(ledger, state, target):
    order = order_in(ledger, state)
    if target in LEGAL[state]:
        assert ledger.move(order, target, at=NOW + 1)
        assert ledger.find(order.order_id).state == target
    else:
        with pytest.raises(IllegalTransition):
            ledger.move(order, target, at=NOW + 1)
        assert ledger.find(order.order_id) == order


def test_the_same_result_again_changes_nothing(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    first = ledger.record_result(order.order_id, result("one"), OrderState.PAID, at=NOW + 1)
    again = ledger.record_result(order.order_id, result("one"), OrderState.PAID, at=NOW + 2)
    assert first == again
    assert [r.verified_at for r in ledger.results(order.order_id)] == [NOW + 1]


def test_an_old_result_does_not_fail_an_order_that_is_being_paid_again(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    failed = ledger.record_result(order.order_id, result("one"), OrderState.FAILED, at=NOW + 1)
    assert ledger.move(failed, OrderState.PLACED, at=NOW + 2)
    after = ledger.record_result(order.order_id, result("one"), OrderState.FAILED, at=NOW + 3)
    assert after.state is OrderState.PLACED


def test_a_contradiction_is_remembered_with_both_sides(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    ledger.record_result(order.order_id, result("one"), OrderState.FAILED, at=NOW + 1)
    after = ledger.record_result(order.order_id, result("two"), OrderState.PAID, at=NOW + 2)
    assert (after.state, after.conflict) == (OrderState.UNKNOWN, "PAID after FAILED")
    assert ledger.move(after, OrderState.PAID, at=NOW + 3, by="ListOrderReference")
    decided = ledger.find(order.order_id)
    assert (decided.state, decided.settled_by) == (OrderState.PAID, "ListOrderReference")
    assert decided.conflict == "PAID after FAILED"


def test_results_are_kept_as_they_came_newest_first(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    ledger.record_result(order.order_id, result("one"), OrderState.PENDING, at=NOW + 1)
    ledger.record_result(order.order_id, result("two"), OrderState.PAID, at=NOW + 2)
    assert [r.fields["signature"] for r in ledger.results(order.order_id)] == ["two", "one"]
    assert ledger.results(order.order_id)[0].fields == result("two")


def test_a_result_without_an_amazon_order_keeps_the_one_that_is_known(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    ledger.record_result(order.order_id, result("one", "S04-1"), OrderState.PENDING, at=NOW + 1)
    refusal = {"status": "FAILURE", "signature": "two"}
    after = ledger.record_result(order.order_id, refusal, OrderState.FAILED, at=NOW + 2)
    assert after.amazon_order_id == "S04-1"


def test_a_step_from_a_state_that_has_passed_is_not_taken(ledger):
    seen = ledger.place("bell", PRICE, at=NOW)
    ledger.record_result(seen.order_id, result("one"), OrderState.PAID, at=NOW + 1)
    assert not ledger.move(seen, OrderState.FAILED, at=NOW + 2)
    assert ledger.find(seen.order_id).state is OrderState.PAID


def test_one_result_that_arrives_eight_times_at_once_is_entered_once(ledger):
    order = ledger.place("bell", PRICE, at=NOW)

    def arrive(n):
        return ledger.record_result(order.order_id, result("one"), OrderState.PAID, at=NOW + n)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(arrive, range(1, 9)))
    assert len({outcome.changed_at for outcome in outcomes}) == 1
    assert len(ledger.results(order.order_id)) == 1


def test_contradicting_results_at_once_always_end_as_unknown(ledger):
    for _ in range(5):
        order = ledger.place("bell", PRICE, at=NOW)
        says = [OrderState.PAID, OrderState.FAILED]
        with ThreadPoolExecutor(2) as pool:
            list(
                pool.map(
                    lambda state, of=order: ledger.record_result(of.order_id, result(state), state, at=NOW + 1), says
                )
            )
        assert ledger.find(order.order_id).state is OrderState.UNKNOWN


def test_a_step_is_taken_by_one_of_eight_threads(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    with ThreadPoolExecutor(8) as pool:
        moved = list(pool.map(lambda n: ledger.move(order, OrderState.PAID, at=NOW + n), range(1, 9)))
    assert moved.count(True) == 1


def test_an_order_that_came_back_to_where_it_was_seen_has_moved_all_the_same(ledger):
    seen = ledger.place("bell", PRICE, at=NOW)
    assert ledger.move(seen, OrderState.FAILED, at=NOW + 1)
    assert ledger.move(ledger.find(seen.order_id), OrderState.PLACED, at=NOW + 2)
    assert not ledger.move(seen, OrderState.PAID, at=NOW + 3)
    assert ledger.find(seen.order_id).state is OrderState.PLACED


# --- payment notifications ---


def notified(ledger, order, says, reference="S04-1", message_id="m-1"):
    return ledger.apply_notification(order.order_id, says, amazon_order_id=reference, message_id=message_id, at=NOW + 9)


@pytest.mark.parametrize("says", [OrderState.PAID, OrderState.FAILED])
@pytest.mark.parametrize("state", list(OrderState))
def test_a_notification_moves_an_order_as_a_result_would(ledger, state, says):
    order = order_in(ledger, state)
    after = notified(ledger, order, says)
    assert after.state == AFTER_RESULT.get((state, says), state)
    if after.state is not state:
        assert (after.settled_by, after.amazon_order_id) == ("notification", "S04-1")


def test_a_notification_that_comes_again_changes_nothing(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    paid = notified(ledger, order, OrderState.PAID)
    assert notified(ledger, order, OrderState.FAILED) == paid
    assert ledger.messages.contains("m-1")


def test_a_late_failure_of_the_first_try_does_not_fail_the_second(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    failed = ledger.record_result(order.order_id, result("one", "S04-1"), OrderState.FAILED, at=NOW + 1)
    assert ledger.move(failed, OrderState.PLACED, at=NOW + 2)
    assert notified(ledger, order, OrderState.FAILED, "S04-1").state is OrderState.PLACED
    paid = notified(ledger, order, OrderState.PAID, "S04-2", "m-2")
    assert (paid.state, paid.amazon_order_id) == (OrderState.PAID, "S04-2")
    assert notified(ledger, order, OrderState.FAILED, "S04-1", "m-3") == paid


def test_result_and_notification_that_contradict_each_other_are_a_riddle(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    ledger.record_result(order.order_id, result("one", "S04-1"), OrderState.PAID, at=NOW + 1)
    after = notified(ledger, order, OrderState.FAILED, "S04-1")
    assert (after.state, after.conflict) == (OrderState.UNKNOWN, "FAILED after PAID")


def test_an_order_is_found_by_the_reference_that_paid_it(ledger):
    order = ledger.place("bell", PRICE, at=NOW)
    assert ledger.by_amazon_id("S04-1") is None
    paid = notified(ledger, order, OrderState.PAID, "S04-1")
    assert ledger.by_amazon_id("S04-1") == paid
    ledger.place("bell", PRICE, at=NOW)
    assert ledger.by_amazon_id("") is None
