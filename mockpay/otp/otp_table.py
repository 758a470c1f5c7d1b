"""One-time passwords: their rows, one active challenge a subject, compare-and-set transitions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from msgspec import Struct
from sqlalchemy import Boolean, Column, ColumnElement, Index, Row, Table, func, insert, select, update

from mockpay.otp.rules import OTP, Challenge, OtpState, Purpose
from mockpay.store.db.mapping import Mapper
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, sealed, text
from mockpay.store.reads.event_wait import ORDER_IDS, EventSource
from mockpay.store.transitions import timeline
from mockpay.store.unit_of_work import Sandbox

_KIND = "otp.destination"

otps = Table(
    "otp_challenges",
    metadata,
    row_id(),
    text("challenge_id", unique=True),
    text("seller_id"),
    text("purpose"),
    text("subject"),
    text("attempt_id", null=True),
    text("payee", null=True),
    text("channel"),
    text("destination_masked"),
    text("destination_key"),
    sealed("destination_sealed", _KIND, of="challenge_id", null=True),
    big("amount_minor", null=True),
    text("currency", null=True),
    text("state"),
    big("length"),
    text("salt"),
    text("code_hash"),
    big("created_at"),
    big("expires_at"),
    big("resend_at"),
    big("send_count"),
    big("sends_allowed"),
    big("wrong_count", default=0),
    big("tries_allowed"),
    Column("technical_failed", Boolean, nullable=False, default=False),
    Column("undelivered", Boolean, nullable=False),
    big("ended_at", null=True),
    Index("otps_of_subject", "seller_id", "purpose", "subject"),
    Index("otps_of_destination", "seller_id", "destination_key", "ended_at"),
    Index("otps_of_attempt", "attempt_id"),
)
# A subject has one challenge at a time.
partial_index(otps, "otps_one_active", "seller_id, purpose, subject", where="state = 'ACTIVE'", unique=True)
#: What can be waited for.
EVENTS = {
    OTP.name: EventSource(
        {**ORDER_IDS, "challenge_id": timeline.c.subject, "attempt_id": otps.c.attempt_id},
        otps,
        otps.c.challenge_id == timeline.c.subject,
    )
}


class StoredChallenge(Struct, frozen=True):
    """A challenge with what only verifying and sending again may see; the code is nowhere."""

    challenge: Challenge
    payee: str | None
    destination_key: str
    salt: str
    code_hash: str
    send_count: int
    technical_failed: bool


_challenges = Mapper(Challenge, otps)
_stored = Mapper(StoredChallenge, otps)


def add(
    sandbox: Sandbox,
    challenge: Challenge,
    *,
    to: str,
    destination_key: str,
    payee: str | None,
    secret: Mapping[str, str],
) -> None:
    """Store a new challenge; `secret` are the columns of its first code."""
    row = {
        **_challenges.dump(challenge),
        "seller_id": sandbox.seller_id,
        "payee": payee,
        "destination_key": destination_key,
        "destination_sealed": sandbox.runtime.keyring.seal(_KIND, challenge.challenge_id, to.encode()),
        "send_count": 1,
        "sends_allowed": 1 + challenge.sends_left,
        "tries_allowed": challenge.tries_left,
        **secret,
    }
    sandbox.connection.execute(insert(otps), row)


def transition(sandbox: Sandbox, stored: StoredChallenge, event: str, **changes: object) -> Challenge | None:
    """
    Take one step of the challenge's machine as one conditional UPDATE; None where it moved on.

    The row must still be as it was read: its state, its code, and what was tried before.

    Raises:
        IllegalTransition: the machine has no such step.
    """
    challenge = stored.challenge
    target = OTP.target(challenge.state, event)
    if target is not OtpState.ACTIVE:
        # Nothing is sent any more, so nobody needs to know where to.
        changes |= {"ended_at": sandbox.now, "destination_sealed": None}
    same = {
        "state": challenge.state,
        "code_hash": stored.code_hash,
        "wrong_count": challenge.wrong_count,
        "technical_failed": stored.technical_failed,
    }
    statement = (
        update(otps)
        .where(otps.c.challenge_id == challenge.challenge_id, otps.c.seller_id == sandbox.seller_id)
        .where(*(otps.c[name] == value for name, value in same.items()))
        .values(state=target, **changes)
        .returning(*otps.c)
    )
    row = sandbox.connection.execute(statement).first()
    return _challenge(row) if row is not None else None


def find(sandbox: Sandbox, challenge_id: str) -> StoredChallenge | None:
    """A challenge of this seller."""
    return _first(sandbox, otps.c.challenge_id == challenge_id)


def active(sandbox: Sandbox, purpose: Purpose, subject: str) -> StoredChallenge | None:
    """The subject's challenge that waits for its code."""
    return _first(
        sandbox, otps.c.purpose == str(purpose), otps.c.subject == subject, otps.c.state == str(OtpState.ACTIVE)
    )


def count(sandbox: Sandbox, purpose: Purpose, subject: str) -> int:
    """How many challenges of a purpose a subject had."""
    query = select(func.count()).where(
        otps.c.seller_id == sandbox.seller_id, otps.c.purpose == str(purpose), otps.c.subject == subject
    )
    return int(sandbox.connection.execute(query).scalar() or 0)


def unfinished(sandbox: Sandbox, purpose: Purpose, subject: str, since: int) -> list[tuple[int, int]]:
    """When a subject's challenges began, after `since` and its last right code, and the sends of each; newest first."""
    query = select(otps.c.created_at, otps.c.send_count, otps.c.state).where(
        otps.c.seller_id == sandbox.seller_id,
        otps.c.purpose == str(purpose),
        otps.c.subject == subject,
        otps.c.created_at > since,
        otps.c.created_at <= sandbox.now,
    )
    rows = sandbox.connection.execute(query.order_by(otps.c.id.desc()))
    open_rows = takewhile(lambda row: row.state != OtpState.VERIFIED, rows)
    return [(row.created_at, row.send_count) for row in open_rows]


def of_attempt(sandbox: Sandbox, attempt_id: str) -> list[Challenge]:
    """An attempt's challenges, the oldest first."""
    query = select(otps).where(otps.c.attempt_id == attempt_id, otps.c.seller_id == sandbox.seller_id)
    return [_challenge(row) for row in sandbox.connection.execute(query.order_by(otps.c.id))]


def locked_at(sandbox: Sandbox, destination_key: str, since: int, limit: int) -> list[tuple[int, str | None]]:
    """When a destination's challenges were locked, after `since` and till now, and of which attempts; newest first."""
    query = (
        select(otps.c.ended_at, otps.c.attempt_id)
        .where(
            otps.c.seller_id == sandbox.seller_id,
            otps.c.destination_key == destination_key,
            otps.c.state == str(OtpState.LOCKED),
            otps.c.ended_at > since,
            otps.c.ended_at <= sandbox.now,
        )
        .order_by(otps.c.ended_at.desc())
        .limit(limit)
    )
    return [(row.ended_at, row.attempt_id) for row in sandbox.connection.execute(query)]


def destination(sandbox: Sandbox, challenge_id: str) -> str:
    """Where an active challenge's code is sent, in full."""
    query = select(otps.c.destination_sealed).where(
        otps.c.challenge_id == challenge_id, otps.c.seller_id == sandbox.seller_id
    )
    sealed = bytes(sandbox.connection.execute(query).scalar_one())
    return sandbox.runtime.keyring.open_(_KIND, challenge_id, sealed).decode()


def _first(sandbox: Sandbox, *conditions: ColumnElement[bool]) -> StoredChallenge | None:
    query = select(otps).where(otps.c.seller_id == sandbox.seller_id, *conditions)
    row = sandbox.connection.execute(query).first()
    return _stored.load(row, challenge=_challenge(row)) if row is not None else None


def _challenge(row: Row[Any]) -> Challenge:
    remaining = row.sends_allowed - row.send_count, row.tries_allowed - row.wrong_count
    return _challenges.load(row, sends_left=max(0, remaining[0]), tries_left=max(0, remaining[1]))
