"""Throttling of a seller's calls, where the seller's settings ask for it."""

from __future__ import annotations

from mockpay.domain import throttling as rules
from mockpay.kernel.errors import Conflict
from mockpay.store import rate_limits
from mockpay.store.unit_of_work import Sandbox


class Throttled(Conflict):
    """A seller calls more often than its quota allows."""

    code = "throttled"


def take(sandbox: Sandbox, operation: str) -> None:
    """
    Count a call, whatever becomes of it; an operation without a quota is never throttled.

    To be called in a write transaction of its own: in the call's own one, a call that is
    refused for another reason would give its token back.

    Args:
        operation: Amazon's name of it, or ``chargeStatus``.

    Raises:
        Throttled: code ``throttled``: there is no token left.
    """
    name = rules.operation_of(operation)
    quota = rules.PROFILES[sandbox.seller.settings.throttling].get(name)
    if quota is None:
        return
    now, real_now = sandbox.now, sandbox.real_now
    bucket = rate_limits.find(sandbox, name) or rules.full(quota, now, real_now)
    left = rules.taken(bucket, quota, now, real_now)
    if left is None:
        raise throttled(operation)
    rate_limits.save(sandbox, name, left)


def throttled(operation: str) -> Throttled:
    """The refusal itself, also for scenarios that ask for it without a bucket."""
    return Throttled("Request is throttled.", operation=operation)
