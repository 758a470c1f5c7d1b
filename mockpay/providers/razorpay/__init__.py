"""
Razorpay: a front door for a seller's software, and a gateway that processes for a seller at the back.

Neither side sees what the other stores. Every wire fact, where it was seen and how sure it is: README.md here.
"""

from __future__ import annotations

from mockpay.providers.contract import Provider
from mockpay.providers.razorpay import calls, credentials, events, explanations, ids, order_objects, returns, views
from mockpay.providers.razorpay.acquirer import answer, webhook
from mockpay.providers.razorpay.gateway import RazorpayGateway

provider = Provider(
    name=credentials.NAME,
    title="Razorpay",
    opening="By a call of Razorpay’s API",
    returning="the payment’s id and signature, or its error",
    listens=events.listens,
    order_id=ids.order_id,
    attempt_id=ids.payment_id,
    refund_id=ids.refund_id,
    most_attempts=1_000,
    routable=False,
    reusable=True,
    takes_late_success=True,
    impossible=calls.IMPOSSIBLE,
    credentials=credentials.credentials,
    key_names=("key_id",),
    addresses=credentials.addresses,
    environment=credentials.environment,
    observe=events.observe,
    order_objects=order_objects.order_objects,
    retry_profiles=events.RETRY_PROFILES,
    refusal_is_final=False,
    notify=events.notify,
    explain_signature=explanations.explain_signature,
    return_url=returns.return_url,
    return_fields=returns.return_fields,
    blueprint=views.blueprint,
    mount=credentials.MOUNT,
    hosts=frozenset({"api.razorpay.com"}),
    prefixes=(credentials.MOUNT,),
    render_error=views.render_error,
    adapter=RazorpayGateway(),
    acquirer=answer,
    webhook=webhook,
)
