"""
`Runtime`, what the process has, and `Sandbox`, one seller's world in one transaction.

`transaction` locks the seller's row and reads credentials, settings and clock from it; nothing caches any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event

from msgspec import Struct, field
from sqlalchemy import Connection, Engine

from mockpay.domain.orders import Order
from mockpay.domain.payments.gateways import Gateway, GatewayAdapter
from mockpay.domain.providers import NO_PROVIDER, ProviderPort
from mockpay.domain.sellers import Seller
from mockpay.kernel import ids
from mockpay.kernel.clock import RealClock
from mockpay.kernel.errors import NotFound
from mockpay.kernel.http.calls import HttpCall, Sender
from mockpay.kernel.keys.files import Keys
from mockpay.kernel.keys.keyring import Keyring
from mockpay.kernel.terminal import Terminal, current_call
from mockpay.settings import Settings
from mockpay.store import sellers
from mockpay.store.db.engine import reading, writing


class Runtime(Struct, frozen=True):
    """
    What the process has; made once by `mockpay.app`.

    `providers` maps a name to the company that is impersonated under it; `wake` is set whenever something became due
    for the worker, `stopping` when the server is about to stop, so that open waits end. `terminal` has a line for each
    delivery. `deliver` sends the outbox row that a seller's request has leased to itself, if there is one, and lets
    happen what is due at once; no transaction is open.
    """

    settings: Settings
    engine: Engine
    writer: Engine
    keys: Keys
    real_clock: RealClock
    sender: Sender
    gateways: Mapping[str, Gateway] = {}
    providers: Mapping[str, ProviderPort] = {}
    terminal: Terminal | None = None
    deliver: Callable[[Runtime, str, int | None], None] = lambda _runtime, _seller_id, _outbox_id: None
    #: Calls to gateways in process that arrive only later, by seller and gateway; lost with the process.
    late_calls: dict[tuple[str, str], list[HttpCall]] = {}
    wake: Event = field(default_factory=Event)
    stopping: Event = field(default_factory=Event)

    @property
    def keyring(self) -> Keyring:
        """What seals data at rest."""
        return self.keys.store

    def provider(self, name: str) -> ProviderPort:
        """The company that is impersonated under a name, `NO_PROVIDER` where it is empty."""
        return self.providers[name] if name else NO_PROVIDER

    def adapter(self, gateway: str) -> GatewayAdapter | None:
        """What asks a gateway in its own wire format; None for the built-in one, and for a name that nobody has."""
        return self.providers[gateway].adapter if gateway in self.providers else None


class Sandbox(Struct, frozen=True, eq=False):
    """
    One seller's world in one transaction.

    `now` is the seller's time and `real_now` the real one, in ms since 1970; neither changes while it lasts.
    """

    runtime: Runtime
    connection: Connection
    seller: Seller
    now: int
    real_now: int
    #: Due times that this transaction added, None for a dropped one: whoever read the schedule
    #: before must read it again.
    rescheduled: list[int | None] = []
    #: Kinds of what this transaction put into the outbox for the worker to send.
    queued: list[str] = []

    @property
    def seller_id(self) -> str:
        """Whose world this is."""
        return self.seller.seller_id

    @property
    def due_sooner(self) -> bool:
        """Whether this transaction added something that is due before all that was there."""
        next_due = self.seller.next_due
        added = [due for due in self.rescheduled if due is not None]
        return bool(added) and (next_due is None or min(added) < next_due)

    def provider_of(self, order: Order) -> ProviderPort:
        """The company through which an order came."""
        return self.runtime.provider(order.provider)

    def at(self, moment: int) -> Sandbox:
        """The same transaction at a later moment, for firing events in order."""
        # Not by `replace`, which takes five times as long: every event passes here.
        return Sandbox(
            self.runtime,
            self.connection,
            self.seller,
            max(self.now, moment),
            self.real_now,
            self.rescheduled,
            self.queued,
        )

    def short_id(self, prefix: str, *parts: object) -> str:
        """A reproducible internal id of this world."""
        return ids.short(prefix, self.seller.seed, self.seller.seller_id, *parts)


@contextmanager
def transaction(runtime: Runtime, seller_id: str | None = None, *, access_key: str | None = None) -> Iterator[Sandbox]:
    """
    A write transaction in one seller's world, found by id or by access key.

    Raises:
        NotFound: code ``seller.not_found``.
    """
    with writing(runtime.writer) as connection:
        sandbox = sandbox_of(runtime, connection, seller_id, access_key, lock=True)
        yield sandbox
    # Not before the commit: the worker would look, find nothing and sleep again.
    if sandbox.due_sooner:
        runtime.wake.set()


@contextmanager
def read(runtime: Runtime, seller_id: str | None = None, *, access_key: str | None = None) -> Iterator[Sandbox]:
    """
    The same for reading; takes no lock.

    Raises:
        NotFound: code ``seller.not_found``.
    """
    with reading(runtime.engine) as connection:
        yield sandbox_of(runtime, connection, seller_id, access_key)


def sandbox_of(
    runtime: Runtime,
    connection: Connection,
    seller_id: str | None,
    access_key: str | None = None,
    *,
    lock: bool = False,
) -> Sandbox:
    """
    The same in a transaction that the caller has begun.

    Args:
        lock: Keep other writers out of this world until it ends (PostgreSQL).

    Raises:
        NotFound: code ``seller.not_found``.
    """
    seller = sellers.find(connection, runtime.keyring, seller_id=seller_id, access_key=access_key, lock=lock)
    if seller is None:
        raise NotFound("There is no such seller.", code="seller.not_found")
    if (call := current_call()) is not None:
        call.seller_id = seller.seller_id
    real = runtime.real_clock.now()
    return Sandbox(runtime, connection, seller, seller.clock.now(real), real)
