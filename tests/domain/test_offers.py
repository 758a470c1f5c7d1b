"""What a seller offers: limits, down times, networks, and patches upon the default."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.domain.methods.netbanking import BANKS
from mockpay.domain.offers import DEFAULT, merged, patch_of
from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money

NOON = parse_time("2026-11-21T12:00:00Z")
SHUT = {"from": "2026-11-21T12:00:00Z", "to": "2026-11-21T13:00:00Z"}


def rupees(text):
    return Money.parse(text)


def why(offers, method, amount="499.00", now=NOON):
    refusal = offers.available(method, rupees(amount), now)
    return refusal and refusal.reason


def patched(**patch):
    return merged(DEFAULT, patch)


def test_everything_is_offered_by_default():
    assert list(DEFAULT.methods) == ["upi", "card", "netbanking", "wallet", "emi"]
    assert list(DEFAULT.banks) == [bank.code for bank in BANKS]
    assert list(DEFAULT.networks.items()) == [
        ("Visa", True),
        ("Mastercard", True),
        ("RuPay", True),
        ("American Express", True),
        ("Diners Club", True),
        ("Maestro", True),
    ]
    assert DEFAULT.upi_collect
    assert [why(DEFAULT, method, "1000.00") for method in DEFAULT.methods] == [None] * 5
    assert why(DEFAULT, "emi") == "amount_below_minimum"  # no plan is for less than Rs 1,000
    assert patch_of(DEFAULT) == {}


def test_the_limits_are_amounts_that_can_still_be_paid(subtests):
    for method, most in [
        ("upi", "500000.00"),
        ("card", "9999999999.99"),
        ("netbanking", "9999999999.99"),
        ("wallet", "200000.00"),
    ]:
        with subtests.test(method=method, most=most):
            assert DEFAULT.methods[method].highest == rupees(most)
            assert why(DEFAULT, method, most) is None
            assert why(DEFAULT, method, "1.00") is None


def test_a_paisa_beyond_a_limit_is_refused_with_the_limit_in_words():
    offers = patched(methods={"upi": {"min_amount": "10.00", "max_amount": "100000.00"}})
    assert why(offers, "upi", "10.00") is None
    assert why(offers, "upi", "9.99") == "amount_below_minimum"
    assert why(offers, "upi", "100000.00") is None
    assert why(offers, "upi", "100000.01") == "transaction_limit_exceeded"
    message = offers.available("upi", rupees("100000.01"), NOON).message
    assert message == "UPI takes at most ₹1,00,000.00 in one payment."
    assert offers.available("upi", rupees("1.00"), NOON).message == "UPI begins at ₹10.00."


def test_a_method_that_is_off_says_so_by_its_title():
    offers = patched(methods={"wallet": {"enabled": False, "title": "Balance"}})
    refusal = offers.available("wallet", rupees("1.00"), NOON)
    assert (refusal.reason, refusal.message) == ("method_not_enabled", "Balance is switched off by the seller.")
    assert why(offers, "card") is None


def test_a_method_that_nobody_knows_is_not_offered():
    assert why(DEFAULT, "cheque") == "method_not_enabled"


# --- banks


def test_a_bank_is_down_from_the_first_moment_until_just_before_the_last(subtests):
    for moment, down in [("11:59:59.999", False), ("12:00:00", True), ("12:59:59.999", True), ("13:00:00", False)]:
        with subtests.test(moment=moment, down=down):
            offers = patched(banks={"SBIN": {"down": [SHUT]}})
            now = parse_time(f"2026-11-21T{moment}Z")
            assert offers.banks["SBIN"].is_down(now) is down
            assert not offers.banks["HDFC"].is_down(now)
            refusal = offers.banks["SBIN"].refusal(now)
            assert (refusal and refusal.reason) == ("bank_technical_error" if down else None)


def test_one_magic_bank_is_always_down():
    assert [code for code, bank in DEFAULT.banks.items() if bank.is_down(NOON)] == ["MKD1"]
    opened = patched(banks={"MKD1": {"enabled": True, "down": []}})
    assert opened.banks["MKD1"].is_down(NOON)


def test_net_banking_needs_a_bank_that_can_be_reached():
    shut = patched(banks={bank.code: {"down": [SHUT]} for bank in BANKS})
    assert why(shut, "netbanking") == "bank_technical_error"
    assert why(shut, "netbanking", now=parse_time(SHUT["to"])) is None
    off = patched(banks={bank.code: {"enabled": False} for bank in BANKS})
    assert why(off, "netbanking") == "bank_technical_error"


# --- what a payment is held against


def refused(offers, method, amount="499.00", **chosen):
    refusal = offers.refusal(method, chosen, rupees(amount), NOON)
    return refusal and refusal.reason


def test_a_card_of_a_network_that_is_off_is_refused():
    offers = patched(card_networks={"RuPay": False})
    assert refused(offers, "card", network="RuPay") == "card_network_not_enabled"
    assert refused(offers, "card", network="Visa") is None
    assert offers.network_refusal("RuPay").message == "RuPay cards are not taken by this seller."


def test_a_network_that_nobody_knows_is_refused():
    assert refused(DEFAULT, "card", network="Discover") == "card_network_not_enabled"


def test_a_bank_that_is_off_is_refused_and_one_that_is_down_may_be_tried():
    offers = patched(banks={"SBIN": {"enabled": False}, "HDFC": {"down": [SHUT]}})
    assert refused(offers, "netbanking", bank="SBIN") == "bank_not_enabled"
    assert refused(offers, "netbanking", bank="HDFC") is None


def test_without_collect_a_typed_upi_id_is_refused_and_a_code_is_not():
    offers = merged(DEFAULT, {})
    without = type(offers)(offers.methods, offers.banks, offers.networks, upi_collect=False)
    assert refused(without, "upi", flow="collect", vpa="a@b") == "upi_collect_not_enabled"
    assert refused(without, "upi", flow="intent") is None
    assert refused(offers, "upi", flow="collect", vpa="a@b") is None


def test_a_method_that_is_off_or_out_of_limits_is_refused_whatever_is_chosen():
    offers = patched(methods={"card": {"enabled": False}, "upi": {"max_amount": "10.00"}})
    assert refused(offers, "card", network="Visa") == "method_not_enabled"
    assert refused(offers, "upi", flow="intent") == "transaction_limit_exceeded"
    assert refused(offers, "cheque") == "method_not_enabled"


# --- patches


def test_a_patch_leaves_what_it_does_not_name():
    first = patched(methods={"upi": {"max_amount": "10.00"}}, card_networks={"Visa": False})
    second = merged(first, {"methods": {"upi": {"enabled": False}, "card": {"title": "Card"}}})
    assert patch_of(second) == {
        "methods": {"upi": {"enabled": False, "max_amount": "10.00"}, "card": {"title": "Card"}},
        "card_networks": {"Visa": False},
    }


@pytest.mark.parametrize(
    "back",
    [
        {"methods": {"upi": None}, "banks": {"SBIN": None}, "card_networks": {"Visa": None}},
        {
            "methods": {"upi": {"max_amount": None, "enabled": None, "title": None}},
            "banks": {"SBIN": {"down": None, "enabled": None}},
            "card_networks": {"Visa": True},
        },
        {
            "methods": {"upi": {"max_amount": "500000.00", "enabled": True, "title": "UPI"}},
            "banks": {"SBIN": {"down": [], "enabled": True}},
            "card_networks": {"Visa": None},
        },
    ],
)
def test_null_is_the_default_again(back):
    changed = patched(
        methods={"upi": {"max_amount": "10.00", "enabled": False, "title": "U"}},
        banks={"SBIN": {"down": [SHUT], "enabled": False}},
        card_networks={"Visa": False},
    )
    assert merged(changed, back) == DEFAULT


def test_a_patch_that_cannot_be_meant_names_its_field(subtests):
    for patch, field in [
        ({"methods": {"cheque": {"enabled": True}}}, "methods.cheque"),
        ({"methods": {"upi": {"max_amount": "0.50"}}}, "methods.upi.max_amount"),
        ({"methods": {"upi": {"max_amount": "lots"}}}, "methods.upi.max_amount"),
        ({"methods": {"upi": {"min_amount": "-1"}}}, "methods.upi.min_amount"),
        ({"methods": {"upi": {"min_amount": "9", "max_amount": "8"}}}, "methods.upi.max_amount"),
        ({"methods": {"upi": {"min_amount": "500000.01"}}}, "methods.upi.max_amount"),
        ({"methods": {"upi": {"title": ""}}}, "methods.upi.title"),
        ({"methods": {"upi": {"title": "a" * 41}}}, "methods.upi.title"),
        ({"methods": {"upi": {"title": "two\nlines"}}}, "methods.upi.title"),
        ({"methods": {"upi": {"title": " UPI"}}}, "methods.upi.title"),
        ({"methods": {"upi": {"colour": "red"}}}, "methods.upi.colour"),
        ({"banks": {"NONE": {"enabled": True}}}, "banks.NONE"),
        ({"banks": {"SBIN": {"down": [{"from": "noon", "to": "night"}]}}}, "banks.SBIN.down"),
        ({"banks": {"SBIN": {"down": [{"from": SHUT["to"], "to": SHUT["from"]}]}}}, "banks.SBIN.down"),
        ({"banks": {"SBIN": {"down": [{"from": SHUT["to"], "to": SHUT["to"]}]}}}, "banks.SBIN.down"),
        ({"banks": {"SBIN": {"down": [SHUT] * 21}}}, "banks.SBIN.down"),
        ({"card_networks": {"Discover": True}}, "card_networks.Discover"),
    ]:
        with subtests.test(patch=patch, field=field):
            with pytest.raises(Invalid) as caught:
                merged(DEFAULT, patch)
            assert (caught.value.code, caught.value.detail["field"]) == ("methods.invalid", field)


AMOUNTS = st.integers(min_value=100, max_value=10**9).map(lambda minor: Money(minor).wire())
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "methods": st.dictionaries(
            st.sampled_from(sorted(DEFAULT.methods)),
            st.fixed_dictionaries(
                {"min_amount": st.just("1.00")}, optional={"enabled": st.booleans(), "max_amount": AMOUNTS}
            ),
        ),
        "banks": st.dictionaries(
            st.sampled_from(sorted(DEFAULT.banks)),
            st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "down": st.lists(st.just(SHUT), max_size=2)}),
            max_size=3,
        ),
        "card_networks": st.dictionaries(st.sampled_from(sorted(DEFAULT.networks)), st.booleans()),
    },
)


@given(first=PATCHES, second=PATCHES)
def test_what_is_stored_is_read_back_as_it_was(first, second):
    offers = merged(merged(DEFAULT, first), second)
    stored = json.loads(json.dumps(patch_of(offers)))
    assert merged(DEFAULT, stored) == offers
    assert merged(offers, second) == offers
