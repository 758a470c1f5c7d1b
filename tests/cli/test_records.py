"""What a seller's world has seen, and the spellings of a command line, from the shell."""

import json
import os
import subprocess
import sys
from threading import Thread

import pytest

from mockpay.merchant.responses import ServiceError
from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.settings import Settings, unknown_variables
from mockpay.store.unit_of_work import transaction
from tests.test_testing import pay


def test_orders_are_listed_filtered_and_shown(mockpay, seller):
    order_id = pay(seller, "ORDER-7")
    mine = ("--seller", seller.seller_id)
    (line,) = mockpay("orders", *mine).splitlines()
    assert line.split()[1:] == [order_id, "PAID", "499.00", "ORDER-7"]
    assert mockpay("orders", *mine, "--state", "FAILED") == ""
    assert json.loads(mockpay("orders", order_id, *mine))["attempts"][0]["state"] == "CAPTURED"


def test_the_journal_is_printed_oldest_first_with_its_reasons(mockpay, seller):
    order_id = pay(seller)
    with pytest.raises(ServiceError):
        seller.client().refund(order_id, "R-1", "600.00")
    first, second = mockpay("logs", "--seller", seller.seller_id).splitlines()
    assert f"302  GET /initiatePayment processPayment  ok  {order_id}" in first
    assert order_id in second
    assert "at most 499.00 INR" in second
    assert first[:24] <= second[:24]
    assert mockpay("logs", "--seller", seller.seller_id, "--limit", "1").splitlines() == [second]


def test_a_followed_journal_goes_on_with_each_new_line_after_the_newest_of_its_list(seller):
    pay(seller, "ORDER-1")
    command = [sys.executable, "-m", "mockpay", "logs", "--follow", "--limit", "1", "--seller", seller.seller_id]
    environ = {**os.environ, "MOCKPAY_URL": seller.server.url, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as follower:
        try:
            orders = [follower.stdout.readline().split()[6]]
            for number in ("ORDER-2", "ORDER-3"):
                paid = pay(seller, number)
                orders.append(follower.stdout.readline().split()[6])
                assert orders[-1] == paid
        finally:
            follower.terminate()
    assert len(set(orders)) == 3


def test_a_journal_without_any_line_is_followed_from_its_first(seller):
    """What `logs --follow` asks: the list, then a wait after its cursor."""
    empty = seller.control("GET", "/journal")
    assert empty["items"] == []
    first, _ = pay(seller, "ORDER-1"), pay(seller, "ORDER-2")
    event = seller.control("GET", f"/wait?event=journal&after={empty['cursor']}&timeout=0")["event"]
    assert first in json.dumps(event)


def test_an_event_is_waited_for_and_its_absence_has_a_code_of_its_own(mockpay, seller):
    paying = Thread(target=pay, args=(seller, "ORDER-8"))
    paying.start()
    event = json.loads(mockpay("wait", "order.PAID", "seller_order_id:ORDER-8", "--seller", seller.seller_id))
    paying.join()
    assert (event["state"], event["seller_order_id"]) == ("PAID", "ORDER-8")
    nothing = mockpay("wait", "order.FAILED", "--timeout", "0", "--seller", seller.seller_id, code=3)
    assert nothing == "No order.FAILED in 0 s.\n"


def test_messages_to_buyers_are_listed(mockpay, seller):
    assert mockpay("inbox", "--seller", seller.seller_id) == ""
    with transaction(seller.server.runtime, seller.seller_id) as sandbox:
        challenges.start(sandbox, purpose=Purpose.SIGN_IN, subject="asha@example.com", to="asha@example.com")
    (line,) = mockpay("inbox", "--seller", seller.seller_id, "--kind", "otp").splitlines()
    assert " asha@example.com  otp  " in line


def test_a_durations_unit_may_be_written(mockpay, seller):
    mockpay("clock", "freeze", "2026-11-21T15:00:00Z", "--seller", seller.seller_id)
    for text, shown in (("6h", "21:00:00"), ("1h30m", "22:30:00"), ("90s", "22:31:30"), ("0.5m", "22:32:00")):
        assert f"T{shown}.000Z" in mockpay("clock", "advance", text, "--seller", seller.seller_id)
    assert "no duration" in mockpay("clock", "advance", "6 parsecs", "--seller", seller.seller_id, code=2)


def test_the_options_of_a_group_may_stand_behind_its_subcommand(mockpay, server):
    made = json.loads(
        mockpay("sellers", "create", "--name", "Chai", "--url", server.url, MOCKPAY_URL="http://127.0.0.1:1")
    )
    listed = mockpay("sellers", f"--url={server.url}", MOCKPAY_URL="http://127.0.0.1:1")
    assert f"{made['seller_id']}  {made['access_key']}  Chai" in listed


def test_a_variable_that_nothing_reads_is_told_with_the_nearest():
    environ = {"MOCKPAY_PROT": "1", "MOCKPAY_ZZZ": "1", "PATH": "/bin", "MOCKPAY_URL": "x", "MOCKPAY_PUBLIC_URL": "x"}
    assert list(unknown_variables(environ)) == [
        "MOCKPAY_PROT is no variable of mockpay; did you mean MOCKPAY_PORT?",
        "MOCKPAY_ZZZ is no variable of mockpay.",
    ]


def test_public_urls_are_a_comma_list_of_urls():
    told = Settings.from_env({"MOCKPAY_PUBLIC_URL": "http://localhost:8420, http://one:8420"})
    assert told.public_urls == ("http://localhost:8420", "http://one:8420")
    assert told.public_url == "http://localhost:8420"
