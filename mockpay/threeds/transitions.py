"""What follows from each step of an authentication, and the log of its messages."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.timeline import Actor
from mockpay.kernel.errors import require
from mockpay.store import schedule
from mockpay.store.transitions import Transitions, add_event
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds import threeds_table
from mockpay.threeds.elements import Message, redacted
from mockpay.threeds.rules import CHALLENGE_MS, Transaction

#: The kind of event that ends a challenge; its subject is the authentication's id.
TIMEOUT = "threeds.timeout"
#: Who exchanges messages, as errorComponent names them; B is the browser.
SERVER, DIRECTORY, ACS, BROWSER = "S", "D", "A", "B"


def schedule_timeout(sandbox: Sandbox, _before: Transaction, txn: Transaction) -> None:
    """The challenge ends when its cardholder does not answer."""
    schedule.add(sandbox, TIMEOUT, txn.txn_id, sandbox.now + CHALLENGE_MS)


def cancel_timeout(sandbox: Sandbox, _before: Transaction, txn: Transaction) -> None:
    """The challenge has ended."""
    schedule.drop(sandbox, TIMEOUT, txn.txn_id)


def _facts(_before: Transaction | None, txn: Transaction) -> Mapping[str, object]:
    facts = {
        "attempt_id": txn.attempt_id,
        "network": txn.network,
        "trans_status": txn.trans_status or txn.ares_status,
        "reason": txn.reason,
        "eci": txn.eci,
        "challenge_cancel": txn.challenge_cancel,
        "error_code": txn.error_code,
    }
    return {name: value for name, value in facts.items() if value is not None}


TRANSACTIONS: Transitions[Transaction] = Transitions(
    threeds_table.mapper,
    "txn_id",
    {
        "method": (),
        "authenticate": (),
        "frictionless": (),
        "challenge": (schedule_timeout,),
        "complete": (cancel_timeout,),
        "cancel": (cancel_timeout,),
        "time_out": (cancel_timeout,),
        "fail": (cancel_timeout,),
    },
    _facts,
)


def add_prepared_event(sandbox: Sandbox, txn: Transaction) -> None:
    """The timeline's first event of an authentication."""
    add_event(sandbox, TRANSACTIONS, txn, "prepared", Actor.SANDBOX, _facts(None, txn), before=None)


def log(sandbox: Sandbox, txn_id: str, message: Message, sender: str, receiver: str) -> None:
    """Write a message into the log, redacted."""
    body = redacted(message.plain())
    threeds_table.add_message(sandbox, txn_id, message.kind, sender, receiver, body)


def get_transaction(sandbox: Sandbox, txn_id: str) -> Transaction:
    """The authentication of this id, or NotFound ``threeds.not_found``."""
    return require(threeds_table.by_id(sandbox, txn_id), "threeds")
