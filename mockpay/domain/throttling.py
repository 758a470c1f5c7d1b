"""
Throttling: a bucket of tokens for each seller and kind of call.

A call takes a token, and a token comes back every so often, until the quota is there again.
Which quotas there are is a provider's to say.
"""

from __future__ import annotations

from msgspec import Struct

#: A token in thousandths, as buckets count them.
TOKEN = 1_000


class Quota(Struct, frozen=True):
    """
    How many tokens a bucket holds, and how often one comes back, in ms.

    `restore_ms` divides 1,000 or is a multiple of it, so that no thousandth is ever lost.
    """

    tokens: int
    restore_ms: int

    @property
    def milli_tokens(self) -> int:
        """The full bucket."""
        return self.tokens * TOKEN


class Bucket(Struct, frozen=True):
    """What was left at a moment: of the seller's clock, and in real time."""

    milli_tokens: int
    at: int
    real_at: int


def full(quota: Quota, now: int, real_now: int) -> Bucket:
    """A bucket that nobody has taken from."""
    return Bucket(quota.milli_tokens, now, real_now)


def restored(bucket: Bucket, quota: Quota, now: int, real_now: int) -> Bucket:
    """
    The bucket with what has come back since.

    What has passed is the longer of the seller's time and the real one: a merchant's own clock does not stand still
    with the sandbox's, and moving the sandbox's clock helps as well. A clock that was set back takes nothing away.
    """
    passed = max(now - bucket.at, real_now - bucket.real_at, 0)
    more, rest = divmod(passed * TOKEN, quota.restore_ms)
    if bucket.milli_tokens + more >= quota.milli_tokens:
        return full(quota, now, real_now)
    # What was not enough for a thousandth counts on.
    unspent = rest // TOKEN
    return Bucket(bucket.milli_tokens + more, now - unspent, real_now - unspent)


def taken(bucket: Bucket, quota: Quota, now: int, real_now: int) -> Bucket | None:
    """The bucket after a call; None where there is no whole token for it."""
    ready = restored(bucket, quota, now, real_now)
    if ready.milli_tokens < TOKEN:
        return None
    return Bucket(ready.milli_tokens - TOKEN, ready.at, ready.real_at)
