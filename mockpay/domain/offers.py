"""
What a seller offers: methods with their limits, banks with their down times, card networks.

Everything has a default; `offer_patches` puts a seller's own wishes upon it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mockpay.domain.methods import cards, netbanking
from mockpay.domain.methods.registry import METHODS
from mockpay.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be chosen: a `reason` in the field's names, and a message."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Window:
    """A time at which a bank is down: from `since` until just before `until`."""

    since: int
    until: int

    def holds(self, now: int) -> bool:
        """Whether an instant lies in it."""
        return self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class MethodOffer:
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


@dataclass(frozen=True, slots=True)
class BankOffer:
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


@dataclass(frozen=True, slots=True)
class Offers:
    """All that a seller offers; `methods` and `banks` in the order in which pages show them."""

    methods: Mapping[str, MethodOffer]
    banks: Mapping[str, BankOffer]
    networks: Mapping[str, bool] = field(default_factory=dict)
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

    def bank_down(self, code: str, now: int) -> bool:
        """Whether a bank cannot be reached; one that nobody knows never can."""
        bank = self.banks.get(code)
        return bank is None or bank.is_down(now)

    def network_refusal(self, network: str) -> Refusal | None:
        """Why a card of this network is not taken; None where it is."""
        if self.networks.get(network, False):
            return None
        message = f"{network} cards are not taken by this seller."
        return Refusal("card_network_not_enabled", message)

    def refusal(self, method: str, chosen: Mapping[str, str], amount: Money, now: int) -> Refusal | None:
        """
        Why a payment cannot even be tried.

        A bank that is only down does not count: its try is made, and fails.

        Args:
            chosen: The instrument as it is stored with the attempt.
        """
        offered = self.methods.get(method)
        found = offered.refusal(amount) if offered else self.available(method, amount, now)
        if found is not None:
            return found
        if "network" in chosen:
            return self.network_refusal(chosen["network"])
        if "vpa" in chosen and not self.upi_collect:
            message = "Requests to a UPI ID are switched off; use the code or the app."
            return Refusal("upi_collect_not_enabled", message)
        bank = self.banks.get(chosen.get("bank", ""))
        if bank is not None and not bank.enabled:
            return bank.refusal(now)
        return None


DEFAULT = Offers(
    methods={code: MethodOffer(code, method.title, method.lowest, method.highest) for code, method in METHODS.items()},
    banks={bank.code: BankOffer(bank.code, bank.name, bank.common, bank.magic) for bank in netbanking.BANKS},
    networks=dict.fromkeys(cards.NETWORK_NAMES, True),
)
