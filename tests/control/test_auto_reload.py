"""Auto-reload by control API: settings with their refusals, runs, history, and the saved method that it charges."""

import json

import pytest
import requests

from mockpay.testing import ControlError

ASHA = "asha@example.com"
RELOAD, RELOAD_CAP = "reload@buyers.mockpay.test", "reloadcap@buyers.mockpay.test"
CARD = {"number": "4718609108204366", "expiry": "08/29", "name": "Asha Rao"}


def card(seller, owner=ASHA):
    return seller.save_method(owner, "card", **CARD)["token"]


def switch_on(seller, **settings):
    return seller.auto_reload(ASHA, **{"threshold": "500.00", "amount": "1000.00", **settings})


def problem(act, *args, **fields):
    with pytest.raises(ControlError) as refused:
        act(*args, **fields)
    return refused.value.problem


def settled(seller, owner=ASHA):
    """The newest run, once what waited has been done."""
    seller.advance(until="idle")
    return seller.reload_runs(owner)[0]


def test_it_is_off_before_it_was_ever_set_up(seller):
    detail = seller.auto_reload(ASHA)
    assert (detail["enabled"], detail["state"], detail["threshold"], detail["token"]) == (False, "OFF", None, None)
    assert problem(seller.trigger_reload, ASHA)["code"] == "auto_reload.off"
    assert seller.reload_runs(ASHA) == []


def test_settings_hold_and_a_run_tells_why_it_ran(seller):
    token = card(seller)
    detail = switch_on(seller, token=token, cap_month="5000.00", just_in_time=True)
    assert {name: detail[name] for name in ("threshold", "amount", "token", "max_per_day", "cap_day", "cap_month")} == {
        "threshold": "500.00",
        "amount": "1000.00",
        "token": token,
        "max_per_day": 3,
        "cap_day": None,
        "cap_month": "5000.00",
    }
    assert (detail["just_in_time"], detail["enabled"], detail["state"]) == (True, True, "TRIGGERED")
    run = settled(seller)
    assert (run["cause"], run["state"], run["balance"], run["amount"]) == ("settings", "SUCCEEDED", "0.00", "1000.00")
    order = seller.order(run["order_id"])
    assert (order["kind"], order["provider"], order["state"]) == ("reload", None, "PAID")
    entry = seller.control("GET", f"/buyers/{ASHA}/wallet/entries?type=AUTO_RELOAD")["items"][0]
    assert (entry["entry_id"], entry["order_id"]) == (run["entry_id"], run["order_id"])
    assert (seller.notifications(), seller.control("GET", "/audit")["violations"]) == ([], [])
    texts = [message["body"] for message in seller.inbox(kind="auto_reload", to=ASHA)]
    assert texts == [
        "₹1,000.00 was added to your balance, which is ₹1,000.00 now.",
        "Your balance is ₹0.00. We are adding ₹1,000.00 from HDFC Bank Visa •••• 4366.",
    ]


def test_a_wait_that_is_over_is_told_no_more(seller):
    switch_on(seller, token=card(seller))
    settled(seller)
    assert seller.auto_reload(ASHA)["waits_for"] == "cool_down"
    seller.advance(seconds=300)
    detail = seller.auto_reload(ASHA)
    assert (detail["state"], detail["waits_for"], detail["next_allowed_at"]) == ("ON", None, None)


def test_what_could_never_work_is_refused_at_its_field(seller):
    token = card(seller)
    for fields, field in (
        ({"token": token, "amount": "99.99"}, "amount"),
        ({"token": token, "amount": "15000.01"}, "amount"),
        ({"token": token, "threshold": "200000.01"}, "threshold"),
        ({"token": token, "cap_day": "1.00"}, "cap_day"),
        ({"token": token, "cap_month": "999.99"}, "cap_month"),
        ({"token": token, "max_per_day": 0}, "max_per_day"),
        ({"token": "tok_nobodys"}, "token"),
        ({"token": card(seller, "ravi@example.com")}, "token"),
        ({"token": token, "threshold": "5.001"}, "threshold"),
        ({"token": token, "threshold": "-1.00"}, "threshold"),
        ({"token": token, "max_per_day": "3"}, "max_per_day"),
        ({"token": token, "currency": "USD"}, "currency"),
        ({}, "token"),
    ):
        refused = problem(switch_on, seller, **fields)
        assert (refused["status"], refused["field"]) == (422, field), (fields, refused)
    assert seller.auto_reload(ASHA)["state"] == "OFF"


def test_switched_off_the_settings_stay_and_the_history_tells_who(seller):
    token = card(seller)
    switch_on(seller, token=token)
    off = seller.auto_reload(ASHA, enabled=False)
    assert (off["enabled"], off["state"], off["amount"], off["disabled_reason"]) == (False, "OFF", "1000.00", None)
    lines = seller.control("GET", f"/buyers/{ASHA}/auto-reload/history")["items"]
    assert [(line["event"], line["actor"]) for line in lines] == [("switched_off", "tester"), ("switched_on", "tester")]
    assert (lines[1]["before"], lines[1]["after"]["token"]) == ({"enabled": False}, token)


def test_runs_and_history_come_by_pages(seller):
    token = card(seller)
    seller.top_up(ASHA, "600.00", "upi", vpa="success@mockpay")
    for amount in ("100.00", "200.00", "300.00"):
        switch_on(seller, token=token, amount=amount)
        seller.trigger_reload(ASHA)
        settled(seller)
        seller.auto_reload(ASHA, enabled=False)
    for path, expected in (("runs", 3), ("history", 6)):
        items, cursor = [], ""
        while cursor is not None:
            page = seller.control("GET", f"/buyers/{ASHA}/auto-reload/{path}?limit=2&cursor={cursor}")
            items += page["items"]
            cursor = page["next_cursor"]
        assert len({json.dumps(item, sort_keys=True) for item in items}) == len(items) == expected
        refused = problem(seller.control, "GET", f"/buyers/{ASHA}/auto-reload/{path}?cursor=made-up")
        assert refused["code"] == "cursor.invalid"


def test_a_key_begins_one_run(seller):
    switch_on(seller, token=card(seller))
    settled(seller)
    url = f"{seller.server.url}/_mockpay/v1/sellers/{seller.seller_id}/buyers/{ASHA}/auto-reload/trigger"
    runs = [requests.post(url, headers={"Idempotency-Key": "run-1"}, timeout=30).json()["run_id"] for _ in range(2)]
    assert runs[0] == runs[1]
    settled(seller)
    assert seller.wallet(ASHA)["balance"] == "2000.00"


def test_a_method_that_it_charges_is_not_deleted_by_mistake(seller):
    token = card(seller)
    switch_on(seller, token=token)
    path = f"/buyers/{ASHA}/methods/{token}"
    assert problem(seller.control, "DELETE", path)["code"] == "method.used_by_auto_reload"
    assert seller.auto_reload(ASHA)["enabled"]
    seller.control("DELETE", f"{path}?force=1")
    assert (seller.saved_methods(ASHA), seller.auto_reload(ASHA)["disabled_reason"]) == ([], "method_deleted")


def test_what_a_bank_does_to_the_method_ends_it_at_once(seller):
    for act, body, reason in (
        ("suspend", {}, "method_suspended"),
        ("deactivate", {}, "method_deactivated"),
        ("deactivate", {"reason": "expired"}, "method_expired"),
    ):
        token = card(seller)
        if seller.saved_methods(ASHA)[0]["status"] == "SUSPENDED":
            seller.control("POST", f"/buyers/{ASHA}/methods/{token}/resume")
        switch_on(seller, token=token)
        seller.control("POST", f"/buyers/{ASHA}/methods/{token}/{act}", body)
        detail = seller.auto_reload(ASHA)
        assert (detail["state"], detail["disabled_reason"]) == ("OFF", reason)
    events = seller.control("GET", f"/buyers/{ASHA}/auto-reload/history")["items"]
    assert (events[0]["actor"], events[0]["after"]["disabled_reason"]) == ("sandbox", "method_expired")


def test_the_sandbox_buyers_have_theirs_from_the_start(seller):
    detail = seller.auto_reload(RELOAD)
    assert (detail["state"], detail["threshold"], detail["amount"]) == ("ON", "500.00", "1000.00")
    assert [method["token"] for method in seller.saved_methods(RELOAD)] == [detail["token"]]
    paused = seller.auto_reload(RELOAD_CAP)
    assert (paused["state"], paused["waits_for"]) == ("PAUSED_CAP", "cap_day")
    run = seller.trigger_reload(RELOAD_CAP)
    assert (run["state"], run["reason"], run["until"]) == ("WAITED", "cap_day", paused["next_allowed_at"])


def test_a_rule_matches_reloads_alone(seller):
    assert problem(seller.next, "issuer", "51", kind="relaod")["field"] == "match.kind"
    seller.next("issuer", "51", kind="reload")
    token = card(seller)
    assert seller.top_up(ASHA, "600.00", "upi", vpa="success@mockpay")["state"] == "PAID"
    switch_on(seller, token=token)
    seller.trigger_reload(ASHA)
    seller.advance(seconds=0)
    assert seller.reload_runs(ASHA)[0]["reason"] == "insufficient_funds"
