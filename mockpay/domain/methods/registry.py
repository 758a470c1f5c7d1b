"""The methods of payment, and the network that answers for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mockpay.domain import wallet
from mockpay.domain.methods import cards, netbanking, upi
from mockpay.domain.methods.response_codes import MoneyStatus, ResponseCodes
from mockpay.domain.payments.attempts import Attempt, Failure
from mockpay.kernel.errors import Invalid

#: Its own name for what a card pays in instalments.
EMI = "emi"
#: Whose buyer proves who they are to the card's issuer.
CARD_METHODS = frozenset({cards.METHOD, EMI})

NETWORKS: Mapping[str, ResponseCodes] = {
    upi.METHOD: upi.NETWORK,
    cards.METHOD: cards.NETWORK,
    EMI: replace(cards.NETWORK, method=EMI),
    netbanking.METHOD: netbanking.NETWORK,
    wallet.METHOD: wallet.NETWORK,
}

#: ISO 8583 field-39 codes worth asking for by amount.
ISO_CODES = tuple(code for code in cards.NETWORK.codes if code.isdigit() and code != "00")


def response_codes_of(attempt: Attempt) -> ResponseCodes:
    """The network that answers for an attempt."""
    return NETWORKS[attempt.method]


def no_answer_failure(attempt: Attempt) -> Failure:
    """Why an attempt ends that its buyer never answered."""
    network = response_codes_of(attempt)
    code = next((c for c, row in network.codes.items() if row.money is MoneyStatus.EXPIRED), None)
    if code is None:
        return Failure("customer", "payment_authentication", "payment_timed_out", "")
    return network.failure(code, "payment_authentication")


def check_outcome(outcome: str) -> None:
    """
    Refuse an outcome of the issuer's stage that no network knows.

    Raises:
        Invalid: code ``scenario.outcome``.
    """
    if any(network.has_outcome(outcome) for network in NETWORKS.values()):
        return
    message = f"No network has an outcome '{outcome}'."
    raise Invalid(message, code="scenario.outcome", outcome=outcome)
