"""What a seller offers by control API, and instruments as a tester names them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field, to_builtins

from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.offers import MethodOffer, Offers
from mockpay.services.sellers import offers
from mockpay.web.control.endpoints import GET, PATCH, Request
from mockpay.web.control.responses import to_response

Amount = Annotated[str, Meta(description='As `"1.00"`.')]


class DownTime(Struct, forbid_unknown_fields=True, kw_only=True):
    """When a bank cannot be reached by the seller's clock; `to` is the first moment after."""

    since: str = field(name="from")
    until: str = field(name="to")


class MethodPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change of a method; null is the default again."""

    enabled: bool | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    min_amount: Amount | UnsetType | None = UNSET
    max_amount: Amount | UnsetType | None = UNSET


class BankPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should change of a bank; `down` takes the place of all its down times."""

    enabled: bool | UnsetType | None = UNSET
    down: list[DownTime] | UnsetType | None = UNSET


class PaymentMethodsPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch: what is not named stays, null is the default again."""

    methods: dict[str, MethodPatch | None] = {}
    upi_collect: Annotated[bool | UnsetType, Meta(description="The setting `upi_collect_enabled`.")] = UNSET
    banks: dict[str, BankPatch | None] = {}
    card_networks: dict[str, bool | None] = {}


class PaymentMethod(Struct, kw_only=True):
    """A method of payment; both limits are amounts that can be paid."""

    title: str
    enabled: bool
    min_amount: str
    max_amount: str
    currency: str


class Bank(Struct, kw_only=True):
    """A bank of the list; a magic one answers without a click."""

    name: str
    enabled: bool
    common: bool
    magic: bool
    down: list[DownTime]
    is_down: bool


class PaymentMethods(Struct, kw_only=True):
    """What the seller offers, in the order in which pages show it."""

    methods: dict[str, PaymentMethod]
    upi_collect: bool
    banks: dict[str, Bank]
    card_networks: dict[str, bool]


def get_methods(request: Request[None, None]) -> PaymentMethods:
    """Every method and bank that there is, whether it is offered or not; a magic bank answers without a click."""
    with request.read() as sandbox:
        return offers_response(offers.of(sandbox), sandbox.now)


def patch_methods(request: Request[None, PaymentMethodsPatch]) -> PaymentMethods:
    """
    A merge patch: what is not named stays, null is the default again. A payment page that is open shows it when it
    is loaded again.
    """
    with request.transaction() as sandbox:
        return offers_response(offers.change(sandbox, msgspec.to_builtins(request.body)), sandbox.now)


def offers_response(offered: Offers, now: int) -> PaymentMethods:
    """What a seller offers at a time."""
    return PaymentMethods(
        methods={name: _method(method) for name, method in offered.methods.items()},
        upi_collect=offered.upi_collect,
        banks={code: to_response(Bank, bank, is_down=bank.is_down(now)) for code, bank in offered.banks.items()},
        card_networks=dict(offered.networks),
    )


def _method(method: MethodOffer) -> PaymentMethod:
    return to_response(
        PaymentMethod,
        method,
        min_amount=method.lowest.wire(),
        max_amount=method.highest.wire(),
        currency=method.highest.currency,
    )


_PATH = "/v1/sellers/{seller_id}/methods"
ENDPOINTS = (
    GET(_PATH, get_methods, "The methods, banks and card networks that a seller offers."),
    PATCH(
        _PATH,
        patch_methods,
        "Switch methods, banks and card networks on or off, set limits and down times. "
        "They are settings: a reset leaves them.",
        example='{"methods": {"wallet": {"enabled": false}, "upi": {"max_amount": "1000.00"}}}',
    ),
)


class InstrumentParts(Struct, forbid_unknown_fields=True, kw_only=True):
    """What an instrument is made of; each method has parts of its own."""

    number: Annotated[str | None, Meta(description="card: of a published test card.")] = None
    expiry: Annotated[str | None, Meta(description="card: as `08/29`.")] = None
    name: Annotated[str | None, Meta(description="card: as it is on the card.")] = None
    vpa: Annotated[str | None, Meta(description="upi: the UPI ID.")] = None
    bank: Annotated[str | None, Meta(description="netbanking: the bank's code.")] = None
    email: Annotated[str | None, Meta(description="The buyer's e-mail; wallet: whose it is.")] = None


def instrument(method: str, parts: InstrumentParts, now: int) -> Instrument:
    """
    The instrument of a method.

    Raises:
        Invalid: with the `field` that is missing or wrong; code ``test_card_required`` for a
            card that is on no list of test cards.
    """
    values = {name: value for name, value in to_builtins(parts).items() if value is not None}
    return METHODS[method].read(values, now, None)
