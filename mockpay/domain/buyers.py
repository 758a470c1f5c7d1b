"""Buyers: who pays, and those who are there from the start with a history of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.kernel.errors import Invalid


class Kyc(StrEnum):
    """How well a wallet knows a buyer, which decides what its balance may hold."""

    MIN = "MIN"
    FULL = "FULL"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer of one seller; `created_at` is None for one who never signed in."""

    buyer_id: str
    seller_id: str
    email: str
    created_at: int | None = None


@dataclass(frozen=True, slots=True)
class SandboxBuyer:
    """
    A buyer who is there from the start, with an opening balance in paise.

    Pages offer those who are `offered`; what the others are for is not served yet.
    """

    local: str
    opening_minor: int
    description: str
    kyc: Kyc = Kyc.FULL
    frozen: bool = False
    offered: bool = True

    @property
    def email(self) -> str:
        """The address that they sign in with."""
        return f"{self.local}@{DOMAIN}"


_LONGEST_EMAIL = 254
#: Their e-mail domain.
DOMAIN = "buyers.mockpay.test"

#: facts, section 11.5; what the frozen balance holds is ours to choose.
BUYERS: tuple[SandboxBuyer, ...] = (
    SandboxBuyer("rich", 15_000_000, "has ₹1,50,000.00"),
    SandboxBuyer("poor", 1_000, "has ₹10.00"),
    SandboxBuyer("minkyc", 950_000, "has ₹9,500.00 and minimum KYC", Kyc.MIN),
    SandboxBuyer("frozen", 500_000, "has a frozen balance", frozen=True),
    SandboxBuyer("reload", 60_000, "has ₹600.00, reloaded below ₹500.00", offered=False),
    SandboxBuyer("reloadfail", 60_000, "has ₹600.00, and every reload is declined", offered=False),
    SandboxBuyer("reloadcap", 60_000, "has ₹600.00, and no reload is left today", offered=False),
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
