"""
Stripe: a front door for a seller's software, and a gateway that processes for a seller at the back.

Neither side sees what the other stores. Every wire fact, where it was seen and how sure it is: README.md here.
"""

from __future__ import annotations

from mockpay.providers.contract import Provider
from mockpay.providers.stripe import (
    calls,
    credentials,
    events,
    explanations,
    ids,
    order_objects,
    payment_methods,
    sessions,
    views,
)
from mockpay.providers.stripe.acquirer import answer, webhook
from mockpay.providers.stripe.gateway import StripeGateway

#: An intent may be tried for ever.
_MOST_ATTEMPTS = 10_000
#: Cards are not challenged unless their number asks for it, nobody is too quick, and a refund is there at once.
_USUAL = {"risk": "allow", "auth": "frictionless", "refund": "completed"}

provider = Provider(
    name=credentials.NAME,
    title="Stripe",
    opening="By a call of Stripe’s API",
    returning="ids and a status that nobody signs",
    listens=events.listens,
    takes=lambda method: method.code in payment_methods.TYPES,
    order_id=ids.order_id,
    attempt_id=ids.charge_id,
    refund_id=ids.refund_id,
    most_attempts=_MOST_ATTEMPTS,
    routable=False,
    default_outcomes=_USUAL,
    reusable=True,
    impossible=calls.IMPOSSIBLE,
    credentials=credentials.credentials,
    key_names=("secret_key",),
    observe=events.observe,
    order_objects=order_objects.order_objects,
    retry_profiles=events.RETRY_PROFILES,
    refusal_is_final=False,
    notify=events.notify,
    explain_signature=explanations.explain_signature,
    return_url=sessions.return_url,
    addresses=credentials.addresses,
    environment=credentials.environment,
    blueprint=views.blueprint,
    mount=credentials.MOUNT,
    hosts=frozenset({"api.stripe.com"}),
    prefixes=(credentials.MOUNT,),
    render_error=views.render_error,
    adapter=StripeGateway(),
    acquirer=answer,
    webhook=webhook,
)
