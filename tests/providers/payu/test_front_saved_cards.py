"""Cards that a merchant keeps for its users: stored, listed, taken away, and paid by."""

import pytest

from tests.providers.payu.merchant import FURL, SURL

NUMBER = "5123456789012346"
CARD = {"ccnum": NUMBER, "ccvv": "123", "ccexpmon": "05", "ccexpyr": "2030", "ccname": "Asha", "pg": "CC"}


@pytest.fixture
def merchant(merchant):
    merchant.seller.freeze("2026-11-21T12:00:00Z")
    return merchant


@pytest.fixture
def user(merchant):
    """A user as the merchant names it."""
    return f"{merchant.credentials['key']}:asha"


def store(merchant, user, command="save_payment_instrument", **changes):
    card = {"var2": "My card", "var3": "CC", "var4": "CC", "var5": "Asha", "var6": NUMBER, "var7": "5", "var8": "30"}
    return merchant.command(command, var1=user, **{**card, **changes})


def listed(merchant, user, command="get_payment_instrument", **more):
    answer = merchant.command(command, var1=user, **more)
    assert answer["msg"] == "Cards fetched Succesfully", answer
    return answer["user_cards"]


NOTHING = {"status": 0, "msg": "Card not found."}


def test_a_card_is_kept_for_its_user_alone(merchant, user):
    stored = store(merchant, user)
    token = stored.pop("cardToken")
    assert stored == {
        "status": 1,
        "msg": "Card Stored Successfully.",
        "card_number": "XXXXXXXXXXXX2346",
        "card_label": "My card",
    }
    [(name, card)] = listed(merchant, user).items()
    assert name == card["card_token"] == token
    told = {key: card[key] for key in ("card_name", "card_no", "card_mode", "card_type", "isDomestic", "is_expired")}
    assert told == {
        "card_name": "My card",
        "card_no": "XXXXXXXXXXXX2346",
        "card_mode": "CC",
        "card_type": "MAST",
        "isDomestic": "Y",
        "is_expired": 0,
    }
    assert (card["expiry_month"], card["expiry_year"]) == ("05", "2030")
    assert merchant.command("get_user_cards", var1=f"{user}x") == NOTHING
    assert NUMBER not in str(merchant.seller.control("GET", "/journal"))
    assert NUMBER not in str(listed(merchant, user))


def test_older_names_of_the_commands_do_the_same(merchant, user):
    token = store(merchant, user, "save_user_card")["cardToken"]
    other = store(merchant, user, var6="4012001037141112")["cardToken"]
    assert set(listed(merchant, user, "get_user_cards")) == {token, other}
    assert set(listed(merchant, user, var2=other)) == {other}
    gone = {"status": 1, "msg": "Card deleted successfully."}
    assert merchant.command("delete_user_card", var1=user, var2=token) == gone
    assert merchant.command("delete_payment_instrument", var1=user, var2=token)["msg"] == "Card not found to delete"
    assert merchant.command("delete_payment_instrument", var1=user, var2=other) == gone
    assert merchant.command("get_user_cards", var1=user) == NOTHING


def test_the_same_card_has_one_token(merchant, user):
    assert store(merchant, user)["cardToken"] == store(merchant, user, var2="Again")["cardToken"]
    [card] = listed(merchant, user).values()
    assert card["card_name"] == "Again"


def test_a_card_that_is_over_is_told_so(merchant, user):
    store(merchant, user, var7="11", var8="2026")
    merchant.seller.freeze("2026-12-01T12:00:00Z")
    [card] = listed(merchant, user).values()
    assert card["is_expired"] == 1


def test_what_cannot_be_kept_is_refused(merchant, user, subtests):
    for name, change, words in (
        ("no user", {"var1": "asha"}, "User credentials"),
        ("no name", {"var1": "key:"}, "User credentials"),
        ("no key", {"var1": ":asha"}, "User credentials"),
        ("mistyped", {"var6": "5123456789012347"}, "check digit"),
        ("expired", {"var8": "20"}, "expired"),
        ("no number", {"var6": ""}, "Parameter missing"),
        ("a number as its name", {"var2": NUMBER}, "nickname"),
        ("abroad", {"var6": "4012888888881881"}, "could not be stored"),
    ):
        with subtests.test(name):
            answer = store(merchant, change.pop("var1", user), **change)
            assert answer["status"] == 0
            assert words in answer["msg"]
    assert merchant.command("get_user_cards", var1=user) == NOTHING


def test_a_saved_card_pays_on_the_merchants_own_page(merchant, user):
    token = store(merchant, user)["cardToken"]
    saved = {"user_credentials": user, "store_card_token": token, "ccvv": "123", "pg": "CC", "bankcode": "CC"}
    fields, reply = merchant.pay(**saved, mockpay_outcome="auth=frictionless")
    assert reply.status == 302, reply.text
    url, result = merchant.leave(reply.location.removesuffix("return"))
    assert (url, result["status"], result["mode"], result["cardnum"]) == (SURL, "success", "CC", "512345XXXXXX2346")
    assert merchant.believes(result)
    [attempt] = merchant.seller.order(fields["txnid"])["attempts"]
    assert attempt["state"] == "CAPTURED"


def test_a_saved_card_of_another_user_or_of_none_does_not_pay(merchant, user):
    token = store(merchant, user)["cardToken"]
    for changes, words in (
        ({"user_credentials": f"{user}x"}, "Card not found."),
        ({"store_card_token": "x"}, "Card not found."),
        ({"user_credentials": None}, "Parameter missing"),
    ):
        wanted = {"user_credentials": user, "store_card_token": token, "pg": "CC", **changes}
        refused = merchant.pay(**wanted)[1]
        assert (refused.status, refused.location) == (400, None)
        assert words in refused.text
    assert merchant.seller.orders() == []


def test_a_card_is_kept_when_its_payment_succeeds_and_its_user_agreed(merchant, user):
    paying = {**CARD, "user_credentials": user, "mockpay_outcome": "auth=frictionless"}
    merchant.pay(**paying)
    assert merchant.command("get_user_cards", var1=user) == NOTHING
    declined = {"store_card": "1", "mockpay_outcome": "auth=frictionless, issuer=51"}
    _, reply = merchant.pay(**{**paying, **declined})
    assert merchant.leave(reply.location.removesuffix("return"))[0] == FURL
    assert merchant.command("get_user_cards", var1=user) == NOTHING
    merchant.pay(**paying, store_card="1")
    [card] = listed(merchant, user).values()
    assert card["card_no"] == "XXXXXXXXXXXX2346"


def test_only_cards_that_can_pay_are_listed(merchant, user):
    seller, token = merchant.seller, store(merchant, user)["cardToken"]
    [buyer_id] = [each["buyer_id"] for each in seller.control("GET", "/buyers")["items"] if "users." in each["email"]]
    seller.save_method(buyer_id, "upi", vpa="asha@mockpay")
    assert set(listed(merchant, user)) == {token}
    [card] = [each for each in seller.saved_methods(buyer_id) if each["kind"] == "card"]
    seller.control("POST", f"/buyers/{buyer_id}/methods/{card['token']}/deactivate")
    assert merchant.command("get_user_cards", var1=user) == NOTHING
    saved = {"user_credentials": user, "store_card_token": token, "pg": "CC"}
    assert "Card not found." in merchant.pay(**saved)[1].text
