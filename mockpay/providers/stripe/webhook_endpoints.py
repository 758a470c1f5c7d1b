"""Webhook endpoints, and the events that were told."""

from __future__ import annotations

from typing import Any

from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import MockpayError
from mockpay.providers.stripe import ids, lists
from mockpay.providers.stripe.calls import Answer, Call
from mockpay.providers.stripe.credentials import NAME
from mockpay.providers.stripe.events import ENDPOINT, EVENT
from mockpay.providers.stripe.parameters import bad_request, missing_object
from mockpay.store import api_objects
from mockpay.store.api_objects import ApiObject
from mockpay.wire.stripe import objects

_MOST = 16
_LIST = "/v1/webhook_endpoints"


def endpoint_body(stored: ApiObject) -> dict[str, Any]:
    """A webhook endpoint; its secret is told once, when it is made."""
    created = stored.created_at // SECOND
    return objects.new_object(ENDPOINT, stored.object_id, created, status=stored.state, **stored.facts)


def _url(call: Call) -> str:
    """
    Where an endpoint's messages go.

    Raises:
        Refused: it is missing, or no host that this server may call.
    """
    url = call.params.url("url")
    if url is None:
        raise bad_request("Missing required param: url.", "parameter_missing", "url")
    try:
        call.sandbox.runtime.settings.outgoing_hosts.check(url)
    except MockpayError as error:
        raise bad_request(f"Invalid URL: {error.message}", "url_invalid", "url") from error
    return url


def _events(call: Call) -> list[str]:
    names = call.params.words("enabled_events")
    if not names:
        raise bad_request("Missing required param: enabled_events.", "parameter_missing", "enabled_events")
    return names


def _find(call: Call, endpoint_id: str) -> ApiObject:
    stored = api_objects.find(call.sandbox, NAME, ENDPOINT, endpoint_id)
    if stored is None or stored.state == "deleted":
        raise missing_object("webhook endpoint", endpoint_id)
    return stored


def create(call: Call) -> Answer:
    """POST /v1/webhook_endpoints."""
    params, sandbox = call.params, call.sandbox
    facts = {
        "api_version": params.text("api_version"),
        "description": params.text("description"),
        "enabled_events": _events(call),
        "metadata": params.metadata(),
        "url": _url(call),
    }
    rows = api_objects.list_newest(sandbox, NAME, ENDPOINT, limit=1_000)
    if sum(row.state != "deleted" for row in rows) >= _MOST:
        raise bad_request(f"You have reached the maximum of {_MOST} test webhook endpoints.")
    stored = api_objects.add(sandbox, NAME, ENDPOINT, ids.new_id(sandbox, "we"), facts, state="enabled")
    return {**endpoint_body(stored), "secret": ids.endpoint_secret(sandbox.seller, stored.object_id)}


def retrieve(call: Call, endpoint_id: str) -> Answer:
    """GET /v1/webhook_endpoints/{id}."""
    return endpoint_body(_find(call, endpoint_id))


def update(call: Call, endpoint_id: str) -> Answer:
    """POST /v1/webhook_endpoints/{id}."""
    stored, params = _find(call, endpoint_id), call.params
    facts = {**stored.facts, "metadata": params.metadata(stored.facts["metadata"])}
    if "url" in params:
        facts["url"] = _url(call)
    if "enabled_events" in params:
        facts["enabled_events"] = _events(call)
    if "description" in params:
        facts["description"] = params.text("description")
    state = stored.state
    if "disabled" in params:
        state = "disabled" if params.flag("disabled") else "enabled"
    return endpoint_body(api_objects.change(call.sandbox, stored, facts=facts, state=state))


def delete(call: Call, endpoint_id: str) -> Answer:
    """DELETE /v1/webhook_endpoints/{id}."""
    api_objects.change(call.sandbox, _find(call, endpoint_id), state="deleted")
    return {"id": endpoint_id, "object": ENDPOINT, "deleted": True}


def list_endpoints(call: Call) -> Answer:
    """GET /v1/webhook_endpoints."""
    return lists.page(call, ENDPOINT, _LIST, endpoint_body, chosen=lambda stored: stored.state != "deleted")


# --- events


def retrieve_event(call: Call, event_id: str) -> Answer:
    """GET /v1/events/{id}."""
    stored = api_objects.find(call.sandbox, NAME, EVENT, event_id)
    if stored is None:
        raise missing_object(EVENT, event_id)
    return dict(stored.facts)


def list_events(call: Call) -> Answer:
    """GET /v1/events."""
    types = set(call.params.words("types")) | {call.params.text("type") or ""} - {""}

    def has_type(stored: ApiObject) -> bool:
        name = str(stored.reference)
        return any(name == each or (each.endswith("*") and name.startswith(each[:-1])) for each in types)

    return lists.page(call, EVENT, "/v1/events", lambda stored: dict(stored.facts), chosen=has_type if types else None)
