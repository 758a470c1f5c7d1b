"""Saved methods: what is kept where, what is shown, and how they live."""

import pytest

from mockpay.domain.methods.cards import Card, restore_card
from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.methods.wallet import Wallet
from mockpay.kernel.clock import parse_time
from mockpay.kernel.errors import Invalid
from mockpay.vault import rules
from mockpay.vault.rules import LIVE, SAVED_METHOD, MethodStatus, SavedMethod
from tests.factories import NOON

VISA, FOREIGN = "4111111111111111", "4012888888881881"
#: facts, section 12.6.
LEADS = {
    "INITIATED": "ACTIVE FAILED",
    "ACTIVE": "SUSPENDED DEACTIVATED",
    "SUSPENDED": "ACTIVE DEACTIVATED",
    "DEACTIVATED": "",
    "FAILED": "",
}


def card(number=VISA, expiry="08/29"):
    return Card.read(number=number, expiry=expiry, cvv="123", name="Asha Rao", now=NOON)


def test_a_saved_method_moves_as_published(subtests):
    for state, to in LEADS.items():
        with subtests.test(state=state, to=to):
            leads = {str(target) for (one, _), target in SAVED_METHOD.table.items() if one == state}
            assert leads == set(to.split())


def test_no_status_is_missing_and_the_live_ones_have_a_future():
    assert set(LEADS) == set(MethodStatus)
    assert {"ACTIVE", "SUSPENDED"} == LIVE


# --- taken apart and put together


def test_of_a_card_only_its_looks_leave_the_vault():
    parts = rules.split_instrument(card())
    assert parts.display == {"network": "Visa", "last4": "1111", "issuer": "HDFC", "type": "credit"}
    assert parts.secret == {"pan": VISA, "expiry": "08/2029"}
    assert VISA not in repr(parts)
    assert "2029" not in repr(parts)


def test_a_card_comes_back_without_cvv_and_name():
    typed = card()
    parts = rules.split_instrument(typed)
    again = METHODS[parts.kind].restore(parts.secret, parts.display)
    assert isinstance(again, Card)
    assert (again.typed.name, again.magic_cvv) == ("", None)
    assert again.dump() == typed.dump()
    assert again.secret() == typed.secret() == {"number": VISA}


@pytest.mark.parametrize(
    ("instrument", "shown"),
    [
        (Upi("gaurav@okhdfc"), {"vpa": "ga****@okhdfc"}),
        (NetBanking("SBIN"), {"bank": "SBIN", "bank_name": "State Bank of India"}),
        (Wallet("asha@example.com"), {"email": "a***@example.com"}),
    ],
)
def test_other_instruments_come_back_as_they_were(instrument, shown):
    parts = rules.split_instrument(instrument)
    assert parts.display == shown
    assert METHODS[parts.kind].restore(parts.secret, parts.display) == instrument


def test_of_net_banking_nothing_is_secret():
    assert rules.split_instrument(NetBanking("SBIN")).secret == {}


def test_a_upi_id_is_one_however_it_is_spelt():
    assert (
        rules.split_instrument(Upi("Gaurav@OkHdfc")).identity == rules.split_instrument(Upi("gaurav@okhdfc")).identity
    )


def test_two_instruments_never_have_one_identity():
    given = [card(), card(FOREIGN), Upi("a1@bank"), Wallet("a1@bank"), NetBanking("SBIN")]
    assert len({rules.split_instrument(one).identity for one in given}) == len(given)


def test_a_payment_by_qr_code_has_nothing_to_save():
    with pytest.raises(Invalid) as refused:
        rules.split_instrument(Upi())
    assert refused.value.code == "method.not_savable"


@pytest.mark.parametrize(
    ("expiry", "ends"),
    [("08/29", "2029-08-31T18:30:00Z"), ("12/29", "2029-12-31T18:30:00Z"), ("02/28", "2028-02-29T18:30:00Z")],
)
def test_a_card_is_good_through_its_last_day_in_india(expiry, ends):
    assert rules.split_instrument(card(expiry=expiry)).expires_at == parse_time(ends)


def test_only_cards_of_india_get_a_token():
    assert rules.split_instrument(card()).refused is None
    assert rules.split_instrument(card(FOREIGN)).refused == "international_card_not_tokenised"


def test_a_card_that_was_never_ours_is_not_restored(subtests):
    for number in ["4539578763621486", "6011111111111117", "1", ""]:
        with subtests.test(number=number):
            with pytest.raises(Invalid) as refused:
                restore_card(number, "08/29")
            assert refused.value.code == "test_card_required"


# --- shown


def test_an_address_never_shows_its_whole_name(subtests):
    for address, shown in [
        ("gaurav@okhdfc", "ga****@okhdfc"),
        ("abc@x", "ab****@x"),
        ("ab@x", "a****@x"),
        ("a@x", "****@x"),
    ]:
        with subtests.test(address=address, shown=shown):
            assert rules.mask_address(address) == shown


def saved(kind, display, nickname=None):
    return SavedMethod(
        "tok_1",
        "A1",
        "byr_1",
        kind,
        MethodStatus.ACTIVE,
        None,
        display,
        nickname,
        None,
        None,
        False,
        "cns_1",
        None,
        0,
        0,
        None,
        None,
    )


def test_a_buyer_knows_a_method_by_its_looks_or_its_nickname(subtests):
    for instrument, title in [
        (card(), "HDFC Bank Visa •••• 1111"),
        (Upi("gaurav@okhdfc"), "ga****@okhdfc"),
        (NetBanking("SBIN"), "State Bank of India"),
        (Wallet("asha@example.com"), "Wallet balance of a***@example.com"),
    ]:
        with subtests.test(instrument=instrument, title=title):
            parts = rules.split_instrument(instrument)
            assert saved(parts.kind, parts.display).title == title
            assert saved(parts.kind, parts.display, "Groceries").title == "Groceries"


def test_a_nickname_is_kept_tidy(subtests):
    for typed, kept in [
        ("  My   card ", "My card"),
        ("", None),
        ("   ", None),
        ("कार्ड ₹", "कार्ड ₹"),
        ("Visa 411111 1111", "Visa 411111 1111"),
    ]:
        with subtests.test(typed=typed, kept=kept):
            assert rules.nickname(typed) == kept


def test_a_nickname_is_short_and_no_card_number(subtests):
    for typed in ["x" * 41, "a\x00b", VISA, "4111 1111 1111 1111", "4-1-1-1-1-1-1-1-1-1-1"]:
        with subtests.test(typed=typed):
            with pytest.raises(Invalid) as refused:
                rules.nickname(typed)
            assert (refused.value.code, refused.value.detail["field"]) == ("nickname.invalid", "nickname")
            assert typed not in refused.value.message
