"""
Gifts beside money: what is spent first, and what goes back to which grant.

A grant is a gift with an expiry of its own. Gifts are spent before money, by oldest expiry. What is not captured comes
back in the opposite order, money first; a refund comes back in the order of spending, gifts first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from mockpay.kernel.clock import DAY

#: For how long a gift may still be spent that comes back after its expiry.
EXTENSION = 30 * DAY


class Grant(Struct, frozen=True):
    """A gift and what is left of it, in paise; `expires_at` is None for one that does not expire."""

    grant_id: int
    amount_minor: int
    remaining_minor: int
    expires_at: int | None


#: Paise by grant, in the order in which the grants were spent.
Uses = Mapping[int, int]


def spend(grants: Iterable[Grant], minor: int, now: int) -> dict[int, int]:
    """How much of `minor` each grant pays: what has not expired, the oldest expiry first."""
    live = [grant for grant in grants if grant.expires_at is None or grant.expires_at > now]
    live.sort(key=lambda grant: (grant.expires_at is None, grant.expires_at or 0, grant.grant_id))
    return _take([(grant.grant_id, grant.remaining_minor) for grant in live], minor)


def release(spent: Uses, held_minor: int, minor: int) -> dict[int, int]:
    """How much goes back to each grant of a hold of which `minor` was not captured."""
    money = held_minor - sum(spent.values())
    return _take(list(spent.items())[::-1], minor - money)


def refund(spent: Uses, minor: int) -> dict[int, int]:
    """How much goes back to each grant by a refund, where `spent` is what has not come back yet."""
    return _take(list(spent.items()), minor)


def _take(parts: Sequence[tuple[int, int]], minor: int) -> dict[int, int]:
    taken = {}
    for grant_id, available in parts:
        share = min(available, minor)
        if share > 0:
            taken[grant_id] = share
            minor -= share
    return taken
