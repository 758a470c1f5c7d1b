"""The rows of the scenario table that decide a card's authentication (3-D Secure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockpay.domain.payments.plans import Stage
from mockpay.domain.scenarios.table import Input, Row

#: facts, section 11.1, by whose they are: numbers, outcome, what happens.
_CARDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "Razorpay": (
        ("4100280000090000 5305620000060000", "timeout", "the challenge never completes"),
        ("4100280000070002 5305620000040002", "cancelled", "the buyer leaves the challenge"),
        ("4100280000000009 5305620000070009", "N", "not authenticated, N"),
    ),
    "Stripe": (
        ("4000002760003184", "challenge", "always challenged"),
        ("4000002500003155", "challenge", "challenged"),
        ("4000003800000446", "challenge", "challenged while the buyer is there"),
        ("4000000000003220", "challenge", "must be challenged"),
        ("4000000000003055", "frictionless", "authenticated without a challenge"),
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
#: facts, section 11.6.
_AMOUNTS: tuple[tuple[str, str, str], ...] = (
    ("01", "N", "not authenticated, N"),
    ("02", "A", "attempted, A"),
    ("03", "U", "authentication unavailable, U"),
    ("04", "R", "rejected by the issuer, R"),
    ("05", "timeout", "the challenge never completes"),
    ("06", "cancelled", "the buyer leaves the challenge"),
    ("07", "frictionless", "authenticated without a challenge"),
    ("08", "otp_undelivered", "the first one-time password does not arrive"),
)
#: How a cardholder's name begins that forces a result; such names are compared in capitals.
NAME_PREFIX = "3DS "


def auth_card_rows() -> Iterable[Row]:
    """Published test cards by what becomes of their authentication."""
    for origin, cards in _CARDS.items():
        for numbers, outcome, says in cards:
            for number in numbers.split():
                name = f"card.3ds.{number[:4]}-{number[-4:]}"
                yield Row(name, Stage.AUTH, Input.PAN, number, outcome, f"3-D Secure: {says}", origin)


def auth_name_rows() -> Iterable[Row]:
    """Cardholder names that force a result on any card."""
    for word, outcome, says in _NAMES:
        name, words = f"card.name.{word.lower()}", f"3-D Secure: {says}"
        typed = NAME_PREFIX + word
        yield Row(name, Stage.AUTH, Input.NAME, typed, outcome, words, "Worldpay")


def auth_amount_rows() -> Iterable[Row]:
    """The band 1702.CC."""
    for code, outcome, says in _AMOUNTS:
        name, words = f"amount.auth.{code}", f"authentication: {says}"
        yield Row(name, Stage.AUTH, Input.AMOUNT, f"1702.{code}", outcome, words)


def auth_rows() -> Iterable[Row]:
    """All of them."""
    yield from auth_card_rows()
    yield from auth_name_rows()
    yield from auth_amount_rows()
