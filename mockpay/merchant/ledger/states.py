"""What the shop's orders and refunds may become: the tables of their steps."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class OrderState(StrEnum):
    """How the shop sees an order's payment."""

    #: The buyer was sent to pay and has not come back.
    PLACED = "PLACED"
    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"
    #: Two verified results contradict each other: to be asked for, never guessed.
    UNKNOWN = "UNKNOWN"


_PLACED, _PENDING, _PAID, _FAILED, _UNKNOWN = OrderState

#: The steps that the shop may take by itself.
LEGAL: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        _PLACED: frozenset({_PENDING, _PAID, _FAILED}),
        _PENDING: frozenset({_PAID, _FAILED}),
        _PAID: frozenset({_UNKNOWN}),
        _FAILED: frozenset({_PLACED, _UNKNOWN}),
        _UNKNOWN: frozenset({_PAID, _FAILED}),
    }
)

#: What a verified result changes: (state, what the result says) -> state; nothing otherwise.
#: PENDING after an end is an old page; SUCCESS after a failure, or the reverse, is a riddle.
AFTER_RESULT: Mapping[tuple[OrderState, OrderState], OrderState] = MappingProxyType(
    {
        (_PLACED, _PENDING): _PENDING,
        (_PLACED, _PAID): _PAID,
        (_PLACED, _FAILED): _FAILED,
        (_PENDING, _PAID): _PAID,
        (_PENDING, _FAILED): _FAILED,
        (_PAID, _FAILED): _UNKNOWN,
        (_FAILED, _PAID): _UNKNOWN,
    }
)


class RefundStatus(StrEnum):
    """How the shop sees a refund, and why it failed if it did."""

    #: Entered, not asked for yet: the answer is awaited, or the shop was killed before it.
    NEW = "NEW"
    #: Amazon took it and it is on its way.
    INITIATED = "INITIATED"
    #: The money is back.
    PROCESSED = "PROCESSED"
    #: No answer that tells: it may have been taken or not, and is asked for again.
    LOST = "LOST"
    #: Amazon said no, so nothing was taken.
    REFUSED = "REFUSED"
    #: Taken, and declined later.
    DECLINED = "DECLINED"

    @property
    def state(self) -> str:
        """NEW, INITIATED, PROCESSED or FAILED: the word for pages."""
        return "FAILED" if self in {_LOST, _REFUSED, _DECLINED} else self.value


_NEW, _INITIATED, _PROCESSED, _LOST, _REFUSED, _DECLINED = RefundStatus

#: What an update changes: (status, reported status) -> status; nothing otherwise.  PROCESSED,
#: REFUSED and DECLINED are ends: the first one stays.
AFTER_UPDATE: Mapping[tuple[RefundStatus, RefundStatus], RefundStatus] = MappingProxyType(
    {
        (_NEW, _LOST): _LOST,
        (_NEW, _REFUSED): _REFUSED,
        (_LOST, _REFUSED): _REFUSED,
        **{(before, status): status for before in (_NEW, _LOST) for status in (_INITIATED, _PROCESSED, _DECLINED)},
        (_INITIATED, _PROCESSED): _PROCESSED,
        (_INITIATED, _DECLINED): _DECLINED,
    }
)

#: Reports that cannot be true beside an end; the ledger keeps the end and raises an alert.
CONFLICTS: frozenset[tuple[RefundStatus, RefundStatus]] = frozenset(
    {
        (_PROCESSED, _DECLINED),
        (_PROCESSED, _REFUSED),
        (_DECLINED, _PROCESSED),
        (_REFUSED, _PROCESSED),
        (_REFUSED, _INITIATED),
    }
)

#: Where the money stayed with the shop.
DEAD = (_REFUSED, _DECLINED)
#: What may still change.
OPEN = (_NEW, _LOST, _INITIATED)
