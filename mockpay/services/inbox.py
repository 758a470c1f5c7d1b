"""The buyer's inbox, as pages and the control API show it."""

from __future__ import annotations

from mockpay.store import inbox
from mockpay.store.inbox import Message as Message
from mockpay.store.inbox import forget_old as forget_old
from mockpay.store.inbox import list_page as list_page
from mockpay.store.transitions import require
from mockpay.store.unit_of_work import Sandbox


def opened(sandbox: Sandbox, message_id: str) -> Message:
    """
    A message that somebody opens.

    Raises:
        NotFound: code ``message.not_found``.
    """
    inbox.mark_read(sandbox, message_id)
    return require(inbox.by_id(sandbox, message_id), "message")
