"""UPI: response codes, answers, UPI IDs and links."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from mockpay.domain.methods import upi
from mockpay.domain.methods.method import Answer, MoneyStatus, Timing
from mockpay.domain.payments.attempts import Failure
from mockpay.kernel.errors import Invalid

#: facts, section 1.2: each code with the reason that is told.
PUBLISHED = {
    "00": "",
    "01": "",
    "BT": "gateway_technical_error",
    "Z9": "insufficient_funds",
    "ZM": "incorrect_pin",
    "Z6": "pin_attempts_exceeded",
    "Z7": "transaction_frequency_limit_exceeded",
    "Z8": "transaction_limit_exceeded",
    "ZU": "transaction_daily_limit_exceeded",
    "ZA": "payment_declined",
    "ZH": "invalid_vpa",
    "ZE": "transaction_on_vpa_restricted",
    "ZG": "transaction_on_vpa_restricted",
    "ZR": "incorrect_otp",
    "ZS": "otp_expired",
    "ZX": "bank_account_invalid",
    "ZY": "bank_account_invalid",
    "YE": "debit_instrument_blocked",
    "YF": "debit_instrument_blocked",
    "XB": "payment_failed",
    "XC": "payment_failed",
    "XH": "bank_account_invalid",
    "XI": "bank_account_invalid",
    "B1": "invalid_user_details",
    "B6": "mismatch_in_transaction_details",
    "59": "payment_risk_check_failed",
    "U02": "transaction_limit_exceeded",
    "U03": "transaction_limit_exceeded",
    "U09": "payment_timed_out",
    "U20": "payment_timed_out",
    "U16": "payment_risk_check_failed",
    "U17": "invalid_vpa",
    "U19": "payment_declined",
    "U28": "bank_technical_error",
    "U30": "payment_failed",
    "U31": "credit_failed",
    "U29": "vpa_resolution_failed",
    "U66": "invalid_device",
    "U67": "bank_technical_error",
    "U68": "gateway_technical_error",
    "U69": "payment_collect_request_expired",
    "UP": "upi_app_technical_error",
    "UB": "upi_app_technical_error",
}


def test_every_published_code_is_there_with_its_reason(subtests):
    for code, reason in PUBLISHED.items():
        with subtests.test(code=code, reason=reason):
            assert upi.CODES[code].code == code
            assert upi.CODES[code].reason == reason
            assert upi.CODES[code].meaning


def test_there_is_no_code_that_nobody_published():
    assert set(upi.CODES) == set(PUBLISHED) | {"RB"}


def test_what_each_code_says_about_the_money():
    known = {k: {c for c, row in upi.CODES.items() if row.money is k} for k in MoneyStatus}
    assert known[MoneyStatus.APPROVED] == {"00"}
    assert known[MoneyStatus.PENDING] == {"01"}
    assert known[MoneyStatus.UNKNOWN] == {"RB", "BT", "U67", "U68"}
    assert known[MoneyStatus.EXPIRED] == {"U69"}
    assert known[MoneyStatus.DECLINED] == set(upi.CODES) - {"00", "01", "RB", "BT", "U67", "U68", "U69"}


def test_an_outcome_means_an_answer(subtests):
    for outcome, answer in [
        ("success", Answer("00")),
        ("failure", Answer("U30")),
        ("pending", Answer("01")),
        ("pendingok", Answer("01", "00", Timing.DELAYED)),
        ("pendingfail", Answer("01", "U30", Timing.DELAYED)),
        ("expired", Answer("U69")),
        ("declined", Answer("ZA")),
        ("insufficient", Answer("Z9")),
        ("wrongpin", Answer("ZM")),
        ("pinlocked", Answer("Z6")),
        ("limit", Answer("Z8")),
        ("frequency", Answer("Z7")),
        ("frozen", Answer("YE")),
        ("dormant", Answer("ZX")),
        ("bankdown", Answer("U28")),
        ("psptimeout", Answer("UP")),
        ("fraud", Answer("U16")),
        ("invalid", Answer("ZH")),
        ("timedout", Answer("U09")),
        ("latesuccess", Answer("U09", "00", Timing.DELAYED)),
        ("deemed", Answer("RB", "00", Timing.DELAYED)),
        ("deemedfail", Answer("RB", "reversed", Timing.DELAYED)),
        ("late", Answer("01", "00", Timing.AFTER_ORDER_EXPIRY)),
        ("u30", Answer("U30")),
        ("U68", Answer("U68", "00", Timing.DELAYED)),
        ("iso:51", Answer("Z9")),
        ("iso:61", Answer("Z8")),
        ("iso:65", Answer("Z7")),
        ("iso:91", Answer("U28")),
        ("iso:96", Answer("U30")),
        ("iso:59", Answer("U16")),
        ("iso:05", Answer("XB")),
        ("iso:14", Answer("XB")),
    ]:
        with subtests.test(outcome=outcome, answer=answer):
            assert upi.RESPONSE_CODES.answer(outcome) == answer


def test_another_outcome_is_refused(subtests):
    for outcome in ["", "nonsense", "ISO:51", "bad_signature"]:
        with subtests.test(outcome=outcome):
            with pytest.raises(Invalid) as refused:
                upi.RESPONSE_CODES.answer(outcome)
            assert refused.value.code == "scenario.outcome"


def test_a_failure_has_the_fields_four_parts():
    assert upi.RESPONSE_CODES.failure("ZM") == Failure("customer", "payment_debit_request", "incorrect_pin", "ZM")
    assert upi.RESPONSE_CODES.failure("ZH", "payment_request") == Failure(
        "customer_psp", "payment_request", "invalid_vpa", "ZH"
    )


def test_a_upi_id_is_taken_in_lower_case(subtests):
    for text, vpa in [
        ("asha@okbank", "asha@okbank"),
        ("Asha.K-1_x@OKBank", "asha.k-1_x@okbank"),
        (" 9876543210@ybl ", "9876543210@ybl"),
        ("ab@a1", "ab@a1"),
        ("a" * 256 + "@" + "b" * 64, "a" * 256 + "@" + "b" * 64),
    ]:
        with subtests.test(text=text, vpa=vpa):
            assert upi.vpa(text) == vpa


def test_what_is_no_upi_id_is_refused(subtests):
    for text in [
        "",
        "asha",
        "@okbank",
        "asha@",
        "a@okbank",
        "asha@1bank",
        "asha@o",
        "asha@ok.bank",
        "asha@ok@bank",
        "as ha@okbank",
        "asha@okbank.com",
        "आशा@okbank",
        "asha@ओके",
        "a" * 257 + "@okbank",
        "asha@" + "b" * 65,
        "asha@ok\nbank",
        "<b>@okbank",
        "asha+1@okbank",
    ]:
        with subtests.test(text=text):
            with pytest.raises(Invalid) as refused:
                upi.vpa(text)
            assert refused.value.code == "vpa.invalid"


def test_a_link_says_what_an_app_needs():
    made = upi.link(
        payee="store@mockpay",
        name="Chai & Co",
        amount="499.00",
        reference="att" + "x" * 40,
        note="Order A-1 100% ₹" + "y" * 60,
        mode="04",
    )
    parts = urlsplit(made)
    assert (parts.scheme, parts.netloc, parts.path) == ("upi", "pay", "")
    assert dict(parse_qsl(parts.query, strict_parsing=True)) == {
        "pa": "store@mockpay",
        "pn": "Chai & Co",
        "mc": "5999",
        "tr": "att" + "x" * 32,
        "tn": "Order A-1 100% ₹" + "y" * 34,
        "am": "499.00",
        "cu": "INR",
        "mode": "04",
        "purpose": "00",
    }


def test_a_space_in_a_link_is_never_a_plus():
    made = upi.link(payee="store@mockpay", name="Chai and Co", amount="1.00", reference="r", note="a+b c", mode="22")
    assert "pn=Chai%20and%20Co" in made
    assert "tn=a%2Bb%20c" in made
    assert "+" not in made
    assert "pa=store@mockpay" in made
