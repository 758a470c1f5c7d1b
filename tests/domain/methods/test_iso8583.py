"""What card issuers answer, against the published meanings."""

import pytest

from mockpay.domain.methods.cards import RESPONSE_CODES
from mockpay.domain.methods.method import REVERSED, Answer, MoneyStatus, Timing
from mockpay.kernel.errors import Invalid

#: facts, section 1.3: reason by code, and whose doing a refusal is where not the issuer's.
REASONS = {
    "01": "card_declined",
    "03": "payment_failed",
    "04": "debit_instrument_blocked",
    "05": "card_declined",
    "07": "debit_instrument_blocked",
    "12": "invalid_request",
    "13": "invalid_amount",
    "14": "card_number_invalid",
    "15": "card_number_invalid",
    "19": "payment_failed",
    "41": "debit_instrument_blocked",
    "43": "debit_instrument_blocked",
    "46": "card_declined",
    "51": "insufficient_funds",
    "54": "card_expired",
    "55": "incorrect_pin",
    "57": "card_disabled_for_online_payments",
    "59": "payment_risk_check_failed",
    "61": "transaction_limit_exceeded",
    "62": "international_transaction_not_allowed",
    "63": "payment_risk_check_failed",
    "65": "transaction_frequency_limit_exceeded",
    "75": "pin_attempts_exceeded",
    "82": "incorrect_cvv",
    "91": "bank_technical_error",
    "96": "gateway_technical_error",
    "N7": "incorrect_cvv",
    "TO": "payment_timed_out",
    "1A": "authentication_required",
}
SOURCES = {"gateway": {"03", "68", "96", "TO"}, "customer": {"55", "75", "82", "N7"}}


def test_a_refusal_has_its_published_reason(subtests):
    for code, reason in REASONS.items():
        with subtests.test(code=code, reason=reason):
            assert RESPONSE_CODES.money_status(code) is MoneyStatus.DECLINED
            failure = RESPONSE_CODES.failure(code)
            assert (failure.code, failure.reason, failure.step) == (code, reason, "payment_authorization")


def test_a_refusal_names_whose_doing_it_is(subtests):
    for code in RESPONSE_CODES.codes:
        with subtests.test(code=code):
            source = next((who for who, codes in SOURCES.items() if code in codes), "issuer_bank")
            assert RESPONSE_CODES.failure(code).source == source


def test_every_other_code_takes_the_money_or_leaves_it_open():
    others = {code: RESPONSE_CODES.money_status(code) for code in RESPONSE_CODES.codes if code not in REASONS}
    assert others == {"00": MoneyStatus.APPROVED, "68": MoneyStatus.UNKNOWN, "PD": MoneyStatus.PENDING}


def test_a_cards_network_speaks_iso_8583_itself(subtests):
    for code in [code for code in RESPONSE_CODES.codes if code.isdigit()]:
        with subtests.test(code=code):
            assert RESPONSE_CODES.answer(f"iso:{code}").code == code


def test_a_code_that_issuers_do_not_have_is_a_plain_refusal(subtests):
    for code in ["99", "02", "Z9", ""]:
        with subtests.test(code=code):
            assert RESPONSE_CODES.answer(f"iso:{code}") == Answer("05")


def test_an_outcome_is_answered_with_its_code(subtests):
    for outcome, answer in [
        ("success", Answer("00")),
        ("failure", Answer("05")),
        ("declined", Answer("05")),
        ("insufficient", Answer("51")),
        ("limit", Answer("61")),
        ("frequency", Answer("65")),
        ("bankdown", Answer("91")),
        ("deemed", Answer("68", "00", Timing.DELAYED)),
        ("deemedfail", Answer("68", REVERSED, Timing.DELAYED)),
        ("n7", Answer("N7")),
        ("68", Answer("68", "00", Timing.DELAYED)),
        ("pending", Answer("PD")),
        ("pendingok", Answer("PD", "00", Timing.DELAYED)),
        ("timedout", Answer("TO")),
        ("latesuccess", Answer("TO", "00", Timing.DELAYED)),
    ]:
        with subtests.test(outcome=outcome, answer=answer):
            assert RESPONSE_CODES.answer(outcome) == answer


def test_what_means_nothing_to_an_issuer_is_refused(subtests):
    for outcome in ["wrongpin", "U30", "Z9", "", "psptimeout"]:
        with subtests.test(outcome=outcome):
            assert not RESPONSE_CODES.has_outcome(outcome)
            with pytest.raises(Invalid) as caught:
                RESPONSE_CODES.answer(outcome)
            assert caught.value.code == "scenario.outcome"
