"""3-D Secure: authentications with compare-and-set transitions, and the log of their messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
    func,
    insert,
    select,
    update,
)

from mockpay.kernel.errors import IllegalTransition
from mockpay.kernel.money import Money
from mockpay.store.db.metadata import big, dump, load, metadata, row_id, text
from mockpay.store.db.prepared import PreparedInsert
from mockpay.store.db.retention import keep_newest
from mockpay.store.unit_of_work import Sandbox
from mockpay.threeds.rules import THREEDS, Flow, State, Transaction, TransStatus

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
    Column("sealed_value", LargeBinary),
    text("challenge_cancel", null=True),
    text("error_code", null=True),
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

_append = PreparedInsert(messages)


@dataclass(frozen=True, slots=True)
class Logged:
    """One message of the log; sender and receiver are S, D, A (see Erro) or B, the browser."""

    seq: int
    type: str
    sender: str
    receiver: str
    body: Mapping[str, Any]
    at: int


#: Columns that are read as they are.
_PLAIN = tuple(
    one.name
    for one in fields(Transaction)
    if one.name not in {"state", "flow", "amount", "ares_status", "trans_status", "sealed_value"}
)


def _transaction(row: Mapping[Any, Any]) -> Transaction:
    sealed = row["sealed_value"]
    return Transaction(
        state=State(row["state"]),
        flow=Flow(row["flow"]) if row["flow"] else None,
        amount=Money(row["amount_minor"], row["currency"]),
        ares_status=TransStatus(row["ares_status"]) if row["ares_status"] else None,
        trans_status=TransStatus(row["trans_status"]) if row["trans_status"] else None,
        sealed_value=bytes(sealed) if sealed is not None else None,
        **{name: row[name] for name in _PLAIN},
    )


def add(sandbox: Sandbox, row: Mapping[str, Any]) -> Transaction:
    """Store a new authentication: `row` has what is known when it is prepared."""
    values = {"seller_id": sandbox.seller_id, "started_at": sandbox.now, **row}
    statement = insert(transactions).values(**values).returning(*transactions.c)
    return _transaction(sandbox.connection.execute(statement).mappings().one())


def by_id(sandbox: Sandbox, txn_id: str) -> Transaction | None:
    """An authentication of this seller."""
    return _first(sandbox, transactions.c.txn_id == txn_id)


def by_token(sandbox: Sandbox, acs_token: str) -> Transaction | None:
    """The authentication whose challenge this token of the ACS opens."""
    return _first(sandbox, transactions.c.acs_token == acs_token)


def _first(sandbox: Sandbox, condition: Any) -> Transaction | None:
    query = select(transactions).where(condition, transactions.c.seller_id == sandbox.seller_id)
    row = sandbox.connection.execute(query).mappings().first()
    return _transaction(row) if row is not None else None


def of_attempt(sandbox: Sandbox, attempt_id: str) -> list[Transaction]:
    """An attempt's authentications, the oldest first; most have one."""
    query = (
        select(transactions)
        .where(transactions.c.attempt_id == attempt_id, transactions.c.seller_id == sandbox.seller_id)
        .order_by(transactions.c.number)
    )
    return [_transaction(row) for row in sandbox.connection.execute(query).mappings()]


def latest(sandbox: Sandbox, attempt_id: str) -> Transaction | None:
    """The newest authentication of an attempt."""
    authentications = of_attempt(sandbox, attempt_id)
    return authentications[-1] if authentications else None


def seller_of_acs(connection: Connection, acs_token: str) -> tuple[str, str] | None:
    """Whose authentication, and which, a token of the ACS opens: (seller_id, txn_id)."""
    query = select(transactions.c.seller_id, transactions.c.txn_id).where(
        transactions.c.acs_token == acs_token
    )
    row = connection.execute(query).first()
    return (row.seller_id, row.txn_id) if row is not None else None


def transition(sandbox: Sandbox, txn: Transaction, event: str, **changes: Any) -> Transaction:
    """
    Take one step of the machine as one conditional UPDATE.

    Raises:
        IllegalTransition: no such step from the state that the row has.
    """
    target = THREEDS.target(txn.state, event)
    moved = _update(sandbox, txn, state=str(target), **changes)
    if moved is None:
        message = "The authentication moved on meanwhile."
        raise IllegalTransition(message, machine=THREEDS.name, event=event)
    return moved


def note(sandbox: Sandbox, txn: Transaction, **changes: Any) -> Transaction:
    """
    Write down what does not move it, as long as it has not moved.

    Raises:
        IllegalTransition: it moved on meanwhile.
    """
    noted = _update(sandbox, txn, **changes)
    if noted is None:
        message = "The authentication moved on meanwhile."
        raise IllegalTransition(message, machine=THREEDS.name, event="note")
    return noted


def _update(sandbox: Sandbox, txn: Transaction, **changes: Any) -> Transaction | None:
    statement = (
        update(transactions)
        .where(
            transactions.c.txn_id == txn.txn_id,
            transactions.c.seller_id == sandbox.seller_id,
            transactions.c.state == str(txn.state),
        )
        .values(**changes)
        .returning(*transactions.c)
    )
    row = sandbox.connection.execute(statement).mappings().first()
    return _transaction(row) if row is not None else None


def add_message(
    sandbox: Sandbox, txn_id: str, kind: str, sender: str, receiver: str, body: Mapping[str, object]
) -> None:
    """Append a message, redacted already, at the seller's now."""
    last = select(func.max(messages.c.seq)).where(messages.c.txn_id == txn_id)
    seq = int(sandbox.connection.execute(last).scalar() or 0) + 1
    if seq > MOST_OF_ONE:
        return
    row = {
        "seller_id": sandbox.seller_id,
        "txn_id": txn_id,
        "seq": seq,
        "type": kind,
        "sender": sender,
        "receiver": receiver,
        "body": dump(body),
        "at": sandbox.now,
    }
    number = _append.number(sandbox.connection, row)
    keep_newest(sandbox.connection, messages, sandbox.seller_id, number)


def messages_of(sandbox: Sandbox, txn_id: str) -> list[Logged]:
    """All messages of an authentication, in order."""
    query = (
        select(messages)
        .where(messages.c.txn_id == txn_id, messages.c.seller_id == sandbox.seller_id)
        .order_by(messages.c.seq)
    )
    return [
        Logged(row.seq, row.type, row.sender, row.receiver, load(row.body), row.at)
        for row in sandbox.connection.execute(query)
    ]
