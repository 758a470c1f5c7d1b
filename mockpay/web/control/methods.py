"""What a seller offers, by control API."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from mockpay.domain.offers import BankOffer, MethodOffer, Offers
from mockpay.kernel.clock import rfc3339
from mockpay.services.sellers import offers
from mockpay.web.control.endpoints import Endpoint, Request

Amount = Annotated[str, Meta(description='As `"1.00"`.')]


class DownTime(Struct, forbid_unknown_fields=True, kw_only=True):
    """When a bank cannot be reached by the seller's clock; `to` is the first moment after."""

    since: str = field(name="from")
    until: str = field(name="to")


class MethodChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change of a method; null is the default again."""

    enabled: bool | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    min_amount: Amount | UnsetType | None = UNSET
    max_amount: Amount | UnsetType | None = UNSET


class BankChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change of a bank; `down` takes the place of all its down times."""

    enabled: bool | UnsetType | None = UNSET
    down: list[DownTime] | UnsetType | None = UNSET


class MethodsChange(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch: what is not named stays, null is the default again."""

    methods: dict[str, MethodChange | None] = {}
    upi_collect: Annotated[bool | UnsetType, Meta(description="The setting `upi_collect_enabled`.")] = UNSET
    banks: dict[str, BankChange | None] = {}
    card_networks: dict[str, bool | None] = {}


class MethodTold(Struct, kw_only=True):
    """A method of payment; both limits are amounts that can be paid."""

    title: str
    enabled: bool
    min_amount: str
    max_amount: str
    currency: str


class BankTold(Struct, kw_only=True):
    """A bank of the list; a magic one answers without a click."""

    name: str
    enabled: bool
    common: bool
    magic: bool
    down: list[DownTime]
    is_down: bool


class MethodsTold(Struct, kw_only=True):
    """What the seller offers, in the order in which pages show it."""

    methods: dict[str, MethodTold]
    upi_collect: bool
    banks: dict[str, BankTold]
    card_networks: dict[str, bool]


def get_methods(request: Request[None, None]) -> MethodsTold:
    with request.read() as sandbox:
        return _told(offers.of(sandbox), sandbox.now)


def patch_methods(request: Request[None, MethodsChange]) -> MethodsTold:
    with request.transaction() as sandbox:
        return _told(offers.change(sandbox, msgspec.to_builtins(request.body)), sandbox.now)


def _told(found: Offers, now: int) -> MethodsTold:
    return MethodsTold(
        methods={name: _method(one) for name, one in found.methods.items()},
        upi_collect=found.upi_collect,
        banks={code: _bank(one, now) for code, one in found.banks.items()},
        card_networks=dict(found.networks),
    )


def _method(one: MethodOffer) -> MethodTold:
    return MethodTold(
        title=one.title,
        enabled=one.enabled,
        min_amount=one.lowest.wire(),
        max_amount=one.highest.wire(),
        currency=one.highest.currency,
    )


def _bank(one: BankOffer, now: int) -> BankTold:
    return BankTold(
        name=one.name,
        enabled=one.enabled,
        common=one.common,
        magic=one.magic,
        down=[DownTime(since=rfc3339(w.since), until=rfc3339(w.until)) for w in one.down],
        is_down=one.is_down(now),
    )


_PATH = "/v1/sellers/{seller_id}/methods"
ENDPOINTS = (
    Endpoint("GET", _PATH, get_methods, "The methods, banks and card networks that a seller offers."),
    Endpoint(
        "PATCH",
        _PATH,
        patch_methods,
        "Switch methods, banks and card networks on or off, set limits and down times. "
        "They are settings: a reset leaves them.",
        example='{"methods": {"wallet": {"enabled": false}, "upi": {"max_amount": "1000.00"}}}',
    ),
)
