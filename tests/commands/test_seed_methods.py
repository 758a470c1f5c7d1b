"""Saved methods in a dumped seed file: what stands for a sealed number, and what nothing stands for."""

import pytest

from mockpay.commands.seed_methods import seed_methods
from mockpay.domain.methods.cards import restore_card
from mockpay.domain.methods.upi import Upi
from mockpay.domain.scenarios.resolution import TABLE, Input
from mockpay.vault.rules import split_instrument

PUBLISHED = [row.equals for row in TABLE if row.input == Input.PAN and row.name != "card.luhn.4242-4241"]


def listed(kind, display, **more):
    """A method as the control API lists it."""
    usual = {"status": "ACTIVE", "nickname": None, "expires_at": "2029-08-31T18:30:00.000Z"}
    return {"kind": kind, "display": display, **usual, **more}


def card(number):
    return listed("card", split_instrument(restore_card(number, "08/29")).display)


def upi(vpa):
    return listed("upi", split_instrument(Upi(vpa)).display)


@pytest.fixture
def left_out():
    return []


@pytest.fixture
def dump(left_out):
    return lambda *methods: list(seed_methods("asha@example.com", [*methods], left_out))


def test_every_published_card_stands_for_itself(dump, left_out):
    tables = dump(*map(card, PUBLISHED))
    assert sorted(table["number"] for table in tables) == sorted(PUBLISHED)
    assert {table["expiry"] for table in tables} == {"08/29"}
    assert left_out == []


def test_a_magic_id_stands_for_itself_and_an_ordinary_one_for_what_is_shown_alike(dump):
    for vpa, stand_in in (
        ("success@mockpay", "success@mockpay"),
        ("asha@okhdfc", "asx@okhdfc"),
        ("ab@okaxis", "ax@okaxis"),
        ("a@okaxis", "x@okaxis"),
        ("suresh@okaxis", "sux@okaxis"),
    ):
        assert dump(upi(vpa)) == [{"kind": "upi", "vpa": stand_in}]
        assert upi(stand_in) == upi(vpa)


def test_what_has_no_stand_in_or_several_is_left_out_by_what_is_shown_of_it(dump, left_out):
    assert dump(card("4242424212345674"), upi("u28@mockpay"), listed("wallet", {"email": "a***@example.com"})) == []
    assert [line.partition(" of asha@example.com")[0] for line in sorted(left_out)] == sorted(
        ["HDFC Bank Visa •••• 5674", "u2****@mockpay", "Wallet balance of a***@example.com"]
    )


def test_names_and_states_go_along_and_what_has_ended_does_not(dump, left_out):
    bank = {"bank": "HDFC", "bank_name": "HDFC Bank"}
    default, old, older, ended = (
        listed("netbanking", bank, nickname="Blue"),
        listed("netbanking", bank | {"bank": "ICIC"}, status="SUSPENDED"),
        listed("netbanking", bank | {"bank": "SBIN"}),
        listed("upi", {"vpa": "u2****@mockpay"}, status="DEACTIVATED"),
    )
    assert dump(default, old, ended, older) == [
        {"kind": "netbanking", "bank": "HDFC", "nickname": "Blue"},
        {"kind": "netbanking", "bank": "SBIN"},
        {"kind": "netbanking", "bank": "ICIC", "suspended": True},
    ]
    assert left_out == []
