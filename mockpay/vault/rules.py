"""
Saved methods: tokens that stand for instruments, and what may be known and shown of each.

Two zones (facts, section 4): a seller sees the token, the last four digits, issuer and network;
the full number and expiry lie in the vault, which plays the network's token service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mockpay.domain import wallet
from mockpay.domain.methods import cards, netbanking, upi
from mockpay.domain.methods.cards import TypedCard, bin_of, brand_of
from mockpay.domain.methods.instruments import Card, Instrument, NetBanking, Upi, Wallet
from mockpay.domain.state_machine import Machine, steps
from mockpay.kernel.clock import IST, SECOND
from mockpay.kernel.errors import Invalid


class MethodStatus(StrEnum):
    """Deactivated is final, whoever did it: the buyer, the bank, or the calendar."""

    INITIATED = "INITIATED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    DEACTIVATED = "DEACTIVATED"
    FAILED = "FAILED"


_S = MethodStatus

#: facts, section 12.6.
SAVED_METHOD: Machine[MethodStatus] = Machine(
    "saved method",
    {
        **steps([_S.INITIATED], activate=_S.ACTIVE, refuse=_S.FAILED),
        **steps([_S.ACTIVE], suspend=_S.SUSPENDED),
        **steps([_S.SUSPENDED], resume=_S.ACTIVE),
        **steps([_S.ACTIVE, _S.SUSPENDED], deactivate=_S.DEACTIVATED),
    },
)
#: These can pay now or again, and one of them is the buyer's default.
LIVE = frozenset({_S.ACTIVE, _S.SUSPENDED})

#: Cards issued abroad get no token: the rules on tokens (RBI, card-on-file) are India's own.
NOT_TOKENISED = "international_card_not_tokenised"
DELETED = "deleted_by_buyer"

_LONGEST = 40
#: A card's first six and last four digits may be known; more in a nickname would be a number.
_MOST_DIGITS = 10


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """One saved method as stored, without its secret; instants in ms of the seller's time."""

    token: str
    seller_id: str
    buyer_id: str
    kind: str
    status: MethodStatus
    status_reason: str | None
    display: Mapping[str, str]
    nickname: str | None
    token_last4: str | None
    par: str | None
    is_default: bool
    consent_id: str
    attempt_id: str | None
    created_at: int
    updated_at: int
    last_used_at: int | None
    expires_at: int | None

    @property
    def live(self) -> bool:
        """Whether it can pay, now or when it is resumed."""
        return self.status in LIVE

    @property
    def title(self) -> str:
        """What a buyer knows it by: the nickname, else what is shown of it."""
        return self.nickname or _title(self.kind, self.display)


@dataclass(frozen=True, slots=True)
class Parts:
    """An instrument taken apart for the vault."""

    kind: str
    display: Mapping[str, str]
    #: What only the vault may hold; empty where nothing is secret.
    secret: Mapping[str, str] = field(repr=False)
    #: What two savings of the same instrument have in common.
    identity: str = field(repr=False)
    expires_at: int | None = None
    refused: str | None = None


def parts(instrument: Instrument) -> Parts:
    """
    What to keep of an instrument, and where.

    Raises:
        Invalid: code ``method.not_savable``: a UPI payment by QR code has no address to keep.
    """
    if isinstance(instrument, Card):
        return _card_parts(instrument.typed)
    if isinstance(instrument, Upi) and instrument.vpa:
        vpa = instrument.vpa.lower()
        return Parts(upi.METHOD, {"vpa": masked(vpa)}, {"vpa": vpa}, f"upi|{vpa}")
    if isinstance(instrument, NetBanking):
        bank = instrument.bank
        shown = {"bank": bank, "bank_name": netbanking.BY_CODE[bank].name}
        return Parts(netbanking.METHOD, shown, {}, f"netbanking|{bank}")
    if isinstance(instrument, Wallet):
        email = instrument.email
        return Parts(wallet.METHOD, {"email": masked(email)}, {"email": email}, f"wallet|{email}")
    raise Invalid("This cannot be saved.", code="method.not_savable")


def _card_parts(card: TypedCard) -> Parts:
    return Parts(
        kind=cards.METHOD,
        display={"network": card.brand, "last4": card.number[-4:], "issuer": card.issuer, "type": card.kind},
        secret={"pan": card.number, "expiry": f"{card.month:02d}/{card.year}"},
        identity=f"card|{card.number}",
        expires_at=_end_of(card.month, card.year),
        refused=NOT_TOKENISED if card.country != "IN" else None,
    )


def _end_of(month: int, year: int) -> int:
    """The instant after a card's last day in India."""
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=IST)
    return int(following.timestamp()) * SECOND


def restored(kind: str, secret: Mapping[str, str], display: Mapping[str, str]) -> Instrument:
    """The instrument again; a card comes without its CVV and its holder's name."""
    if kind == cards.METHOD:
        return card(secret["pan"], secret["expiry"])
    if kind == upi.METHOD:
        return Upi(secret["vpa"])
    if kind == wallet.METHOD:
        return Wallet(secret["email"])
    return NetBanking(display["bank"])


def card(number: str, expiry: str) -> Card:
    """
    A card of which number and expiry (``08/29`` or ``08/2029``) were found good before.

    Raises:
        Invalid: code ``test_card_required``: never one of ours.
    """
    brand, known = brand_of(number), bin_of(number)
    if brand is None or known is None:
        raise Invalid("Only published test cards work here.", code="test_card_required")
    month, _, year = expiry.partition("/")
    return Card(
        TypedCard(
            number=number,
            month=int(month),
            year=int(year) % 100 + 2000,
            name="",
            brand=brand.name,
            issuer=known.issuer,
            kind=known.kind,
            country=known.country,
            emi=known.emi,
        )
    )


def has_secret(kind: str) -> bool:
    """Whether the vault holds something of this kind; a bank's name is no secret."""
    return kind != netbanking.METHOD


def masked(address: str) -> str:
    """A UPI ID or an e-mail as it may be shown: ``ga****@okhdfc``."""
    local, at, rest = address.partition("@")
    return f"{local[: min(2, len(local) - 1)]}****{at}{rest}"


def _title(kind: str, shown: Mapping[str, str]) -> str:
    if kind == cards.METHOD:
        return f"{shown['issuer']} {shown['network']} ending in {shown['last4']}"
    return shown.get("vpa") or shown.get("bank_name") or f"Amazon Pay balance of {shown['email']}"


def nickname(typed: str) -> str | None:
    """
    A nickname as it is kept; None for an empty one.

    Raises:
        Invalid: code ``nickname.invalid``: too long, unprintable, or a card number perhaps.
    """
    name = " ".join(typed.split())
    digits = sum(char.isdigit() for char in name)
    if len(name) > _LONGEST or not name.isprintable() or digits > _MOST_DIGITS:
        message = "A nickname has at most 40 characters and is no card number."
        raise Invalid(message, code="nickname.invalid", field="nickname")
    return name or None
