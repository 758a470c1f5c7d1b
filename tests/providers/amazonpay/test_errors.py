"""Codes as Amazon's callers read them, and the sandbox's own of a payment that failed."""

import re

from mockpay.providers.amazonpay.errors import OTHER, TABLE, amazon_error
from mockpay.providers.amazonpay.reasons import FAILURES


def test_an_error_has_a_status_and_a_code_in_camel_case():
    for code, row in {**TABLE, "other": OTHER}.items():
        assert row.status in {400, 401, 403, 404, 405, 413, 500, 503}, code
        assert re.fullmatch("([A-Z][a-z]+)+", row.code), code


def test_a_cancel_or_close_too_late_and_a_throttled_call_have_amazons_codes():
    told = {code: (row.status, row.code) for code, row in TABLE.items()}
    assert told["order.paid"] == (405, "InvalidCancelAttempt")
    assert told["order.not_closable"] == (405, "InvalidCloseAttempt")
    assert told["throttled"] == (503, "RequestThrottled")
    assert told["refund.window"] == told["refund.not_captured"] == (405, "CaptureNotRefundable")


def test_an_error_that_is_not_listed_is_the_callers_or_the_servers_by_its_family():
    told = {code: (amazon_error(code).status, amazon_error(code).code) for code in ("http.411", "http.500", "x.y")}
    assert told == {
        "http.411": (400, "InvalidParameterValue"),
        "http.500": (500, "InternalServerError"),
        "x.y": (500, "InternalServerError"),
    }
    for family in ("form", "envelope", "input", "amount"):
        assert amazon_error(f"{family}.unlisted").status == 400
    assert (amazon_error("database.locked").status, amazon_error("database.locked").code) == (503, "ServiceUnavailable")


def test_a_failure_has_three_digits_and_words():
    numbers = [int(reason.code) for reason in FAILURES.values()]
    assert numbers == sorted(numbers)
    assert set(numbers) == {*range(201, 220), *range(250, 262)}
    assert all(200 < number < 300 for number in numbers)
    assert all(re.fullmatch("[A-Za-z][A-Za-z ,.0-9]+", reason.description) for reason in FAILURES.values())
