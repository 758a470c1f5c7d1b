"""A shop that breaks, is gone, too slow or told once more by hand, and what its books then say."""

import socket

import pytest

from tests.journeys.running_shop import running_shop
from tests.journeys.settlement_cases import PaymentCase, both_kinds, newest_delivery, pauses, statuses

TAKEN, BEFORE = (200, "Taken."), (200, "Taken before.")


@pytest.fixture
def shop(mockpay_server, tmp_path):
    with running_shop(mockpay_server, tmp_path) as shop:
        yield shop


@both_kinds
def test_a_shop_that_breaks_twice_is_told_a_third_time(shop, kind):
    it = kind(shop)
    shop.gate.next_answers = [500, 500]
    it.happens()
    assert it.state == it.before
    shop.seller.advance(until="idle")
    assert [status for status, _ in shop.gate.told] == [500, 500, 200]
    assert statuses(newest_delivery(shop)) == [500, 500, 200]
    it.ended_once(by="notification")


@both_kinds
def test_an_address_that_is_gone_is_given_up_until_somebody_sends_it_by_hand(shop, kind):
    it = kind(shop)
    shop.gate.next_answers = [404]
    it.happens()
    shop.seller.advance(until="idle")
    dead = newest_delivery(shop)
    assert (dead["state"], statuses(dead)) == ("DEAD", [404])
    assert it.state == it.before
    again = shop.seller.deliver(dead["notification_id"])
    assert (again["state"], statuses(again)) == ("DELIVERED", [404, 200])
    it.ended_once(by="notification")


@both_kinds
def test_an_address_that_nobody_listens_at_is_tried_again_where_it_is_by_then(shop, kind):
    it = kind(shop)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/shop/ipn"
    shop.seller.control("PATCH", "", {"ipn_url": nobody})
    it.happens()
    waits = newest_delivery(shop)
    assert (waits["state"], statuses(waits)) == ("RETRY_WAIT", [None])
    assert it.state == it.before
    shop.seller.control("PATCH", "", {"ipn_url": f"{shop.url}/shop/ipn"})
    shop.seller.advance(until="idle")
    assert shop.gate.told == [TAKEN]
    it.ended_once(by="notification")


@both_kinds
def test_an_answer_that_comes_too_late_has_it_sent_again_and_booked_once(mockpay_server, tmp_path, kind):
    with running_shop(mockpay_server, tmp_path, ipn_timeout_seconds=1) as shop:
        it = kind(shop)
        shop.gate.shut()
        it.happens()
        waits = newest_delivery(shop)
        assert (waits["state"], statuses(waits)) == ("RETRY_WAIT", [None])
        assert it.state == it.before
        shop.gate.open()
        shop.seller.advance(until="idle")
        assert newest_delivery(shop)["state"] == "DELIVERED"
        # The first one was taken after all, or is being taken at this moment.
        assert len(shop.gate.came) == 2
        assert len({one.message_id for one in shop.gate.came}) == 1
        it.ended_once(by="notification")


def test_amazons_own_profile_tries_again_after_an_hour(mockpay_server, tmp_path):
    with running_shop(mockpay_server, tmp_path, ipn_profile="amazon") as shop:
        it = PaymentCase(shop)
        shop.gate.next_answers = [500, 503]
        it.happens()
        shop.seller.advance(seconds=3599)
        assert len(shop.gate.came) == 1
        shop.seller.advance(until="idle")
        assert pauses(newest_delivery(shop)) == [3600, 3600]
        it.ended_once(by="notification")


@both_kinds
def test_one_that_is_sent_again_by_hand_changes_nothing(shop, kind):
    it = kind(shop)
    it.happens()
    for _ in range(2):
        again = shop.seller.deliver(newest_delivery(shop)["notification_id"])
    assert (again["state"], statuses(again)) == ("DELIVERED", [200, 200, 200])
    assert shop.gate.told == [TAKEN, BEFORE, BEFORE]
    assert len({one.body for one in shop.gate.came}) == 1
    it.ended_once(by="notification")
