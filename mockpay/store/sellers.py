"""Sellers: their rows, the clock of their world, and who has work waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Index,
    LargeBinary,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from mockpay.domain.sellers import Seller, Settings
from mockpay.kernel.clock import Clock, Mode
from mockpay.kernel.keys.keyring import Keyring
from mockpay.store.db.dialects import insert_new
from mockpay.store.db.metadata import big, dump, metadata, text
from mockpay.store.db.prepared import Prepared

sellers = Table(
    "sellers",
    metadata,
    text("seller_id", primary_key=True),
    text("access_key", unique=True),
    Column("secret_sealed", LargeBinary, nullable=False),
    text("name"),
    text("return_urls"),
    text("ipn_url", null=True),
    text("settings"),
    text("seed"),
    text("clock_mode"),
    big("clock_real"),
    big("clock_seller"),
    big("next_due", null=True),
    big("fired", default=0),
    big("delivered", default=0),
    big("advancing_until", default=0),
    big("created_at"),
    Index("sellers_next_due", "next_due"),
)

_KIND = "seller.secret"
_by_id = select(sellers).where(sellers.c.seller_id == bindparam("key"))
_by_access_key = select(sellers).where(sellers.c.access_key == bindparam("key"))
#: (by seller id, locked): FOR UPDATE is PostgreSQL's; SQLite has one writer anyway.
_FIND = {
    (True, False): Prepared(_by_id),
    (True, True): Prepared(_by_id.with_for_update()),
    (False, False): Prepared(_by_access_key),
    (False, True): Prepared(_by_access_key.with_for_update()),
}
_sooner = Prepared(
    update(sellers)
    .where(sellers.c.seller_id == bindparam("seller"))
    .where(or_(sellers.c.next_due.is_(None), sellers.c.next_due > bindparam("due_at")))
    .values(next_due=bindparam("due_at"))
)
_count = Prepared(
    update(sellers)
    .where(sellers.c.seller_id == bindparam("seller"))
    .values(
        fired=sellers.c.fired + bindparam("fired_now"),
        delivered=sellers.c.delivered + bindparam("delivered_now"),
    )
)
_settings = msgspec.json.Decoder(Settings)
_addresses = msgspec.json.Decoder(tuple[str, ...])


def insert(connection: Connection, keyring: Keyring, seller: Seller) -> bool:
    """Store a new seller; False where the id or the access key is taken."""
    return insert_new(connection, sellers, _row(keyring, seller))


def save(connection: Connection, keyring: Keyring, seller: Seller) -> None:
    """Store a seller's changed name, URLs, settings and clock."""
    row = _row(keyring, seller)
    kept = {"seller_id", "access_key", "secret_sealed", "seed", "created_at"}
    changed = {name: value for name, value in row.items() if name not in kept}
    connection.execute(update(sellers).where(sellers.c.seller_id == seller.seller_id).values(changed))


def _row(keyring: Keyring, seller: Seller) -> dict[str, Any]:
    sealed = keyring.seal(_KIND, seller.seller_id, seller.secret_key.encode())
    return {
        "seller_id": seller.seller_id,
        "access_key": seller.access_key,
        "secret_sealed": sealed,
        "name": seller.name,
        "return_urls": dump(list(seller.return_urls)),
        "ipn_url": seller.ipn_url,
        "settings": dump(msgspec.structs.asdict(seller.settings)),
        "seed": seller.seed,
        "clock_mode": str(seller.clock.mode),
        "clock_real": seller.clock.real_anchor,
        "clock_seller": seller.clock.seller_anchor,
        "next_due": seller.next_due,
        "created_at": seller.created_at,
    }


def find(
    connection: Connection,
    keyring: Keyring,
    *,
    seller_id: str | None = None,
    access_key: str | None = None,
    lock: bool = False,
) -> Seller | None:
    """A seller by id or access key; `lock` keeps other writers out of the world (PostgreSQL)."""
    by_id = seller_id is not None
    row = _FIND[by_id, lock].first(connection, {"key": seller_id if by_id else access_key})
    return _seller(keyring, row) if row is not None else None


def _seller(keyring: Keyring, row: Mapping[Any, Any]) -> Seller:
    secret = keyring.open_(_KIND, row["seller_id"], bytes(row["secret_sealed"]))
    return Seller(
        seller_id=row["seller_id"],
        access_key=row["access_key"],
        secret_key=secret.decode(),
        name=row["name"],
        return_urls=_addresses.decode(row["return_urls"]),
        ipn_url=row["ipn_url"],
        settings=_settings.decode(row["settings"]),
        seed=row["seed"],
        clock=Clock(Mode(row["clock_mode"]), row["clock_real"], row["clock_seller"]),
        next_due=row["next_due"],
        created_at=row["created_at"],
    )


def listed(connection: Connection, keyring: Keyring, after: str, limit: int) -> list[Seller]:
    """Sellers by id, those after one."""
    query = select(sellers).where(sellers.c.seller_id > after).order_by(sellers.c.seller_id)
    return [_seller(keyring, row) for row in connection.execute(query.limit(limit)).mappings()]


def remove(connection: Connection, seller_id: str) -> None:
    """Delete the seller's own row."""
    connection.execute(delete(sellers).where(sellers.c.seller_id == seller_id))


def set_clock(connection: Connection, seller_id: str, clock: Clock) -> None:
    """Store how the world's clock goes from here on."""
    values = {
        "clock_mode": str(clock.mode),
        "clock_real": clock.real_anchor,
        "clock_seller": clock.seller_anchor,
    }
    connection.execute(update(sellers).where(sellers.c.seller_id == seller_id).values(values))


def due_sooner(connection: Connection, seller_id: str, due_at: int) -> None:
    """Note that something is due, unless something else is due sooner."""
    _sooner.run(connection, {"seller": seller_id, "due_at": due_at})


def count(connection: Connection, seller_id: str, *, fired: int = 0, delivered: int = 0) -> None:
    """Add to what happened since the last clock call."""
    _count.run(connection, {"seller": seller_id, "fired_now": fired, "delivered_now": delivered})


def take_counts(connection: Connection, seller_id: str) -> tuple[int, int]:
    """What happened since the last clock call; the counts begin again at nought."""
    where = sellers.c.seller_id == seller_id
    row = connection.execute(select(sellers.c.fired, sellers.c.delivered).where(where)).one()
    connection.execute(update(sellers).where(where).values(fired=0, delivered=0))
    return int(row.fired), int(row.delivered)


def begin_advance(connection: Connection, seller_id: str, real_now: int, until: int) -> bool:
    """Take the right to move this clock until a real time; False where another has it."""
    done = connection.execute(
        update(sellers)
        .where(sellers.c.seller_id == seller_id, sellers.c.advancing_until <= real_now)
        .values(advancing_until=until)
    )
    return done.rowcount == 1


def end_advance(connection: Connection, seller_id: str, until: int) -> None:
    """Give the right to move the clock back, unless it lapsed and another has it."""
    connection.execute(
        update(sellers)
        .where(sellers.c.seller_id == seller_id, sellers.c.advancing_until == until)
        .values(advancing_until=0)
    )


def _shown(real_now: int) -> Any:
    """What each seller's clock shows at a real time, as SQL."""
    return case(
        (sellers.c.clock_mode == str(Mode.FROZEN), sellers.c.clock_seller),
        else_=sellers.c.clock_seller - sellers.c.clock_real + real_now,
    )


def with_due_events(connection: Connection, real_now: int, limit: int = 100) -> list[str]:
    """Sellers whose next event has come."""
    query = select(sellers.c.seller_id).where(
        sellers.c.next_due.is_not(None), sellers.c.next_due <= _shown(real_now)
    )
    return list(connection.execute(query.limit(limit)).scalars())


def next_real_due(connection: Connection) -> int | None:
    """The real time at which the next event of any running clock comes."""
    query = select(func.min(sellers.c.next_due - sellers.c.clock_seller + sellers.c.clock_real)).where(
        and_(sellers.c.next_due.is_not(None), sellers.c.clock_mode == str(Mode.RUNNING))
    )
    return connection.execute(query).scalar()
