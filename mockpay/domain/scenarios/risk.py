"""
Rows for the risk check: cards and amounts that decide it, and inputs that a rule knows.

The outcome of a card, an amount or a UPI ID is what the risk stage then decides.  What is only
told of a buyer (address, device, e-mail, name) decides nothing by itself: its outcome names the
rule of `risk_rules.py` that has it on its list, so that switching the rule off switches it off.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Input, Row

#: What the risk stage may be told to decide; `highest` leaves it to the rule RISK_HIGHEST.
RISK_OUTCOMES = frozenset({"success", "allow", "challenge", "review", "decline", "highest"})
#: An address of this kind lies in a country: ``ip_country:US``.
IP_COUNTRY = "ip_country:"

_AMOUNTS: tuple[tuple[str, str, str], ...] = (
    ("01", "challenge", "the risk check asks for authentication"),
    ("02", "review", "the risk check wants somebody to look at the payment"),
    ("03", "decline", "the risk check declines"),
)
_CARDS: tuple[tuple[str, str, str], ...] = (
    ("4100000000000019", "decline", "the risk check always declines this card"),
    ("4000000000004954", "highest", "highest risk, declined where the rule RISK_HIGHEST is on"),
    ("4000000000009235", "review", "elevated risk, put aside for review"),
)
_BUYER_FACTS: tuple[tuple[Input, str, str, str], ...] = (
    (Input.IP, "192.0.2.66", "ip_block", "a blocked address"),
    (Input.IP, "198.51.100.66", "ip_proxy", "an address of a proxy"),
    (Input.IP, "203.0.113.66", IP_COUNTRY + "US", "an address in the US"),
    (Input.IP, "192.0.2.*", IP_COUNTRY + "IN", "an ordinary address in India"),
    (Input.DEVICE, "dev_blocked", "device_block", "a blocked device"),
    (Input.DEVICE, "dev_new", "device_new", "a device that is new every time"),
    (Input.DEVICE, "dev_shared", "device_many_cards", "a device that too many cards were used on"),
    (Input.EMAIL_DOMAIN, "disposable.test", "email_disposable", "a throw-away mailbox"),
    (Input.BUYER_NAME, "REVIEW ME", "name_review", "a buyer whom somebody should look at"),
)


def risk_rows() -> Iterable[Row]:
    """All of them; the facts' sections 11.1, 11.3, 11.5 and 11.6."""
    for code, outcome, description in _AMOUNTS:
        yield Row(f"amount.risk.{code}", Stage.RISK, Input.AMOUNT, f"1706.{code}", outcome, description)
    for number, outcome, description in _CARDS:
        name = f"card.risk.{number[:4]}-{number[-4:]}"
        yield Row(name, Stage.RISK, Input.PAN, number, outcome, description, "Stripe")
    description = "a blocked UPI ID"
    yield Row("upi.blocked", Stage.RISK, Input.VPA, "blocked@mockpay", "decline", description)
    for input_, value, outcome, description in _BUYER_FACTS:
        name = f"risk.{input_}.{value.lower().replace(' ', '-')}"
        yield Row(name, Stage.RISK, input_, value, outcome, description)


def listed(outcome: str) -> frozenset[str]:
    """The inputs that stand on the list of a rule."""
    return frozenset(row.equals for row in risk_rows() if row.outcome == outcome)


#: UPI IDs that are blocked as such.
BLOCKED_VPAS = frozenset(row.equals for row in risk_rows() if row.input == Input.VPA)
_COUNTRIES = {
    row.equals: row.outcome.removeprefix(IP_COUNTRY) for row in risk_rows() if row.outcome.startswith(IP_COUNTRY)
}


def country_of(ip: str) -> str | None:
    """Where an address lies; None for one that the table does not know."""
    network = ip.rpartition(".")[0] + ".*"
    return _COUNTRIES.get(ip) or _COUNTRIES.get(network)
