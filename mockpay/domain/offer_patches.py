"""
A seller's own wishes upon the default offers, in the shape of `PATCH .../methods`.

That patch is all that is stored, so a bank that is added later appears by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from mockpay.domain.offers import DEFAULT, BankOffer, MethodOffer, Offers, Window
from mockpay.kernel.clock import parse_time, rfc3339
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import MINIMUM_MINOR, Money

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


def _wishes(part: str, patch: Mapping[str, Any], known: Mapping[str, object]) -> Mapping[str, Any]:
    """The patch of one part, about things that there are."""
    wishes: Mapping[str, Any] = patch.get(part) or {}
    for name in wishes:
        if name not in known:
            raise _wrong(f"{part}.{name}", f"There is no '{name}' among the {part}.")
    return wishes


def _networks(patch: Mapping[str, Any], now: Mapping[str, bool]) -> Mapping[str, bool]:
    wishes = _wishes("card_networks", patch, now)
    asked = {name: DEFAULT.networks[name] if on is None else on for name, on in wishes.items()}
    return {**now, **asked}


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
    for name, wish in _wishes(part, patch, default).items():
        usual = default[name]
        changed[name] = usual if wish is None else change(f"{part}.{name}", now[name], usual, wish)
    return changed


def _method(where: str, now: MethodOffer, default: MethodOffer, wish: Mapping[str, Any]) -> MethodOffer:
    read: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
        "enabled": ("enabled", bool),
        "title": ("title", _title),
        "min_amount": ("lowest", _amount),
        "max_amount": ("highest", _amount),
    }
    found = _read(where, now, default, wish, read)
    if found.lowest > found.highest:
        raise _wrong(f"{where}.max_amount", "The highest amount is below the lowest.")
    return found


def _bank(where: str, now: BankOffer, default: BankOffer, wish: Mapping[str, Any]) -> BankOffer:
    return _read(where, now, default, wish, {"enabled": ("enabled", bool), "down": ("down", _down)})


def _read(
    where: str,
    now: Record,
    default: Record,
    wish: Mapping[str, Any],
    read: Mapping[str, tuple[str, Callable[[Any], Any]]],
) -> Record:
    """The fields that are wished for, each read by its own rule."""
    changes = {}
    for name, value in wish.items():
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
    found = Money.parse(text)
    if found.minor < MINIMUM_MINOR:
        raise Invalid("No payment is smaller than 1.00.")
    return found


def _down(windows: list[Mapping[str, str]]) -> tuple[Window, ...]:
    if len(windows) > _MOST_WINDOWS:
        raise Invalid(f"A bank has at most {_MOST_WINDOWS} down times.")
    found = tuple(Window(parse_time(one["from"]), parse_time(one["to"])) for one in windows)
    if any(window.since >= window.until for window in found):
        raise Invalid("A down time ends after it begins.")
    return found


def _wrong(where: str, message: str) -> Invalid:
    return Invalid(message, code="methods.invalid", field=where)


def patch_of(offers: Offers) -> dict[str, Any]:
    """What differs from the default, as `merged` reads it."""
    methods = {name: _method_patch(one) for name, one in offers.methods.items()}
    banks = {code: _bank_patch(one) for code, one in offers.banks.items()}
    networks = {name: on for name, on in offers.networks.items() if on != DEFAULT.networks[name]}
    parts: dict[str, dict[str, Any]] = {
        "methods": {name: patch for name, patch in methods.items() if patch},
        "banks": {code: patch for code, patch in banks.items() if patch},
        "card_networks": networks,
    }
    return {part: patch for part, patch in parts.items() if patch}


def _method_patch(one: MethodOffer) -> dict[str, Any]:
    default = DEFAULT.methods[one.method]
    told = {
        "enabled": (one.enabled, default.enabled),
        "title": (one.title, default.title),
        "min_amount": (one.lowest.wire(), default.lowest.wire()),
        "max_amount": (one.highest.wire(), default.highest.wire()),
    }
    return {name: mine for name, (mine, usual) in told.items() if mine != usual}


def _bank_patch(one: BankOffer) -> dict[str, Any]:
    windows = [{"from": rfc3339(w.since), "to": rfc3339(w.until)} for w in one.down]
    return ({} if one.enabled else {"enabled": False}) | ({"down": windows} if windows else {})
