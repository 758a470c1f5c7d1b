"""Magic cards, CVVs and cardholder names: what the issuer answers, and what 3-D Secure meets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockpay.domain.methods import iso8583
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Input, Row

#: Cards that simply work, by whose they are: number and what else is known of it.
_GOOD_CARDS: Mapping[str, Mapping[str, str]] = {
    "common": {"4111111111111111": "Visa"},
    "Stripe": {
        "4242424242424242": "Visa",
        "5555555555554444": "Mastercard",
        "378282246310005": "American Express",
        "30569309025904": "Diners Club",
        "4000003560000008": "Visa, issued in India",
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
        "5267318187975449": "Mastercard",
        "5104015555555558": "Mastercard",
        "5105105105105100": "Mastercard, issued in the US",
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
        "05": "4100280000060003 5305620000030003 4100280000050004 5305620000020004 4100280000040005 5305620000010005",
        "57": "4100280000030006 5305620000000006",
        "14": "4100280000010008 5305620000080008",
        "96": "4100280000020007 5305620000090007",
    },
    "Stripe": {
        "51": "4000000000009995 4000008260003178",
        "05": "4000000000000002 4000008400001629 4000000000000341",
        "41": "4000000000009987",
        "43": "4000000000009979",
        "54": "4000000000000069",
        "N7": "4000000000000127",
        "65": "4000000000006975",
        "96": "4000000000000119",
    },
}
#: What becomes of refunds to a card, by whose it is: number, outcome, what happens.
_REFUND_CARDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "Stripe": (
        ("4000000000007726", "success", "pending at first, refunded after the usual time"),
        ("4000000000005126", "reversed", "refunded, then taken back"),
    )
}
#: The only one whose number is wrong on purpose.
_LUHN_CARD, _LUHN_ORIGIN = "4242424242424241", "Stripe"


def card_rows() -> Iterable[Row]:
    """Published test cards by number, and the CVV that is wrong on any card."""
    for origin, cards in _GOOD_CARDS.items():
        for number, title in cards.items():
            name = f"card.good.{number[:4]}-{number[-4:]}"
            description = f"{title}, approved unless the amount says otherwise"
            yield Row(name, Stage.ISSUER, Input.PAN, number, "success", description, origin, active=False)
    for origin, refused in _BAD_CARDS.items():
        for code, numbers in refused.items():
            description = f"{iso8583.RESPONSE_CODES.codes[code].meaning}, {code}"
            for number in numbers.split():
                name = f"card.{code.lower()}.{number[:4]}-{number[-4:]}"
                yield Row(name, Stage.ISSUER, Input.PAN, number, code, description, origin)
    for origin, refunded in _REFUND_CARDS.items():
        for number, outcome, description in refunded:
            name = f"card.refund.{number[:4]}-{number[-4:]}"
            yield Row(name, Stage.REFUND, Input.PAN, number, outcome, f"its refunds: {description}", origin)
    description = "fails the Luhn check, refused on the form"
    name = "card.luhn.4242-4241"
    yield Row(name, Stage.ISSUER, Input.PAN, _LUHN_CARD, "14", description, _LUHN_ORIGIN, active=False)
    yield Row("card.cvv.wrong", Stage.ISSUER, Input.CVV, "000", "N7", "wrong CVV, N7")
    yield Row("card.cvv.wrong.amex", Stage.ISSUER, Input.CVV, "0000", "N7", "wrong CVV, N7")


#: facts, section 11.1, by whose they are: numbers, outcome, what happens.
_AUTH_CARDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "Razorpay": (
        ("4100280000090000 5305620000060000", "timeout", "the challenge never completes"),
        ("4100280000070002 5305620000040002", "cancelled", "the buyer leaves the challenge"),
        ("4100280000000009 5305620000070009", "N", "not authenticated, N"),
    ),
    "Stripe": (
        ("4000002760003184", "challenge", "always challenged"),
        ("4000002500003155", "challenge", "challenged"),
        ("4000003800000446", "challenge", "challenged while the buyer is there"),
        ("4000000000003220 4000008400000027", "challenge", "must be challenged"),
        ("4000008400001629 4000008260003178", "challenge", "must be challenged, then declined"),
        ("4000000000003055 4000000032200000", "frictionless", "authenticated without a challenge"),
        ("4000008400001280", "error", "the ACS fails, U"),
        ("4000000000003097", "error_optional", "the ACS fails, and the payment goes on"),
    ),
}
#: facts, end of section 11.1, after Worldpay's habit: what a cardholder's name forces.
_NAMES: tuple[tuple[str, str, str], ...] = (
    ("Y", "Y", "authenticated, Y, on any card"),
    ("A", "A", "attempted, A"),
    ("N", "N", "not authenticated, N"),
    ("U", "U", "authentication unavailable, U"),
    ("R", "R", "rejected by the issuer, R"),
    ("I", "I", "informational only, I"),
    ("D", "D", "a decoupled challenge nobody asked for, so U"),
    ("NOTENROLLED", "not_enrolled", "the card takes no part, U"),
    ("TIMEOUT", "timeout", "the challenge never completes"),
    ("TAMPER", "tampered", "the browser brings a forged result, refused"),
    ("FRICTIONLESS", "frictionless", "authenticated without a challenge"),
)
#: How a cardholder's name begins that forces a result; such names are compared in capitals.
NAME_PREFIX = "3DS "


def auth_card_rows() -> Iterable[Row]:
    """Published test cards by what becomes of their authentication."""
    for origin, cards in _AUTH_CARDS.items():
        for numbers, outcome, description in cards:
            for number in numbers.split():
                name = f"card.3ds.{number[:4]}-{number[-4:]}"
                yield Row(name, Stage.AUTH, Input.PAN, number, outcome, f"3-D Secure: {description}", origin)


def auth_name_rows() -> Iterable[Row]:
    """Cardholder names that force a result on any card."""
    for word, outcome, description in _NAMES:
        name, words = f"card.name.{word.lower()}", f"3-D Secure: {description}"
        typed = NAME_PREFIX + word
        yield Row(name, Stage.AUTH, Input.NAME, typed, outcome, words, "Worldpay")
