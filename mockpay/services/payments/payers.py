"""Who pays, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.risk.assessment import Inputs
from mockpay.threeds.rules import Browser
from mockpay.vault.consents import Consent

_NO_INPUTS, _NO_BROWSER = Inputs(), Browser(ip="127.0.0.1")


@dataclass(frozen=True, slots=True)
class CheckoutContext:
    """
    Where the buyer's browser is, and what it tells.

    `page_url` is the payment's page, absolute, without a slash at the end; empty where no
    browser is there: a payment by 3-D Secure then waits for one.
    """

    page_url: str = ""
    browser: Browser = _NO_BROWSER
    payee: str | None = None


_NO_CHECKOUT = CheckoutContext()


@dataclass(frozen=True, slots=True)
class Payer:
    """
    Who pays, and from where.

    `inputs` is what the risk check may look at; a `buyer_id` is a signed-in buyer's, whose
    `consent` saves what pays now.
    """

    inputs: Inputs = _NO_INPUTS
    checkout: CheckoutContext = _NO_CHECKOUT
    buyer_id: str | None = None
    consent: Consent | None = None


GUEST = Payer()
