"""Throttling of a seller's calls: a bucket of tokens for each kind of call."""

from __future__ import annotations

from mockpay.domain import throttling as rules
from mockpay.domain.throttling import Quota
from mockpay.kernel.errors import Conflict
from mockpay.store import rate_limits
from mockpay.store.unit_of_work import Sandbox


def take(sandbox: Sandbox, bucket_name: str, quota: Quota) -> None:
    """
    Count a call, whatever becomes of it.

    To be called in a transaction that a refusal of the call for another reason does not roll
    back: it would give the token back.

    Raises:
        Conflict: code ``throttled``: there is no token left.
    """
    now, real_now = sandbox.now, sandbox.real_now
    bucket = rate_limits.find(sandbox, bucket_name) or rules.full(quota, now, real_now)
    left = rules.taken(bucket, quota, now, real_now)
    if left is None:
        raise Conflict("Request is throttled.", code="throttled", operation=bucket_name)
    rate_limits.save(sandbox, bucket_name, left)
