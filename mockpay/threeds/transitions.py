"""A step of an authentication with its line in the timeline, and the log of its messages."""

from __future__ import annotations

from typing import Any

from mockpay.domain.timeline import Actor
from mockpay.services.payments.transitions import require
from mockpay.store import schedule, timeline
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.elements import Message, redacted
from mockpay.threeds.rules import THREEDS, State, Transaction

#: The kind of event that ends a challenge; its subject is the authentication's id.
TIMEOUT = "threeds.timeout"
#: Who exchanges messages, as errorComponent names them; B is the browser.
SERVER, DIRECTORY, ACS, BROWSER = "S", "D", "A", "B"


def step(sandbox: Sandbox, txn: Transaction, event: str, actor: Actor, **changes: Any) -> Transaction:
    """
    Move an authentication; what it came to is told with it.

    Raises:
        IllegalTransition: no such step, or it moved on meanwhile.
    """
    moved = threeds_table.transition(sandbox, txn, event, **changes)
    _tell(sandbox, moved, event, txn.state, actor)
    if txn.state is State.CHALLENGE:
        schedule.drop(sandbox, TIMEOUT, txn.txn_id)
    return moved


def began(sandbox: Sandbox, txn: Transaction) -> None:
    """The timeline's first line of an authentication."""
    _tell(sandbox, txn, "prepared", None, Actor.SANDBOX)


def _tell(sandbox: Sandbox, txn: Transaction, event: str, before: State | None, actor: Actor) -> None:
    known = {
        "attempt_id": txn.attempt_id,
        "network": txn.network,
        "trans_status": txn.trans_status or txn.ares_status,
        "reason": txn.reason,
        "eci": txn.eci,
        "challenge_cancel": txn.challenge_cancel,
        "error_code": txn.error_code,
    }
    timeline.add(
        sandbox,
        txn.order_pk,
        machine=THREEDS.name,
        subject=txn.txn_id,
        event=event,
        before=before,
        after=txn.state,
        actor=actor,
        facts={name: value for name, value in known.items() if value is not None},
    )


def log(sandbox: Sandbox, txn_id: str, message: Message, sender: str, receiver: str) -> None:
    """Write a message into the log, redacted."""
    body = redacted(message.plain())
    threeds_table.add_message(sandbox, txn_id, message.kind, sender, receiver, body)


def the_transaction(sandbox: Sandbox, txn_id: str) -> Transaction:
    """The authentication of this id, or NotFound ``threeds.not_found``."""
    return require(threeds_table.by_id(sandbox, txn_id), "threeds")
