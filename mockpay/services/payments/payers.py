"""Who pays."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.risk.assessment import Inputs
from mockpay.services.payments.authentication import CheckoutContext
from mockpay.vault.consents import Consent

_NOTHING_TOLD, _NOWHERE = Inputs(), CheckoutContext()


@dataclass(frozen=True, slots=True)
class Payer:
    """
    Who pays, and from where.

    `inputs` is what the risk check may look at, `ways` where their browser is; a `buyer_id`
    is a signed-in buyer's, whose `consent` saves what pays now.
    """

    inputs: Inputs = _NOTHING_TOLD
    ways: CheckoutContext = _NOWHERE
    buyer_id: str | None = None
    consent: Consent | None = None


GUEST = Payer()
