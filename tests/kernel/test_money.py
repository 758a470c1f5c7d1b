"""Money: whole paise, read and printed without a float."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money


def test_an_amount_is_read_as_paise(subtests):
    for text, minor in [
        ("0", 0),
        ("1", 100),
        ("1.00", 100),
        ("1.5", 150),
        ("0.05", 5),
        ("0.5", 50),
        ("499.99", 49_999),
        ("1700.51", 170_051),
        ("9999999999.99", 999_999_999_999),
    ]:
        with subtests.test(text=text, minor=minor):
            assert Money.parse(text) == Money(minor, "INR")


def test_anything_else_is_refused(subtests):
    for text in [
        "",
        " ",
        "0x",
        "0x10",
        "1.001",
        "1e3",
        "१२",
        "१२.००",
        "１",
        "12\n",
        "\n12",
        " 12",
        "12 ",
        "12345678901",
        "-1",
        "+1",
        "1.",
        ".5",
        "01",
        "00",
        "1,000",
        "₹1",
        "1.0.0",
        "1_000",
        "²",
        "NaN",
        "inf",
        "1.٥",
        "12\x00",
    ]:
        with subtests.test(text=text):
            with pytest.raises(Invalid) as refused:
                Money.parse(text)
            assert refused.value.code == "amount.invalid"


@given(st.integers(0, 10**12 - 1))
def test_what_is_printed_is_read_back(minor):
    assert Money.parse(Money(minor).wire()) == Money(minor)


@given(st.text(max_size=16))
def test_whatever_is_read_is_what_was_written(text):
    try:
        read = Money.parse(text)
    except Invalid:
        return
    rupees, _, paise = text.partition(".")
    assert read.wire() == f"{rupees}.{paise.ljust(2, '0')}"


def test_people_see_lakh_and_crore_groups(subtests):
    for minor, shown in [
        (0, "₹0.00"),
        (5, "₹0.05"),
        (49_900, "₹499.00"),
        (100_000, "₹1,000.00"),
        (12_345_600, "₹1,23,456.00"),
        (1_234_567_890, "₹1,23,45,678.90"),
        (999_999_999_999, "₹9,99,99,99,999.99"),
    ]:
        with subtests.test(minor=minor, shown=shown):
            assert Money(minor).display() == shown


def test_amounts_of_one_currency_add_up():
    assert Money(150) + Money(50) == Money(200)
    assert Money(150) - Money(200) == Money(-50)
    assert Money(-50).wire() == "-0.50"


def test_two_currencies_never_mix():
    with pytest.raises(Invalid) as refused:
        Money(1, "INR") + Money(1, "JPY")
    assert refused.value.code == "currency.mismatch"
    with pytest.raises(Invalid):
        Money(1, "INR") - Money(1, "JPY")
