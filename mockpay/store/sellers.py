"""Sellers: their rows, the clock of their world, and who has work waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Index, Table, and_, bindparam, case, delete, func, or_, select, update

from mockpay.domain.payments.routing import Routing
from mockpay.domain.sellers import Seller
from mockpay.kernel.clock import Clock, Mode
from mockpay.kernel.keys.keyring import Keyring
from mockpay.store.db.mapping import Mapper, Prepared, dump, insert_new, load
from mockpay.store.db.metadata import SETTINGS, big, metadata, sealed, text

_KIND = "seller.secret"

sellers = Table(
    "sellers",
    metadata,
    text("seller_id", primary_key=True),
    text("access_key", unique=True),
    sealed("secret_sealed", _KIND, of="seller_id"),
    text("name"),
    text("return_urls"),
    text("ipn_url", null=True),
    text("settings"),
    text("seed"),
    text("clock_mode"),
    big("clock_real_anchor"),
    big("clock_seller_anchor"),
    big("next_due", null=True),
    big("fired", default=0),
    big("delivered", default=0),
    big("advancing_until", default=0),
    big("created_at"),
    text("subscribed_url", null=True),
    text("routing", null=True),
    Index("sellers_next_due", "next_due"),
)

mapper = Mapper(Seller, sellers)
_SECRET = sellers.c.keys().index("secret_sealed")
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
    .values(fired=sellers.c.fired + bindparam("fired_now"), delivered=sellers.c.delivered + bindparam("delivered_now"))
)


def insert(connection: Connection, keyring: Keyring, seller: Seller) -> bool:
    """Store a new seller; False where the id or the access key is taken."""
    secret = keyring.seal(_KIND, seller.seller_id, seller.secret_key.encode())
    return mapper.insert_new(connection, seller, secret_sealed=secret)


def save(connection: Connection, seller: Seller) -> None:
    """Store a seller's changed name, URLs, settings, clock and subscription."""
    names = ("name", "return_urls", "ipn_url", "settings", "clock", "next_due", "subscribed_url")
    # Not by the mapper's update, which reads the row back: a seller's secret is sealed in it.
    values = mapper.dump_fields({name: getattr(seller, name) for name in names})
    connection.execute(update(sellers).where(sellers.c.seller_id == seller.seller_id).values(values))


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
    row = _FIND[by_id, lock].row(connection, {"key": seller_id if by_id else access_key})
    return _seller(keyring, row) if row is not None else None


def _seller(keyring: Keyring, row: Sequence[Any]) -> Seller:
    seller_id, secret = row[0], bytes(row[_SECRET])
    return mapper.load(row, secret_key=keyring.open_(_KIND, seller_id, secret).decode())


def list_page(connection: Connection, keyring: Keyring, after: str, limit: int) -> list[Seller]:
    """Sellers by id, those after one."""
    query = select(sellers).where(sellers.c.seller_id > after).order_by(sellers.c.seller_id)
    return [_seller(keyring, row) for row in connection.execute(query.limit(limit))]


def remove(connection: Connection, seller_id: str) -> None:
    """Delete the seller's own row."""
    connection.execute(delete(sellers).where(sellers.c.seller_id == seller_id))


def save_routing(connection: Connection, seller_id: str, routing: Routing | None) -> None:
    """Store other rules of routing, or none."""
    values = mapper.dump_fields({"routing": routing})
    connection.execute(update(sellers).where(sellers.c.seller_id == seller_id).values(values))


def set_clock(connection: Connection, seller_id: str, clock: Clock) -> None:
    """Store how the world's clock goes from here on."""
    values = mapper.dump_fields({"clock": clock})
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
    """Take the right to move this clock until a real time, in ms since 1970; False where another has it."""
    result = connection.execute(
        update(sellers)
        .where(sellers.c.seller_id == seller_id, sellers.c.advancing_until <= real_now)
        .values(advancing_until=until)
    )
    return result.rowcount == 1


def renew_advance(connection: Connection, seller_id: str, until: int, later: int) -> bool:
    """Keep the right to move a clock for longer; False where it lapsed and another has it."""
    result = connection.execute(
        update(sellers)
        .where(sellers.c.seller_id == seller_id, sellers.c.advancing_until == until)
        .values(advancing_until=later)
    )
    return result.rowcount == 1


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
        (sellers.c.clock_mode == str(Mode.FROZEN), sellers.c.clock_seller_anchor),
        else_=sellers.c.clock_seller_anchor - sellers.c.clock_real_anchor + real_now,
    )


def with_due_events(connection: Connection, real_now: int, limit: int = 100) -> list[str]:
    """Sellers whose next event has come."""
    query = select(sellers.c.seller_id).where(sellers.c.next_due.is_not(None), sellers.c.next_due <= _shown(real_now))
    return list(connection.execute(query.limit(limit)).scalars())


def next_real_due(connection: Connection) -> int | None:
    """The real time at which the next event of any running clock comes."""
    real_due = sellers.c.next_due - sellers.c.clock_seller_anchor + sellers.c.clock_real_anchor
    query = select(func.min(real_due)).where(
        and_(sellers.c.next_due.is_not(None), sellers.c.clock_mode == str(Mode.RUNNING))
    )
    return connection.execute(query).scalar()


# --- what a seller offers otherwise than by default

offers = Table("offers", metadata, text("seller_id", primary_key=True), text("patch"), info=SETTINGS)

_offers_of = Prepared(select(offers.c.patch).where(offers.c.seller_id == bindparam("seller")))


def find_offers(connection: Connection, seller_id: str) -> Mapping[str, Any]:
    """The seller's patch upon the default; empty where it has none."""
    patch: Mapping[str, Any] = load(_offers_of.scalar(connection, {"seller": seller_id}))
    return patch


def save_offers(connection: Connection, seller_id: str, patch: Mapping[str, Any]) -> None:
    """Store another patch instead, none where it is empty; the seller's lock is held."""
    connection.execute(delete(offers).where(offers.c.seller_id == seller_id))
    if patch:
        insert_new(connection, offers, {"seller_id": seller_id, "patch": dump(patch)})
