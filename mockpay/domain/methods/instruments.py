"""What is paid with; each knows what may be stored of it, and what only its vault may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mockpay.domain import wallet
from mockpay.domain.methods import cards, emi, netbanking, upi
from mockpay.domain.methods.cards import TypedCard
from mockpay.domain.methods.emi import Terms
from mockpay.domain.methods.emi_plans import EmiPlan
from mockpay.domain.scenarios.authentication import NAME_PREFIX
from mockpay.domain.scenarios.resolution import Input, find
from mockpay.kernel.money import Money


class Instrument(Protocol):
    """What a payment needs to know of any instrument."""

    @property
    def method(self) -> str:
        """Its kind."""
        ...

    @property
    def inputs(self) -> Mapping[Input, str]:
        """What the scenario table may look at."""
        ...

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt and told to people: never a full card number."""
        ...

    def secret(self) -> Mapping[str, str]:
        """What is sealed in the attempt's vault until it ends; empty for most."""
        ...


@dataclass(frozen=True, slots=True)
class Upi:
    """
    UPI: by a request to a VPA (collect), or by a QR code or link that opens an app (intent).
    """

    vpa: str | None = None

    method = upi.METHOD

    @property
    def flow(self) -> str:
        """``collect`` or ``intent``."""
        return "collect" if self.vpa else "intent"

    @property
    def inputs(self) -> Mapping[Input, str]:
        """The UPI ID, where one was typed."""
        return {Input.VPA: self.vpa} if self.vpa else {}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"flow": self.flow, **({"vpa": self.vpa} if self.vpa else {})}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Card:
    """A card, typed a moment ago; of its CVV only that it is a magic one, if it is."""

    typed: TypedCard
    magic_cvv: str | None = field(default=None, repr=False)

    method = cards.METHOD

    @property
    def inputs(self) -> Mapping[Input, str]:
        """The number; a magic CVV or cardholder's name goes before it."""
        magic = {Input.CVV: self.magic_cvv} if self.magic_cvv else {}
        name = self.typed.name.upper()
        named = {Input.NAME: name} if name.startswith(NAME_PREFIX) else {}
        return {Input.PAN: self.typed.number, **named, **magic}

    @classmethod
    def read(cls, *, number: str, expiry: str, cvv: str, name: str, now: int) -> Card:
        """
        A card as its form brings it.

        Raises:
            Invalid: with the `field` that is wrong, as `cards.typed` tells it.
        """
        typed = cards.typed(number=number, expiry=expiry, cvv=cvv, name=name, now=now)
        return cls(typed, cvv if find(Input.CVV, cvv) else None)

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


@dataclass(frozen=True, slots=True)
class Emi:
    """A card that pays the order at once and is paid back in instalments."""

    card: Card
    plan: EmiPlan
    terms: Terms

    method = "emi"

    @classmethod
    def chosen(
        cls, card: Card, amount: Money, *, bank: str, tenure: str, no_cost: bool, eligible: bool
    ) -> Emi:
        """
        A card with a plan of its own bank.

        Args:
            tenure: Months, as typed.
            eligible: Whether the buyer may take debit EMI.

        Raises:
            Invalid: one of the codes of `emi.check`.
        """
        typed = card.typed
        plan = emi.check(
            amount,
            bank,
            _months(tenure),
            issuer=typed.issuer,
            kind=typed.kind,
            eligible=eligible and typed.emi,
        )
        terms = emi.no_cost if no_cost else emi.usual
        return cls(card, plan, terms(amount, plan.rate_bps, plan.tenure))

    @property
    def inputs(self) -> Mapping[Input, str]:
        """The card's."""
        return self.card.inputs

    def dump(self) -> Mapping[str, str]:
        """The card as it is stored, the plan, and what it costs."""
        return {
            **self.card.dump(),
            "emi_bank": self.plan.bank,
            "tenure": str(self.plan.tenure),
            "rate_bps": str(self.plan.rate_bps),
            "instalment": self.terms.instalment.wire(),
            "total_interest": self.terms.total_interest.wire(),
            "discount": self.terms.discount.wire(),
            "charged": self.terms.charged.wire(),
        }

    def secret(self) -> Mapping[str, str]:
        """The card's full number, for the gateway's call."""
        return self.card.secret()


def _months(tenure: str) -> int:
    """As typed; nought, which no plan has, for what is no number of months."""
    return int(tenure) if re.fullmatch("[0-9]{1,3}", tenure) else 0


@dataclass(frozen=True, slots=True)
class NetBanking:
    """The buyer's own bank."""

    bank: str

    method = netbanking.METHOD

    @property
    def inputs(self) -> Mapping[Input, str]:
        """The bank's code."""
        return {Input.BANK: self.bank}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"bank": self.bank, "bank_name": netbanking.BY_CODE[self.bank].name}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class Wallet:
    """Amazon Pay balance of a buyer."""

    email: str

    method = wallet.METHOD

    @property
    def inputs(self) -> Mapping[Input, str]:
        """Nothing magic: the balance itself decides."""
        return {}

    def dump(self) -> Mapping[str, str]:
        """As stored with the attempt."""
        return {"email": self.email}

    def secret(self) -> Mapping[str, str]:
        """Nothing."""
        return {}
