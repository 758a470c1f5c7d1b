"""Saved methods: tokens and their steps; what is secret of them lies in `envelopes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    LargeBinary,
    Table,
    func,
    insert,
    literal_column,
    select,
    update,
)

from mockpay.domain.timeline import Actor, TimelineEvent
from mockpay.kernel.errors import IllegalTransition, NotFound
from mockpay.kernel.ids import fingerprint
from mockpay.kernel.keys.keyring import Envelope, disclose, enclose
from mockpay.store.db.mapping import Mapper, dump, insert_new, load
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.unit_of_work import Sandbox
from mockpay.vault.rules import LIVE, SAVED_METHOD, Consent, MethodStatus, SavedMethod, binding

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
    changed = _change(sandbox, method, values, methods.c.status == str(method.status))
    if changed is None:
        message = "The saved method moved on meanwhile."
        raise IllegalTransition(message, machine=SAVED_METHOD.name, event=event)
    facts = {"reason": reason} if reason else {}
    _add_event(sandbox, method.token, event, method.status, changed.status, actor, facts)
    return changed


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


envelopes = Table(
    "vault_secrets",
    metadata,
    text("token", primary_key=True),
    text("seller_id"),
    big("kek_id"),
    # Thrown away with the method; then nobody opens the rest any more.
    Column("wrapped_dek", LargeBinary),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    big("created_at"),
    Index("vault_secrets_of_seller", "seller_id"),
    Index("vault_secrets_by_key", "kek_id"),
)


def save(sandbox: Sandbox, method: SavedMethod, secret: Mapping[str, str]) -> None:
    """Enclose a method's secret, which opens in this row only; a former one is replaced."""
    bound = binding(sandbox.seller_id, method.token, method.kind)
    envelope = enclose(sandbox.runtime.keyring, bound, dump(secret).encode())
    contents = {
        "kek_id": envelope.version,
        "wrapped_dek": envelope.wrapped,
        "nonce": envelope.nonce,
        "ciphertext": envelope.sealed,
        "created_at": sandbox.now,
    }
    row = {"token": method.token, "seller_id": sandbox.seller_id, **contents}
    if not insert_new(sandbox.connection, envelopes, row):
        where = envelopes.c.token == method.token
        sandbox.connection.execute(update(envelopes).where(where).values(contents))


def find_envelope(sandbox: Sandbox, method: SavedMethod) -> Mapping[str, str]:
    """
    A method's secret.

    Raises:
        NotFound: code ``method.not_found``: it was shredded.
        Unusable: code ``store.sealed_by_another_key``.
    """
    envelope = _envelope(sandbox, method)
    bound = binding(sandbox.seller_id, method.token, method.kind)
    secret: Mapping[str, str] = load(disclose(sandbox.runtime.keyring, bound, envelope).decode())
    return secret


def _envelope(sandbox: Sandbox, method: SavedMethod) -> Envelope:
    query = select(envelopes).where(envelopes.c.token == method.token, envelopes.c.seller_id == sandbox.seller_id)
    row = sandbox.connection.execute(query).first()
    if row is None or row.wrapped_dek is None:
        raise NotFound("There is no such saved method.", code="method.not_found")
    return Envelope(row.kek_id, bytes(row.wrapped_dek), bytes(row.nonce), bytes(row.ciphertext))


def shred(sandbox: Sandbox, token: str) -> None:
    """Throw the secret's key away; the row stays as a tombstone."""
    sandbox.connection.execute(
        update(envelopes)
        .where(envelopes.c.token == token, envelopes.c.seller_id == sandbox.seller_id)
        .values(wrapped_dek=None)
    )


cryptograms = Table(
    "cryptograms",
    metadata,
    text("digest", primary_key=True),
    text("seller_id"),
    text("token"),
    big("created_at"),
    big("expires_at"),
    big("used_at", null=True),
    Index("cryptograms_of_seller", "seller_id"),
)


def add_cryptogram(sandbox: Sandbox, cryptogram: str, token: str, expires_at: int) -> None:
    """Note what was given out."""
    row = {
        "digest": fingerprint(cryptogram.encode()),
        "seller_id": sandbox.seller_id,
        "token": token,
        "created_at": sandbox.now,
        "expires_at": expires_at,
    }
    sandbox.connection.execute(insert(cryptograms), row)


def use_up(sandbox: Sandbox, cryptogram: str) -> str | None:
    """The token it was given out for; None where it is unknown, too old or used before."""
    statement = (
        update(cryptograms)
        .where(
            cryptograms.c.digest == fingerprint(cryptogram.encode()),
            cryptograms.c.seller_id == sandbox.seller_id,
            cryptograms.c.used_at.is_(None),
            cryptograms.c.expires_at > sandbox.now,
        )
        .values(used_at=sandbox.now)
        .returning(cryptograms.c.token)
    )
    return sandbox.connection.execute(statement).scalar()


consents = Table(
    "consents",
    metadata,
    text("consent_id", primary_key=True),
    text("seller_id"),
    text("buyer_id"),
    text("text_version"),
    text("text_sha256"),
    big("accepted_at"),
    text("ip"),
    text("attempt_id", null=True),
    Index("consents_of_buyer", "seller_id", "buyer_id"),
)


consent_mapper = Mapper(Consent, consents)


def add_consent(sandbox: Sandbox, consent_id: str, buyer_id: str, consent: Consent, attempt_id: str | None) -> None:
    """Store what a buyer agreed to; consents are never changed and outlive their method."""
    consent_mapper.insert(
        sandbox.connection,
        consent,
        consent_id=consent_id,
        seller_id=sandbox.seller_id,
        buyer_id=buyer_id,
        attempt_id=attempt_id,
    )


def find_consent(sandbox: Sandbox, consent_id: str) -> Consent | None:
    """What a buyer agreed to."""
    of_seller = consents.c.seller_id == sandbox.seller_id
    return consent_mapper.first(sandbox.connection, of_seller, consents.c.consent_id == consent_id)
