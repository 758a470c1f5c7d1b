"""Saved methods: tokens and their steps; what is secret of them lies in `envelopes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Index, Table, func, insert, select, update

from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.errors import IllegalTransition
from mockpay.store.db.dialects import insert_new
from mockpay.store.db.metadata import big, dump, load, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.rules import LIVE, SAVED_METHOD, MethodStatus, SavedMethod

methods = Table(
    "saved_methods",
    metadata,
    text("token", primary_key=True),
    text("seller_id"),
    text("buyer_id"),
    text("kind"),
    text("status"),
    text("status_reason", null=True),
    text("display"),
    text("nickname", null=True),
    text("fingerprint"),
    text("token_last4", null=True),
    text("par", null=True),
    Column("is_default", Boolean, nullable=False, default=False),
    # Neither removed nor refused: what the buyer sees.
    Column("kept", Boolean, nullable=False, default=True),
    text("consent_id"),
    text("attempt_id", null=True),
    # The order of saving and using; a stopped clock has none.
    big("touched"),
    big("created_at"),
    big("updated_at"),
    big("last_used_at", null=True),
    big("expires_at", null=True),
    big("deleted_at", null=True),
    Index("saved_methods_of_buyer", "seller_id", "buyer_id", "touched"),
)
partial_index(methods, "saved_methods_one_default", "seller_id, buyer_id", where="is_default", unique=True)
partial_index(
    methods, "saved_methods_one_of_each", "seller_id, buyer_id, fingerprint", where="kept", unique=True
)

#: The timeline of saved methods; that of orders is another, as a method outlives its order.
method_steps = Table(
    "method_steps",
    metadata,
    row_id(),
    text("seller_id"),
    text("token"),
    big("at"),
    text("event"),
    text("before", null=True),
    text("after"),
    text("actor"),
    text("facts"),
    Index("steps_of_method", "seller_id", "token", "id"),
)


def add(sandbox: Sandbox, method: SavedMethod, fingerprint: str) -> bool:
    """Store a new method, which is nobody's default yet; False where the buyer has it already."""
    row = {
        "token": method.token,
        "seller_id": sandbox.seller_id,
        "buyer_id": method.buyer_id,
        "kind": method.kind,
        "status": str(method.status),
        "display": dump(method.display),
        "nickname": method.nickname,
        "fingerprint": fingerprint,
        "token_last4": method.token_last4,
        "par": method.par,
        "is_default": False,
        "kept": True,
        "consent_id": method.consent_id,
        "attempt_id": method.attempt_id,
        "touched": _next_touch(sandbox, method.buyer_id),
        "created_at": method.created_at,
        "updated_at": method.updated_at,
        "expires_at": method.expires_at,
    }
    added = insert_new(sandbox.connection, methods, row)
    if added:
        _tell(sandbox, method.token, "initiate", None, method.status, Actor.BUYER, {})
    return added


def _next_touch(sandbox: Sandbox, buyer_id: str) -> int:
    query = select(func.max(methods.c.touched)).where(*_of(sandbox, buyer_id))
    return int(sandbox.connection.execute(query).scalar() or 0) + 1


def _of(sandbox: Sandbox, buyer_id: str) -> tuple[ColumnElement[bool], ...]:
    return (methods.c.seller_id == sandbox.seller_id, methods.c.buyer_id == buyer_id)


def _method(row: Mapping[Any, Any]) -> SavedMethod:
    return SavedMethod(
        token=row["token"],
        seller_id=row["seller_id"],
        buyer_id=row["buyer_id"],
        kind=row["kind"],
        status=MethodStatus(row["status"]),
        status_reason=row["status_reason"],
        display=load(row["display"]),
        nickname=row["nickname"],
        token_last4=row["token_last4"],
        par=row["par"],
        is_default=bool(row["is_default"]),
        consent_id=row["consent_id"],
        attempt_id=row["attempt_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
    )


def _first(sandbox: Sandbox, *where: ColumnElement[bool]) -> SavedMethod | None:
    query = select(methods).where(methods.c.kept, *where).order_by(methods.c.touched.desc())
    row = sandbox.connection.execute(query.limit(1)).mappings().first()
    return _method(row) if row is not None else None


def find(sandbox: Sandbox, buyer_id: str, token: str) -> SavedMethod | None:
    """A method of this buyer that was not removed."""
    return _first(sandbox, *_of(sandbox, buyer_id), methods.c.token == token)


def by_fingerprint(sandbox: Sandbox, buyer_id: str, fingerprint: str) -> SavedMethod | None:
    """The buyer's method that was made of the same instrument."""
    return _first(sandbox, *_of(sandbox, buyer_id), methods.c.fingerprint == fingerprint)


def listed(sandbox: Sandbox, buyer_id: str) -> list[SavedMethod]:
    """A buyer's methods: the default first, then those used or saved last."""
    query = (
        select(methods)
        .where(*_of(sandbox, buyer_id), methods.c.kept)
        .order_by(methods.c.is_default.desc(), methods.c.touched.desc())
    )
    return [_method(row) for row in sandbox.connection.execute(query).mappings()]


def last_touched(sandbox: Sandbox, buyer_id: str) -> SavedMethod | None:
    """The live method that was used or saved last."""
    live = methods.c.status.in_([str(status) for status in LIVE])
    return _first(sandbox, *_of(sandbox, buyer_id), live)


def transition(
    sandbox: Sandbox, method: SavedMethod, event: str, actor: Actor, *, reason: str | None = None
) -> SavedMethod:
    """
    Take one step of the method's machine as one conditional UPDATE, with its line.

    Raises:
        IllegalTransition: no such step from the status that the row has.
    """
    target = SAVED_METHOD.target(method.status, event)
    values: dict[str, Any] = {
        "status": str(target),
        "status_reason": reason,
        "updated_at": sandbox.now,
        "kept": target is not MethodStatus.FAILED,
    }
    if target not in LIVE:
        values["is_default"] = False
    moved = _change(sandbox, method, values, methods.c.status == str(method.status))
    if moved is None:
        message = "The saved method moved on meanwhile."
        raise IllegalTransition(message, machine=SAVED_METHOD.name, event=event)
    facts = {"reason": reason} if reason else {}
    _tell(sandbox, method.token, event, method.status, moved.status, actor, facts)
    return moved


def rename(sandbox: Sandbox, method: SavedMethod, nickname: str | None) -> SavedMethod | None:
    """Another nickname, or none; None where the method was removed meanwhile."""
    return _change(sandbox, method, {"nickname": nickname, "updated_at": sandbox.now})


def touch(sandbox: Sandbox, method: SavedMethod) -> SavedMethod | None:
    """Note that the method pays now."""
    touched = _next_touch(sandbox, method.buyer_id)
    return _change(sandbox, method, {"last_used_at": sandbox.now, "touched": touched})


def renew(sandbox: Sandbox, method: SavedMethod, expires_at: int | None) -> SavedMethod | None:
    """Note that the card was renewed: the same number, good for longer."""
    return _change(sandbox, method, {"expires_at": expires_at, "updated_at": sandbox.now})


def make_default(sandbox: Sandbox, method: SavedMethod) -> SavedMethod | None:
    """The buyer's one default from now on; None where the method is not live any more."""
    former = update(methods).where(*_of(sandbox, method.buyer_id), methods.c.is_default)
    sandbox.connection.execute(former.values(is_default=False))
    live = methods.c.status.in_([str(status) for status in LIVE])
    return _change(sandbox, method, {"is_default": True}, live)


def remove(sandbox: Sandbox, method: SavedMethod) -> bool:
    """Leave a tombstone; False where somebody else removed it before."""
    values = {"kept": False, "is_default": False, "deleted_at": sandbox.now}
    return _change(sandbox, method, values) is not None


def _change(
    sandbox: Sandbox, method: SavedMethod, values: Mapping[str, Any], *where: ColumnElement[bool]
) -> SavedMethod | None:
    statement = (
        update(methods)
        .where(*_of(sandbox, method.buyer_id), methods.c.token == method.token, methods.c.kept, *where)
        .values(**values)
        .returning(*methods.c)
    )
    row = sandbox.connection.execute(statement).mappings().first()
    return _method(row) if row is not None else None


def _tell(
    sandbox: Sandbox,
    token: str,
    event: str,
    before: str | None,
    after: str,
    actor: Actor,
    facts: Mapping[str, object],
) -> None:
    row = {
        "seller_id": sandbox.seller_id,
        "token": token,
        "at": sandbox.now,
        "event": event,
        "before": before,
        "after": after,
        "actor": str(actor),
        "facts": dump(facts),
    }
    sandbox.connection.execute(insert(method_steps), row)


def steps_of(sandbox: Sandbox, token: str) -> list[TimelineEvent]:
    """All that happened to a method, in order, also after its removal."""
    query = select(method_steps).where(
        method_steps.c.seller_id == sandbox.seller_id, method_steps.c.token == token
    )
    return [
        TimelineEvent(
            at=row["at"],
            machine=SAVED_METHOD.name,
            subject=row["token"],
            event=row["event"],
            before=row["before"],
            after=row["after"],
            actor=Actor(row["actor"]),
            facts=load(row["facts"]),
        )
        for row in sandbox.connection.execute(query.order_by(method_steps.c.id)).mappings()
    ]
