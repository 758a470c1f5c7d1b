"""Banks of net banking: the codes that PayU publishes for them, and ours."""

from __future__ import annotations

#: Banks by PayU's codes, where they are published (docs.payu.in, net banking codes); any other is named as ours.
_BANKS = {
    "AXIB": "UTIB",
    "HDFB": "HDFC",
    "ICIB": "ICIC",
    "SBIB": "SBIN",
    "162B": "KKBK",
    "YESB": "YESB",
    "INDB": "INDB",
    "IDBB": "IBKL",
    "PNBB": "PUNB_R",
    "BOBB": "BARB_R",
}


def bank_of(code: str) -> str:
    """A bank of net banking by PayU's code for it."""
    return _BANKS.get(code.upper(), code)


def bank_code_of(bank: str) -> str:
    """PayU's code for a bank of net banking."""
    return next((code for code, ours in _BANKS.items() if ours == bank), bank)
