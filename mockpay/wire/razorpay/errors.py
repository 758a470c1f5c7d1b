"""Descriptions of errors in Razorpay's own words; how sure each is: README.md of `providers/razorpay`."""

from __future__ import annotations

AUTHENTICATION_FAILED = "Authentication failed"
NOT_FOUND = "The id provided does not exist"
URL_NOT_FOUND = "The requested URL was not found on the server."
TOO_SMALL = "The amount must be at least INR 1.00"
TOO_LARGE = "Amount exceeds maximum amount allowed."
CURRENCY = "Currency is not supported"
OTHER_AMOUNT = (
    "Your payment amount is different from your order amount. To pay successfully, please try using right amount."
)
PAID = "Payment already done for this order."
ALREADY_CAPTURED = "This payment has already been captured"
NOT_AUTHORIZED = "Only payments which have been authorized and not yet captured can be captured"
OTHER_CAPTURE = "Capture amount must be equal to the amount authorized"
NOT_CAPTURED = "The payment status should be captured for action to be taken"
FULLY_REFUNDED = "The payment has been fully refunded already"
OVER_REFUND = "The refund amount provided is greater than amount captured"
OTHER_REFUND = "Different request with the same idempotency key has already been processed."
REFUND_IN_FLIGHT = "Request failed because another refund request with the same idempotency key is in progress."
RECEIPT_TAKEN = "Receipt already exists. Please use a different receipt."
KEY_FORM = "The idempotency key must have 10 characters or more of letters, digits, hyphens and underscores."
TOO_MANY = "Request failed. Please try after sometime."
SERVER = "We are facing some trouble completing your request at the moment. Please try again shortly."


def not_an_integer(name: str) -> str:
    """For an amount, a count or an instant that is a fraction, a word or too long to be a number."""
    return f"The {name} must be an integer."


def missing(name: str) -> str:
    """For a field that has to be there."""
    return f"The {name.replace('_', ' ')} field is required."


def not_required(names: list[str]) -> str:
    """For fields that nobody has asked for."""
    return f"{', '.join(names)} is/are not required and should not be sent"


def too_long(name: str, most: int) -> str:
    """For a text."""
    return f"The {name} may not be greater than {most} characters."
