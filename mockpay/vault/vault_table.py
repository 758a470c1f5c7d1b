"""Saved methods: tokens and their steps; what is secret of them lies in `envelopes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Index, Table, func, literal_column, select, update

from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.errors import IllegalTransition
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
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
#: Neither removed nor refused: what the buyer sees.
_VISIBLE = f"deleted_at IS NULL AND status <> '{MethodStatus.FAILED}'"
_visible = literal_column(f"({_VISIBLE})", Boolean)
partial_index(methods, "saved_methods_one_default", "seller_id, buyer_id", where="is_default", unique=True)
partial_index(methods, "saved_methods_one_of_each", "seller_id, buyer_id, fingerprint", where=_VISIBLE, unique=True)
mapper = Mapper(SavedMethod, methods, state="status")

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
_steps = Mapper(TimelineEvent, method_steps, token="subject")  # noqa: S106  # the name of a column


def add(sandbox: Sandbox, method: SavedMethod, fingerprint: str) -> bool:
    """Store a new method, which is nobody's default yet; False where the buyer has it already."""
    touched = _next_touch(sandbox, method.buyer_id)
    added = mapper.insert_new(sandbox.connection, method, fingerprint=fingerprint, touched=touched)
    if added:
        _add_event(sandbox, method.token, "initiate", None, method.status, Actor.BUYER, {})
    return added


def _next_touch(sandbox: Sandbox, buyer_id: str) -> int:
    query = select(func.max(methods.c.touched)).where(*_of(sandbox, buyer_id))
    return int(sandbox.connection.execute(query).scalar() or 0) + 1


def _of(sandbox: Sandbox, buyer_id: str) -> tuple[ColumnElement[bool], ...]:
    return (methods.c.seller_id == sandbox.seller_id, methods.c.buyer_id == buyer_id)


def _first(sandbox: Sandbox, *where: ColumnElement[bool]) -> SavedMethod | None:
    query = select(methods).where(_visible, *where).order_by(methods.c.touched.desc())
    return mapper.load_first(sandbox.connection.execute(query.limit(1)).first())


def find(sandbox: Sandbox, buyer_id: str, token: str) -> SavedMethod | None:
    """A method of this buyer that was not removed."""
    return _first(sandbox, *_of(sandbox, buyer_id), methods.c.token == token)


def by_fingerprint(sandbox: Sandbox, buyer_id: str, fingerprint: str) -> SavedMethod | None:
    """The buyer's method that was made of the same instrument."""
    return _first(sandbox, *_of(sandbox, buyer_id), methods.c.fingerprint == fingerprint)


def of_buyer(sandbox: Sandbox, buyer_id: str) -> list[SavedMethod]:
    """A buyer's methods: the default first, then those used or saved last."""
    query = (
        select(methods)
        .where(*_of(sandbox, buyer_id), _visible)
        .order_by(methods.c.is_default.desc(), methods.c.touched.desc())
    )
    return mapper.all(sandbox.connection, query)


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
    values: dict[str, Any] = {"status": str(target), "status_reason": reason, "updated_at": sandbox.now}
    if target not in LIVE:
        values["is_default"] = False
    moved = _change(sandbox, method, values, methods.c.status == str(method.status))
    if moved is None:
        message = "The saved method moved on meanwhile."
        raise IllegalTransition(message, machine=SAVED_METHOD.name, event=event)
    facts = {"reason": reason} if reason else {}
    _add_event(sandbox, method.token, event, method.status, moved.status, actor, facts)
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
    values = {"is_default": False, "deleted_at": sandbox.now}
    return _change(sandbox, method, values) is not None


def _change(
    sandbox: Sandbox, method: SavedMethod, values: Mapping[str, Any], *where: ColumnElement[bool]
) -> SavedMethod | None:
    statement = (
        update(methods)
        .where(*_of(sandbox, method.buyer_id), methods.c.token == method.token, _visible, *where)
        .values(**values)
        .returning(*methods.c)
    )
    return mapper.load_first(sandbox.connection.execute(statement).first())


def _add_event(
    sandbox: Sandbox, token: str, event: str, before: str | None, after: str, actor: Actor, facts: Mapping[str, object]
) -> None:
    line = TimelineEvent(sandbox.now, SAVED_METHOD.name, token, event, before, after, actor, facts)
    _steps.insert(sandbox.connection, line, seller_id=sandbox.seller_id)


def steps_of(sandbox: Sandbox, token: str) -> list[TimelineEvent]:
    """All that happened to a method, in order, also after its removal."""
    query = select(method_steps).where(method_steps.c.seller_id == sandbox.seller_id, method_steps.c.token == token)
    return [
        _steps.load(row, machine=SAVED_METHOD.name)
        for row in sandbox.connection.execute(query.order_by(method_steps.c.id))
    ]
