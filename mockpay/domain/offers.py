"""
What a seller offers: methods with their limits, banks with their down times, card networks.

Everything has a default; `merged` puts a seller's own patch upon it, `patch_of` tells what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mockpay.domain.methods import cards, netbanking
from mockpay.domain.methods.registry import METHODS
from mockpay.kernel.clock import parse_time, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money


class Refusal(Struct, frozen=True):
    """Why something cannot be chosen: a `reason` in the field's names, and a message."""

    reason: str
    message: str


class Window(Struct, frozen=True):
    """A time at which a bank is down: from `since` until just before `until`."""

    since: int
    until: int

    def holds(self, now: int) -> bool:
        """Whether an instant lies in it."""
        return self.since <= now < self.until


class MethodOffer(Struct, frozen=True):
    """A method of payment as the seller offers it; both limits are allowed amounts."""

    method: str
    title: str
    lowest: Money
    highest: Money
    enabled: bool = True

    def refusal(self, amount: Money) -> Refusal | None:
        """Why this amount cannot be paid so; None where it can."""
        if not self.enabled:
            return Refusal("method_not_enabled", f"{self.title} is switched off by the seller.")
        if amount > self.highest:
            message = f"{self.title} takes at most {self.highest.display()} in one payment."
            return Refusal("transaction_limit_exceeded", message)
        if amount < self.lowest:
            message = f"{self.title} begins at {self.lowest.display()}."
            return Refusal("amount_below_minimum", message)
        return None


class BankOffer(Struct, frozen=True):
    """A bank of the list, and when it cannot be reached by the seller's clock."""

    code: str
    name: str
    common: bool = False
    magic: bool = False
    enabled: bool = True
    down: tuple[Window, ...] = ()

    def closed(self, now: int) -> bool:
        """Whether one of its down times says so."""
        return any(window.holds(now) for window in self.down)

    def is_down(self, now: int) -> bool:
        """Whether it cannot be reached; one bank never can."""
        return self.closed(now) or self.code == netbanking.ALWAYS_DOWN

    def refusal(self, now: int) -> Refusal | None:
        """Why it cannot be chosen; None where it can."""
        if not self.enabled:
            return Refusal("bank_not_enabled", f"{self.name} is switched off by the seller.")
        if self.is_down(now):
            return Refusal("bank_technical_error", f"{self.name} cannot be reached right now.")
        return None


class Offers(Struct, frozen=True):
    """All that a seller offers; `methods` and `banks` in the order in which pages show them."""

    methods: Mapping[str, MethodOffer]
    banks: Mapping[str, BankOffer]
    networks: Mapping[str, bool] = {}
    upi_collect: bool = True

    def available(self, method: str, amount: Money, now: int) -> Refusal | None:
        """Why a method cannot be chosen for an amount; None where it can."""
        offered = self.methods.get(method)
        if offered is None:
            return Refusal("method_not_enabled", "This method of payment is not offered.")
        approval = METHODS[method].approval
        no_bank = approval and approval.at_bank and all(bank.refusal(now) for bank in self.banks.values())
        down = Refusal("bank_technical_error", "No bank can be reached right now.")
        return offered.refusal(amount) or (down if no_bank else None)

    def network_refusal(self, network: str) -> Refusal | None:
        """Why a card of this network is not taken; None where it is."""
        if self.networks.get(network, False):
            return None
        message = f"{network} cards are not taken by this seller."
        return Refusal("card_network_not_enabled", message)

    def refusal(self, method: str, instrument: Mapping[str, str], amount: Money, now: int) -> Refusal | None:
        """
        Why a payment cannot even be tried.

        A bank that is only down does not count: its try is made, and fails.

        Args:
            instrument: The instrument as it is stored with the attempt.
        """
        offered = self.methods.get(method)
        refusal = offered.refusal(amount) if offered else self.available(method, amount, now)
        if refusal is not None:
            return refusal
        if "network" in instrument:
            return self.network_refusal(instrument["network"])
        if "vpa" in instrument and not self.upi_collect:
            message = "Requests to a UPI ID are switched off; use the code or the app."
            return Refusal("upi_collect_not_enabled", message)
        bank = self.banks.get(instrument.get("bank", ""))
        if bank is not None and not bank.enabled:
            return bank.refusal(now)
        return None


DEFAULT = Offers(
    methods={code: MethodOffer(code, method.title, method.lowest, method.highest) for code, method in METHODS.items()},
    banks={bank.code: BankOffer(bank.code, bank.name, bank.common, bank.magic) for bank in netbanking.BANKS},
    networks=dict.fromkeys(cards.NETWORK_NAMES, True),
)


# --- a seller's patch


_LONGEST_TITLE = 40
_MOST_WINDOWS = 20


def merged(offers: Offers, patch: Mapping[str, Any]) -> Offers:
    """
    The offers with a patch upon them: what it does not name stays, null is the default again.

    Args:
        patch: ``{"methods": {"upi": {"enabled", "title", "min_amount", "max_amount"}},
            "banks": {"SBIN": {"enabled", "down": [{"from", "to"}]}}, "card_networks":
            {"Visa": false}}``; amounts as ``"1.00"``, times in RFC 3339.

    Raises:
        Invalid: code ``methods.invalid``, with the `field` that cannot be used.
    """
    return replace(
        offers,
        methods=_each("methods", patch, offers.methods, DEFAULT.methods, _method),
        banks=_each("banks", patch, offers.banks, DEFAULT.banks, _bank),
        networks=_networks(patch, offers.networks),
    )


def _entries_of(part: str, patch: Mapping[str, Any], names: Mapping[str, object]) -> Mapping[str, Any]:
    """The patch of one part, about things that there are."""
    entries: Mapping[str, Any] = patch.get(part) or {}
    for name in entries:
        if name not in names:
            raise _wrong(f"{part}.{name}", f"There is no '{name}' among the {part}.")
    return entries


def _networks(patch: Mapping[str, Any], now: Mapping[str, bool]) -> Mapping[str, bool]:
    entries = _entries_of("card_networks", patch, now)
    changes = {name: DEFAULT.networks[name] if on is None else on for name, on in entries.items()}
    return {**now, **changes}


Record = TypeVar("Record", MethodOffer, BankOffer)


def _each(
    part: str,
    patch: Mapping[str, Any],
    now: Mapping[str, Record],
    default: Mapping[str, Record],
    change: Callable[[str, Record, Record, Mapping[str, Any]], Record],
) -> Mapping[str, Record]:
    """Every entry of a part, those that the patch names with their wish upon them."""
    changed = dict(now)
    for name, fields in _entries_of(part, patch, default).items():
        usual = default[name]
        changed[name] = usual if fields is None else change(f"{part}.{name}", now[name], usual, fields)
    return changed


def _method(where: str, now: MethodOffer, default: MethodOffer, fields: Mapping[str, Any]) -> MethodOffer:
    read: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
        "enabled": ("enabled", bool),
        "title": ("title", _title),
        "min_amount": ("lowest", _amount),
        "max_amount": ("highest", _amount),
    }
    changed = _read(where, now, default, fields, read)
    if changed.lowest > changed.highest:
        raise _wrong(f"{where}.max_amount", "The highest amount is below the lowest.")
    return changed


def _bank(where: str, now: BankOffer, default: BankOffer, fields: Mapping[str, Any]) -> BankOffer:
    return _read(where, now, default, fields, {"enabled": ("enabled", bool), "down": ("down", _down)})


def _read(
    where: str,
    now: Record,
    default: Record,
    fields: Mapping[str, Any],
    read: Mapping[str, tuple[str, Callable[[Any], Any]]],
) -> Record:
    """The fields that are wished for, each read by its own rule."""
    changes = {}
    for name, value in fields.items():
        if name not in read:
            raise _wrong(f"{where}.{name}", f"Nothing called '{name}' can be changed there.")
        own, rule = read[name]
        try:
            changes[own] = getattr(default, own) if value is None else rule(value)
        except Invalid as error:
            raise _wrong(f"{where}.{name}", error.message) from error
    return replace(now, **changes)


def _title(text: str) -> str:
    if not (1 <= len(text) <= _LONGEST_TITLE and text.isprintable() and text == text.strip()):
        raise Invalid(f"A title is one line of at most {_LONGEST_TITLE} characters.")
    return text


def _amount(text: str) -> Money:
    amount = Money.parse(text)
    if amount.minor < MINIMUM_MINOR:
        raise Invalid("No payment is smaller than 1.00.")
    return amount


def _down(windows: list[Mapping[str, str]]) -> tuple[Window, ...]:
    if len(windows) > _MOST_WINDOWS:
        raise Invalid(f"A bank has at most {_MOST_WINDOWS} down times.")
    down_times = tuple(Window(parse_time(times["from"]), parse_time(times["to"])) for times in windows)
    if any(window.since >= window.until for window in down_times):
        raise Invalid("A down time ends after it begins.")
    return down_times


def _wrong(where: str, message: str) -> Invalid:
    return Invalid(message, code="methods.invalid", field=where)


def patch_of(offers: Offers) -> dict[str, Any]:
    """What differs from the default, as `merged` reads it."""
    methods = {name: _method_patch(offer) for name, offer in offers.methods.items()}
    banks = {code: _bank_patch(offer) for code, offer in offers.banks.items()}
    networks = {name: on for name, on in offers.networks.items() if on != DEFAULT.networks[name]}
    parts: dict[str, dict[str, Any]] = {
        "methods": {name: patch for name, patch in methods.items() if patch},
        "banks": {code: patch for code, patch in banks.items() if patch},
        "card_networks": networks,
    }
    return {part: patch for part, patch in parts.items() if patch}


def _method_patch(offer: MethodOffer) -> dict[str, Any]:
    default = DEFAULT.methods[offer.method]
    values = {
        "enabled": (offer.enabled, default.enabled),
        "title": (offer.title, default.title),
        "min_amount": (offer.lowest.wire(), default.lowest.wire()),
        "max_amount": (offer.highest.wire(), default.highest.wire()),
    }
    return {name: value for name, (value, usual) in values.items() if value != usual}


def _bank_patch(offer: BankOffer) -> dict[str, Any]:
    windows = [{"from": rfc3339(w.since), "to": rfc3339(w.until)} for w in offer.down]
    return ({} if offer.enabled else {"enabled": False}) | ({"down": windows} if windows else {})
