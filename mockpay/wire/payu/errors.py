"""PayU's codes: of payments (`E...`) and of captures, refunds and cancellations (numbers)."""

from __future__ import annotations

from collections.abc import Mapping

NO_ERROR = "E000"
PENDING = "E227"
#: Errors of payments that the public client paywix 2.0.2 knows by name; PENDING and E500 are documented beside them.
PAYMENT_ERRORS: Mapping[str, str] = {
    NO_ERROR: "No Error",
    "E201": "Brand Invalid",
    "E202": "Transaction Invalid",
    "E205": "Curl Error Enrolled",
    "E206": "Cutoff Error",
    "E207": "Invalid Transaction Type",
    "E208": "Bank Server Error",
    "E209": "No Bank Response",
    "E210": "Communication Error",
    "E211": "Network Error",
    "E214": "Curl Call Failure",
    "E216": "Batch Error",
    "E217": "Tranportal Id Error",
    "E218": "Card Issuer Timed Out",
    "E219": "Incomplete Bank Response",
    PENDING: "Transaction is Pending",
    "E300": "Secure 3D Password Error",
    "E301": "Secure 3D Incorrect",
    "E302": "Secure 3D Cancelled",
    "E303": "Authentication Error",
    "E500": "Bank failed to authenticate the customer",
}

#: Codes of captures, refunds and cancellations.
SUCCESSFUL, QUEUED = 100, 102
INVALID_AMOUNT, DUPLICATE_TOKEN, LOGGED, INVALID_STATUS, NOT_FOUND, LOCKED = 105, 106, 109, 111, 116, 120
ALREADY_CAPTURED, MORE_THAN_CAPTURABLE = 301, 303
EXCEPTION = 500
ACTION_ERRORS: Mapping[int, str] = {
    INVALID_AMOUNT: "Invalid amount",
    DUPLICATE_TOKEN: "Token already exists.",
    LOGGED: "Request is already logged",
    INVALID_STATUS: "Invalid transaction status",
    NOT_FOUND: "Transaction not exists",
    LOCKED: "Transaction lock could not be obtained.",
    ALREADY_CAPTURED: "Capture already successful for this transaction",
    MORE_THAN_CAPTURABLE: "Amount greater than maximum capturable amount",
}

#: Refusals that are about who asks.
INVALID_HASH, INVALID_KEY = "Invalid Hash.", "Invalid key."
DUPLICATE_TXNID = "Duplicate transaction id."
PARAMETER_MISSING, TOKEN_EMPTY, AMOUNT_EMPTY = "Parameter missing", "Token is empty", "Amount is empty"
TOO_MANY_REQUESTS = "Requests limit reached"
