"""
Another project's tests with mockpay's pytest plugin, beside the tools that such projects use.

Run with `pytest -n 4` (one sandbox for all workers), or with MOCKPAY_URL set against one that runs already. HTTP_PROXY
may name whatever it likes.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import requests
import requests_mock
import responses
import time_machine
from freezegun import freeze_time

from mockpay.testing import ControlError

CALLBACK = "http://localhost/return"


def pay(seller, vpa="success@mockpay", number="ORDER-1", amount="499.00"):
    """Buy as a buyer without script does; the order as the sandbox has it."""
    url = seller.client().payment_url(amount=amount, seller_order_id=number, redirect_url=CALLBACK)
    with requests.Session() as buyer:
        buyer.trust_env = False
        page = buyer.get(url, timeout=20)
        buyer.post(f"{page.url}upi", data={"vpa": vpa}, timeout=20)
    return seller.orders(seller_order_id=number)[0]


def test_a_payment_succeeds(mockpay_seller):
    assert pay(mockpay_seller)["state"] == "PAID"


def test_a_refused_payment_says_why(mockpay_seller):
    order = mockpay_seller.order(pay(mockpay_seller, "insufficient@mockpay")["order_id"])
    assert order["attempts"][0]["state"] == "FAILED"
    assert order["why"]


def test_the_verbs_work_inside_responses(mockpay_seller):
    with responses.RequestsMock():
        mockpay_seller.next("issuer", "frozen")
        assert mockpay_seller.orders() == []
        assert mockpay_seller.client().list_order_reference("ORDER-1").order_references == ()


def test_the_verbs_work_inside_requests_mock(mockpay_seller):
    with requests_mock.Mocker():
        mockpay_seller.freeze()
        assert mockpay_seller.inbox() == []
        assert mockpay_seller.advance(seconds=60)["complete"]


def test_a_wait_ends_in_real_seconds_under_freezegun(mockpay_seller):
    with freeze_time("2026-01-01"), pytest.raises(TimeoutError):
        mockpay_seller.wait_for("order.PAID", timeout=1)


def test_a_frozen_clock_and_the_sellers_clock_show_one_time(mockpay_seller):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    mockpay_seller.freeze(at=moment)
    with freeze_time(moment):
        url = mockpay_seller.client().payment_url(amount="1.00", seller_order_id="ORDER-1", redirect_url=CALLBACK)
    with requests.Session() as buyer:
        buyer.trust_env = False
        assert buyer.get(url, timeout=20).status_code == 200
    assert mockpay_seller.orders()[0]["created_at"].startswith("2026-01-01T00:00:00")


def test_a_refund_ends_when_the_clock_moves_under_time_machine(mockpay_seller):
    order = pay(mockpay_seller)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5), tick=False):
        mockpay_seller.client().refund(order["order_id"], "REFUND-1", "100.00")
        assert mockpay_seller.advance(seconds=10)["complete"]
    assert mockpay_seller.refunds()[0]["state"] == "COMPLETED"


@pytest.mark.asyncio
async def test_a_shop_in_an_event_loop_is_notified(mockpay_server):
    received = asyncio.Queue()

    async def shop(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await received.put(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(shop, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        seller = await asyncio.to_thread(mockpay_server.new_seller, ipn_url=f"http://127.0.0.1:{port}/ipn")
        await asyncio.to_thread(pay, seller)
        with pytest.raises(RuntimeError, match=r"await asyncio.to_thread\(mockpay_seller.advance"):
            seller.advance(seconds=60)
        await asyncio.to_thread(seller.advance, seconds=60)
        assert b"Notification" in await received.get()


def test_a_refusal_is_an_error_with_its_reason(mockpay_seller):
    with pytest.raises(ControlError) as refused:
        mockpay_seller.order("S04-0000000-0000000")
    assert refused.value.status == 404


def test_every_test_has_a_seller_of_its_own(mockpay_server, mockpay_seller, mockpay_client):
    assert mockpay_server.new_seller().seller_id != mockpay_seller.seller_id == mockpay_client.seller_id
    assert mockpay_seller.fields["secret_key"] not in repr(mockpay_seller) + repr(mockpay_client)
