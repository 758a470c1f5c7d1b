"""The commands of the API by the name that a form has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockpay.providers.payu import actions, checkout_details, invoices, lookups, saved_cards, settlements
from mockpay.providers.payu.calls import Call

#: Commands of PayU that are not here.
ABSENT = frozenset({"edit_user_card", "edit_payment_instrument"})
COMMANDS: Mapping[str, Callable[[Call], dict[str, Any]]] = {
    "verify_payment": lookups.verify_payment,
    "check_payment": lookups.check_payment,
    "get_ws_response": lookups.get_ws_response,
    "get_TDR": settlements.get_tdr,
    "get_settlement_details": settlements.get_settlement_details,
    "get_checkout_details": checkout_details.get_checkout_details,
    "get_Transaction_Details": lookups.list_by_day,
    "get_transaction_info": lookups.list_by_second,
    "check_isDomestic": lookups.check_is_domestic,
    "getIssuingBankStatus": lookups.get_issuing_bank_status,
    "getNetbankingStatus": lookups.get_netbanking_status,
    "eligibleBinsForEMI": lookups.eligible_bins_for_emi,
    "getEmiAmountAccordingToInterest": lookups.get_emi_amounts,
    "validateVPA": lookups.validate_vpa,
    "capture_transaction": actions.capture,
    "cancel_refund_transaction": actions.cancel_or_refund,
    "cancel_transaction": actions.cancel_or_refund,
    "check_action_status": actions.check_action_status,
    "check_action_status_txnid": actions.check_action_status_txnid,
    "save_payment_instrument": saved_cards.save_card,
    "save_user_card": saved_cards.save_card,
    "get_payment_instrument": saved_cards.list_cards,
    "get_user_cards": saved_cards.list_cards,
    "delete_payment_instrument": saved_cards.delete_card,
    "delete_user_card": saved_cards.delete_card,
    "create_invoice": invoices.create_invoice,
    "expire_invoice": invoices.expire_invoice,
}
