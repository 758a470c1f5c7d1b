"""Stripe's published names of test cards, and the number that each stands for (docs.stripe.com/testing)."""

from __future__ import annotations

from collections.abc import Mapping

#: What follows `pm_card_`; what a number means is told by the scenario table.
_NUMBERS: Mapping[str, str] = {
    "visa": "4242424242424242",
    "in": "4000003560000008",
    "us": "4242424242424242",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "diners": "30569309025904",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeCustomerFail": "4000000000000341",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003220",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "threeDSecureRequiredProcessingError": "4000008400001280",
    "threeDSecureOptional": "4000000000003055",
    "authenticationRequired": "4000002760003184",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequiredSetupForOffSession": "4000003800000446",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "radarBlock": "4100000000000019",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
}

#: The published card that a customer may keep though every charge of it is declined.
ATTACHED_THOUGH_DECLINED = frozenset({_NUMBERS["chargeCustomerFail"]})


def number_of(name: str) -> str | None:
    """The number of `pm_card_visa` or `tok_visa`; None where it is no such name."""
    for prefix in ("pm_card_", "tok_"):
        if name.startswith(prefix):
            return _NUMBERS.get(name.removeprefix(prefix))
    return None
