"""
Cards: networks by number, the rules of form, the test BINs, and the issuer's answers.

Ranges, codes and meanings: facts on the buyer's side, section 1.3, with sources there. The PAN lives here only as an
argument; a card that is no test card is refused before anything is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from mockpay.domain.methods import netbanking
from mockpay.domain.methods.iso8583 import RESPONSE_CODES
from mockpay.domain.methods.method import Method, Parts, Section
from mockpay.domain.scenarios.cards import NAME_PREFIX, auth_card_rows, auth_name_rows, card_rows
from mockpay.domain.scenarios.rows import Input
from mockpay.kernel.clock import indian
from mockpay.kernel.errors import Invalid, collect_invalid, raise_invalid
from mockpay.kernel.keys.keyring import Keyring
from mockpay.kernel.money import Money


class Brand(Struct, frozen=True):
    """A card network: its name, number lengths and CVV length."""

    name: str
    lengths: tuple[int, ...]
    cvv: int
    enabled: bool = True


_RUPAY = Brand("RuPay", (16,), 3)
_VISA = Brand("Visa", (16,), 3)
_MASTERCARD = Brand("Mastercard", (16,), 3)
_AMEX = Brand("American Express", (15,), 4)
_DINERS = Brand("Diners Club", (14,), 3)
_MAESTRO = Brand("Maestro", tuple(range(12, 20)), 3)
_FOREIGN = Brand("Discover, JCB or UnionPay", (16, 17, 18, 19), 3, enabled=False)

#: Networks whose cards can be taken at all, by name.
NETWORK_NAMES = tuple(brand.name for brand in (_VISA, _MASTERCARD, _RUPAY, _AMEX, _DINERS, _MAESTRO))

#: First six digits from and to, in the order in which they are tried: RuPay before the rest.
_RANGES: tuple[tuple[int, int, Brand], ...] = (
    (508500, 508999, _RUPAY),
    (606985, 607984, _RUPAY),
    (608001, 608500, _RUPAY),
    (652150, 653149, _RUPAY),
    (817200, 819899, _RUPAY),
    (340000, 349999, _AMEX),
    (370000, 379999, _AMEX),
    (300000, 305999, _DINERS),
    (360000, 369999, _DINERS),
    (380000, 399999, _DINERS),
    (501800, 501899, _MAESTRO),
    (502000, 502099, _MAESTRO),
    (503800, 503899, _MAESTRO),
    (504800, 504899, _MAESTRO),
    (589300, 589399, _MAESTRO),
    (630400, 630499, _MAESTRO),
    (675900, 675999, _MAESTRO),
    (676100, 676399, _MAESTRO),
    (510000, 559999, _MASTERCARD),
    (222100, 272099, _MASTERCARD),
    (601100, 601199, _FOREIGN),
    (644000, 649999, _FOREIGN),
    (352800, 358999, _FOREIGN),
    (620000, 629999, _FOREIGN),
    (400000, 499999, _VISA),
)


class Bin(Struct, frozen=True):
    """
    What is known of a test card by the first digits of its number.

    `issuer` is the bank's code, in EMI plans too; `emi` tells whether its cards may take one.
    """

    prefix: str
    issuer: str
    kind: str = "credit"
    country: str = "IN"
    emi: bool = False


#: Prefixes of published test cards; the longest that fits speaks.  A number outside of them
#: may be somebody's real card and is refused.
BINS: tuple[Bin, ...] = (
    Bin("4111111111111111", "HDFC", emi=True),
    Bin("42424242", "HDFC", emi=True),
    Bin("55555555", "ICIC", emi=True),
    Bin("37828224", "AMEX", emi=True),
    Bin("305693", "DINR"),
    Bin("41002800", "HDFC", emi=True),
    Bin("55006700", "ICIC", emi=True),
    Bin("652765", "SBIN", "debit"),
    Bin("360828", "DINR"),
    Bin("340256", "AMEX", emi=True),
    # Of the issuers with plans, this one has cards that are not eligible, such as this published Visa test card.
    Bin("512345", "ICIC", emi=True),
    Bin("401200", "HDFC"),
    Bin("608201", "SBIN", "debit"),
    Bin("370295", "AMEX", emi=True),
    Bin("524181", "HDFC", emi=True),
    Bin("401288", "CHAS", country="US"),
    Bin("510406", "CITI", country="US"),
    Bin("510510", "CITI", country="US"),
    Bin("510401", "ICIC", emi=True),
    Bin("526731", "ICIC", emi=True),
    Bin("471860", "HDFC", "debit", emi=True),
    Bin("530562", "ICIC", emi=True),
    Bin("400000", "UTIB", emi=True),
    Bin("410000", "UTIB", emi=True),
)

#: Issuers of test cards that are no banks of the list.
_OTHER_ISSUERS = {"AMEX": "American Express", "DINR": "Diners Club", "CHAS": "Chase Bank", "CITI": "Citibank"}

_CVV_BY_LENGTH = {3: re.compile("[0-9]{3}"), 4: re.compile("[0-9]{4}")}
_EXPIRY = re.compile(r"(0[1-9]|1[0-2]) ?/ ?([0-9]{2}|20[0-9]{2})")
_NAME = re.compile(r"[A-Za-z0-9 .'|\-]{1,26}")
_LONGEST_YEARS = 20
#: Digits of a card number.
_SHORTEST, _LONGEST = 12, 19


@dataclass(frozen=True, slots=True)
class TypedCard:
    """
    A card as it was typed and found good in form; never stored as it is.

    The CVV was looked at and is gone.
    """

    #: Never printed: an error report prints what it has at hand.
    number: str = field(repr=False)
    month: int
    year: int
    name: str
    brand: str
    issuer: str
    kind: str
    country: str
    emi: bool = False

    @property
    def masked(self) -> str:
        """First six, last four: ``411111XXXXXX1111``."""
        hidden = "X" * (len(self.number) - 10)
        return f"{self.number[:6]}{hidden}{self.number[-4:]}"


def luhn(number: str) -> bool:
    """Whether the check digit fits."""
    digits = [int(char) for char in reversed(number)]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


#: 13 to 19 digits in one run, or set apart by spaces or hyphens.
_RUN = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


def redact(text: str) -> str:
    """The text with all but the last four digits of each card number masked."""
    return _RUN.sub(_mask, text)


def _mask(run: re.Match[str]) -> str:
    digits, before = re.sub("[ -]", "", run[0]), run.string[max(run.start() - 1, 0) : run.start()]
    # Groups of digits after a letter or a hyphen are an id's.
    is_part = before.isdigit() or (digits != run[0] and (before.isalpha() or before == "-"))
    is_card = not is_part and luhn(digits) and brand_of(digits) is not None
    return f"{'X' * (len(digits) - 4)}{digits[-4:]}" if is_card else run[0]


def brand_of(number: str) -> Brand | None:
    """The network of a number; None where no range holds it."""
    first = int(number[:6]) if re.match("[0-9]{6}", number) else -1
    return next((brand for low, high, brand in _RANGES if low <= first <= high), None)


def network_prefixes() -> list[tuple[int, int, str]]:
    """First six digits from and to and the network's name, in the order in which they are tried."""
    return [(low, high, brand.name) for low, high, brand in _RANGES]


def bin_of(number: str) -> Bin | None:
    """The longest test BIN that a number begins with; None for what may be a real card."""
    fitting = (test_bin for test_bin in BINS if number.startswith(test_bin.prefix))
    return max(fitting, key=lambda test_bin: len(test_bin.prefix), default=None)


def issuer_name(code: str) -> str:
    """A card's issuer as people call it."""
    bank = netbanking.BY_CODE.get(code)
    return bank.name if bank else _OTHER_ISSUERS.get(code, f"{code} bank")


def typed(*, number: str, expiry: str, cvv: str, name: str, now: int) -> TypedCard:
    """
    Check a card's form.

    Args:
        expiry: ``MM/YY``; good through the last day of the month in India.
        now: The seller's time.

    Raises:
        Invalid: with the first `field` that is wrong, and the others; code ``test_card_required`` for a
            good number that is on no list of test cards.
    """
    errors: list[Invalid] = []
    with collect_invalid(errors):
        digits = _number(number)
        brand = _network(digits)
        test_bin = _test_card(digits)
    with collect_invalid(errors):
        month, year = _expiry(expiry, now)
    with collect_invalid(errors):
        _check_cvv(cvv, brand_of(digits_of(number)))
    with collect_invalid(errors):
        holder = _holder(name)
    raise_invalid(errors)
    return TypedCard(
        digits, month, year, holder, brand.name, test_bin.issuer, test_bin.kind, test_bin.country, test_bin.emi
    )


def digits_of(text: str) -> str:
    """A number as it was typed, without the blanks and hyphens that divide it."""
    return text.replace(" ", "").replace("-", "")


def _number(text: str) -> str:
    digits = digits_of(text)
    if not digits:
        raise _wrong("number", "card_number_invalid", "Type the number of the card.")
    if not (digits.isascii() and digits.isdigit()):
        raise _wrong("number", "card_number_invalid", "A card number consists of digits.")
    if not _SHORTEST <= len(digits) <= _LONGEST:
        message = f"A card number has {_SHORTEST} to {_LONGEST} digits; this one has {len(digits)}."
        raise _wrong("number", "card_number_invalid", message)
    if not luhn(digits):
        message = "This card number is mistyped: its last digit, the check digit, does not fit."
        raise _wrong("number", "card_number_invalid", message)
    return digits


def _network(digits: str) -> Brand:
    brand = brand_of(digits)
    if brand is None:
        message = f"No card network has numbers that begin with {digits[:4]}."
        raise _wrong("number", "card_number_invalid", message)
    if not brand.enabled:
        message = f"{brand.name} cards are not taken here."
        raise _wrong("number", "card_network_not_enabled", message)
    if len(digits) not in brand.lengths:
        lengths = " or ".join(str(length) for length in brand.lengths)
        message = f"A {brand.name} number has {lengths} digits; this one has {len(digits)}."
        raise _wrong("number", "card_number_invalid", message)
    return brand


def _test_card(digits: str) -> Bin:
    test_bin = bin_of(digits)
    if test_bin is None:
        message = "Only published test cards work here; never type a real card."
        raise _wrong("number", "test_card_required", message)
    return test_bin


def _expiry(text: str, now: int) -> tuple[int, int]:
    if not text.strip():
        raise _wrong("expiry", "incorrect_card_expiry_date", "Type until when the card is good, like 08/29.")
    match = _EXPIRY.fullmatch(text.strip())
    if match is None:
        raise _wrong("expiry", "incorrect_card_expiry_date", "The expiry is a month and a year, like 08/29.")
    month, year = int(match.group(1)), int(match.group(2)) % 100 + 2000
    today = indian(now)
    if (year, month) < (today.year, today.month):
        raise _wrong("expiry", "card_expired", "This card has expired.")
    if year > today.year + _LONGEST_YEARS:
        message = "No card is good for that long."
        raise _wrong("expiry", "incorrect_card_expiry_date", message)
    return month, year


def _check_cvv(cvv: str, brand: Brand | None) -> None:
    length = str(brand.cvv) if brand else "3 or 4"
    if not cvv:
        raise _wrong("cvv", "incorrect_cvv", f"Type the CVV, {length} digits printed on the card.")
    fitting = [_CVV_BY_LENGTH[brand.cvv]] if brand else _CVV_BY_LENGTH.values()
    if not any(pattern.fullmatch(cvv) for pattern in fitting):
        raise _wrong("cvv", "incorrect_cvv", f"The CVV has {length} digits.")


def _holder(name: str) -> str:
    holder = name.strip()
    if not holder:
        raise _wrong("name", "incorrect_cardholder_name", "Type the name as it is on the card.")
    if not _NAME.fullmatch(holder):
        message = "A name on a card has up to 26 letters from A to Z, digits, blanks and . ' | -"
        raise _wrong("name", "incorrect_cardholder_name", message)
    return holder


def _wrong(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, code=code, field=field)


_ROWS = (*card_rows(), *auth_card_rows(), *auth_name_rows())
_MAGIC_CVVS = frozenset(row.equals for row in _ROWS if row.input == Input.CVV)
#: A card that is named by control API was never typed; its form wants some CVV all the same.
_USUAL_CVV = 3


@dataclass(frozen=True, slots=True)
class Card:
    """A card, typed a moment ago; of its CVV only that it is a magic one, if it is."""

    typed: TypedCard
    magic_cvv: str | None = field(default=None, repr=False)

    method = "card"

    @property
    def inputs(self) -> Mapping[str, str]:
        """The number; a magic CVV or cardholder's name goes before it."""
        magic: dict[str, str] = {Input.CVV: self.magic_cvv} if self.magic_cvv else {}
        name = self.typed.name.upper()
        named: dict[str, str] = {Input.NAME: name} if name.startswith(NAME_PREFIX) else {}
        return {**magic, **named, Input.PAN: self.typed.number}

    @classmethod
    def read(cls, *, number: str, expiry: str, cvv: str, name: str, now: int) -> Card:
        """
        A card as its form brings it.

        Raises:
            Invalid: with the `field` that is wrong, as `typed` finds it.
        """
        card = typed(number=number, expiry=expiry, cvv=cvv, name=name, now=now)
        return cls(card, cvv if cvv in _MAGIC_CVVS else None)

    def dump(self) -> Mapping[str, str]:
        """Network, first six and last four digits, expiry: all that may be kept of a card."""
        card = self.typed
        return {
            "network": card.brand,
            "bin": card.number[:6],
            "last4": card.number[-4:],
            "expiry": f"{card.month:02d}/{card.year % 100:02d}",
            "issuer": card.issuer,
            "type": card.kind,
            "country": card.country,
        }

    def secret(self) -> Mapping[str, str]:
        """The full number, for the gateway's call."""
        return {"number": self.typed.number}


def read(parts: Parts, now: int, _amount: Money | None = None) -> Card:
    """A card of a form, or of the control API, which has no CVV."""
    number, name, expiry = (parts.get(part, "") for part in ("number", "name", "expiry"))
    if "cvv" in parts:
        return Card.read(number=number, expiry=expiry, cvv=parts["cvv"], name=name, now=now)
    brand = brand_of("".join(filter(str.isdecimal, number)))
    cvv = "0" * (brand.cvv if brand else _USUAL_CVV)
    return Card(typed(number=number, expiry=expiry, cvv=cvv, name=name, now=now))


def restore(secret: Parts, parts: Parts) -> Card | None:
    """A card from its number, without CVV and name; None where the number was shredded."""
    number = secret.get("number") or secret.get("pan")
    return restore_card(number, secret.get("expiry") or parts["expiry"]) if number else None


def restore_card(number: str, expiry: str) -> Card:
    """
    A card of which number and expiry (``08/29`` or ``08/2029``) were found good before.

    Raises:
        Invalid: code ``test_card_required``: never one of ours.
    """
    brand, test_bin = brand_of(number), bin_of(number)
    if brand is None or test_bin is None:
        raise Invalid("Only published test cards work here.", code="test_card_required")
    month, _, year = expiry.partition("/")
    return Card(
        TypedCard(
            number=number,
            month=int(month),
            year=int(year) % 100 + 2000,
            name="",
            brand=brand.name,
            issuer=test_bin.issuer,
            kind=test_bin.kind,
            country=test_bin.country,
            emi=test_bin.emi,
        )
    )


def title(parts: Parts) -> str:
    """``Visa •••• 1111``."""
    return f"{parts['network']} •••• {parts['last4']}"


def summary(parts: Parts) -> str:
    """``Visa •••• 1111, HDFC, credit``."""
    return f"{title(parts)}, {parts['issuer']}, {parts['type']}"


def _saved_title(parts: Parts) -> str:
    issuer = issuer_name(parts["issuer"])
    return title(parts) if issuer == parts["network"] else f"{issuer} {title(parts)}"


FACTS: Mapping[str, str] = {"auth_required": "Asked by the card’s issuer", "auth_ok": "By the card’s issuer"}
_PANS = frozenset({str(Input.PAN)})
METHOD = Method(
    code=Card.method,
    inputs=frozenset({"number", "expiry", "cvv", "name"}),
    match_keys=frozenset({"last4"}),
    order=2,
    title="Credit or debit card",
    tile="Card",
    noun="card",
    icon="card",
    subtitle="Credit or debit",
    response_codes=RESPONSE_CODES,
    instrument="card",
    instrument_title=title,
    saved_title=_saved_title,
    summary=summary,
    read=read,
    restore=restore,
    card=True,
    mandate=True,
    facts=FACTS,
    reference="ARN",
    rows=_ROWS,
    sections=(
        Section(
            title="Cards that pay",
            anchor="cards",
            description="Published test cards; expiry and CVV are free.",
            inputs=_PANS,
            prefix="card.good.",
        ),
        Section(
            title="Cards that are refused",
            anchor="refused",
            description="By number, or by a CVV on any card.",
            inputs=_PANS | {Input.CVV},
        ),
        Section(
            title="Cards and 3-D Secure",
            anchor="threeds",
            description="What becomes of their authentication.",
            inputs=_PANS,
            prefix="card.3ds.",
        ),
        Section(
            title="Cards and the risk check",
            anchor="card-risk",
            description="Before the issuer is asked.",
            inputs=_PANS,
            prefix="card.risk.",
        ),
        Section(
            title="Cardholder names",
            anchor="names",
            description="What 3-D Secure then makes of any card.",
            inputs=frozenset({Input.NAME}),
        ),
    ),
)


def card_fingerprint(keyring: Keyring, pan: str) -> str:
    """
    A card's mark across all sellers, for counting how often it comes by.

    Keyed, because every card number could be tried against a bare hash.
    """
    return keyring.fingerprint("fingerprint", f"card|{pan}")
