"""The rules of one-time passwords: drawing, hashing, asking, masking, and their machine."""

import pytest

from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.otp_codes import otp_rows
from mockpay.domain.scenarios.resolution import Input
from mockpay.domain.sellers import Settings, settings
from mockpay.kernel import ids
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.otp import rules
from mockpay.otp.rules import OTP, VERDICT_AFTER_END, Channel, OtpState, Purpose, Verdict

#: facts, section 11.2.
PUBLISHED = {
    "123456": "correct",
    "111000": "correct",
    "000000": "wrong",
    "999999": "expired",
    "888888": "locked",
    "666666": "technical",
    "222222": "acs:A",
    "333333": "acs:N",
    "444444": "acs:U",
    "555555": "acs:R",
    "777777": "acs:timeout",
}


# --- drawing


def test_a_code_has_the_digits_that_were_asked_for(subtests):
    for length in range(4, 9):
        with subtests.test(length=length):
            codes = [rules.draw("seed", "S", f"otp_{n}", 1, length) for n in range(50)]
            assert all(len(code) == length and code.isdigit() and code.isascii() for code in codes)
            assert len(set(codes)) > 40


def test_codes_begin_with_any_digit():
    firsts = {rules.draw("seed", "S", f"otp_{n}", 1, 6)[0] for n in range(300)}
    assert firsts == set("0123456789")


def test_a_code_depends_on_seed_seller_challenge_and_sending():
    one = ("seed", "S", "otp_1", 1)
    others = [
        ("seeds", "S", "otp_1", 1),
        ("seed", "T", "otp_1", 1),
        ("seed", "S", "otp_2", 1),
        ("seed", "S", "otp_1", 2),
    ]
    assert rules.draw(*one, 6) == rules.draw(*one, 6)
    assert rules.draw(*one, 6) not in [rules.draw(*other, 6) for other in others]


def test_a_magic_code_is_never_drawn():
    """A challenge whose first draw is magic, found by trying, gets its second one."""
    unlucky = next(n for n in range(2_000_000) if _first(n) in PUBLISHED)
    code = rules.draw("seed", "S", f"otp_{unlucky}", 1, 6)
    assert code not in PUBLISHED
    second = ids.number("seed", "S", "otp", f"otp_{unlucky}", 1, 1, below=10**6)
    assert code == f"{second:06d}"


def _first(number):
    return f"{ids.number('seed', 'S', 'otp', f'otp_{number}', 1, 0, below=10**6):06d}"


# --- hashing

BINDING = ("otp_1", "PAYMENT", "att_1", "att_1", "INR 750000", "Tea & Sons")


def hashed(secret=b"k" * 32, binding=BINDING, salt="ab", code="482913"):
    return rules.code_hash(secret, binding, salt, code)


def test_a_code_is_kept_as_a_keyed_hash_of_64_digits():
    assert hashed() == hashed()
    assert len(hashed()) == 64
    assert int(hashed(), 16)


def test_whatever_is_bound_changes_the_hash(subtests):
    for other in [
        {"secret": b"l" * 32},
        {"salt": "ac"},
        {"code": "482914"},
        {"code": ""},
        *({"binding": (*BINDING[:n], "other", *BINDING[n + 1 :])} for n in range(len(BINDING))),
        {"binding": (*BINDING[:-1], None)},
    ]:
        with subtests.test(other=other):
            assert hashed(**other) != hashed()


def test_the_ends_of_what_is_bound_cannot_be_moved():
    assert hashed(binding=("a|1", "b")) != hashed(binding=("a", "1|b"))
    assert hashed(binding=("a", "b"), salt="c") != hashed(binding=("a",), salt="b", code="c")


# --- what is typed


def test_a_typed_code_is_its_digits_or_nothing(subtests):
    for typed, code in [
        ("482913", "482913"),
        (" 482 913\n", "482913"),
        ("4829", "4829"),
        ("12", "12"),
        ("48291300", "48291300"),
        ("482913001", ""),
        ("", ""),
        ("abc123", ""),
        ("-12345", ""),
        ("１２３４５６", ""),
        ("\ud800", ""),
        ("0" * 100_000, ""),
        ("1.0", ""),
    ]:
        with subtests.test(typed=typed, code=code):
            assert rules.normalize_code(typed) == code


# --- magic codes


def test_the_rows_are_the_published_table():
    rows = list(otp_rows())
    assert {row.equals: row.outcome for row in rows} == PUBLISHED
    assert {(row.input, row.stage) for row in rows} == {(Input.OTP, Stage.AUTH)}
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.description and row.origin for row in rows)


def test_a_magic_code_has_its_outcome(subtests):
    for code, outcome in PUBLISHED.items():
        with subtests.test(code=code, outcome=outcome):
            assert rules.magic_outcome(code) == outcome


def test_any_other_code_is_not_magic(subtests):
    for code in ["482913", "12345", "1234567", "", "0000", "12345 6"]:
        with subtests.test(code=code):
            assert rules.magic_outcome(code) is None


def test_an_acs_makes_its_own_outcomes_of_five_codes(subtests):
    for typed, outcome in [
        ("222222", "A"),
        ("333333", "N"),
        ("444444", "U"),
        ("555 555", "R"),
        ("777777", "timeout"),
        ("123456", None),
        ("000000", None),
        ("666666", None),
        ("482913", None),
        ("", None),
    ]:
        with subtests.test(typed=typed, outcome=outcome):
            assert rules.acs_outcome(typed) == outcome


# --- who is asked


def test_the_threshold_asks_strictly_above(subtests):
    for amount, asked in [("5000.00", False), ("5000.01", True), ("4999.99", False), ("1.00", False)]:
        with subtests.test(amount=amount, asked=asked):
            assert rules.otp_required(Settings(), "card", Money.parse(amount)) is asked


@pytest.mark.parametrize(
    ("threshold", "amount", "asked"), [("0", "1.00", True), ("15000", "15000.00", False), ("15000", "15000.01", True)]
)
def test_the_threshold_is_the_sellers(threshold, amount, asked):
    given = settings({"otp_threshold": threshold})
    assert rules.otp_required(given, "wallet", Money.parse(amount)) is asked


def test_a_method_that_always_asks_does_so_for_any_amount():
    given = settings({"otp_always_methods": ["SAVED", "wallet"]})
    assert rules.otp_required(given, "saved", Money.parse("1.00"))
    assert rules.otp_required(given, "wallet", Money.parse("1.00"))
    assert not rules.otp_required(given, "card", Money.parse("1.00"))


# --- settings


def test_a_setting_takes_its_values(subtests):
    for name, value in [
        ("otp_threshold", "0"),
        ("otp_threshold", "15000.50"),
        ("otp_always_methods", ()),
        ("otp_always_methods", ("card", "wallet")),
        ("otp_length", 4),
        ("otp_length", 8),
        ("otp_ttl_seconds", 1),
        ("otp_max_wrong", 1),
        ("otp_resend_seconds", 0),
        ("otp_max_sends", 1),
    ]:
        with subtests.test(name=name, value=value):
            assert getattr(settings({name: value}), name) == value


def test_a_list_is_kept_as_one_that_nobody_changes():
    assert settings({"otp_always_methods": ["card"]}).otp_always_methods == ("card",)


def test_any_other_value_is_refused_and_named(subtests):
    for name, value in [
        ("otp_threshold", "a lot"),
        ("otp_threshold", "-1"),
        ("otp_threshold", 5000),
        ("otp_threshold", ""),
        ("otp_always_methods", "card"),
        ("otp_always_methods", [1]),
        ("otp_always_methods", [""]),
        ("otp_always_methods", ["a card"]),
        ("otp_always_methods", ["card"] * 51),
        ("otp_always_methods", None),
        ("otp_length", 3),
        ("otp_length", 9),
        ("otp_length", True),
        ("otp_ttl_seconds", 0),
        ("otp_max_wrong", 0),
        ("otp_resend_seconds", -1),
        ("otp_max_sends", 0),
    ]:
        with subtests.test(name=name, value=value):
            with pytest.raises(Invalid) as refused:
                settings({name: value})
            assert (refused.value.code, refused.value.detail["field"]) == ("settings.invalid", name)


# --- what is shown


def test_a_destination_is_shown_masked(subtests):
    for to, shown in [
        ("+91 98765 43210", "******3210"),
        ("9876543210", "******3210"),
        ("asha@example.com", "a***@example.com"),
        ("1234", "******"),
        ("", "******"),
        ("@example.com", "***@example.com"),
        ("app of device 7", "******"),
    ]:
        with subtests.test(to=to, shown=shown):
            assert rules.mask_destination(to) == shown


def test_spelling_does_not_make_another_destination():
    assert rules.normalize_destination(" +91 98765 43210") == rules.normalize_destination("+919876543210")
    assert rules.normalize_destination("Asha@Example.com") == rules.normalize_destination("asha@example.com")


@pytest.mark.parametrize(("seconds", "says"), [(300, "5 minutes"), (119, "119 seconds")])
def test_a_message_says_how_long_its_code_is_good_for(seconds, says):
    text = rules.message_text(Purpose.SIGN_IN, "482913", None, None, seconds)
    assert text == (f"482913 is your one-time password for signing in. Valid for {says}. Tell it nobody.")


# --- the machine


def test_a_challenge_steps_from_active_only_and_every_state_is_reached():
    assert {state for state, _ in OTP.table} == {OtpState.ACTIVE}
    assert set(OTP.table.values()) == set(OtpState)


def test_every_end_has_an_answer_that_verifies_nothing():
    assert set(VERDICT_AFTER_END) == set(OtpState) - {OtpState.ACTIVE}
    assert Verdict.VERIFIED not in VERDICT_AFTER_END.values()


def test_states_purposes_and_channels_are_spelt_in_capitals():
    for kind in (OtpState, Purpose, Channel, Verdict):
        assert all(str(one) == one.name == one.name.upper() for one in kind)
