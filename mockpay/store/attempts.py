"""Attempts, of which an order has one live at most, and their sealed secrets."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Index, Table, UniqueConstraint, bindparam, delete, insert, select

from mockpay.domain.payments.attempts import ATTEMPT, LIVE, Attempt
from mockpay.store.db.mapping import Mapper, Prepared, dump, load
from mockpay.store.db.metadata import big, metadata, partial_index, sealed, text
from mockpay.store.unit_of_work import Sandbox

attempts = Table(
    "attempts",
    metadata,
    text("attempt_id", primary_key=True),
    big("order_pk"),
    text("seller_id"),
    big("number"),
    text("method"),
    text("state"),
    big("amount_minor"),
    text("currency"),
    big("captured_minor", default=0),
    big("refund_reserved_minor", default=0),
    text("instrument"),
    text("plan"),
    text("decisions"),
    text("scenario", null=True),
    text("gateway"),
    text("reference", null=True),
    text("failure", null=True),
    text("eci", null=True),
    text("liability", null=True),
    text("auth", null=True),
    text("buyer_id", null=True),
    text("saved_token", null=True),
    text("consent", null=True),
    big("created_at"),
    big("updated_at"),
    big("answer_by", null=True),
    text("routing", null=True),
    text("external_ids", null=True),
    UniqueConstraint("order_pk", "number"),
    Index("attempts_by_seller", "seller_id", "created_at"),
)
_LIVE = ", ".join(f"'{state}'" for state in sorted(LIVE))
# Two attempts of one order never run at once.
partial_index(attempts, "attempts_one_live", "order_pk", where=f"state IN ({_LIVE})", unique=True)

mapper = Mapper(Attempt, attempts, machine=ATTEMPT)

#: One row is fetched; a LIMIT would say no more.
_last = Prepared(
    select(attempts).where(attempts.c.order_pk == bindparam("order_pk")).order_by(attempts.c.number.desc())
)
_of_order = Prepared(select(attempts).where(attempts.c.order_pk == bindparam("order_pk")).order_by(attempts.c.number))
_by_id = Prepared(
    select(attempts).where(
        attempts.c.attempt_id == bindparam("attempt_id"), attempts.c.seller_id == bindparam("seller_id")
    )
)


def add(sandbox: Sandbox, attempt: Attempt) -> bool:
    """Store a new attempt; False where the order has a live one already."""
    return mapper.insert_new(sandbox.connection, attempt)


def by_id(sandbox: Sandbox, attempt_id: str) -> Attempt | None:
    """An attempt of this seller."""
    values = {"attempt_id": attempt_id, "seller_id": sandbox.seller_id}
    return mapper.load_first(_by_id.row(sandbox.connection, values))


def of_order(sandbox: Sandbox, order_pk: int) -> list[Attempt]:
    """An order's attempts, the oldest first."""
    rows = _of_order.run(sandbox.connection, {"order_pk": order_pk}).fetchall()
    return [mapper.load(row) for row in rows]


def of_orders(sandbox: Sandbox, order_pks: list[int]) -> dict[int, list[Attempt]]:
    """The attempts of several orders in one query, by order."""
    query = select(attempts).where(attempts.c.order_pk.in_(order_pks)).order_by(attempts.c.number)
    by_order: dict[int, list[Attempt]] = {}
    for attempt in mapper.all(sandbox.connection, query):
        by_order.setdefault(attempt.order_pk, []).append(attempt)
    return by_order


def last_of_order(sandbox: Sandbox, order_pk: int) -> Attempt | None:
    """The order's newest attempt."""
    return mapper.load_first(_last.row(sandbox.connection, {"order_pk": order_pk}))


# --- secrets


_KIND = "attempt.secret"

secrets = Table(
    "attempt_secrets",
    metadata,
    text("attempt_id", primary_key=True),
    text("seller_id"),
    sealed("sealed", _KIND, of="attempt_id"),
    Index("secrets_of_seller", "seller_id"),
)


_sealed = Prepared(
    select(secrets.c.sealed).where(
        secrets.c.attempt_id == bindparam("attempt_id"), secrets.c.seller_id == bindparam("seller_id")
    )
)


def add_secret(sandbox: Sandbox, attempt_id: str, secret: Mapping[str, str]) -> None:
    """Seal a secret for one attempt; it opens for that attempt only."""
    ciphertext = sandbox.runtime.keyring.seal(_KIND, attempt_id, dump(secret).encode())
    row = {"attempt_id": attempt_id, "seller_id": sandbox.seller_id, "sealed": ciphertext}
    sandbox.connection.execute(insert(secrets), row)


def find_secret(sandbox: Sandbox, attempt_id: str) -> Mapping[str, str]:
    """The attempt's secret; empty where it has none, or has it no more."""
    values = {"attempt_id": attempt_id, "seller_id": sandbox.seller_id}
    ciphertext = _sealed.scalar(sandbox.connection, values)
    if ciphertext is None:
        return {}
    secret: Mapping[str, str] = load(sandbox.runtime.keyring.open_(_KIND, attempt_id, bytes(ciphertext)).decode())
    return secret


def shred(sandbox: Sandbox, attempt_id: str) -> None:
    """Throw the secret away."""
    sandbox.connection.execute(delete(secrets).where(secrets.c.attempt_id == attempt_id))
