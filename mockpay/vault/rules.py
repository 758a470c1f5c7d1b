"""
Saved methods: tokens that stand for instruments, and what may be known and shown of each.

Two zones (facts, section 4): a seller sees the token, the last four digits, issuer and network;
the full number and expiry lie in the vault, which plays the network's token service.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from mockpay.domain.buyers import mask_email
from mockpay.domain.methods import cards, netbanking
from mockpay.domain.methods.cards import Card, TypedCard
from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.domain.timeline import Machine, steps
from mockpay.kernel import ids
from mockpay.kernel.clock import DAY, indian_midnight
from mockpay.kernel.errors import Invalid
from mockpay.kernel.keys.keyring import Keyring

_TOKEN_SIZE = 22
_CRYPTOGRAM_BYTES = 20
#: How long a cryptogram may wait for its payment, in ms.
CRYPTOGRAM_LIFE = DAY


def binding(seller_id: str, token: str, kind: str) -> str:
    """What a secret is sealed with, so that its row cannot be put in another's place."""
    return f"mockpay/vault/v1|{seller_id}|{token}|{kind}"


def scoped_fingerprint(keyring: Keyring, seller_id: str, identity: str) -> str:
    """An instrument's mark at one seller, to find it saved already."""
    return keyring.fingerprint("seller fingerprint", f"{seller_id}|{identity}")


def account_reference(keyring: Keyring, pan: str) -> str:
    """The PAR: the same for all tokens of one card; 4 letters of who issued it and 25 more."""
    mark = hmac.digest(keyring.derived("par"), pan.encode(), "sha256")
    return "MOCK" + base64.b32encode(mark).decode()[:25]


#: Beginnings of token numbers: in each network's range and of no test card, so that nobody can pay with one.
_TOKEN_BINS: Mapping[str, tuple[str, int]] = {
    "Visa": ("489537", 16),
    "Mastercard": ("520473", 16),
    "RuPay": ("817298", 16),
    "American Express": ("374499", 15),
    "Diners Club": ("361099", 14),
    "Maestro": ("503890", 16),
}


def token_number(seed: str, token: str, network: str) -> str:
    """The number that the network knows a card's token by; not the card's own, and Luhn-good."""
    prefix, length = _TOKEN_BINS[network]
    free = length - len(prefix) - 1
    dice = ids.number(seed, "token number", token, below=10**free)
    body = f"{prefix}{dice:0{free}d}"
    return next(number for digit in range(10) if cards.luhn(number := f"{body}{digit}"))


def new_token() -> str:
    """A token that nobody can guess."""
    return "tok_" + ids.base62(_TOKEN_SIZE)


def cryptogram(keyring: Keyring, seller_id: str, token: str) -> str:
    """A new one-time proof that this token pays now (a mock TAVV): 20 bytes in base64."""
    text = f"{seller_id}|{token}|{ids.entropy(16).hex()}"
    mark = hmac.digest(keyring.derived("cryptogram"), text.encode(), "sha256")
    return base64.b64encode(mark[:_CRYPTOGRAM_BYTES]).decode()


class Consent(Struct, frozen=True):
    """A buyer's own words: yes, to this text, at this moment."""

    text_version: str
    text_sha256: str
    accepted_at: int
    ip: str


#: What a buyer agrees to, by version; a text that was shown once is never changed.
CONSENT_TEXTS: Mapping[str, str] = {
    "1": "Save this payment method for faster payments to this seller. The card number and its "
    "expiry date are kept as a token by the network; the seller sees its last four digits. "
    "You can remove it at any time.",
    "reload-1": "Charge this card whenever my balance falls below the threshold, without asking me each time, within "
    "the limits set here. I get a message before and after each charge and can switch this off at any time.",
    "upi-1": "Save this UPI ID for faster payments to this seller. It is kept encrypted; the seller sees its "
    "first two characters and what follows the @. Each payment is still approved in your UPI app. "
    "You can remove it at any time.",
    "netbanking-1": "Save this bank for faster payments to this seller. Only the bank’s name is kept, no user name "
    "and no password. Each payment is still confirmed on the bank’s page. You can remove it at any time.",
    "wallet-1": "Save this balance for faster payments to this seller. Your e-mail is kept encrypted; the seller "
    "sees its first character and what follows the @. You can remove it at any time.",
}
#: The text that is shown now, by method.
CONSENT_VERSIONS: Mapping[str, str] = {
    "card": "1",
    "emi": "1",
    "upi": "upi-1",
    "netbanking": "netbanking-1",
    "wallet": "wallet-1",
}


#: The text of auto-reload.
RELOAD_TEXT = "reload-1"


def consent(accepted_at: int, ip: str, method: str = Card.method) -> Consent:
    """The consent of a buyer who was shown the text of a method."""
    return consent_to(CONSENT_VERSIONS[method], accepted_at, ip)


def consent_to(version: str, accepted_at: int, ip: str) -> Consent:
    """The consent of a buyer who was shown a text of `CONSENT_TEXTS`."""
    sha256 = ids.fingerprint(CONSENT_TEXTS[version].encode())
    return Consent(version, sha256, accepted_at, ip)


def check_consent(consent: Consent | None, *, reload: bool = False) -> Consent:
    """
    Refuse what is no consent to a text that we know.

    Args:
        reload: Whether the text of auto-reload is wanted; that of saving otherwise.

    Raises:
        Invalid: code ``consent.required``.
    """
    text = CONSENT_TEXTS.get(consent.text_version) if consent else None
    if consent is not None and (consent.text_version == RELOAD_TEXT) != reload:
        text = None
    if consent is None or text is None or ids.fingerprint(text.encode()) != consent.text_sha256:
        message = "A payment method is saved only with its owner's consent."
        raise Invalid(message, code="consent.required", field="save")
    return consent


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


class SavedMethod(Struct, frozen=True):
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
        return self.nickname or METHODS[self.kind].shown_saved(self.display)


@dataclass(frozen=True, slots=True)
class InstrumentParts:
    """An instrument taken apart for the vault."""

    kind: str
    display: Mapping[str, str]
    #: What only the vault may hold; empty where nothing is secret.
    secret: Mapping[str, str] = field(repr=False)
    #: What two savings of the same instrument have in common.
    identity: str = field(repr=False)
    expires_at: int | None = None
    refused: str | None = None


def split_instrument(instrument: Instrument) -> InstrumentParts:
    """
    What to keep of an instrument, and where.

    Raises:
        Invalid: code ``method.not_savable``: a UPI payment by QR code has no address to keep.
    """
    if isinstance(instrument, Card):
        return _card_parts(instrument.typed)
    if isinstance(instrument, Upi) and instrument.vpa:
        vpa = instrument.vpa.lower()
        return InstrumentParts(instrument.method, {"vpa": mask_address(vpa)}, {"vpa": vpa}, f"upi|{vpa}")
    if isinstance(instrument, NetBanking):
        bank = instrument.bank
        display = {"bank": bank, "bank_name": netbanking.BY_CODE[bank].name}
        return InstrumentParts(instrument.method, display, {}, f"netbanking|{bank}")
    if isinstance(instrument, Wallet):
        email = instrument.email
        return InstrumentParts(instrument.method, {"email": mask_email(email)}, {"email": email}, f"wallet|{email}")
    raise Invalid("This cannot be saved.", code="method.not_savable")


def _card_parts(card: TypedCard) -> InstrumentParts:
    return InstrumentParts(
        kind=Card.method,
        display={"network": card.brand, "last4": card.number[-4:], "issuer": card.issuer, "type": card.kind},
        secret={"pan": card.number, "expiry": f"{card.month:02d}/{card.year}"},
        identity=f"card|{card.number}",
        expires_at=_end_of(card.month, card.year),
        refused=NOT_TOKENISED if card.country != "IN" else None,
    )


def _end_of(month: int, year: int) -> int:
    """The instant after a card's last day in India."""
    return indian_midnight(year + month // 12, month % 12 + 1)


def mask_address(address: str) -> str:
    """A UPI ID as it may be shown: ``ga****@okhdfc``."""
    local, at, rest = address.partition("@")
    return f"{local[: min(2, len(local) - 1)]}****{at}{rest}"


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
