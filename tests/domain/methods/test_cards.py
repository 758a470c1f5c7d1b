"""Cards: networks by number, rules of form, and no real card ever let in."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mockpay.domain.methods import cards
from mockpay.domain.methods.cards import BINS, NETWORK_NAMES, Card, bin_of, brand_of, luhn, typed
from mockpay.domain.scenarios.cards import card_rows
from mockpay.domain.scenarios.resolution import Input
from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid

NOON = parse_time("2026-11-21T12:00:00Z")
GOOD = {"number": "4111111111111111", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
_PANS = [row.equals for row in card_rows() if row.input == Input.PAN]
#: But for the one that its form refuses.
PUBLISHED = [number for number in _PANS if luhn(number)]
FOREIGN = "Discover, JCB or UnionPay"


def read(now=NOON, **form):
    return typed(**{**GOOD, **form}, now=now)


def wrong(now=NOON, **form):
    """(field, code) of the refusal."""
    with pytest.raises(Invalid) as caught:
        read(now, **form)
    return caught.value.detail["field"], caught.value.code


def with_check_digit(digits):
    """The digits, and the one that makes their sum right; written anew, not the code's own."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{digits}{-total % 10}"


# --- networks

#: facts, section 1.3: first and last of every range, and the neighbours outside of it.
EDGES = [
    ("508500", "RuPay"),
    ("508999", "RuPay"),
    ("508499", None),
    ("509000", None),
    ("606985", "RuPay"),
    ("607984", "RuPay"),
    ("606984", None),
    ("607985", None),
    ("608001", "RuPay"),
    ("608500", "RuPay"),
    ("608000", None),
    ("608501", None),
    ("652150", "RuPay"),
    ("653149", "RuPay"),
    ("652149", None),
    ("653150", None),
    ("817200", "RuPay"),
    ("819899", "RuPay"),
    ("817199", None),
    ("819900", None),
    ("400000", "Visa"),
    ("499999", "Visa"),
    ("500000", None),
    ("510000", "Mastercard"),
    ("559999", "Mastercard"),
    ("509999", None),
    ("560000", None),
    ("222100", "Mastercard"),
    ("272099", "Mastercard"),
    ("222099", None),
    ("272100", None),
    ("340000", "American Express"),
    ("349999", "American Express"),
    ("339999", None),
    ("350000", None),
    ("370000", "American Express"),
    ("379999", "American Express"),
    ("300000", "Diners Club"),
    ("305999", "Diners Club"),
    ("299999", None),
    ("306000", None),
    ("360000", "Diners Club"),
    ("369999", "Diners Club"),
    ("359999", None),
    ("380000", "Diners Club"),
    ("399999", "Diners Club"),
    ("501800", "Maestro"),
    ("501899", "Maestro"),
    ("501799", None),
    ("501900", None),
    ("502000", "Maestro"),
    ("502099", "Maestro"),
    ("503800", "Maestro"),
    ("503899", "Maestro"),
    ("504800", "Maestro"),
    ("504899", "Maestro"),
    ("589300", "Maestro"),
    ("589399", "Maestro"),
    ("630400", "Maestro"),
    ("630499", "Maestro"),
    ("675900", "Maestro"),
    ("675999", "Maestro"),
    ("676100", "Maestro"),
    ("676399", "Maestro"),
    ("676000", None),
    ("676400", None),
    ("601100", FOREIGN),
    ("601199", FOREIGN),
    ("601099", None),
    ("601200", None),
    ("644000", FOREIGN),
    ("649999", FOREIGN),
    ("643999", None),
    ("650000", None),
    ("352800", FOREIGN),
    ("358999", FOREIGN),
    ("352799", None),
    ("359000", None),
    ("620000", FOREIGN),
    ("629999", FOREIGN),
    ("619999", None),
    ("630000", None),
]


def test_a_network_is_known_by_the_first_six_digits(subtests):
    for first, name in EDGES:
        with subtests.test(first=first, name=name):
            brand = brand_of(first + "0000000000")
            assert (brand and brand.name) == name


@given(st.integers(min_value=0, max_value=999_999))
def test_no_number_belongs_to_two_networks(first):
    holding = {brand.name for low, high, brand in cards._RANGES if low <= first <= high}
    assert len(holding) <= 1


def test_the_networks_that_can_be_taken_are_those_of_the_ranges():
    assert set(NETWORK_NAMES) == {b.name for _, _, b in cards._RANGES if b.enabled}


def test_too_few_digits_have_no_network():
    assert brand_of("41111") is None


# --- the check digit

#: Known sums: published test cards, an IMEI, and ISO/IEC 7812's own example.
SUMS = [
    ("79927398713", True),
    ("79927398710", False),
    ("79927398711", False),
    ("490154203237518", True),
    ("490154203237517", False),
    ("4242424242424242", True),
    ("4242424242424241", False),
    ("378282246310005", True),
    ("30569309025904", True),
    ("0", True),
    ("1", False),
    ("18", True),
    ("81", False),
    ("00", True),
]


def test_the_check_digit_is_luhns(subtests):
    for number, fits in SUMS:
        with subtests.test(number=number, fits=fits):
            assert luhn(number) is fits


@given(st.text("0123456789", min_size=1, max_size=18), st.integers(0, 9))
def test_exactly_one_check_digit_fits(digits, last):
    assert luhn(f"{digits}{last}") is (f"{digits}{last}" == with_check_digit(digits))


@given(st.text("0123456789", min_size=2, max_size=19), st.data())
def test_one_mistyped_digit_is_noticed(digits, data):
    number = with_check_digit(digits)
    place = data.draw(st.integers(0, len(number) - 1))
    other = data.draw(st.sampled_from("0123456789".replace(number[place], "")))
    assert not luhn(number[:place] + other + number[place + 1 :])


def test_every_published_card_is_good_in_form_and_on_the_list(subtests):
    for number in PUBLISHED:
        with subtests.test(number=number):
            assert luhn(number)
            card = read(number=number, cvv="1234" if len(number) == 15 else "123")
            assert card.number == number
            assert card.masked == f"{number[:6]}{'X' * (len(number) - 10)}{number[-4:]}"


# --- what may be a real card

_PREFIXES = tuple(one.prefix for one in BINS)


@st.composite
def real_looking(draw):
    """A number that a network could have given out: in its range, right in length and sum."""
    low, high, brand = draw(st.sampled_from([r for r in cards._RANGES if r[2].enabled]))
    first = str(draw(st.integers(low, high)))
    length = draw(st.sampled_from(brand.lengths))
    rest = draw(st.text("0123456789", min_size=length - 7, max_size=length - 7))
    number = with_check_digit(first + rest)
    assume(not number.startswith(_PREFIXES))
    return number


@given(real_looking())
def test_a_number_that_may_be_somebodys_card_is_refused(number):
    cvv = "1234" if brand_of(number).cvv == 4 else "123"
    assert wrong(number=number, cvv=cvv) == ("number", "test_card_required")


@given(real_looking())
def test_the_refusal_does_not_repeat_the_number(number):
    with pytest.raises(Invalid) as caught:
        read(number=number, cvv="1234" if brand_of(number).cvv == 4 else "123")
    error = caught.value
    told = " ".join(map(str, [error, error.message, error.reason, error.detail, error.args]))
    assert not re.search(r"[0-9]{6}", told)


@given(real_looking())
def test_such_a_card_never_becomes_an_instrument(number):
    with pytest.raises(Invalid):
        Card.read(**{**GOOD, "number": number}, now=NOON)


def test_the_longest_bin_speaks():
    assert bin_of("4111111111111111").issuer == "HDFC"
    assert bin_of("4111111111111129") is None
    assert bin_of("4000000000000002").prefix == "400000"
    assert bin_of("4100280000001007").issuer == "HDFC"
    assert bin_of("4100000000000019").issuer == "UTIB"


# --- the form


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "4111-1111-1111-1111", " 4111111111111111 "])
def test_spaces_and_dashes_do_not_matter(number):
    assert read(number=number).number == "4111111111111111"


def test_what_is_no_card_number_is_refused(subtests):
    for number in [
        "",
        "4111",
        "41111111111",
        "4111111111111112",
        "4111111111111111\n",
        "41111111111111１１",
        "٤١١١١١١١١١١١١١١١",
        "4111111111111111a",
        "4" * 20,
        "+4111111111111111",
        "0000000000000000",
    ]:
        with subtests.test(number=number):
            assert wrong(number=number) == ("number", "card_number_invalid")


def test_a_number_of_the_wrong_length_is_refused(subtests):
    for first, length in [("4", 13), ("4", 19), ("51", 15), ("37", 16), ("36", 15), ("6527", 17), ("508500", 15)]:
        with subtests.test(first=first, length=length):
            number = with_check_digit(first.ljust(length - 1, "0"))
            assert wrong(number=number, cvv="1234") == ("number", "card_number_invalid")


def test_foreign_networks_are_not_taken(subtests):
    for number in ["6011111111111117", "3530111333300000", "6200000000000005", "6440000000000000", "3528000000000007"]:
        with subtests.test(number=number):
            checked = with_check_digit(number[:-1])
            assert wrong(number=checked) == ("number", "card_network_not_enabled")


def test_the_cvv_has_as_many_digits_as_its_network_gives_it(subtests):
    for number, cvv, fits in [
        ("4111111111111111", "123", True),
        ("4111111111111111", "1234", False),
        ("4111111111111111", "12", False),
        ("4111111111111111", "", False),
        ("378282246310005", "1234", True),
        ("378282246310005", "123", False),
        ("378282246310005", "12345", False),
        ("6527658900001005", "123", True),
        ("36082800091007", "123", True),
        ("4111111111111111", "12a", False),
        ("4111111111111111", "١٢٣", False),
        ("4111111111111111", "123\n", False),
        ("4111111111111111", " 123", False),
        ("4111111111111111", "000", True),
    ]:
        with subtests.test(number=number, cvv=cvv, fits=fits):
            if fits:
                read(number=number, cvv=cvv)
            else:
                assert wrong(number=number, cvv=cvv) == ("cvv", "incorrect_cvv")


# --- the expiry


def test_a_card_is_good_through_the_last_millisecond_of_its_month_in_india(subtests):
    for now, good in [
        # The month ends at midnight in India, half past six in the evening before in UTC.
        ("2026-11-30T18:29:59.999Z", True),
        ("2026-11-30T18:30:00.000Z", False),
        ("2026-10-31T18:30:00.000Z", True),
        ("2026-11-01T00:00:00.000Z", True),
        ("2026-12-01T00:00:00.000Z", False),
    ]:
        with subtests.test(now=now, good=good):
            moment = parse_time(now)
            if good:
                assert read(moment, expiry="11/26").year == 2026
            else:
                assert wrong(moment, expiry="11/26") == ("expiry", "card_expired")


@pytest.mark.parametrize(("now", "good"), [("2027-02-28T18:29:59.999Z", True), ("2027-02-28T18:30:00.000Z", False)])
def test_february_is_no_exception(now, good):
    moment = parse_time(now)
    assert (wrong if not good else read)(moment, expiry="02/27")


def test_the_year_turns_in_india():
    assert read(parse_time("2026-12-31T18:29:59.999Z"), expiry="12/26").month == 12
    assert wrong(parse_time("2026-12-31T18:30:00Z"), expiry="12/26") == ("expiry", "card_expired")


def test_an_expiry_that_cannot_be_is_refused(subtests):
    for expiry, code in [
        ("10/26", "card_expired"),
        ("12/25", "card_expired"),
        ("01/00", "card_expired"),
        ("13/29", "incorrect_card_expiry_date"),
        ("00/29", "incorrect_card_expiry_date"),
        ("8/29", "incorrect_card_expiry_date"),
        ("0829", "incorrect_card_expiry_date"),
        ("", "incorrect_card_expiry_date"),
        ("08/29x", "incorrect_card_expiry_date"),
        ("08/1929", "incorrect_card_expiry_date"),
        ("08-29", "incorrect_card_expiry_date"),
        ("٠٨/٢٩", "incorrect_card_expiry_date"),
        ("01/47", "incorrect_card_expiry_date"),
        ("12/99", "incorrect_card_expiry_date"),
    ]:
        with subtests.test(expiry=expiry, code=code):
            assert wrong(expiry=expiry) == ("expiry", code)


def test_an_expiry_is_taken_in_the_ways_people_write_it(subtests):
    for expiry in ["11/26", "12/46", " 08/29 ", "08 / 29", "08/2029"]:
        with subtests.test(expiry=expiry):
            assert 2026 <= read(expiry=expiry).year <= 2046


# --- the name


def test_a_name_is_taken_as_it_is_on_the_card(subtests):
    for name in ["Asha Rao", " A ", "J.-P. O'Neil", "3DS Y|A", "A" * 26]:
        with subtests.test(name=name):
            assert read(name=name).name == name.strip()


def test_a_name_that_is_on_no_card_is_refused(subtests):
    for name in ["", "  ", "A" * 27, "आशा", "Asha\nRao", "<b>", "a;b"]:
        with subtests.test(name=name):
            assert wrong(name=name) == ("name", "incorrect_cardholder_name")


# --- what is kept


def test_only_masked_parts_of_a_card_are_stored():
    card = Card.read(**GOOD, now=NOON)
    assert card.dump() == {
        "network": "Visa",
        "bin": "411111",
        "last4": "1111",
        "expiry": "08/29",
        "issuer": "HDFC",
        "type": "credit",
        "country": "IN",
    }
    assert card.secret() == {"number": "4111111111111111"}


def test_of_a_cvv_only_the_magic_one_is_remembered(subtests):
    for number, cvv, kept in [
        ("4111111111111111", "123", None),
        ("4111111111111111", "000", "000"),
        ("378282246310005", "0000", "0000"),
        ("378282246310005", "1000", None),
    ]:
        with subtests.test(number=number, cvv=cvv, kept=kept):
            card = Card.read(**{**GOOD, "number": number, "cvv": cvv}, now=NOON)
            assert card.magic_cvv == kept
            assert cvv not in str(card.dump()) or kept is None
            assert Input.CVV not in card.inputs or kept


def test_neither_number_nor_cvv_shows_where_a_card_is_printed(subtests):
    """An error report or a log line prints what it has at hand."""
    for number in PUBLISHED:
        with subtests.test(number=number):
            card = Card.read(**{**GOOD, "number": number, "cvv": "0000" if len(number) == 15 else "000"}, now=NOON)
            for told in (repr(card), str(card), repr(card.typed), f"{card.typed}"):
                assert number not in told
                assert number[6:-4] not in told


def test_a_card_of_the_control_api_needs_no_cvv():
    now = parse_time("2026-11-21T12:00:00Z")
    for number in ("4111111111111111", "378282246310005"):
        card = cards.read({"number": number, "name": "Asha Rao", "expiry": "12/30"}, now)
        assert card.typed.number == number
    with pytest.raises(Invalid) as refused:
        cards.read({"number": "9999999999999995", "name": "Asha Rao", "expiry": "12/30"}, now)
    assert refused.value.message == "No card network has numbers that begin with 9999."
