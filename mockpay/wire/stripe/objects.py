"""Stripe's objects with every field that the public clients know: what is not said is null, as there; lists of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def _nulls(names: str, **own: Any) -> dict[str, Any]:
    return {**dict.fromkeys(names.split()), **own}


#: What a billing address is where nothing is known.
_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
_BILLING = {"address": _ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None}
#: Fields beside `id`, `object`, `created` and `livemode`, from the clients' types (see the provider's README).
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "payment_intent": _nulls(
        "allowed_payment_method_types application application_fee_amount automatic_payment_methods canceled_at"
        " cancellation_reason client_secret customer customer_account description excluded_payment_method_types hooks"
        " last_payment_error latest_charge managed_payments next_action on_behalf_of payment_details payment_method"
        " payment_method_configuration_details payment_record presentment_details processing receipt_email review"
        " setup_future_usage shipping source statement_descriptor statement_descriptor_suffix transfer_data"
        " transfer_group",
        amount=0,
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method="automatic",
        confirmation_method="automatic",
        currency="inr",
        metadata={},
        payment_method_options={},
        payment_method_types=["card"],
        status="requires_payment_method",
    ),
    "charge": _nulls(
        "application application_fee application_fee_amount authorization_code balance_transaction"
        " calculated_statement_descriptor customer description failure_balance_transaction failure_code failure_message"
        " level3 on_behalf_of outcome payment_intent payment_method payment_method_details presentment_details"
        " radar_options receipt_email receipt_number receipt_url review shipping source source_transfer"
        " statement_descriptor statement_descriptor_suffix transfer transfer_data transfer_group",
        amount=0,
        amount_captured=0,
        amount_refunded=0,
        billing_details=_BILLING,
        captured=False,
        currency="inr",
        disputed=False,
        fraud_details={},
        metadata={},
        paid=False,
        refunded=False,
        status="pending",
    ),
    "refund": _nulls(
        "balance_transaction charge customer customer_account description destination_details"
        " failure_balance_transaction failure_reason instructions_email next_action payment_intent payment_method"
        " pending_reason presentment_details reason receipt_number source_transfer_reversal transfer_reversal",
        amount=0,
        currency="inr",
        metadata={},
        status="succeeded",
    ),
    "customer": _nulls(
        "address business_name currency customer_account default_source description discount email individual_name"
        " name phone shipping test_clock",
        balance=0,
        delinquent=False,
        invoice_credit_balance={},
        invoice_prefix="MOCKPAY",
        invoice_settings=dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options")),
        metadata={},
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
    ),
    "payment_method": _nulls(
        "customer customer_account",
        allow_redisplay="unspecified",
        billing_details=_BILLING,
        metadata={},
        radar_options={},
        type="card",
    ),
    "setup_intent": _nulls(
        "allowed_payment_method_types application attach_to_self automatic_payment_methods cancellation_reason"
        " client_secret customer customer_account description excluded_payment_method_types flow_directions"
        " last_setup_error latest_attempt managed_payments mandate next_action on_behalf_of payment_method"
        " payment_method_configuration_details payment_method_options single_use_mandate",
        metadata={},
        payment_method_types=["card"],
        status="requires_payment_method",
        usage="off_session",
    ),
    "event": _nulls("account context", api_version=None, data={}, pending_webhooks=0, request=None, type=""),
    "webhook_endpoint": _nulls(
        "api_version application description", enabled_events=[], metadata={}, status="enabled", url=""
    ),
    "checkout.session": _nulls(
        "adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types amount_subtotal"
        " amount_total billing_address_collection branding_settings cancel_url client_reference_id client_secret"
        " collected_information consent consent_collection currency currency_conversion customer customer_account"
        " customer_creation customer_details customer_email discounts excluded_payment_method_types"
        " integration_identifier invoice invoice_creation locale managed_payments name_collection optional_items"
        " origin_context payment_intent payment_link payment_method_collection payment_method_configuration_details"
        " permissions phone_number_collection presentment_details recovered_from redirect_on_completion return_url"
        " saved_payment_method_options setup_intent shipping_address_collection shipping_cost submit_type subscription"
        " success_url tax_id_collection total_details url wallet_options",
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        custom_fields=[],
        custom_text=dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        expires_at=0,
        metadata={},
        mode="payment",
        payment_method_options={},
        payment_method_types=["card"],
        payment_status="unpaid",
        shipping_options=[],
        status="open",
        ui_mode="hosted",
    ),
}
#: Fields that are there only where they say something.
_SOMETIMES: Mapping[str, frozenset[str]] = {
    "charge": frozenset({"refunds"}),
    "payment_method": frozenset({"card", "upi"}),
    "webhook_endpoint": frozenset({"secret"}),
    "checkout.session": frozenset({"line_items"}),
}
_NEVER: frozenset[str] = frozenset()
#: Refunds do not say which mode they are of.
_WITHOUT_MODE = frozenset({"refund"})


def new_object(kind: str, object_id: str, created: int, **fields: Any) -> dict[str, Any]:
    """
    An object of a kind; `created` in seconds.

    Raises:
        KeyError: it has no such field, or there is no such kind.
    """
    usual = _FIELDS[kind]
    if unknown := fields.keys() - usual.keys() - _SOMETIMES.get(kind, _NEVER):
        raise KeyError(*unknown)
    mode = {} if kind in _WITHOUT_MODE else {"livemode": False}
    return {"id": object_id, "object": kind, "created": created, **mode, **usual, **fields}


def new_list(url: str, entries: Sequence[Any], *, has_more: bool) -> dict[str, Any]:
    """
    A page of a list.

    Args:
        url: From `/v1/` on, whatever it is mounted below: the public Python client asks there for the next page.
    """
    return {"object": "list", "url": url, "has_more": has_more, "data": list(entries)}


#: What of an answer may be stored.
SHOWN = frozenset(
    "id object amount amount_capturable amount_received amount_captured amount_refunded currency status capture_method"
    " payment_method_types latest_charge payment_intent charge created livemode code decline_code network_decline_code"
    " message type param failure_code failure_message reason failure_reason refunded captured paid authorization_code"
    " last4 brand network funding network_status seller_message cancellation_reason canceled_at reference has_more url"
    " api_version pending_webhooks payment_method customer confirmation_method allow_redisplay doc_url country issuer"
    " available preferred refund".split()
)
SHOWN_HEADERS = frozenset(
    {"content-type", "retry-after", "request-id", "idempotent-replayed", "stripe-should-retry", "stripe-version"}
)
