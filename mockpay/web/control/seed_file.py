"""
A seed file: sellers with their worlds as TOML, in the fields of the control API and checked as it checks them.

Its sellers are made in one transaction, those that are there already are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, field, structs, to_builtins

from mockpay.domain.payments.routing import Routing
from mockpay.domain.sellers import AMOUNT
from mockpay.kernel.clock import Clock, Mode
from mockpay.kernel.errors import Conflict, Invalid, MockpayError, NotFound, Unusable
from mockpay.kernel.fields import convert_fields
from mockpay.kernel.money import Money
from mockpay.kernel.toml import Place, TomlFile, read_toml
from mockpay.services import buyers, scenarios
from mockpay.services.gateways import routing
from mockpay.services.sellers import accounts, offers
from mockpay.services.sellers.accounts import NewSeller
from mockpay.services.wallet import balances
from mockpay.store.unit_of_work import Runtime, Sandbox, read
from mockpay.vault import saved_methods
from mockpay.vault.rules import consent
from mockpay.web.control.clock import ClockUpdate, parse_moment
from mockpay.web.control.methods import PaymentMethodsPatch, instrument
from mockpay.web.control.scenarios import ScenarioRuleCreate
from mockpay.web.control.sellers import SellerCreate
from mockpay.web.control.vault import SavedMethodCreate

S = TypeVar("S", bound=Struct)
#: Where a consent came from that no browser gave.
_BY_FILE = "seed file"


class RuleSeed(ScenarioRuleCreate, forbid_unknown_fields=True, kw_only=True):
    """A rule; TOML has no null."""

    times: Annotated[int, Meta(ge=0, le=1_000_000, description="0 = every one.")] = 1


class SavedMethodSeed(SavedMethodCreate, forbid_unknown_fields=True, kw_only=True):
    """An instrument that a buyer has saved; the first of a buyer is the default."""

    nickname: str = ""
    suspended: bool = False


class BuyerSeed(Struct, forbid_unknown_fields=True, kw_only=True):
    """A buyer with an opening balance; one of the sandbox's own has another without it."""

    email: str
    balance: Annotated[str, Meta(pattern=AMOUNT, examples=["500.00"])] | None = None
    methods: list[SavedMethodSeed] = []


class SellerSeed(SellerCreate, forbid_unknown_fields=True, kw_only=True):
    """A seller as the control API makes it, with what it offers and what is in its world."""

    seller_id: str
    methods: PaymentMethodsPatch = field(default_factory=PaymentMethodsPatch)
    clock: ClockUpdate = field(default_factory=ClockUpdate)
    routing: Routing = field(default_factory=Routing)
    rules: list[RuleSeed] = field(default_factory=list)
    buyers: list[BuyerSeed] = field(default_factory=list)


class Seed(Struct, forbid_unknown_fields=True, kw_only=True):
    """All that a file may have."""

    sellers: list[SellerSeed] = []


#: The tables below a table, which are read each by itself, so that a refusal knows its line.
_TABLES: Mapping[type[Struct], Mapping[str, type[Struct]]] = {
    Seed: {"sellers": SellerSeed},
    SellerSeed: {"clock": ClockUpdate, "rules": RuleSeed, "buyers": BuyerSeed},
    BuyerSeed: {"methods": SavedMethodSeed},
}


class SeedFile(Struct, frozen=True):
    """A file whose fields are right in form."""

    file: TomlFile
    sellers: list[SellerSeed]


def read_seed(path: Path) -> SeedFile:
    """
    Read a file.

    Raises:
        Unusable: code ``file.unusable``, with the line that is wrong.
    """
    file = read_toml(path)
    sellers = _read(file, (), file.values, Seed).sellers
    for number, seller in enumerate(sellers):
        if seller.seller_id in {earlier.seller_id for earlier in sellers[:number]}:
            message = f"The seller {seller.seller_id} is in the file twice."
            raise file.refusal(message, ("sellers", number), "seller_id")
    return SeedFile(file, sellers)


def _read(file: TomlFile, place: Place, plain: Mapping[str, Any], struct: type[S]) -> S:
    tables: dict[str, Any] = {}
    for name, inner in _TABLES.get(struct, {}).items():
        value = plain.get(name)
        if isinstance(value, dict) and inner is ClockUpdate:
            tables[name] = _read(file, (*place, name), value, inner)
        elif isinstance(value, list) and inner is not ClockUpdate and all(isinstance(item, dict) for item in value):
            tables[name] = [_read(file, (*place, name, number), item, inner) for number, item in enumerate(value)]
    if "\\u0000" in json.dumps({name: plain[name] for name in plain.keys() - tables.keys()}):
        raise file.refusal("A NUL character cannot be stored.", place)
    with _located(file, place):
        return convert_fields({**plain, **tables}, struct, code="file.unusable", noun="field")


@contextmanager
def _located(file: TomlFile, place: Place) -> Iterator[None]:
    """Give a refusal the line of what it is about."""
    try:
        yield
    except Unusable:
        raise
    except MockpayError as error:
        raise file.refusal(error.message, place, str(error.detail.get("field", ""))) from error


def apply_seed(runtime: Runtime, seed: SeedFile) -> list[str]:
    """
    Make the sellers that are not there yet, all in one transaction; their ids.

    Raises:
        Unusable: code ``file.unusable``, with the line; then nothing of the file is there.
    """
    made = []
    with accounts.creation(runtime) as add:
        for number, seller in enumerate(seed.sellers):
            place = ("sellers", number)
            with _located(seed.file, (*place, "clock", "now")):
                clock = _clock(runtime, seller.clock)
            with _located(seed.file, place):
                sandbox = add(_wish(seller, clock))
                if sandbox is not None:
                    made.append(seller.seller_id)
                    _fill(sandbox, seed.file, place, seller)
                elif not _exists(runtime, seller.seller_id):
                    message = f"The access key {seller.access_key} belongs to another seller."
                    raise Conflict(message, field="access_key")
    return made


def _clock(runtime: Runtime, clock: ClockUpdate) -> Clock:
    real = runtime.real_clock.now()
    return Clock(clock.mode or Mode.RUNNING, real, real if clock.now is None else parse_moment(clock.now))


def _wish(seller: SellerSeed, clock: Clock) -> NewSeller:
    return NewSeller(
        seller.seller_id,
        seller.access_key,
        seller.secret_key,
        seller.name,
        None if seller.return_urls is None else tuple(seller.return_urls),
        seller.ipn_url,
        seller.settings,
        clock,
    )


def _exists(runtime: Runtime, seller_id: str) -> bool:
    try:
        with read(runtime, seller_id):
            return True
    except NotFound:
        return False


def _fill(sandbox: Sandbox, file: TomlFile, place: Place, seller: SellerSeed) -> None:
    if seller.methods != PaymentMethodsPatch():
        offers.change(sandbox, to_builtins(seller.methods))
    if seller.routing != Routing():
        with _located(file, (*place, "routing")):
            routing.set_rules(sandbox, seller.routing)
    for number, rule in enumerate(seller.rules):
        with _located(file, (*place, "rules", number)):
            scenarios.add_rule(sandbox, **{**structs.asdict(rule), "times": rule.times or None})
    for number, buyer in enumerate(seller.buyers):
        at = (*place, "buyers", number)
        with _located(file, at):
            buyer_id = buyers.ensure(sandbox, buyer.email).buyer_id
            if buyer.balance is not None:
                balances.open_balance(sandbox, buyer.email, Money.parse(buyer.balance))
        for method_number, method in enumerate(buyer.methods):
            with _located(file, (*at, "methods", method_number)):
                _save(sandbox, buyer_id, method)


def _save(sandbox: Sandbox, buyer_id: str, method: SavedMethodSeed) -> None:
    chosen = instrument(method.kind, method, sandbox.now)
    saved = saved_methods.save(sandbox, buyer_id, chosen, consent(sandbox.now, _BY_FILE, method.kind))
    if not saved.live:
        raise Invalid(f"This cannot be saved ({saved.status_reason}).", field="number")
    if method.nickname:
        saved_methods.rename(sandbox, buyer_id, saved.token, method.nickname)
    if method.suspended:
        saved_methods.suspend(sandbox, buyer_id, saved.token)
