"""
The rows of the scenario table, written down: which input, at which stage, to what end.

`origin` says whose published habit a row follows; docs/scenarios.md is made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mockpay.domain.methods import iso8583, upi
from mockpay.domain.methods.registry import ISO_CODES
from mockpay.domain.payments.plans import Stage


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


@dataclass(frozen=True, slots=True)
class Row:
    """
    One agreed input: `input` is looked at, `equals` what, and what then happens at `stage`.

    `equals` may begin or end with ``*``; an exact row goes before such a one.
    `origin` says whose habit it follows.  A row that is not active is listed only: a good card
    leaves it to the amount how the payment goes.
    """

    name: str
    stage: Stage
    input: Input
    equals: str
    outcome: str
    description: str
    origin: str = "mockpay"
    active: bool = True


_HANDLE = "@mockpay"

_NAMED_VPAS: tuple[tuple[str, str], ...] = (
    ("success", "approved"),
    ("failure", "debit failed, U30"),
    ("pending", "the bank never answers"),
    ("pendingok", "pending, then paid"),
    ("pendingfail", "pending, then failed, U30"),
    ("expired", "nobody answers the request, U69"),
    ("declined", "declined in the app, ZA"),
    ("insufficient", "not enough funds, Z9"),
    ("wrongpin", "wrong UPI PIN, ZM"),
    ("pinlocked", "too many wrong PINs, Z6"),
    ("limit", "over the limit for one payment, Z8"),
    ("frequency", "too many payments, Z7"),
    ("frozen", "account frozen, YE"),
    ("dormant", "dormant account, ZX"),
    ("bankdown", "buyer's bank unavailable, U28"),
    ("psptimeout", "UPI app timed out, UP"),
    ("deemed", "unknown, then paid"),
    ("deemedfail", "unknown, then sent back"),
    ("late", "approved after the order expired, so sent back"),
    ("fraud", "the network's risk check, U16"),
    ("invalid", "no such UPI ID, ZH"),
)

#: UPI IDs of other sandboxes, by whose they are: what each means.
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "Razorpay": {"success@razorpay": "success", "failure@razorpay": "failure"},
    "Juspay": {"success@upi": "success", "failure@upi": "failure"},
    "PayU": {"*@payu": "success"},
    "Cashfree": {"testsuccess@gocash": "success", "testfailure@gocash": "failure"},
}

_PINS: tuple[tuple[str, str, str], ...] = (
    ("0000", "ZM", "wrong UPI PIN; the third one locks"),
    ("000000", "ZM", "wrong UPI PIN; the third one locks"),
    ("9999", "Z6", "too many wrong UPI PINs"),
)

#: What the browser brings back to the seller; outcome names are the redirect stage's own.
_REDIRECTS: tuple[tuple[str, str, str], ...] = (
    ("01", "bad_signature", "the result comes back with a wrong signature"),
    ("02", "missing_field", "the result comes back without its reason code"),
    ("03", "amount_changed", "the result comes back with another amount"),
    ("04", "order_changed", "the result comes back with another order id"),
    ("05", "duplicated", "the result comes back twice"),
    ("06", "delayed", "the result comes back 5 seconds late"),
    ("07", "never_returns", "the browser never comes back; verify finds SUCCESS"),
    ("08", "failure_though_captured", "told FAILURE though captured; the money is sent back"),
)
#: A gateway that reads nothing in time; asked again, it knows.
GATEWAY_OUTCOMES = frozenset({"success", "noresponse", "noresponsefail"})
_SILENT_VPAS: tuple[tuple[str, str], ...] = (
    ("noresponse", "gateway silent, found paid"),
    ("noresponsefail", "gateway silent, found failed"),
)
REDIRECT_OUTCOMES = frozenset({"success"} | {outcome for _, outcome, _ in _REDIRECTS})


def vpa_rows() -> Iterable[Row]:
    """UPI IDs: named outcomes, every code by itself, and other sandboxes' habits."""
    for name, says in _NAMED_VPAS:
        yield Row(f"upi.{name}", Stage.ISSUER, Input.VPA, name + _HANDLE, name, says)
    for code, row in upi.CODES.items():
        local = code.lower()
        if len(local) >= 2:
            says = f"{row.meaning}, {code}"
            yield Row(f"upi.code.{local}", Stage.ISSUER, Input.VPA, local + _HANDLE, code, says)
    for name, says in _SILENT_VPAS:
        yield Row(f"upi.{name}", Stage.GATEWAY, Input.VPA, name + _HANDLE, name, says)
    for origin, aliases in _ALIASES.items():
        for vpa, outcome in aliases.items():
            name = "upi.alias." + vpa.replace("*", "any")
            yield Row(name, Stage.ISSUER, Input.VPA, vpa, outcome, f"as {outcome}@mockpay", origin)


def pin_rows() -> Iterable[Row]:
    """UPI PINs typed in the simulated app."""
    for pin, outcome, says in _PINS:
        yield Row(f"upi.pin.{pin}", Stage.AUTH, Input.PIN, pin, outcome, says)


def amount_rows() -> Iterable[Row]:
    """The band 17SS.CC: SS the stage, CC the code; `.00` is always normal."""
    for code in ISO_CODES:
        says = f"issuer answers {code}"
        yield Row(f"amount.issuer.{code}", Stage.ISSUER, Input.AMOUNT, f"1700.{code}", f"iso:{code}", says)
    for code, outcome, says in _REDIRECTS:
        yield Row(f"amount.redirect.{code}", Stage.REDIRECT, Input.AMOUNT, f"1703.{code}", outcome, says)
    yield Row("amount.issuer.other", Stage.ISSUER, Input.AMOUNT, "1700.*", "iso:05", "issuer declines")


#: Cards that simply work, by whose they are: number and what else is known of it.
_GOOD_CARDS: Mapping[str, Mapping[str, str]] = {
    "common": {"4111111111111111": "Visa"},
    "Stripe": {
        "4242424242424242": "Visa",
        "5555555555554444": "Mastercard",
        "378282246310005": "American Express",
        "30569309025904": "Diners Club",
    },
    "Razorpay": {
        "4100280000001007": "Visa",
        "5500670000001002": "Mastercard",
        "6527658900001005": "RuPay",
        "36082800091007": "Diners Club",
        "340256000401007": "American Express",
        "5241810000000000": "Mastercard",
        "4012888888881881": "Visa, issued in the US",
        "5104060000000008": "Mastercard, issued in the US",
        "4718609108204366": "Visa debit",
    },
    "PayU": {
        "5123456789012346": "Mastercard",
        "4012001037141112": "Visa",
        "6082015309577308": "RuPay",
        "370295061673669": "American Express",
    },
}
#: Cards that the issuer refuses, by whose they are: ISO answer and numbers.
_BAD_CARDS: Mapping[str, Mapping[str, str]] = {
    "Razorpay": {
        "51": "4100280000080001 5305620000050001",
        "05": "4100280000060003 5305620000030003",
        "61": "4100280000050004 5305620000020004",
        "65": "4100280000040005 5305620000010005",
        "57": "4100280000030006 5305620000000006",
        "14": "4100280000010008 5305620000080008",
        "96": "4100280000020007 5305620000090007",
    },
    "Stripe": {
        "51": "4000000000009995 4000008260003178",
        "05": "4000000000000002 4000008400001629",
        "41": "4000000000009987",
        "43": "4000000000009979",
        "54": "4000000000000069",
        "N7": "4000000000000127",
        "91": "4000000000000119",
    },
}
#: The only one whose number is wrong on purpose.
_LUHN_CARD, _LUHN_ORIGIN = "4242424242424241", "Stripe"


def card_rows() -> Iterable[Row]:
    """Published test cards by number, and the CVV that is wrong on any card."""
    for origin, cards in _GOOD_CARDS.items():
        for number, known in cards.items():
            name = f"card.good.{number[:4]}-{number[-4:]}"
            says = f"{known}, approved unless the amount says otherwise"
            yield Row(name, Stage.ISSUER, Input.PAN, number, "success", says, origin, active=False)
    for origin, refused in _BAD_CARDS.items():
        for code, numbers in refused.items():
            says = f"{iso8583.NETWORK.codes[code].meaning}, {code}"
            for number in numbers.split():
                name = f"card.{code.lower()}.{number[:4]}-{number[-4:]}"
                yield Row(name, Stage.ISSUER, Input.PAN, number, code, says, origin)
    says = "fails the Luhn check, refused on the form"
    name = "card.luhn.4242-4241"
    yield Row(name, Stage.ISSUER, Input.PAN, _LUHN_CARD, "14", says, _LUHN_ORIGIN, active=False)
    yield Row("card.cvv.wrong", Stage.ISSUER, Input.CVV, "000", "N7", "wrong CVV, N7")
    yield Row("card.cvv.wrong.amex", Stage.ISSUER, Input.CVV, "0000", "N7", "wrong CVV, N7")


#: Banks that answer by themselves: outcome and words.
_MAGIC_BANKS: tuple[tuple[str, str, str], ...] = (
    ("MKS1", "success", "pays without a click"),
    ("MKF1", "failure", "declines without a click"),
    ("MKP1", "pendingok", "pending, then paid"),
    ("MKP2", "pendingfail", "pending, then declined"),
    ("MKC1", "cancelled", "the buyer cancels at the bank"),
    ("MKT1", "never_returns", "the buyer never comes back"),
    ("MKD1", "bankdown", "down; it cannot be chosen"),
    ("MKL1", "late", "pays after the order expired, so sent back"),
    ("MKX1", "forged", "comes back with a forged checksum; never pays"),
    ("MKA1", "approval", "waits for a second person's approval"),
)
_BANK_USERS: tuple[tuple[str, str, str], ...] = (
    ("locked", "locked", "account locked"),
    ("nofunds", "insufficient", "not enough funds"),
)


def bank_rows() -> Iterable[Row]:
    """Magic banks, and users of any bank's log-in page."""
    for code, outcome, says in _MAGIC_BANKS:
        yield Row(f"bank.{code.lower()}", Stage.ISSUER, Input.BANK, code, outcome, says)
    for user, outcome, says in _BANK_USERS:
        yield Row(f"bank.user.{user}", Stage.AUTH, Input.BANK_USER, user, outcome, says)
