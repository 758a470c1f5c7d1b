"""Money as whole paise: parsed from and printed for wires and people, never a float."""

from __future__ import annotations

import re

from msgspec import Struct

from mockpay.kernel.errors import Invalid

#: ASCII digits only (`\d` would take other scripts'), no sign, exponent or leading zero;
#: fullmatch, because `$` would let a newline pass.  Contract section 5.
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{1,2}))?")

#: The smallest payment, in paise; a capture and a refund may be of a single one (contract section 5).
MINIMUM_MINOR = 100


class Money(Struct, frozen=True, order=True):
    """An amount in minor units (paise) of one currency."""

    minor: int
    currency: str = "INR"

    @classmethod
    def parse(cls, text: str, currency: str = "INR") -> Money:
        """
        Read a wire amount such as ``"1.00"``.

        Raises:
            Invalid: code ``amount.invalid``, for anything but plain ASCII rupees and paise.
        """
        match = _AMOUNT.fullmatch(text)
        if match is None:
            raise Invalid("The amount must look like 1.00: digits, at most two after the point.", code="amount.invalid")
        rupees, paise = match.groups()
        return cls(int(rupees) * 100 + int((paise or "").ljust(2, "0")), currency)

    def wire(self) -> str:
        """Print as ``"1.00"``, the form of every wire."""
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{abs(self.minor) // 100}.{abs(self.minor) % 100:02d}"

    def display(self) -> str:
        """Print for people, in lakh and crore groups: ``₹1,23,456.00``."""
        # Babel is loaded only where a page shows an amount: start time and memory count.
        from decimal import Decimal  # noqa: PLC0415

        from babel.numbers import format_currency  # noqa: PLC0415

        return format_currency(Decimal(self.minor) / 100, self.currency, locale="en_IN")

    def __add__(self, other: Money) -> Money:
        """Add an amount of the same currency."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Take away an amount of the same currency."""
        return Money(self.minor - self._same(other), self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise Invalid("The currencies differ.", code="currency.mismatch")
        return other.minor
