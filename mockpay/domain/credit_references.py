"""The numbers by which banks find a credit: RRN, ARN and UTR."""

from __future__ import annotations

from mockpay.domain.methods.registry import METHODS
from mockpay.kernel import ids
from mockpay.kernel.clock import indian


def network_reference(method: str, refund_id: str, seed: str, completed_at: int, bank: str) -> tuple[str, str] | None:
    """
    The number by which a bank finds the credit: its kind and the digits; None for a balance.

    RRN: 12 digits (UPI).  ARN: 23 digits, 7 + acquirer's BIN + day of the year + sequence +
    check digit.  UTR: 16 characters, bank code + N + day of the year + sequence.
    """
    kind = METHODS[method].reference
    if kind is None:
        return None
    day = indian(completed_at)
    of_year = f"{day.timetuple().tm_yday:03d}"
    dice = ids.number(seed, "refund", refund_id, below=10**12)
    if kind == "RRN":
        return kind, f"{day.year % 10}{of_year}{dice % 10**8:08d}"
    if kind == "UTR":
        return kind, f"{(bank or 'MOCK')[:4]:M<4}N{day.year % 100:02d}{of_year}{dice % 10**6:06d}"
    digits = f"7410028{day.year % 10}{of_year}{dice % 10**11:011d}"
    return kind, digits + _check_digit(digits)


def _check_digit(digits: str) -> str:
    """The Luhn digit that makes `digits` right."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
