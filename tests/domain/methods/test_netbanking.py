"""Net banking: the list of banks, what their pages answer, and the checksum."""

import hashlib
import hmac
import re

from hypothesis import given
from hypothesis import strategies as st

from mockpay.domain.methods.method import REVERSED, Answer, MoneyStatus, Timing
from mockpay.domain.methods.netbanking import ALWAYS_DOWN, BANKS, BY_CODE, RESPONSE_CODES, checksum
from mockpay.domain.scenarios.netbanking import bank_rows
from mockpay.domain.scenarios.resolution import Input

#: facts, section 1.4.
REAL = (
    "SBIN HDFC ICIC UTIB KKBK PUNB_R BARB_R CNRB UBIN IDIB IOBA BKID CBIN INDB YESB IDFB FDRL RATN AUBL IBKL SCBL"
).split()


def test_the_real_banks_are_those_of_the_published_list():
    assert {bank.code for bank in BANKS if not bank.magic} == set(REAL)
    assert len(BY_CODE) == len(BANKS)


def test_a_bank_has_a_code_of_the_fields_form_and_a_name(subtests):
    for bank in BANKS:
        with subtests.test(bank=bank):
            assert re.fullmatch(r"[A-Z]{4}(_R)?|MK[A-Z][0-9]", bank.code)
            assert bank.name
            assert bank.magic == bank.code.startswith("MK")


def test_every_magic_bank_has_its_row_and_every_row_its_bank():
    rows = {row.equals for row in bank_rows() if row.input == Input.BANK}
    assert rows == {bank.code for bank in BANKS if bank.magic}
    assert ALWAYS_DOWN in rows


def test_the_common_banks_come_first():
    common = [bank.common for bank in BANKS]
    assert common == sorted(common, reverse=True)
    assert 4 <= sum(common) <= 8


def test_an_outcome_is_answered_with_the_banks_letter(subtests):
    for outcome, answer, known in [
        ("success", Answer("S"), MoneyStatus.APPROVED),
        ("failure", Answer("F"), MoneyStatus.DECLINED),
        ("cancelled", Answer("C"), MoneyStatus.DECLINED),
        ("locked", Answer("L"), MoneyStatus.DECLINED),
        ("insufficient", Answer("N"), MoneyStatus.DECLINED),
        ("bankdown", Answer("D"), MoneyStatus.DECLINED),
        ("timedout", Answer("O"), MoneyStatus.DECLINED),
        ("latesuccess", Answer("O", "S", Timing.DELAYED), MoneyStatus.DECLINED),
        ("forged", Answer("X"), MoneyStatus.DECLINED),
        ("pending", Answer("P"), MoneyStatus.PENDING),
        ("approval", Answer("P"), MoneyStatus.PENDING),
        ("pendingok", Answer("P", "S", Timing.DELAYED), MoneyStatus.PENDING),
        ("pendingfail", Answer("P", "F", Timing.DELAYED), MoneyStatus.PENDING),
        ("late", Answer("P", "S", Timing.AFTER_ORDER_EXPIRY), MoneyStatus.PENDING),
        ("never_returns", Answer("T"), MoneyStatus.EXPIRED),
        ("deemed", Answer("U", "S", Timing.DELAYED), MoneyStatus.UNKNOWN),
        ("deemedfail", Answer("U", REVERSED, Timing.DELAYED), MoneyStatus.UNKNOWN),
        ("iso:51", Answer("F"), MoneyStatus.DECLINED),
    ]:
        with subtests.test(outcome=outcome, answer=answer, known=known):
            assert RESPONSE_CODES.answer(outcome) == answer
            assert RESPONSE_CODES.money_status(answer.code) is known


def test_the_checksum_is_an_hmac_over_reference_status_and_amount():
    wanted = hmac.new(b"key", b"BID1|S|499.00", hashlib.sha256).hexdigest()
    assert checksum(b"key", "BID1", "S", "499.00") == wanted


PART = st.text(st.characters(exclude_characters="|", exclude_categories=["Cs"]), max_size=20)


@given(st.tuples(PART, PART, PART), st.tuples(PART, PART, PART))
def test_whatever_is_changed_changes_the_checksum(one, other):
    assert (checksum(b"key", *one) == checksum(b"key", *other)) == (one == other)


@given(PART)
def test_another_key_makes_another_checksum(status):
    assert checksum(b"key", "BID1", status, "1.00") != checksum(b"other", "BID1", status, "1.00")
