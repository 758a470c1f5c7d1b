"""What a seller's buyers may pay by, and which banks are down."""

from __future__ import annotations

from typing import Any

from mockpay.domain.methods.emi_plans import BY_CODE
from mockpay.domain.offers import BankOffer, Window
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import NotFound
from mockpay.providers.razorpay import ids
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.instruments import WALLET
from mockpay.services.sellers import offers
from mockpay.wire.razorpay import answers

_NETWORKS = {
    "American Express": "AMEX",
    "Diners Club": "DICL",
    "Mastercard": "MC",
    "Maestro": "MAES",
    "Visa": "VISA",
    "RuPay": "RUPAY",
}


def fetch(call: Call) -> Body:
    """The methods that are on."""
    offered = offers.of(call.sandbox)
    on = {code: offer.enabled for code, offer in offered.methods.items()}
    card = on.get("card", False)
    banks = {bank.code: bank.name for bank in offered.banks.values() if bank.enabled and not bank.magic}
    emi = {code: {str(plan.tenure): plan.rate_bps / 100 for plan in bank.plans} for code, bank in BY_CODE.items()}
    return {
        "entity": "methods",
        "card": card,
        "debit_card": card,
        "credit_card": card,
        "prepaid_card": card,
        "card_networks": {
            short: int(card and offered.networks.get(name, True)) for name, short in sorted(_NETWORKS.items())
        },
        "card_subtype": {"consumer": 1, "business": 0},
        "amex": card and offered.networks.get("American Express", True),
        "netbanking": banks if on.get("netbanking") else [],
        "wallet": {WALLET: True} if on.get("wallet") else [],
        "emi": bool(on.get("emi")),
        "emi_options": emi if on.get("emi") else [],
        "upi": bool(on.get("upi")),
        "upi_intent": bool(on.get("upi")),
        "cardless_emi": [],
        "paylater": [],
        "recurring": {},
    }


def list_downtimes(call: Call) -> Body:
    """Down times of banks that are going on or to come."""
    return answers.collection_body(_downtimes(call))


def fetch_downtime(call: Call, downtime_id: str) -> Body:
    """One of them."""
    for downtime in _downtimes(call):
        if downtime["id"] == downtime_id:
            return downtime
    raise NotFound("There is no such down time.", code="object.not_found", field="id")


def _downtimes(call: Call) -> list[dict[str, Any]]:
    banks = offers.of(call.sandbox).banks.values()
    return [_downtime(call, bank, window) for bank in banks for window in bank.down if window.until > call.sandbox.now]


def _downtime(call: Call, bank: BankOffer, window: Window) -> dict[str, Any]:
    started = window.holds(call.sandbox.now)
    return {
        "id": f"down_{ids.digits(call.sandbox.seller, 'down', bank.code, window.since)}",
        "entity": "payment.downtime",
        "method": "netbanking",
        "begin": window.since // SECOND,
        "end": window.until // SECOND,
        "status": "started" if started else "scheduled",
        "scheduled": not started,
        "severity": "high",
        "instrument": {"bank": bank.code},
        "created_at": window.since // SECOND,
        "updated_at": window.since // SECOND,
    }
