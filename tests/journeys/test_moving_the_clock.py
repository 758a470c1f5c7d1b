"""`clock/advance` returns when all that is due has happened and was tried, whoever else is slow."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.running_shop import running_shop

SIX_HOURS = 6 * 3600


@pytest.fixture
def shops(mockpay_server, tmp_path):
    """Two shops of two sellers."""
    with (
        running_shop(mockpay_server, tmp_path, refund_delay_seconds=SIX_HOURS) as one,
        running_shop(mockpay_server, tmp_path, refund_delay_seconds=SIX_HOURS) as other,
    ):
        yield one, other


def moved(shop, **goal):
    """Fired, delivered, complete."""
    answer = shop.seller.advance(**goal)
    return answer["fired"], answer["delivered"], answer["complete"]


def test_it_counts_what_happened_and_what_was_delivered(shops):
    shop, _ = shops
    order = shop.sell()
    shop.settled()
    refunds = [shop.refund_order(order) for _ in range(4)]
    assert moved(shop, seconds=SIX_HOURS - 1) == (0, 0, True)
    assert moved(shop, seconds=1) == (4, 4, True)
    # When it returns, the shop knows.
    assert {shop.refund(one).state for one in refunds} == {"PROCESSED"}
    assert moved(shop, until="idle") == (0, 0, True)


def test_what_is_told_of_one_order_is_told_in_order(shops):
    shop, _ = shops
    order = shop.sell(comes_back=False)
    shop.query_order(order)
    refunds = [shop.refund_order(order, f"{10 + number}.00") for number in range(6)]
    shop.seller.advance(seconds=SIX_HOURS)
    told = [one.body.decode() for one in shop.gate.came]
    assert shop.gate.came[0].type == "OrderReferenceNotification"
    for refund, body in zip(refunds, told[1:], strict=True):
        assert f"<RefundReferenceId>{refund.reference_id}<" in body


def test_a_try_that_failed_counts_as_tried(shops):
    shop, _ = shops
    shop.gate.next_answers = [500]
    shop.sell(comes_back=False)
    # The bank's answer is an event as well.
    assert moved(shop, seconds=0) == (1, 0, True)
    assert [status for status, _ in shop.gate.told] == [500]
    assert moved(shop, seconds=1) == (1, 1, True)


def test_retries_and_refunds_of_two_weeks_are_over_in_one_call(shops):
    shop, _ = shops
    order = shop.sell()
    shop.settled()
    refund = shop.refund_order(order)
    shop.gate.next_answers = [503] * 12
    answer = shop.seller.advance(seconds=14 * 86_400)
    assert (answer["delivered"], answer["complete"]) == (1, True)
    assert [status for status, _ in shop.gate.told[1:]] == [503] * 12 + [200]
    assert shop.refund(refund).state == "PROCESSED"


def test_a_dead_merchant_delays_nobody_else(shops):
    dead, alive = shops
    dead.gate.shut()
    stuck = [dead.sell(comes_back=False) for _ in range(6)]
    dead.gate.wait(1)

    order = alive.sell(comes_back=False)
    assert moved(alive, seconds=0) == (1, 1, True)
    refund = alive.refund_order(order)
    assert moved(alive, seconds=SIX_HOURS) == (1, 1, True)
    assert alive.refund(refund).state == "PROCESSED"

    # All the while nothing of the dead one was answered; four are tried at a time.
    assert {one.status for one in dead.gate.came} == {0}
    assert len(dead.gate.came) <= 4
    assert {dead.order(one).state for one in stuck} == {"PLACED"}
    assert dead.seller.advance(seconds=0, timeout=0.05)["complete"] is False
    dead.gate.open()
    assert moved(dead, seconds=0)[2]
    assert {dead.order(one).state for one in stuck} == {"PAID"}


def test_a_second_advance_waits_for_nobody(shops):
    shop, other = shops
    shop.gate.shut()
    shop.sell(comes_back=False)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shop.seller.advance, seconds=0)
        shop.gate.wait(1)
        assert moved(other, seconds=0) == (0, 0, True)
        shop.gate.open()
        assert first.result()["complete"]
