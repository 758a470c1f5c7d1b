"""Stripe as a gateway that processes for a seller at the back; in process its own acquirer answers."""

from __future__ import annotations

from mockpay.providers.contract import Provider
from mockpay.providers.stripe.acquirer import answer
from mockpay.providers.stripe.gateway import StripeGateway

provider = Provider(name="stripe", title="Stripe", adapter=StripeGateway(), acquirer=answer)
