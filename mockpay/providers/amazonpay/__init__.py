"""
Amazon Pay India: the payment page's front door and the server-to-server operations.

Every wire fact, where it was seen and how sure it is: README.md in this folder.
"""

from __future__ import annotations

from msgspec.structs import replace

from mockpay.domain.methods import wallet
from mockpay.providers.amazonpay import (
    error_responses,
    ids,
    keys,
    notifications,
    operations,
    simulation,
    subscriptions,
    views,
)
from mockpay.providers.amazonpay.process_payment import Shortcut
from mockpay.providers.amazonpay.return_url import return_url
from mockpay.providers.amazonpay.signatures import explain_signature
from mockpay.providers.amazonpay.throttling import PROFILES
from mockpay.providers.contract import Provider

BALANCE = replace(
    wallet.METHOD, title="Amazon Pay balance", tile="Amazon Pay", noun="Amazon Pay balance", decider="Amazon Pay"
)
provider = Provider(
    name=ids.NAME,
    title="Amazon Pay",
    opening="Payload decrypted, signature matched",
    returning="the signed result",
    own_methods={wallet.METHOD.code: BALANCE},
    order_id=ids.order_id,
    refund_id=ids.refund_id,
    simulation=simulation.WHERE,
    payment_simulation=simulation.of_payment,
    refund_simulation=simulation.of_refund,
    throttling_profiles=frozenset(PROFILES),
    retry_profiles=notifications.RETRY_PROFILES,
    notification_types=notifications.TYPES,
    notify=notifications.notify,
    order_objects=operations.order_objects,
    return_url=return_url,
    addresses=keys.addresses,
    credentials=keys.credentials,
    environment=keys.environment,
    explain_signature=explain_signature,
    key_files=keys.KEY_FILES,
    blueprint=views.blueprint,
    shortcut=Shortcut,
    prefixes=views.PREFIXES,
    answer_root=subscriptions.answer_root,
    render_error=error_responses.error_of_path,
)
