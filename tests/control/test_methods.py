"""What a seller offers, by control API."""

import pytest

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.methods.upi import Upi
from mockpay.kernel.errors import Conflict
from mockpay.services.payments import payments
from mockpay.store import orders
from mockpay.store.unit_of_work import transaction

SHUT = {"from": "2026-11-21T15:00:00.000Z", "to": "2026-11-21T16:00:00.000Z"}


def patch(world, body):
    return world.call("PATCH", "/methods", body)


def chosen(world, order, instrument):
    with transaction(world.api.runtime, world.seller_id) as sandbox:
        return payments.pay(sandbox, orders.by_number(sandbox, order.order_pk), instrument)


def test_a_new_seller_offers_everything(world):
    told = world.get("/methods").json
    assert told["methods"]["upi"] == {
        "title": "UPI",
        "enabled": True,
        "min_amount": "1.00",
        "max_amount": "500000.00",
        "currency": "INR",
    }
    assert list(told["methods"]) == ["upi", "card", "netbanking", "wallet", "emi"]
    assert told["upi_collect"] is True
    assert told["banks"]["SBIN"] == {
        "name": "State Bank of India",
        "enabled": True,
        "common": True,
        "magic": False,
        "down": [],
        "is_down": False,
    }
    assert [code for code, bank in told["banks"].items() if bank["is_down"]] == ["MKD1"]
    assert all(bank["magic"] is code.startswith("MK") for code, bank in told["banks"].items())
    assert set(told["card_networks"].values()) == {True}


def test_a_change_tells_what_is_offered_from_now_on_and_leaves_the_rest(world):
    world.freeze()
    before = world.get("/methods").json
    after = patch(
        world,
        {
            "methods": {"upi": {"max_amount": "1000"}, "wallet": {"enabled": False}},
            "banks": {"SBIN": {"down": [SHUT]}},
            "card_networks": {"RuPay": False},
        },
    ).json
    assert after["methods"]["upi"] == {**before["methods"]["upi"], "max_amount": "1000.00"}
    assert after["methods"]["wallet"] == {**before["methods"]["wallet"], "enabled": False}
    assert after["banks"]["SBIN"] == {**before["banks"]["SBIN"], "down": [SHUT], "is_down": True}
    assert after["card_networks"] == {**before["card_networks"], "RuPay": False}
    assert after["methods"]["card"] == before["methods"]["card"]
    assert world.get("/methods").json == after


def test_a_bank_is_up_again_by_the_sellers_clock(world):
    world.freeze()
    patch(world, {"banks": {"SBIN": {"down": [SHUT]}}})
    world.post("/clock/advance", {"seconds": 3600})
    assert world.get("/methods").json["banks"]["SBIN"]["is_down"] is False


def test_null_is_the_default_again(world):
    before = world.get("/methods").json
    patch(world, {"methods": {"upi": {"title": "U", "enabled": False}}, "upi_collect": True})
    assert patch(world, {"methods": {"upi": None}}).json == before


def test_collect_is_the_setting_of_that_name(world):
    assert patch(world, {"upi_collect": False}).json["upi_collect"] is False
    assert world.get("").json["settings"]["upi_collect_enabled"] is False
    world.call("PATCH", "", {"settings": {"upi_collect_enabled": True}})
    assert world.get("/methods").json["upi_collect"] is True


def test_a_reset_leaves_it_and_a_deleted_seller_takes_it_along(api, world):
    patch(world, {"methods": {"upi": {"enabled": False}}})
    world.post("/reset")
    assert world.get("/methods").json["methods"]["upi"]["enabled"] is False
    world.call("DELETE", "")
    again = api.new_seller(seller_id=world.seller_id)
    assert again.get("/methods").json["methods"]["upi"]["enabled"] is True


def test_another_sellers_offers_are_its_own(api, world):
    patch(world, {"methods": {"upi": {"enabled": False}}})
    assert api.new_seller().get("/methods").json["methods"]["upi"]["enabled"] is True


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"methods": {"cheque": {}}}, "methods.invalid", "methods.cheque"),
        ({"methods": {"upi": {"max_amount": "0.99"}}}, "methods.invalid", "methods.upi.max_amount"),
        ({"banks": {"SBIN": {"down": [{"from": "now", "to": "later"}]}}}, "methods.invalid", "banks.SBIN.down"),
        ({"methods": {"upi": {"currency": "USD"}}}, "input.invalid", "methods.currency"),
        ({"banks": {"SBIN": {"down": [{"from": "now"}]}}}, "input.invalid", "banks.down.to"),
        ({"upi_collect": None}, "input.invalid", "upi_collect"),
        ({"card_networks": {"Visa": "no"}}, "input.invalid", "card_networks"),
        ({"anything": 1}, "input.invalid", "anything"),
    ],
)
def test_a_wish_that_cannot_be_granted_changes_nothing(world, body, code, field):
    before = world.get("/methods").json
    answer = patch(world, {**body, "card_networks": {"Visa": False, **body.get("card_networks", {})}})
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["context"].get("field") == field
    assert world.get("/methods").json == before


def test_what_is_not_offered_cannot_be_paid_with_and_uses_nothing_up(world):
    world.post("/scenarios", {"stage": "issuer", "outcome": "failure"})
    order = world.open_order()
    patch(world, {"methods": {"upi": {"max_amount": "100.00"}}})
    with pytest.raises(Conflict) as caught:
        chosen(world, order, Upi("success@mockpay"))
    assert caught.value.code == "method.unavailable"
    assert caught.value.detail["because"] == "transaction_limit_exceeded"
    told = world.get(f"/orders/{order.order_id}").json
    assert (told["state"], told["attempts"]) == ("CREATED", [])
    assert world.get("/scenarios").json["items"][0]["times"] == 1


def test_a_bank_that_is_down_fails_the_try_before_any_rule_speaks(world):
    world.freeze("2026-11-21T15:30:00Z")
    patch(world, {"banks": {"MKS1": {"down": [SHUT]}}})
    world.post("/scenarios", {"stage": "issuer", "outcome": "success"})
    order = world.open_order()
    attempt = world.pay_with(order, NetBanking("MKS1"))
    assert (attempt.state, attempt.reason) == ("FAILED", "bank_technical_error")
    assert attempt.scenario == "bank.down"
    assert world.get("/scenarios").json["items"][0]["times"] == 1


def test_methods_of_an_unknown_seller_are_not_found(api):
    for method in ("GET", "PATCH"):
        answer = api.call(method, "/sellers/A1NOBODY/methods", {})
        assert (answer.status_code, answer.json["code"]) == (404, "seller.not_found")
