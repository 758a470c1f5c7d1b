"""Time: a seller's clock that runs, stops and is moved; RFC 3339."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.kernel.clock import Clock, Mode, SystemClock, indian, parse_time, rfc3339
from mockpay.kernel.errors import Invalid

NOON = parse_time("2026-11-21T12:00:00Z")


def test_a_running_clock_follows_real_time():
    clock = Clock(Mode.RUNNING, real_anchor=1_000, seller_anchor=NOON)
    assert [clock.now(1_000), clock.now(1_001), clock.now(61_000)] == [NOON, NOON + 1, NOON + 60_000]


def test_a_frozen_clock_stands_still():
    clock = Clock(Mode.FROZEN, real_anchor=1_000, seller_anchor=NOON)
    assert clock.now(1_000) == clock.now(99_000) == NOON


def test_a_moved_clock_shows_the_moment_and_keeps_its_mode(subtests):
    for mode in Mode:
        with subtests.test(mode=mode):
            moved = Clock(mode, 1_000, NOON).at(NOON + 5_000, real=2_000)
            assert moved.mode is mode
            assert moved.now(2_000) == NOON + 5_000


def test_a_clock_may_be_set_back():
    moved = Clock(Mode.RUNNING, 1_000, NOON).at(NOON - 5_000, real=2_000)
    assert moved.now(2_500) == NOON - 4_500


def test_a_time_is_read(subtests):
    for text, moment in [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21t12:00:00z", NOON),
        ("2026-11-21 12:00:00Z", NOON),
        ("2026-11-21T17:30:00+05:30", NOON),
        ("2026-11-21T17:30:00+0530", NOON),
        ("2026-11-21T04:00:00-0800", NOON),
        ("2026-11-21T12:00Z", NOON),
        ("2026-11-21T12:00:00.1234567Z", NOON + 123),
        ("2026-11-21T12:00:00.5+00:00", NOON + 500),
    ]:
        with subtests.test(text=text, moment=moment):
            assert parse_time(text) == moment


def test_anything_else_is_no_time(subtests):
    for text in [
        "",
        "2026-11-21",
        "2026-11-21T12:00:00",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-21T12:00:60Z",
        "२०२६-11-21T12:00:00Z",
        "2026-11-21T12:00:00Z\n",
        "2026-11-21T12:00:00+24:00",
        "2026-11-21T12:00:00+05:60",
        "2026-11-21T12:00:00+05",
        "2026-11-21T12:00:00+05:30:15",
        "2026-11-21T12:00:00,5Z",
        "2026-11-21T12Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21x12:00:00Z",
        "20261121T120000Z",
        "2026-11-21T120000Z",
        "2026-W47-6T12:00:00Z",
        "2026W476T120000Z",
        "now",
        "1763726400",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ]:
        with subtests.test(text=text):
            with pytest.raises(Invalid) as refused:
                parse_time(text)
            assert refused.value.code == "time.invalid"


@given(st.integers(0, 253_402_300_799_999))
def test_a_printed_time_is_read_back(moment):
    assert parse_time(rfc3339(moment)) == moment


def test_a_time_is_printed_with_milliseconds():
    assert rfc3339(NOON + 7) == "2026-11-21T12:00:00.007Z"


def test_pages_show_indian_time():
    shown = indian(NOON + 7)
    assert (shown.hour, shown.minute, shown.microsecond) == (17, 30, 7000)
    assert shown.astimezone(UTC) == datetime(2026, 11, 21, 12, 0, 0, 7000, UTC)


def test_real_time_is_the_machines():
    before = time.time_ns() // 1_000_000
    assert before <= SystemClock().now() <= time.time_ns() // 1_000_000
