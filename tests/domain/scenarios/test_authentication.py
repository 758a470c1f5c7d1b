"""The rows that decide authentication, against the published tables."""

from mockpay.domain.methods.cards import brand_of, luhn, typed
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.amounts import amount_rows
from mockpay.domain.scenarios.cards import auth_card_rows, auth_name_rows
from mockpay.domain.scenarios.resolution import AUTH_OUTCOMES, Input, find
from mockpay.threeds.rules import OUTCOMES
from tests.factories import NOON

#: facts, section 11.1.
CARDS = {
    "4100280000090000": "timeout",
    "5305620000060000": "timeout",
    "4100280000070002": "cancelled",
    "5305620000040002": "cancelled",
    "4100280000000009": "N",
    "5305620000070009": "N",
    "4000002760003184": "challenge",
    "4000002500003155": "challenge",
    "4000003800000446": "challenge",
    "4000000000003220": "challenge",
    "4000008400000027": "challenge",
    "4000008400001629": "challenge",
    "4000008260003178": "challenge",
    "4000000032200000": "frictionless",
    "4000000000003055": "frictionless",
    "4000008400001280": "error",
    "4000000000003097": "error_optional",
}
#: facts, section 11.1, at its end.
NAMES = "Y A N U R I D NOTENROLLED TIMEOUT TAMPER FRICTIONLESS".split()
#: facts, section 11.6.
AMOUNTS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("N", "A", "U", "R", "timeout", "cancelled", "frictionless", "otp_undelivered"),
        strict=True,
    )
)


def test_the_cards_are_the_published_ones():
    assert {row.equals: row.outcome for row in auth_card_rows()} == CARDS


def test_each_of_the_cards_can_be_typed(subtests):
    for number in CARDS:
        with subtests.test(number=number):
            assert luhn(number)
            assert brand_of(number).enabled
            assert typed(number=number, expiry="08/29", cvv="123", name="Asha Rao", now=NOON)


def test_the_names_are_the_published_ones():
    assert [row.equals for row in auth_name_rows()] == [f"3DS {word}" for word in NAMES]


def test_each_of_the_names_can_be_typed(subtests):
    for word in NAMES:
        with subtests.test(word=word):
            number = "4111111111111111"
            card = typed(number=number, expiry="08/29", cvv="123", name=f"3DS {word}", now=NOON)
            assert find(Input.NAME, card.name).stage is Stage.AUTH


def test_an_ordinary_name_is_not_magic():
    assert find(Input.NAME, "ASHA RAO") is None
    assert find(Input.NAME, "Y") is None


def test_the_amounts_are_the_published_ones():
    wanted = {f"1702.{code}": outcome for code, outcome in AMOUNTS.items()}
    assert {row.equals: row.outcome for row in [row for row in amount_rows() if row.stage is Stage.AUTH]} == wanted
    assert find(Input.AMOUNT, "1702.00") is None


def test_every_row_acts_on_authentication_in_words_that_it_knows():
    for row in (*auth_card_rows(), *auth_name_rows()):
        assert (row.stage, row.outcome in OUTCOMES) == (Stage.AUTH, True)
    assert AUTH_OUTCOMES == OUTCOMES
