"""Saved methods by control API."""

import pytest
from sqlalchemy import select

from mockpay.store.unit_of_work import read, transaction
from mockpay.vault import saved_methods as services
from mockpay.vault.vault_table import methods

ASHA, RAVI = "asha@example.com", "ravi@example.com"
VISA, MASTERCARD, AMEX, FOREIGN = ("4111111111111111", "5500670000001002", "378282246310005", "4012888888881881")
CARD = {"kind": "card", "number": VISA, "expiry": "08/29", "name": "Asha Rao"}
UPI = {"kind": "upi", "vpa": "Asha@okbank"}
BANK = {"kind": "netbanking", "bank": "SBIN"}


@pytest.fixture
def world(api):
    world = api.new_seller()
    world.freeze()
    return world


def save(world, wish=CARD, buyer=ASHA):
    answer = world.post(f"/buyers/{buyer}/methods", wish)
    assert answer.status_code == 201, answer.json
    return answer.json


def listed(world, buyer=ASHA):
    return world.get(f"/buyers/{buyer}/methods").json["items"]


def at(method, verb="", buyer=ASHA):
    return f"/buyers/{buyer}/methods/{method['token']}{verb and '/'}{verb}"


def test_a_card_is_saved_by_its_token_and_shows_its_looks_only(world):
    saved = save(world)
    shown = {"network": "Visa", "last4": "1111", "issuer": "HDFC", "type": "credit"}
    assert saved["display"] == shown
    assert saved["token"].startswith("tok_")
    expected = {
        "kind": "card",
        "status": "ACTIVE",
        "status_reason": None,
        "nickname": None,
        "title": "HDFC Bank Visa •••• 1111",
        "is_default": True,
        "attempt_id": None,
        "created_at": "2026-11-21T15:00:00.000Z",
        "last_used_at": None,
        "expires_at": "2029-08-31T18:30:00.000Z",
    }
    assert saved.items() >= expected.items()
    assert [one["event"] for one in saved["timeline"]] == ["initiate", "activate"]
    assert world.get(at(saved)).json == saved


def test_the_consent_is_the_testers(world):
    consent = save(world)["consent"]
    assert (consent["ip"], consent["text_version"]) == ("control API", "1")
    assert consent["accepted_at"] == "2026-11-21T15:00:00.000Z"


@pytest.mark.parametrize(
    ("wish", "title"),
    [(UPI, "as****@okbank"), (BANK, "State Bank of India"), ({**CARD, "number": AMEX}, "American Express •••• 0005")],
)
def test_every_kind_can_be_saved(world, wish, title):
    assert save(world, wish)["title"] == title


def test_the_buyer_is_known_from_then_on_by_id_and_by_e_mail(world):
    saved = save(world, buyer="Asha%40Example.com")
    (buyer,) = world.get("/buyers").json["items"]
    assert (buyer["email"], buyer["buyer_id"]) == (ASHA, saved["buyer_id"])
    assert [one["token"] for one in listed(world, buyer["buyer_id"])] == [saved["token"]]


def test_the_same_card_again_is_the_same_token(world):
    assert save(world)["token"] == save(world)["token"]


def test_a_card_of_another_country_is_refused_by_its_network_and_not_kept(world):
    refused = save(world, {**CARD, "number": FOREIGN})
    assert (refused["status"], refused["status_reason"]) == ("FAILED", "international_card_not_tokenised")
    assert listed(world) == []


def test_a_saved_card_pays(world):
    saved = save(world)
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        used = services.use(sandbox, saved["buyer_id"], saved["token"])
    assert used.instrument.typed.number == VISA
    assert world.get(at(saved)).json["last_used_at"] == "2026-11-21T15:00:00.000Z"


def test_no_answer_has_a_full_number_or_address(world):
    told = [save(world), save(world, UPI), listed(world), world.get("/buyers").json]
    assert VISA not in str(told)
    assert "asha@okbank" not in str(told)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({**CARD, "number": "4111111111111112"}, "card_number_invalid"),
        ({**CARD, "number": "4539578763621486"}, "test_card_required"),
        ({**CARD, "expiry": "08/26"}, "card_expired"),
        ({**CARD, "expiry": "8"}, "incorrect_card_expiry_date"),
        ({"kind": "card"}, "card_number_invalid"),
        ({"kind": "card", "number": VISA, "expiry": "08/29"}, "incorrect_cardholder_name"),
        ({"kind": "card", "number": "²" * 16}, "card_number_invalid"),
        ({"kind": "upi", "vpa": "asha"}, "vpa.invalid"),
        ({"kind": "upi"}, "method.not_savable"),
        ({"kind": "netbanking"}, "bank.unknown"),
        ({"kind": "netbanking", "bank": "NOPE"}, "bank.unknown"),
        ({"kind": "wallet"}, "input.invalid"),
        ({**CARD, "cvv": "123"}, "input.invalid"),
    ],
)
def test_only_what_a_test_may_use_is_saved(world, wish, code):
    answer = world.post(f"/buyers/{ASHA}/methods", wish)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert wish.get("number", VISA) not in answer.text
    assert listed(world) == []


def test_a_refused_instrument_makes_no_buyer(world):
    world.post(f"/buyers/{ASHA}/methods", {"kind": "upi", "vpa": "asha"})
    assert world.get("/buyers").json["items"] == []


def test_an_id_that_nobody_has_gets_no_method(world):
    answer = world.post("/buyers/byr_nobody/methods", UPI)
    assert (answer.status_code, answer.json["code"]) == (404, "buyer.not_found")


# --- what the buyer does


def test_a_method_is_named_and_the_name_taken_away(world):
    saved = save(world)
    named = world.call("PATCH", at(saved), {"nickname": " Blue  card "}).json
    assert (named["nickname"], named["title"]) == ("Blue card", "Blue card")
    assert world.call("PATCH", at(saved), {}).json["nickname"] == "Blue card"
    assert world.call("PATCH", at(saved), {"nickname": None}).json["nickname"] is None


def test_one_method_is_the_default_and_comes_first(world):
    first, second = save(world), save(world, UPI)
    changed = world.call("PATCH", at(second), {"is_default": True}).json
    assert changed["is_default"]
    assert [(one["token"], one["is_default"]) for one in listed(world)] == [
        (second["token"], True),
        (first["token"], False),
    ]


def test_a_deleted_method_is_gone_and_the_next_is_the_default(world):
    first, second = save(world), save(world, UPI)
    answer = world.call("DELETE", at(first))
    assert (answer.status_code, answer.data) == (204, b"")
    assert [(one["token"], one["is_default"]) for one in listed(world)] == [(second["token"], True)]
    assert world.get(at(first)).status_code == 404
    assert world.call("DELETE", at(first)).status_code == 404


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"nickname": "4111 1111 1111 1111"}, "nickname.invalid"),
        ({"nickname": "x" * 41}, "nickname.invalid"),
        ({"is_default": False}, "method.default"),
        ({"is_default": None}, "input.invalid"),
        ({"token": "tok_1"}, "input.invalid"),
    ],
)
def test_a_change_that_cannot_be_is_refused(world, patch, code):
    saved = save(world)
    answer = world.call("PATCH", at(saved), patch)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert world.get(at(saved)).json == saved


def test_half_a_change_is_none(world):
    saved = save(world)
    world.post(at(saved, "deactivate"))
    answer = world.call("PATCH", at(saved), {"nickname": "Blue", "is_default": True})
    assert (answer.status_code, answer.json["code"]) == (409, "method.deactivated")
    assert world.get(at(saved)).json["nickname"] is None


# --- what the bank does


def test_a_method_is_suspended_resumed_and_deactivated(world):
    saved = save(world)
    suspended = world.post(at(saved, "suspend"), {"reason": "card_lost"}).json
    assert (suspended["status"], suspended["status_reason"]) == ("SUSPENDED", "card_lost")
    assert world.post(at(saved, "resume")).json["status"] == "ACTIVE"
    ended = world.post(at(saved, "deactivate"), {"reason": "expired"}).json
    assert (ended["status"], ended["status_reason"]) == ("DEACTIVATED", "expired")
    assert not ended["is_default"]
    assert [one["event"] for one in ended["timeline"]][2:] == ["suspend", "resume", "deactivate"]
    assert [one["status"] for one in listed(world)] == ["DEACTIVATED"]


def test_a_bank_ends_a_method_without_saying_why(world):
    ended = world.post(at(save(world), "deactivate")).json
    assert ended["status_reason"] == "deactivated_by_bank"


@pytest.mark.parametrize(
    ("before", "verb"),
    [
        ([], "resume"),
        (["suspend"], "suspend"),
        (["deactivate"], "suspend"),
        (["deactivate"], "resume"),
        (["deactivate"], "deactivate"),
    ],
)
def test_a_step_that_the_status_does_not_have_is_refused(world, before, verb):
    saved = save(world)
    for step in before:
        assert world.post(at(saved, step)).status_code == 200
    answer = world.post(at(saved, verb))
    assert (answer.status_code, answer.json["code"]) == (409, "transition.illegal")


def test_a_reason_is_a_word_and_no_number(world):
    answer = world.post(at(save(world), "suspend"), {"reason": VISA})
    assert answer.status_code == 422
    assert VISA not in answer.text


# --- whose they are

CALLS = [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "suspend"), ("POST", "resume"), ("POST", "deactivate")]


@pytest.mark.parametrize(("method", "verb"), CALLS)
def test_nobody_elses_token_is_told_from_one_that_is_not_there(api, world, method, verb):
    mine = save(world)
    other = api.new_seller()
    save(other, UPI)
    body = {"nickname": "mine now"} if method == "PATCH" else None
    answers = [
        world.call(method, at(mine, verb, RAVI), body),
        other.call(method, at(mine, verb), body),
        world.call(method, at({"token": "tok_nothing"}, verb), body),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].json["code"] == "method.not_found"
    assert world.get(at(mine)).json == mine


def test_a_reset_takes_saved_methods_away(world):
    saved = save(world)
    assert world.post("/reset").status_code in {200, 204}
    assert world.get(at(saved)).status_code == 404
    with read(world.api.runtime, world.seller_id) as sandbox:
        mine = select(methods).where(methods.c.seller_id == world.seller_id)
        assert sandbox.connection.execute(mine).all() == []


def test_a_buyers_list_has_nobody_elses(api, world):
    save(world)
    other = api.new_seller()
    assert listed(world, RAVI) == listed(other) == []
