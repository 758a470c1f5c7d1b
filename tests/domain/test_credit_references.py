"""The numbers by which banks find a credit."""

import re

from mockpay.domain.methods.cards import luhn
from mockpay.domain.refunds import network_reference
from mockpay.kernel.clock import parse_time

#: In India it is the day after: the 23rd of November, the 327th day of 2026.
LATE = parse_time("2026-11-22T19:00:00Z")


def reference(method, number=1, at=LATE, bank="HDFC"):
    return network_reference(method, f"S04-1-R{number}", "seed", at, bank)


def test_each_network_has_its_own_number_with_the_indian_day(subtests):
    for method, kind, form in [
        ("upi", "RRN", r"6327[0-9]{8}"),
        ("card", "ARN", r"74100286327[0-9]{12}"),
        ("emi", "ARN", r"74100286327[0-9]{12}"),
        ("netbanking", "UTR", r"HDFCN26327[0-9]{6}"),
    ]:
        with subtests.test(method=method, kind=kind, form=form):
            found, digits = reference(method)
            assert found == kind
            assert re.fullmatch(form, digits)
            assert len(digits) == {"RRN": 12, "ARN": 23, "UTR": 16}[kind]


def test_an_arn_ends_in_its_check_digit(subtests):
    for number in range(50):
        with subtests.test(number=number):
            _, digits = reference("card", number)
            assert luhn(digits)


def test_a_utr_begins_with_four_letters_of_the_bank(subtests):
    for bank, start in [("", "MOCKN"), ("SBI", "SBIMN"), ("MKS1", "MKS1N"), ("LONGNAME", "LONGN")]:
        with subtests.test(bank=bank, start=start):
            _, digits = reference("netbanking", bank=bank)
            assert digits.startswith(start)
            assert len(digits) == 16


def test_a_balance_has_no_number():
    assert reference("wallet") is None


def test_the_same_refund_has_the_same_number_and_another_another():
    assert (reference("upi"), reference("card")) == (("RRN", "632794823770"), ("ARN", "74100286327331948237700"))
    assert len({reference("card", number) for number in range(100)}) == 100
