"""
PayU India: a front door for a seller's software, and a gateway that processes for a seller at the back.

Neither side sees what the other stores. Every wire fact, where it was seen and how sure it is: README.md here.
"""

from __future__ import annotations

from mockpay.domain.scenarios.requested import NO_OLD_ANSWERS
from mockpay.providers.contract import Provider
from mockpay.providers.payu import credentials, explanations, ids, notifications, order_objects, returns, views
from mockpay.providers.payu.acquirer import answer, webhook
from mockpay.providers.payu.gateway import PayuGateway

provider = Provider(
    name=credentials.NAME,
    title="PayU",
    opening="By PayU’s form or API, hash matched",
    returning="the result and its reverse hash",
    order_id=ids.order_id,
    attempt_id=ids.mihpayid,
    refund_id=ids.request_id,
    routable=False,
    impossible=NO_OLD_ANSWERS,
    credentials=credentials.credentials,
    key_names=("key",),
    addresses=credentials.addresses,
    environment=credentials.environment,
    observe=notifications.observe,
    order_objects=order_objects.order_objects,
    notify=notifications.notify,
    notification_types=notifications.TYPES,
    retry_profiles=notifications.RETRY_PROFILES,
    explain_signature=explanations.explain_signature,
    return_url=returns.return_url,
    return_fields=returns.return_fields,
    blueprint=views.blueprint,
    mount=credentials.MOUNT,
    hosts=frozenset({"test.payu.in", "secure.payu.in", "info.payu.in"}),
    prefixes=(credentials.MOUNT,),
    render_error=views.render_error,
    adapter=PayuGateway(),
    acquirer=answer,
    webhook=webhook,
)
