"""An EMI plan in words, from what is stored with its attempt."""

from __future__ import annotations

from collections.abc import Mapping

from mockpay.domain.methods.emi_plans import BY_CODE
from mockpay.kernel.money import Money


def rate(bps: int) -> str:
    """An annual rate as lenders write it: ``16 %``, ``15.99 %``."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d}".rstrip("0") + " %" if rest else f"{whole} %"


def instalments(told: Mapping[str, object]) -> str:
    """``6 × ₹1,745.30`` for an instrument that is paid back; empty for any other."""
    if "instalment" not in told:
        return ""
    return f"{told['tenure']} × {Money.parse(str(told['instalment'])).display()}"


def plan(told: Mapping[str, object]) -> str:
    """``6 months at 16 %, HDFC Bank``."""
    lender = BY_CODE[str(told["emi_bank"])].name
    return f"{told['tenure']} months at {rate(int(str(told['rate_bps'])))}, {lender}"


def facts(told: Mapping[str, object]) -> list[dict[str, str]]:
    """What a result page tells of a plan; nothing for any other instrument."""
    if "instalment" not in told:
        return []
    lines = [{"label": "EMI plan", "value": plan(told)}, {"label": "Instalments", "value": instalments(told)}]
    discount = Money.parse(str(told["discount"]))
    if discount.minor:
        lines.append({"label": "No-cost discount", "value": discount.display()})
    return lines
