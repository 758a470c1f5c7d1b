"""3-D Secure: the rows of authentications, the log of their messages, and what follows from each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Index, Table, UniqueConstraint, bindparam, func, insert, select

from mockpay.domain.timeline import Actor
from mockpay.store import schedule, transitions
from mockpay.store.db.mapping import Mapper, Prepared, insert_row, keep_newest
from mockpay.store.db.metadata import big, metadata, row_id, sealed, text
from mockpay.store.reads.event_wait import ORDER_IDS, EventSource
from mockpay.store.transitions import Transitions, add_event, require, timeline
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.messages import Message, redacted
from mockpay.threeds.rules import CHALLENGE_MS, THREEDS, Transaction

transactions = Table(
    "threeds_transactions",
    metadata,
    text("txn_id", primary_key=True),
    text("seller_id"),
    text("attempt_id"),
    big("order_pk"),
    big("number"),
    text("state"),
    text("flow", null=True),
    text("outcome"),
    text("network"),
    text("bin"),
    text("last4"),
    text("expiry"),
    text("issuer"),
    text("country"),
    big("amount_minor"),
    text("currency"),
    text("payee"),
    text("notification_url"),
    text("comp_ind", null=True),
    text("window_size", null=True),
    text("challenge_indicator", null=True),
    text("ds_trans_id", null=True),
    text("acs_trans_id", null=True),
    text("acs_token", null=True, unique=True),
    text("session_data", null=True),
    text("otp_challenge_id", null=True),
    big("interactions", default=0),
    text("ares_status", null=True),
    text("trans_status", null=True),
    text("reason", null=True),
    text("eci", null=True),
    sealed("sealed_value", "threeds.value", of="txn_id", null=True),
    text("challenge_cancel", null=True),
    text("error_code", null=True),
    text("decision", null=True),
    big("started_at"),
    big("challenged_at", null=True),
    big("opened_at", null=True),
    big("completed_at", null=True),
    big("returned_at", null=True),
    UniqueConstraint("attempt_id", "number"),
    Index("threeds_of_seller", "seller_id"),
)

#: Append-only; a body is redacted before it comes here.
messages = Table(
    "threeds_messages",
    metadata,
    row_id(),
    text("seller_id"),
    text("txn_id"),
    big("seq"),
    text("type"),
    text("sender"),
    text("receiver"),
    text("body"),
    big("at"),
    UniqueConstraint("txn_id", "seq"),
    Index("threeds_messages_of_seller", "seller_id", "id"),
)


#: Messages of one authentication at most: a browser may post what is refused as often as it likes.
MOST_OF_ONE = 200


class LoggedMessage(Struct, frozen=True):
    """One message of the log; sender and receiver are S, D, A (see Erro) or B, the browser."""

    seq: int
    type: str
    sender: str
    receiver: str
    body: Mapping[str, Any]
    at: int


mapper = Mapper(Transaction, transactions, machine=THREEDS)
_messages = Mapper(LoggedMessage, messages)
#: What can be waited for.
EVENTS = {
    THREEDS.name: EventSource(
        {
            **ORDER_IDS,
            "threeds_server_trans_id": timeline.c.subject,
            "acs_trans_id": transactions.c.acs_trans_id,
            "attempt_id": transactions.c.attempt_id,
        },
        transactions,
        transactions.c.txn_id == timeline.c.subject,
    )
}


def add(sandbox: Sandbox, row: Mapping[str, Any]) -> Transaction:
    """Store a new authentication: `row` has what is known when it is prepared."""
    values = {"seller_id": sandbox.seller_id, "started_at": sandbox.now, **row}
    statement = insert(transactions).values(**values).returning(*transactions.c)
    return mapper.load(sandbox.connection.execute(statement).one())


def by_id(sandbox: Sandbox, txn_id: str) -> Transaction | None:
    """An authentication of this seller."""
    return _first(sandbox, transactions.c.txn_id == txn_id)


def by_token(sandbox: Sandbox, acs_token: str) -> Transaction | None:
    """The authentication whose challenge this token of the ACS opens."""
    return _first(sandbox, transactions.c.acs_token == acs_token)


def _first(sandbox: Sandbox, condition: Any) -> Transaction | None:
    return mapper.first(sandbox.connection, condition, transactions.c.seller_id == sandbox.seller_id)


_of_attempt = Prepared(
    select(transactions)
    .where(transactions.c.attempt_id == bindparam("attempt_id"), transactions.c.seller_id == bindparam("seller_id"))
    .order_by(transactions.c.number)
)


def of_attempt(sandbox: Sandbox, attempt_id: str) -> list[Transaction]:
    """An attempt's authentications, the oldest first; most have one."""
    values = {"attempt_id": attempt_id, "seller_id": sandbox.seller_id}
    return [mapper.load(row) for row in _of_attempt.run(sandbox.connection, values).fetchall()]


def latest(sandbox: Sandbox, attempt_id: str) -> Transaction | None:
    """The newest authentication of an attempt."""
    authentications = of_attempt(sandbox, attempt_id)
    return authentications[-1] if authentications else None


def seller_of_acs(connection: Connection, acs_token: str) -> tuple[str, str] | None:
    """Whose authentication, and which, a token of the ACS opens: (seller_id, txn_id)."""
    query = select(transactions.c.seller_id, transactions.c.txn_id).where(transactions.c.acs_token == acs_token)
    row = connection.execute(query).first()
    return (row.seller_id, row.txn_id) if row is not None else None


def change(sandbox: Sandbox, txn: Transaction, **changes: Any) -> Transaction:
    """
    Write down what does not move it, as long as it has not moved.

    Raises:
        IllegalTransition: it moved on meanwhile.
    """
    return transitions.update(sandbox, mapper, txn, unchanged=("state",), **changes)


def add_message(
    sandbox: Sandbox, txn_id: str, kind: str, sender: str, receiver: str, body: Mapping[str, object]
) -> None:
    """Append a message, redacted already, at the seller's now."""
    last = select(func.max(messages.c.seq)).where(messages.c.txn_id == txn_id)
    seq = int(sandbox.connection.execute(last).scalar() or 0) + 1
    if seq > MOST_OF_ONE:
        return
    message = LoggedMessage(seq, kind, sender, receiver, body, sandbox.now)
    row = {**_messages.dump(message), "seller_id": sandbox.seller_id, "txn_id": txn_id}
    number = insert_row(sandbox.connection, messages, row)
    keep_newest(sandbox.connection, messages, sandbox.seller_id, number)


def messages_of(sandbox: Sandbox, txn_id: str) -> list[LoggedMessage]:
    """All messages of an authentication, in order."""
    query = (
        select(messages)
        .where(messages.c.txn_id == txn_id, messages.c.seller_id == sandbox.seller_id)
        .order_by(messages.c.seq)
    )
    return _messages.all(sandbox.connection, query)


# --- what follows


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
    mapper,
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
    add_message(sandbox, txn_id, message.kind, sender, receiver, body)


def get_transaction(sandbox: Sandbox, txn_id: str) -> Transaction:
    """The authentication of this id, or NotFound ``threeds.not_found``."""
    return require(by_id(sandbox, txn_id), "threeds")
