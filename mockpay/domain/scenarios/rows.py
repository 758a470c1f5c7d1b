"""One row of the table of magic values, and the inputs that rows look at."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from mockpay.domain.payments.attempts import Stage


class Input(StrEnum):
    """Which input a row looks at."""

    VPA = "vpa"
    PIN = "pin"
    OTP = "otp"
    PAN = "pan"
    CVV = "cvv"
    NAME = "name"
    BANK = "bank"
    BANK_USER = "bank_user"
    IP = "ip"
    DEVICE = "device"
    EMAIL_DOMAIN = "email_domain"
    BUYER_NAME = "buyer_name"
    AMOUNT = "amount"
    REFUND_AMOUNT = "refund_amount"
    #: The amount of an order that is refunded in full.
    REFUND_OF = "refund_of"


class Row(Struct, frozen=True):
    """
    One agreed input: `input` is looked at, `equals` what, and what then happens at `stage`.

    `equals` may begin or end with ``*``; an exact row goes before such a one. `origin` says whose habit it follows. A
    row that is not active is listed only: a good card leaves it to the amount how the payment goes.
    """

    name: str
    stage: Stage
    input: str
    equals: str
    outcome: str
    description: str
    origin: str = "mockpay"
    active: bool = True
