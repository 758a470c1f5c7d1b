"""
The examples of the OpenAPI document: calls that were made, one after the other, in a sandbox of their own.

`python -m tests.control.examples` writes mockpay/web/control/examples.json anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode

from mockpay.web.control.openapi import EXAMPLES
from mockpay.web.control.routes import ENDPOINTS
from tests.control.listeners import listening
from tests.control.worlds import Api, World, make_app

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
SELLER = "A1EXAMPLESELLER"
#: A list's first items are enough.
LONGEST = 2


class Story:
    """Makes calls and keeps each as the example of its operation."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.examples: dict[str, dict[str, Any]] = {}

    def call(self, operation: str, *, body: Any = None, query: Mapping[str, Any] | None = None, **path: str) -> Any:
        endpoint = BY_NAME[operation]
        if body is None and endpoint.example:
            body = json.loads(endpoint.example)
        names = {"seller_id": SELLER} | path
        given = {name: names[name] for name in re.findall(r"{(\w+)}", endpoint.path)}
        address = "/_mockpay" + endpoint.path.format(**{name: quote(text, safe="") for name, text in given.items()})
        options = {} if body is None else {"json": body}
        reply = self.api.client.open(f"{address}?{urlencode(query or {})}", method=endpoint.method, **options)
        assert reply.status_code == endpoint.status, (operation, reply.text)
        answer = reply.json if reply.is_json else reply.text
        example = {"path": given, "query": dict(query or {}), "body": body, "answer": shortened(answer or None)}
        self.examples[operation] = {name: value for name, value in example.items() if value not in ({}, None)}
        return answer


def shortened(answer: Any) -> Any:
    """Lists by their first items, long texts by their beginning."""
    if isinstance(answer, dict):
        few = list(answer.items())[:4] if len(answer) > 60 else answer.items()
        return {name: shortened(value) for name, value in few}
    if isinstance(answer, list):
        return [shortened(value) for value in answer[:LONGEST]]
    return answer


def play(api: Api, ipn_url: str) -> dict[str, dict[str, Any]]:
    """All operations, each at least once; the last call of each is its example."""
    story = Story(api)
    call = story.call
    call("get_health")
    call("get_public_key", query={"format": "sdk"})
    call("list_sellers", query={"limit": 2})
    keys = {"seller_id": SELLER, "access_key": "AKIDEXAMPLE", "secret_key": "an-example-of-a-secret-key"}
    call("create_seller", body={**keys, "name": "Tea & Sons", "ipn_url": ipn_url})
    call("get_seller")
    call("patch_seller")
    call("put_clock", body={"mode": "frozen", "now": "2026-11-21T15:00:00Z"})
    call("get_clock")
    call("get_methods")
    call("patch_methods")
    call("patch_methods", body={"methods": {"wallet": {"enabled": True}, "upi": {"max_amount": None}}})
    world = World(api, SELLER)
    _pay(story, world)
    _refund(story, world)
    _buyers(story)
    _decide(story, world)
    _gateways(story, world)
    call("list_orders", query={"seller_order_id": "ORDER-1"})
    call("list_journal", query={"limit": 1})
    call("list_unattributed_journal", query={"limit": 1})
    call("get_audit")
    call("wait_for_event", query={"event": "order.PAID", "match": "seller_order_id:ORDER-1", "timeout": 5})
    call("reset_seller")
    call("delete_seller")
    return story.examples


def _pay(story: Story, world: World) -> None:
    call = story.call
    card = {"method": "card", "number": "4111111111111111", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
    order = world.open_order("ORDER-1")
    waits = call("pay_order", order_id=order.order_id, body=card)
    assert waits["waits_for"] == "3ds"
    call("list_inbox", query={"kind": "otp", "attempt_id": waits["attempt_id"]})
    call("pay_order", order_id=order.order_id, body={"otp": "123456"})
    call("get_order", order_id=order.order_id)
    call("get_attempt", attempt_id=waits["attempt_id"])
    world.call("PATCH", "", {"settings": {"capture": "manual"}})
    held = world.open_order("ORDER-2")
    call("pay_order", order_id=held.order_id, body={"method": "upi", "vpa": "success@mockpay", "pin": "1234"})
    call("capture_order", order_id=held.order_id)
    world.call("PATCH", "", {"settings": {"capture": "auto"}})
    call("cancel_order", order_id=world.open_order("ORDER-3").order_id)


def _refund(story: Story, world: World) -> None:
    call = story.call
    order = world.paid_order("ORDER-4")
    call("advance_clock")
    first, second, third = (world.refund(order, amount, f"R-{amount[:-3]}") for amount in ("100.00", "50.00", "25.00"))
    call("hold_refund", refund_id=first)
    call("release_refund", refund_id=first)
    call("complete_refund", refund_id=first)
    call("decline_refund", refund_id=second)
    call("list_refunds", query={"state": "PENDING"})
    call("refund_order", order_id=order.order_id)
    world.advance(10)
    call("get_refund", refund_id=third)
    call("send_test_notification")
    [told, *_] = call("list_notifications", query={"refund_id": third})["items"]
    call("deliver_notification", notification_id=told["notification_id"])
    call("get_notification", notification_id=told["notification_id"])


def _buyers(story: Story) -> None:
    call = story.call
    buyer = call("create_buyer")["buyer_id"]
    call("list_buyers")
    call("get_buyer", buyer_id=buyer)
    call("get_wallet", buyer_id="rich@buyers.mockpay.test")
    call("patch_wallet", buyer_id="rich@buyers.mockpay.test")
    entry = call("adjust_wallet", buyer_id="rich@buyers.mockpay.test")["entry_id"]
    call("reverse_wallet_entry", buyer_id="rich@buyers.mockpay.test", entry_id=entry)
    call("list_wallet_entries", buyer_id="rich@buyers.mockpay.test", query={"type": "ADJUST"})
    call("top_up", buyer_id=buyer)
    saved = {"buyer_id": buyer, "token": call("create_saved_method", buyer_id=buyer)["token"]}
    settings = {"enabled": True, "threshold": "500.00", "amount": "1000.00", "token": saved["token"]}
    call("put_auto_reload", buyer_id=buyer, body=settings)
    call("get_auto_reload", buyer_id=buyer)
    call("trigger_auto_reload", buyer_id=buyer)
    call("list_reload_runs", buyer_id=buyer)
    call("list_reload_changes", buyer_id=buyer)
    call("put_auto_reload", buyer_id=buyer, body={"enabled": False})
    for operation in ("list", "get", "patch", "suspend", "resume", "deactivate", "delete"):
        call(f"{operation}_saved_method{'s' if operation == 'list' else ''}", **saved)


def _decide(story: Story, world: World) -> None:
    call = story.call
    call("dry_run_risk")
    for verb in ("approve", "reject"):
        call("create_risk_override")
        call("list_risk_overrides")
        order = world.open_order(f"REVIEW-{verb}")
        card = {"method": "card", "number": "4100280000001007", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
        attempt = world.post(f"/orders/{order.order_id}/pay", card).json
        assert attempt["waits_for"] == "review", attempt
        call(f"{verb}_attempt", attempt_id=attempt["attempt_id"])
    call("delete_risk_overrides")
    rule = call("create_rule")["rule_id"]
    call("list_rules")
    call("delete_rule", rule_id=str(rule))
    call("delete_rules")
    url = (
        "http://127.0.0.1:8420/OffAmazonPayments_Sandbox/2013-01-01?Action=GetServiceStatus&AWSAccessKeyId=AKIDEXAMPLE"
    )
    signed = "&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2026-11-21T15%3A00%3A00Z&Signature=mistyped"
    call("explain_signature", body={"url": url + signed})


def _gateways(story: Story, world: World) -> None:
    call = story.call
    call("create_fault", gateway="razorpay")
    call("list_faults", gateway="razorpay")
    call("delete_faults", gateway="razorpay")
    call("put_breaker", gateway="razorpay")
    call("put_breaker", gateway="razorpay", body={"force": "auto"})
    call("list_gateways")
    call("put_gateway", gateway="razorpay")
    call("get_gateway", gateway="razorpay")
    call("check_gateway", gateway="razorpay")
    cards = {"name": "cards", "when": {"methods": ["card"]}, "targets": [{"gateway": "razorpay"}]}
    call("put_routing", body={"rules": [{**cards, "fallbacks": ["simulator"]}]})
    call("get_routing")
    call("dry_run_routing")
    order = world.open_order("ROUTED-1")
    card = {"method": "card", "number": "4111111111111111", "expiry": "08/29", "cvv": "123", "name": "Asha Rao"}
    world.post(f"/orders/{order.order_id}/pay", card)
    paid = world.post(f"/orders/{order.order_id}/pay", {"otp": "123456"}).json
    assert paid["state"] == "PAID", paid
    [line] = call("list_gateway_calls", query={"order_id": order.order_id, "operation": "CHARGE"})["items"]
    call("get_gateway_call", call_id=line["call_id"])
    world.put("/gateways/razorpay/breaker", {"force": "open"})
    [alert] = call("get_gateway_health")["alerts"]
    call("acknowledge_alert", alert_id=str(alert["alert_id"]))
    world.put("/gateways/razorpay/breaker", {"force": "auto"})
    world.put("/routing", {})


def recorded() -> dict[str, dict[str, Any]]:
    """The examples, by playing."""
    with TemporaryDirectory(prefix="mockpay-examples-") as folder, listening() as listener:
        api = Api(make_app(Path(folder), seed="examples"))
        try:
            return play(api, listener.url)
        finally:
            api.runtime.engine.dispose()
            api.runtime.writer.dispose()


if __name__ == "__main__":
    text = json.dumps(recorded(), indent=1, ensure_ascii=False)
    # The listener's port is any free one.
    EXAMPLES.write_text(re.sub(r"http://127\.0\.0\.1:(?!8420\b)\d+/", "http://127.0.0.1:3000/", text) + "\n", "utf-8")
