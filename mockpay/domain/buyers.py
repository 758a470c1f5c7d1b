"""Buyers: who pays, and those who are there from the start with a history of their own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.kernel.errors import Invalid


class Kyc(StrEnum):
    """How well a wallet knows a buyer, which decides what its balance may hold."""

    MIN = "MIN"
    FULL = "FULL"


class Buyer(Struct, frozen=True):
    """A buyer of one seller; `created_at` is None for one who never signed in."""

    buyer_id: str
    seller_id: str
    email: str
    created_at: int | None = None


class SandboxBuyer(Struct, frozen=True):
    """
    A buyer who is there from the start, with an opening balance in paise.

    Args:
        reload_card: The number of the card that auto-reload charges; empty for a buyer without auto-reload.
        reload_paused: Whether no reload is left on the day on which they first come by.
    """

    local: str
    opening_minor: int
    description: str
    kyc: Kyc = Kyc.FULL
    frozen: bool = False
    reload_card: str = ""
    reload_paused: bool = False

    @property
    def email(self) -> str:
        """The address that they sign in with."""
        return f"{self.local}@{DOMAIN}"


_LONGEST_EMAIL = 254
#: Their e-mail domain.
DOMAIN = "buyers.mockpay.test"

#: A card that can be charged without its owner, and one that is refused with 51.
_MANDATE_CARD, _REFUSED_CARD = "4718609108204366", "4100280000080001"
#: facts, section 11.5; what the frozen balance holds is ours to choose.
BUYERS: tuple[SandboxBuyer, ...] = (
    SandboxBuyer("rich", 15_000_000, "has ₹1,50,000.00"),
    SandboxBuyer("poor", 1_000, "has ₹10.00"),
    SandboxBuyer("minkyc", 950_000, "has ₹9,500.00 and minimum KYC", Kyc.MIN),
    SandboxBuyer("frozen", 500_000, "has a frozen balance", frozen=True),
    SandboxBuyer("reload", 60_000, "has ₹600.00; below ₹500.00 a card adds ₹1,000.00", reload_card=_MANDATE_CARD),
    SandboxBuyer("reloadfail", 60_000, "has ₹600.00, and every reload is declined", reload_card=_REFUSED_CARD),
    SandboxBuyer(
        "reloadcap", 60_000, "has ₹600.00, and no reload is left today", reload_card=_MANDATE_CARD, reload_paused=True
    ),
    SandboxBuyer("newbie", 0, "has no balance and no history"),
)

BY_EMAIL: Mapping[str, SandboxBuyer] = {buyer.email: buyer for buyer in BUYERS}


def normal_email(email: str) -> str:
    """
    An e-mail address in lower case.

    Raises:
        Invalid: code ``email.invalid``.
    """
    owner = email.strip().lower()
    name, at, domain = owner.partition("@")
    valid = owner.isascii() and owner.isprintable() and " " not in owner and len(owner) <= _LONGEST_EMAIL
    if not (name and at and "." in domain and "@" not in domain and valid):
        message = "An e-mail looks like name@example.com."
        raise Invalid(message, code="email.invalid", field="email")
    return owner


def mask_email(email: str) -> str:
    """An e-mail address as it may be shown: ``a***@example.com``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"


def opening_minor(email: str) -> int:
    """What a buyer's balance begins with; nought for anybody else."""
    sandbox_buyer = BY_EMAIL.get(email)
    return sandbox_buyer.opening_minor if sandbox_buyer else 0
