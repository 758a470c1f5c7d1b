"""The outbox, as the rest of the house sees it: claim and send what must leave the process."""

from __future__ import annotations

from mockpay.delivery.dispatch import RETURN_AGAIN, claim, send, send_mine
from mockpay.delivery.sender_pool import Senders
from mockpay.store.unit_of_work import Runtime

__all__ = ["RETURN_AGAIN", "claim", "send", "send_mine", "send_waiting"]


def send_waiting(runtime: Runtime, seller_id: str | None = None, limit: int = 16) -> int:
    """
    Claim and send what nobody is sending, of one seller or of all; how many parcels.

    All that is slow goes at once: a slow server costs its own time only.
    """
    return Senders(runtime, limit).send(seller_id)
