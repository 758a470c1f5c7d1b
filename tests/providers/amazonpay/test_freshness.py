"""Which times are fresh, and what is said of those that are not."""

from types import SimpleNamespace

from mockpay.domain.sellers import Settings
from mockpay.kernel.clock import SECOND, parse_time
from mockpay.providers.amazonpay.freshness import staleness

NOW = parse_time("2030-01-01T00:00:00Z")
HOUR = 3600


def said(ahead: int, *, real_behind: int = 0, **settings) -> str | None:
    """What is said of a time so many seconds ahead of the seller's; None where it is fresh."""
    seller = SimpleNamespace(settings=Settings(**settings))
    world = SimpleNamespace(seller=seller, now=NOW, real_now=NOW - real_behind * SECOND)
    return staleness(world, "Timestamp", NOW + ahead * SECOND)


def test_a_time_is_fresh_up_to_the_limit_on_both_sides():
    assert [said(ahead) is None for ahead in (-901, -900, 0, 900, 901)] == [False, True, True, True, False]
    assert said(10**9, freshness_seconds=0) is None


def test_either_clock_may_find_a_time_fresh_unless_the_sellers_alone_counts():
    assert said(-5 * HOUR, real_behind=5 * HOUR) is None
    assert said(-5 * HOUR, real_behind=5 * HOUR, freshness_clock="seller") is not None


def test_both_times_and_the_distance_are_told():
    assert said(-1_000) == (
        "Timestamp is not fresh: 2029-12-31T23:43:20.000Z is 1000 seconds behind the clock of the seller,"
        " 2030-01-01T00:00:00.000Z; 900 seconds are allowed."
    )
    assert said(1_000, real_behind=60, freshness_seconds=30) == (
        "Timestamp is not fresh: 2030-01-01T00:16:40.000Z is 1000 seconds ahead of the clock of the seller,"
        " 2030-01-01T00:00:00.000Z and 1060 seconds ahead of the real clock, 2029-12-31T23:59:00.000Z;"
        " 30 seconds are allowed."
    )


def test_a_time_that_no_calendar_has_is_told_in_seconds():
    far = said(999_999_999_999)
    assert far is not None
    assert "seconds after 1970 is 999999999999 seconds ahead" in far


def test_local_time_labelled_as_utc_is_recognised(subtests):
    for ahead, zone in [
        (19_800, "UTC+5:30"),
        (19_800 - 119, "UTC+5:30"),
        (-8 * HOUR, "UTC-8:00"),
        (14 * HOUR, "UTC+14:00"),
        (HOUR, "UTC+1:00"),
    ]:
        with subtests.test(ahead=ahead):
            assert said(ahead).endswith(f" It looks like the local time of {zone}, labelled as UTC.")
    for ahead in (19_800 + 121, 1_800, 15 * HOUR):
        with subtests.test(ahead=ahead):
            assert said(ahead).endswith(" seconds are allowed.")
    # By the clock that is nearer.
    assert said(2_640, real_behind=-3_640).endswith(" seconds are allowed.")
    assert said(HOUR, real_behind=-13_640).endswith(" It looks like the local time of UTC+1:00, labelled as UTC.")
