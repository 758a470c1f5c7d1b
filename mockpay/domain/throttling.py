"""
Throttling: one bucket of tokens for each seller and operation, as Amazon's documentation has it.

A call takes a token, and a token comes back every so often, until the quota is there again.
The quotas of reads other than GetBillingAgreementDetails, and of India's charge status, are not
published; they are taken to be the same (facts on Amazon Pay, section 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.kernel.clock import SECOND

OFF = "off"
#: A token in thousandths, as buckets count them.
TOKEN = 1_000


@dataclass(frozen=True, slots=True)
class Quota:
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


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was left at a moment: of the seller's clock, and in real time."""

    milli_tokens: int
    at: int
    real_at: int


_STATUS = Quota(2, 300 * SECOND)
_WRITES = ("RefundPayment", "Refund")
_READS = (
    "GetRefundDetails",
    "GetOrderReferenceDetails",
    "ListOrderReference",
    "ListOrderReferenceByNextToken",
    "chargeStatus",
)


def _profile(write: Quota, read: Quota) -> Mapping[str, Quota]:
    return {**dict.fromkeys(_WRITES, write), **dict.fromkeys(_READS, read), "GetServiceStatus": _STATUS}


#: The setting `throttling`: quota by operation.
PROFILES: Mapping[str, Mapping[str, Quota]] = {
    OFF: {},
    "sandbox": _profile(Quota(2, 2 * SECOND), Quota(5, SECOND)),
    "production": _profile(Quota(10, SECOND), Quota(20, SECOND // 2)),
}
#: Another name for the same operation takes from the same bucket.
_SAME = {"GetRefundStatus": "GetRefundDetails"}


def operation_of(name: str) -> str:
    """Whose bucket a call of this name takes from."""
    return _SAME.get(name, name)


def full(quota: Quota, now: int, real_now: int) -> Bucket:
    """A bucket that nobody has taken from."""
    return Bucket(quota.milli_tokens, now, real_now)


def restored(bucket: Bucket, quota: Quota, now: int, real_now: int) -> Bucket:
    """
    The bucket with what has come back since.

    What has passed is the longer of the seller's time and the real one: a merchant's own clock
    does not stand still with the sandbox's, and moving the sandbox's clock helps as well.  A
    clock that was set back takes nothing away.
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
