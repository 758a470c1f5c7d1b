"""Customers, payment methods, setup intents, checkout sessions, webhook endpoints and events at the front door."""

import json

import pytest

from mockpay.wire.stripe import signatures
from tests.control.listeners import listening
from tests.journeys.form_browser import RIGHT_OTP, FormBrowser
from tests.providers.stripe.software import CARD, RETURN_URL

ITEM = {"price_data": {"currency": "inr", "unit_amount": 5_000, "product_data": {"name": "Bell"}}, "quantity": 2}
SUCCESS, CANCEL = "http://127.0.0.1/ok?id={CHECKOUT_SESSION_ID}", "http://127.0.0.1/cart"


# --- customers and what they pay with


def test_a_customer_is_made_changed_listed_and_deleted(software):
    made = software.post(
        "customers", email="asha@example.in", name="Asha", metadata={"a": "1"}, address={"city": "Pune"}
    )
    path = f"customers/{made['id']}"
    assert (made["email"], made["address"]["city"], made["balance"]) == ("asha@example.in", "Pune", 0)
    changed = software.post(path, name="", metadata={"b": "2"})
    assert (changed["name"], changed["metadata"]) == (None, {"a": "1", "b": "2"})
    other = software.post("customers")
    assert [each["id"] for each in software.get("customers")["data"]] == [other["id"], made["id"]]
    assert [each["id"] for each in software.get("customers", email="asha@example.in")["data"]] == [made["id"]]
    gone = software.call("DELETE", path)
    assert gone == {"id": made["id"], "object": "customer", "deleted": True} == software.get(path)
    assert software.refused(path, 404, name="x")["code"] == "resource_missing"
    assert [each["id"] for each in software.get("customers")["data"]] == [other["id"]]
    assert software.events() == ["customer.created", "customer.updated", "customer.created", "customer.deleted"]


def test_a_card_is_kept_with_a_customer_and_pays_until_it_is_detached(software):
    customer = software.post("customers")["id"]
    card = software.post("payment_methods", **CARD, billing_details={"name": "Asha", "address": {"city": "Pune"}})
    assert (card["card"]["brand"], card["card"]["last4"], card["card"]["exp_year"]) == ("visa", "4242", 2040)
    assert (card["billing_details"]["name"], card["billing_details"]["address"]["city"]) == ("Asha", "Pune")
    path = f"payment_methods/{card['id']}"
    assert software.post(f"{path}/attach", customer=customer)["customer"] == customer
    other = software.post("customers")["id"]
    assert software.refused(f"{path}/attach", customer=other)["param"] == "payment_method"
    assert software.get(f"customers/{customer}/payment_methods")["data"][0]["id"] == card["id"]
    assert software.get("payment_methods", customer=customer, type="upi")["data"] == []
    assert software.get(f"customers/{customer}/payment_methods/{card['id']}")["id"] == card["id"]
    assert software.get(f"customers/{other}/payment_methods/{card['id']}", 404)
    paid = software.pay(payment_method=card["id"], customer=customer)
    assert (paid["status"], paid["customer"], paid["payment_method"]) == ("succeeded", customer, card["id"])
    assert software.get("payment_intents", customer=customer)["data"][0]["id"] == paid["id"]
    assert software.post(path, metadata={"a": "1"})["metadata"] == {"a": "1"}
    assert software.post(f"{path}/detach")["customer"] is None
    assert software.refused(f"{path}/detach")["param"] == "payment_method"
    refused = software.refused("payment_methods/pm_card_chargeDeclined/attach", 402, customer=customer)
    assert (refused["type"], refused["code"]) == ("card_error", "card_declined")
    same = software.post("payment_methods", type="card", card={"token": "tok_visa"})
    assert same["card"]["fingerprint"] == card["card"]["fingerprint"]
    assert software.refused("payment_methods", type="card", card={"token": "tok_odd"})["code"] == "resource_missing"
    assert software.refused("payment_methods", type="card")["param"] == "card"


def test_no_number_of_a_kept_card_lies_open_in_the_database(software, mockpay_server):
    software.post("payment_methods", **CARD)
    with mockpay_server.runtime.engine.connect() as connection:
        for table in ("api_objects", "api_object_secrets", "journal"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert "4242424242424242" not in str(rows)


def test_a_setup_intent_keeps_a_card_with_its_customer(software):
    customer = software.post("customers")["id"]
    made = software.post("setup_intents", customer=customer)
    path = f"setup_intents/{made['id']}"
    assert made["status"] == "requires_payment_method"
    assert software.refused(f"{path}/confirm")["code"] == "setup_intent_unexpected_state"
    done = software.post(f"{path}/confirm", payment_method="pm_card_visa")
    assert (done["status"], done["usage"]) == ("succeeded", "off_session")
    [kept] = software.get(f"customers/{customer}/payment_methods")["data"]
    assert kept["id"] == done["payment_method"]
    for action in ("confirm", "cancel"):
        assert software.refused(f"{path}/{action}")["code"] == "setup_intent_unexpected_state"
    assert software.get(path, expand=["payment_method"])["payment_method"]["id"] == kept["id"]
    assert software.post(path, description="later")["description"] == "later"
    gone = software.post(f"setup_intents/{software.post('setup_intents')['id']}/cancel")
    assert gone["status"] == "canceled"
    assert [each["id"] for each in software.get("setup_intents", customer=customer)["data"]] == [made["id"]]
    assert "payment_method.attached" in software.events()


# --- pages


def test_a_buyer_proves_a_card_at_its_bank_and_comes_back_with_what_became_of_it(software):
    for code, status, state in (("123456", "succeeded", "succeeded"), (None, "failed", "requires_payment_method")):
        intent = software.pay(payment_method="pm_card_authenticationRequired", return_url=f"{RETURN_URL}?shop=1")
        browser = FormBrowser().goes_to(intent["next_action"]["redirect_to_url"]["url"]).presses("threeds-continue")
        browser.presses("acs-submit", otp=code) if code else browser.presses("acs-cancel")
        browser.returns_from_issuer()
        left = browser.session.get(f"{browser.url.rpartition('/')[0]}/return", allow_redirects=False, timeout=20)
        back = left.headers["Location"]
        assert back.startswith(f"{RETURN_URL}?shop=1&payment_intent={intent['id']}&payment_intent_client_secret=")
        assert back.endswith(f"&redirect_status={status}")
        assert software.get(f"payment_intents/{intent['id']}")["status"] == state
    assert (
        software.post(f"payment_intents/{intent['id']}/confirm", payment_method="pm_card_visa")["status"] == "succeeded"
    )


def session(software, status=200, **changes):
    pages = {"success_url": SUCCESS, "cancel_url": CANCEL}
    return software.post("checkout/sessions", status, **{"mode": "payment", "line_items": [ITEM], **pages, **changes})


def test_a_checkout_session_leads_to_a_page_where_its_buyer_pays(software):
    made = session(software, client_reference_id="O-1", payment_intent_data={"metadata": {"order": "O-1"}})
    path = f"checkout/sessions/{made['id']}"
    told = (made["status"], made["payment_status"], made["amount_total"], made["payment_intent"])
    assert told == ("open", "unpaid", 10_000, None)
    items = software.get(f"{path}/line_items")
    assert (items["url"], items["data"][0]["description"]) == (f"/v1/{path}/line_items", "Bell")
    browser = FormBrowser().goes_to(made["url"])
    assert browser.reads("order-amount").endswith("100.00")
    [order] = software.seller.orders()
    paid = software.seller.pay(
        order["order_id"], "card", number="4242424242424242", expiry="08/40", cvv="123", name="Asha"
    )
    paid = software.seller.pay(order["order_id"], otp=RIGHT_OTP) if paid["state"] != "PAID" else paid
    assert paid["return_url"] == SUCCESS.replace("{CHECKOUT_SESSION_ID}", made["id"])
    done = software.get(path, expand=["payment_intent", "line_items"])
    assert (done["status"], done["payment_status"], done["url"]) == ("complete", "paid", None)
    assert done["payment_intent"]["metadata"] == {"order": "O-1"}
    assert done["line_items"] == items
    assert software.events()[-1] == "checkout.session.completed"
    listed = software.get("checkout/sessions", payment_intent=order["order_id"])["data"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert software.refused(f"{path}/expire")


def test_a_checkout_session_ends_by_itself_or_by_hand_and_its_buyer_may_leave(software):
    first, second = session(software), session(software)
    assert software.post(f"checkout/sessions/{first['id']}/expire")["status"] == "expired"
    left = FormBrowser().goes_to(second["url"]).session.get(f"{second['url']}return", allow_redirects=False, timeout=20)
    assert left.headers["Location"] == CANCEL
    assert software.get(f"checkout/sessions/{second['id']}")["status"] == "open"
    software.seller.advance(seconds=86_400)
    assert software.get(f"checkout/sessions/{second['id']}")["status"] == "expired"
    assert software.events("checkout.session.expired") == ["checkout.session.expired"] * 2


def test_a_checkout_session_that_cannot_be_is_refused(software, subtests):
    now = software.post("payment_intents", amount=100, currency="inr")["created"]
    wrong = [
        ({"line_items": ""}, "line_items"),
        ({"line_items": [{"price": "price_1"}]}, "line_items[0][price]"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price_data]"),
        ({"line_items": [{**ITEM, "quantity": 0}]}, "line_items[0][quantity]"),
        ({"mode": "subscription"}, "mode"),
        ({"success_url": ""}, "success_url"),
        ({"success_url": "https://evil.example/"}, "success_url"),
        ({"expires_at": now + 1_799}, "expires_at"),
        ({"expires_at": now + 86_401}, "expires_at"),
    ]
    for changes, param in wrong:
        with subtests.test(changes=changes):
            assert session(software, 400, **changes)["error"]["param"] == param
    assert session(software, expires_at=now + 1_800)["expires_at"] == now + 1_800


def test_upi_sends_its_buyer_to_instructions(software):
    upi = {"type": "upi", "upi": {"vpa": "asha@okhdfc"}}
    intent = software.pay(payment_method=None, payment_method_data=upi, payment_method_types=["card", "upi"])
    action = intent["next_action"]
    assert (intent["status"], action["type"]) == ("requires_action", "upi_handle_redirect_or_display_qr_code")
    assert FormBrowser().goes_to(action[action["type"]]["hosted_instructions_url"]).answer.status_code == 200
    software.seller.pay(intent["id"], pin="1234")
    paid = software.get(f"payment_intents/{intent['id']}", expand=["latest_charge"])
    assert paid["status"] == "succeeded"
    assert paid["latest_charge"]["payment_method_details"] == {"type": "upi", "upi": {"vpa": "asha@okhdfc"}}
    bad = software.refused("payment_methods", type="upi", upi={"vpa": "no vpa"})
    assert bad["type"] == "invalid_request_error"


# --- webhooks


def endpoint(software, url, *types):
    return software.post("webhook_endpoints", url=url, enabled_events=list(types) or ["*"])


def test_an_endpoint_gets_the_events_that_it_wants_signed_by_its_own_secret(software):
    with listening() as listener:
        made = endpoint(software, listener.url, "payment_intent.succeeded", "refund.created")
        intent = software.pay()
        refund = software.post("refunds", payment_intent=intent["id"], metadata={"a": "1"})
        software.seller.advance(seconds=1)
        deliveries = software.seller.notifications()
        assert [each["state"] for each in deliveries] == ["DELIVERED"] * 2
        paid, sent_back = (json.loads(body) for body in listener.received)
    assert (paid["type"], paid["data"]["object"]["id"]) == ("payment_intent.succeeded", intent["id"])
    # A refund's and a payment's id each in its own place.
    told = sent_back["data"]["object"]
    assert (told["id"], told["payment_intent"], told["charge"]) == (refund["id"], intent["id"], intent["latest_charge"])
    assert (told["metadata"], sent_back["pending_webhooks"]) == ({"a": "1"}, 1)
    [tried] = [each["request"] for each in software.seller.notification(deliveries[1]["notification_id"])["tries"]]
    header = tried["headers"]["Stripe-Signature"]
    assert signatures.webhook_fits(made["secret"], tried["body"].encode(), header)
    assert not signatures.webhook_fits(software.key, tried["body"].encode(), header)
    stored = software.get(f"events/{paid['id']}")
    assert stored == paid
    shown = software.get(f"webhook_endpoints/{made['id']}")
    assert "secret" not in shown
    assert software.get("webhook_endpoints")["data"] == [shown]


def test_an_endpoint_is_changed_disabled_and_deleted(software):
    with listening() as listener:
        made = endpoint(software, listener.url)
        path = f"webhook_endpoints/{made['id']}"
        software.post(path, enabled_events=["customer.created"], description="shop", metadata={"a": "1"})
        software.pay()
        software.post("customers")
        software.post(path, disabled=True)
        software.post("customers")
        software.post(path, disabled=False, url=f"{listener.url}2")
        software.post("customers")
        assert software.call("DELETE", path) == {"id": made["id"], "object": "webhook_endpoint", "deleted": True}
        software.post("customers")
        software.seller.advance(seconds=1)
        assert [json.loads(body)["type"] for body in listener.received] == ["customer.created"] * 2
    assert software.get(path, 404)["error"]["code"] == "resource_missing"
    assert software.get("webhook_endpoints")["data"] == []
    for _ in range(16):
        endpoint(software, "http://127.0.0.1:9/hook")
    assert (
        "maximum of 16"
        in software.refused("webhook_endpoints", url="http://127.0.0.1:9/", enabled_events=["*"])["message"]
    )
    for wrong in ({"url": "http://evil.example/"}, {"url": ""}, {"enabled_events": ""}):
        software.refused("webhook_endpoints", **{"url": "http://127.0.0.1:9/", "enabled_events": ["*"], **wrong})


@pytest.mark.parametrize("outcome", ["doubled_at_once", "bad_signature", "old_signature", "none"])
def test_what_a_scenario_does_to_messages_holds_for_every_event(software, outcome):
    with listening() as listener:
        secret = endpoint(software, listener.url, "payment_intent.succeeded", "charge.succeeded")["secret"]
        software.pay(headers={"Mockpay-Outcome": f"ipn={outcome}"})
        software.seller.advance(seconds=1)
        received = len(listener.received)
    assert received == {"doubled_at_once": 4, "none": 0}.get(outcome, 2)
    tries = [
        tried["request"]
        for each in software.seller.notifications()
        for tried in software.seller.notification(each["notification_id"])["tries"]
    ]
    fits = {
        signatures.webhook_fits(secret, tried["body"].encode(), tried["headers"]["Stripe-Signature"]) for tried in tries
    }
    assert fits == ({outcome != "bad_signature"} if received else set())


def test_a_message_is_signed_at_an_old_time_where_that_is_asked_for(software):
    times = []
    with listening() as listener:
        endpoint(software, listener.url, "payment_intent.succeeded")
        for outcome in ("old_signature", "success"):
            software.pay(headers={"Mockpay-Outcome": f"ipn={outcome}"})
            software.seller.advance(seconds=1)
            [latest, *_] = software.seller.notifications()
            [tried] = software.seller.notification(latest["notification_id"])["tries"]
            times.append(int(signatures.read_webhook_header(tried["request"]["headers"]["Stripe-Signature"])[0]))
    old, usual = times
    # The public clients take what is 300 s old.
    assert usual - old > 300


def test_every_step_of_a_payment_is_an_event_with_the_object_as_it_was(software):
    software.pay(402, payment_method="pm_card_visa_chargeDeclined")
    held = software.pay(capture_method="manual")
    software.post(f"payment_intents/{held['id']}/cancel")
    paid = software.pay(capture_method="manual")
    software.post(f"payment_intents/{paid['id']}/capture")
    software.post("refunds", payment_intent=paid["id"])
    assert software.events() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
        "refund.updated",
    ]
    [first] = software.get("events", type="payment_intent.payment_failed")["data"]
    assert first["data"]["object"]["last_payment_error"]["code"] == "card_declined"
    created = software.get("events", types=["payment_intent.created"], limit=1)["data"][0]["data"]["object"]
    assert (created["id"], created["status"]) == (paid["id"], "requires_confirmation")
    assert software.get("events", type="charge.*")["data"][0]["type"] == "charge.refunded"
    assert software.get("events/evt_x", 404)


def test_money_that_a_tester_sends_back_is_a_refund_here_too(software):
    intent = software.pay()
    software.seller.refund_order(intent["id"], "10.00")
    [refund] = software.get("refunds", payment_intent=intent["id"])["data"]
    assert (refund["amount"], refund["metadata"], refund["reason"]) == (1_000, {}, None)
    assert software.events("refund.created") == ["refund.created"]


def test_the_dashboard_shows_what_came_by_this_door(software):
    with listening() as listener:
        endpoint(software, listener.url)
        customer = software.post("customers", email="asha@example.in")["id"]
        intent = software.pay(customer=customer)
        software.post("refunds", payment_intent=intent["id"], amount=100)
        software.pay(402, payment_method="pm_card_visa_chargeDeclined")
        software.seller.advance(seconds=1)
    browser, pages = FormBrowser(), software.seller.dashboard.removesuffix("orders")
    deliveries = [f"notifications/{each['notification_id']}" for each in software.seller.notifications()]
    assert len(deliveries) == 10
    for page in ("orders", f"orders/{intent['id']}", "notifications", "journal", "refunds", *deliveries):
        assert browser.goes_to(f"{pages}{page}").answer.status_code == 200, page
