"""Buckets of tokens: never too full, never overdrawn, exact to the thousandth."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from mockpay.domain.throttling import TOKEN, Bucket, Quota, full, restored, taken

#: Whose restore time is longer than, or a part of, a second.
SOME_QUOTAS = [Quota(*numbers) for numbers in [(2, 2_000), (10, 1_000), (2, 300_000), (5, 1_000), (20, 500)]]

QUOTAS = st.sampled_from(SOME_QUOTAS)
MOMENTS = st.integers(0, 2**45)
STEPS = st.lists(st.tuples(st.integers(-5_000, 700_000), st.integers(-50, 700_000)), max_size=30)


@given(QUOTAS, MOMENTS, MOMENTS)
def test_as_many_calls_as_the_quota_go_through_at_once(quota, now, real_now):
    bucket = full(quota, now, real_now)
    for _ in range(quota.tokens):
        bucket = taken(bucket, quota, now, real_now)
        assert bucket is not None
    assert bucket.milli_tokens == 0
    assert taken(bucket, quota, now, real_now) is None
    nearly = quota.restore_ms - 1
    assert taken(bucket, quota, now + nearly, real_now + nearly) is None
    assert taken(bucket, quota, now + quota.restore_ms, real_now) is not None
    assert taken(bucket, quota, now, real_now + quota.restore_ms) is not None


@given(QUOTAS, MOMENTS, MOMENTS, STEPS)
def test_a_bucket_is_never_overdrawn_and_never_over_its_quota(quota, now, real_now, steps):
    bucket = full(quota, now, real_now)
    for seller_step, real_step in steps:
        now, real_now = now + seller_step, real_now + real_step
        left = taken(bucket, quota, now, real_now)
        bucket = left or restored(bucket, quota, now, real_now)
        assert 0 <= bucket.milli_tokens <= quota.milli_tokens
        assert left is None or bucket.milli_tokens <= quota.milli_tokens - TOKEN


@st.composite
def drained(draw):
    quota = draw(QUOTAS)
    tokens = draw(st.integers(0, quota.milli_tokens))
    return quota, Bucket(tokens, draw(MOMENTS), draw(MOMENTS))


@given(drained(), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_time_never_leaves_less(given_, seller, real, more):
    quota, bucket = given_
    now, real_now = bucket.at + seller, bucket.real_at + real
    sooner = restored(bucket, quota, now, real_now).milli_tokens
    assert bucket.milli_tokens <= sooner
    assert sooner <= restored(bucket, quota, now + more, real_now).milli_tokens
    assert sooner <= restored(bucket, quota, now, real_now + more).milli_tokens


@given(drained(), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_clock_that_was_set_back_takes_nothing_away(given_, back, real_back):
    quota, bucket = given_
    later = restored(bucket, quota, bucket.at - back, bucket.real_at - real_back)
    assert later.milli_tokens == bucket.milli_tokens


@given(drained(), st.lists(st.integers(0, 999), max_size=40))
def test_looking_often_restores_as_much_as_looking_once(given_, steps):
    """Exact: what is not enough for a thousandth of a token is not forgotten."""
    quota, bucket = given_
    now, real_now = bucket.at, bucket.real_at
    often = bucket
    for step in steps:
        now, real_now = now + step, real_now + step
        often = restored(often, quota, now, real_now)
    exact = Fraction(sum(steps) * TOKEN, quota.restore_ms) + bucket.milli_tokens
    assert often.milli_tokens == min(quota.milli_tokens, exact.__floor__())


@given(drained(), st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_longer_of_both_times_counts(given_, seller, real):
    quota, bucket = given_
    both = restored(bucket, quota, bucket.at + seller, bucket.real_at + real)
    longer = max(seller, real)
    alone = restored(bucket, quota, bucket.at + longer, bucket.real_at)
    assert both.milli_tokens == alone.milli_tokens


def test_a_bucket_of_a_larger_quota_is_cut_to_the_smaller():
    bucket = Bucket(20 * TOKEN, 0, 0)
    assert restored(bucket, Quota(5, 1_000), 0, 0).milli_tokens == 5 * TOKEN
