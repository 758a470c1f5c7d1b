"""Auto-reloads of wallets: the settings of each buyer, their changes, the runs, and the attempts that wait for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import Index, Table, bindparam, case, delete, func, select

from mockpay.domain.timeline import Actor
from mockpay.domain.wallet.auto_reload import (
    AUTO_RELOAD,
    RUN,
    UNFINISHED,
    AutoReload,
    ReloadRun,
    ReloadSettings,
    RunState,
    Usage,
    day_start,
    month_start,
)
from mockpay.store.db.mapping import Mapper, Prepared, insert_new
from mockpay.store.db.metadata import big, metadata, partial_index, row_id, text
from mockpay.store.db.paging import Page, number_of, page_of
from mockpay.store.unit_of_work import Sandbox

reloads = Table(
    "auto_reloads",
    metadata,
    row_id(),
    text("seller_id"),
    text("owner"),
    text("state"),
    text("settings", null=True),
    big("failures", default=0),
    text("disabled_reason", null=True),
    text("waits_for", null=True),
    big("next_allowed_at", null=True),
    big("last_triggered_at", null=True),
    text("consent_id", null=True),
    big("updated_at", null=True),
    Index("auto_reloads_of_owner", "seller_id", "owner", unique=True),
)

runs = Table(
    "reload_runs",
    metadata,
    row_id(),
    text("seller_id"),
    text("owner"),
    text("key"),
    text("cause"),
    text("state"),
    big("balance_minor"),
    big("amount_minor"),
    text("currency"),
    text("token"),
    big("created_at"),
    text("reason", null=True),
    big("until", null=True),
    text("order_id", null=True),
    big("journal", null=True),
    big("ended_at", null=True),
    Index("reload_runs_of_owner", "seller_id", "owner", "id"),
    Index("reload_runs_by_key", "seller_id", "key", unique=True),
    Index("reload_runs_of_order", "seller_id", "order_id"),
)
#: One in flight for each buyer, whatever else fails.
_unfinished = ", ".join(f"'{state}'" for state in sorted(UNFINISHED))
partial_index(runs, "reload_runs_in_flight", "seller_id, owner", where=f"state IN ({_unfinished})", unique=True)

changes = Table(
    "reload_changes",
    metadata,
    row_id(),
    text("seller_id"),
    text("owner"),
    text("actor"),
    text("event"),
    text("before"),
    text("after"),
    text("challenge_id", null=True),
    text("requested", null=True),
    big("at"),
    Index("reload_changes_of_owner", "seller_id", "owner", "id"),
    Index("reload_changes_by_challenge", "seller_id", "challenge_id"),
)

#: Attempts that wait for the reload of the balance that pays them.
waiting = Table(
    "reload_waiting",
    metadata,
    text("seller_id", primary_key=True),
    text("attempt_id", primary_key=True),
    text("owner"),
    Index("reload_waiting_of_owner", "seller_id", "owner"),
)


class Requested(Struct, frozen=True):
    """What a code is to confirm: settings, and what the buyer was shown and agreed to, as JSON."""

    settings: ReloadSettings
    consent: Mapping[str, Any]


class Change(Struct, frozen=True):
    """
    One line of the settings' history: `before` and `after` are settings as `ReloadSettings.wire` has them.

    One with a `challenge_id` waits for that code, and has the settings and the consent that it confirms.
    """

    number: int
    owner: str
    actor: Actor
    event: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    challenge_id: str | None
    requested: Requested | None
    at: int


mapper = Mapper(AutoReload, reloads, machine=AUTO_RELOAD, id="number")
run_mapper = Mapper(ReloadRun, runs, machine=RUN, id="number")
change_mapper = Mapper(Change, changes, id="number")

_of_owner = Prepared(
    select(reloads).where(reloads.c.seller_id == bindparam("seller_id"), reloads.c.owner == bindparam("owner"))
)


def find(sandbox: Sandbox, owner: str) -> AutoReload | None:
    """The auto-reload of a buyer who has set it up."""
    return mapper.load_first(_of_owner.row(sandbox.connection, {"seller_id": sandbox.seller_id, "owner": owner}))


def add(sandbox: Sandbox, reload: AutoReload) -> AutoReload:
    """Store a buyer's first settings."""
    return mapper.insert(sandbox.connection, reload, seller_id=sandbox.seller_id)


# --- runs


def add_run(sandbox: Sandbox, run: ReloadRun) -> ReloadRun | None:
    """Store a new run; None where its key began one before, or an unfinished one has to end first."""
    if not run_mapper.insert_new(sandbox.connection, run, seller_id=sandbox.seller_id):
        return None
    return run_mapper.first(sandbox.connection, runs.c.seller_id == sandbox.seller_id, runs.c.key == run.key)


def find_run(sandbox: Sandbox, number: int) -> ReloadRun | None:
    """A run of this seller's buyers."""
    return run_mapper.first(sandbox.connection, runs.c.seller_id == sandbox.seller_id, runs.c.id == number)


def run_of_order(sandbox: Sandbox, order_id: str) -> ReloadRun | None:
    """The run that an order charges for."""
    return run_mapper.first(sandbox.connection, runs.c.seller_id == sandbox.seller_id, runs.c.order_id == order_id)


def unfinished_run(sandbox: Sandbox, owner: str) -> ReloadRun | None:
    """A buyer's run that is under way."""
    states = [str(state) for state in UNFINISHED]
    of_owner = (runs.c.seller_id == sandbox.seller_id, runs.c.owner == owner)
    return run_mapper.first(sandbox.connection, *of_owner, runs.c.state.in_(states))


#: What counts under a buyer's own limits.
_COUNTED = [str(state) for state in (*UNFINISHED, RunState.SUCCEEDED)]


def usage(sandbox: Sandbox, owner: str, now: int, but: int) -> Usage:
    """
    What was reloaded in the Indian day and month of an instant.

    Args:
        but: The number of a run that does not count.
    """
    today = runs.c.created_at >= day_start(now)
    query = select(
        func.coalesce(func.sum(case((today, 1), else_=0)), 0),
        func.coalesce(func.sum(case((today, runs.c.amount_minor), else_=0)), 0),
        func.coalesce(func.sum(runs.c.amount_minor), 0),
    ).where(
        runs.c.seller_id == sandbox.seller_id,
        runs.c.owner == owner,
        runs.c.id != but,
        runs.c.created_at >= month_start(now),
        runs.c.state.in_(_COUNTED),
    )
    return Usage(*map(int, sandbox.connection.execute(query).one()))


def runs_page(sandbox: Sandbox, owner: str, after: str | None, limit: int) -> Page[ReloadRun]:
    """
    A buyer's runs, the newest first.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = select(runs).where(runs.c.seller_id == sandbox.seller_id, runs.c.owner == owner)
    if after:
        query = query.where(runs.c.id < number_of("reload_runs", after))
    found = run_mapper.all(sandbox.connection, query.order_by(runs.c.id.desc()).limit(limit + 1))
    return page_of("reload_runs", found, limit, lambda run: run.number)


# --- history of the settings


def add_change(sandbox: Sandbox, change: Change) -> Change:
    """Keep a change that was made, or that waits for its code."""
    return change_mapper.insert(sandbox.connection, change, seller_id=sandbox.seller_id)


def change_of_challenge(sandbox: Sandbox, challenge_id: str) -> Change | None:
    """The change that a code confirms."""
    of_seller = changes.c.seller_id == sandbox.seller_id
    return change_mapper.first(sandbox.connection, of_seller, changes.c.challenge_id == challenge_id)


def remove_change(sandbox: Sandbox, change: Change) -> None:
    """Forget a change that waited for a code."""
    sandbox.connection.execute(
        delete(changes).where(changes.c.seller_id == sandbox.seller_id, changes.c.id == change.number)
    )


def changes_page(sandbox: Sandbox, owner: str, after: str | None, limit: int) -> Page[Change]:
    """
    What was changed of a buyer's settings, the newest first.

    Raises:
        Invalid: code ``cursor.invalid``.
    """
    query = select(changes).where(
        changes.c.seller_id == sandbox.seller_id, changes.c.owner == owner, changes.c.challenge_id.is_(None)
    )
    if after:
        query = query.where(changes.c.id < number_of("reload_changes", after))
    found = change_mapper.all(sandbox.connection, query.order_by(changes.c.id.desc()).limit(limit + 1))
    return page_of("reload_changes", found, limit, lambda change: change.number)


# --- attempts that wait


def wait(sandbox: Sandbox, owner: str, attempt_id: str) -> None:
    """Let an attempt wait for the end of its buyer's run."""
    row = {"seller_id": sandbox.seller_id, "owner": owner, "attempt_id": attempt_id}
    insert_new(sandbox.connection, waiting, row)


def is_waiting(sandbox: Sandbox, attempt_id: str) -> bool:
    """Whether an attempt waits for a reload."""
    of_seller = waiting.c.seller_id == sandbox.seller_id
    query = select(waiting.c.attempt_id).where(of_seller, waiting.c.attempt_id == attempt_id)
    return sandbox.connection.execute(query).first() is not None


def take_waiting(sandbox: Sandbox, owner: str) -> list[str]:
    """The attempts that waited, which wait no more."""
    mine = (waiting.c.seller_id == sandbox.seller_id, waiting.c.owner == owner)
    query = select(waiting.c.attempt_id).where(*mine).order_by(waiting.c.attempt_id)
    found = [str(attempt_id) for attempt_id in sandbox.connection.execute(query).scalars()]
    if found:
        sandbox.connection.execute(delete(waiting).where(*mine))
    return found
