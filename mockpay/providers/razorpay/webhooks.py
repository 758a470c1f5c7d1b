"""A seller's webhooks: addresses with events and secrets of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Conflict, NotFound
from mockpay.providers.razorpay import events, ids, parameters
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.credentials import NAME
from mockpay.providers.razorpay.errors import invalid
from mockpay.providers.razorpay.events import ENABLED, ENDPOINT
from mockpay.store import api_objects, counters
from mockpay.store.api_objects import ApiObject
from mockpay.wire.razorpay import answers
from mockpay.wire.razorpay.events import EVENTS, OTHERS

_FIELDS = ("url", "alert_email", "secret", "events", "active")
_LONGEST_URL, _LONGEST_SECRET = 255, 128


def create(call: Call, account_id: str | None = None) -> Body:
    """A webhook; its secret is never told again."""
    _check_account(call, account_id)
    parameters.only(call.body, _FIELDS)
    if len(events.endpoints(call.sandbox)) >= events.MOST_ENDPOINTS:
        message = f"There can be at most {events.MOST_ENDPOINTS} webhooks."
        raise Conflict(message, code="webhook.too_many")
    url = _url(call, required=True)
    facts = {
        "url": url,
        "events": _events(call.body.get("events")),
        "alert_email": parameters.text(call.body, "alert_email"),
        "active": "active" not in call.body or parameters.flag(call.body, "active"),
    }
    new_id = ids.new(call.sandbox, "")
    facts["secret"] = _keep_secret(call, new_id)
    return _body(call, api_objects.add(call.sandbox, NAME, ENDPOINT, new_id, facts, state=ENABLED))


def list_(call: Call, account_id: str | None = None) -> Body:
    """All webhooks, the newest first."""
    _check_account(call, account_id)
    part = parameters.part(call)
    found = events.endpoints(call.sandbox)[::-1][part.skip : part.skip + part.count]
    return answers.collection_body([_body(call, endpoint) for endpoint in found])


def fetch(call: Call, *names: str) -> Body:
    """One webhook."""
    return _body(call, _find(call, *names))


def edit(call: Call, *names: str) -> Body:
    """Another address, other events or another secret; what was queued before keeps the old one."""
    parameters.only(call.body, _FIELDS)
    endpoint = _find(call, *names)
    changes: dict[str, Any] = {}
    if "url" in call.body:
        changes["url"] = _url(call, required=True)
    if "events" in call.body:
        changes["events"] = _events(call.body["events"])
    if "alert_email" in call.body:
        changes["alert_email"] = parameters.text(call.body, "alert_email")
    if "active" in call.body:
        changes["active"] = parameters.flag(call.body, "active")
    if call.body.get("secret"):
        changes["secret"] = _keep_secret(call, endpoint.object_id)
    return _body(call, api_objects.change(call.sandbox, endpoint, facts={**endpoint.facts, **changes}))


def delete(call: Call, *names: str) -> Body:
    """Nothing is sent there any more."""
    api_objects.change(call.sandbox, _find(call, *names), state="deleted")
    return {}


def _find(call: Call, *names: str) -> ApiObject:
    *accounts, webhook_id = names
    for account in accounts:
        _check_account(call, account)
    endpoint = api_objects.find(call.sandbox, NAME, ENDPOINT, webhook_id)
    if endpoint is None or endpoint.state != ENABLED:
        raise NotFound("There is no such webhook.", code="object.not_found", field="id")
    return endpoint


def _check_account(call: Call, account_id: str | None) -> None:
    # A public client writes None where its caller names no account.
    if account_id not in {None, "None", ids.account_id(call.sandbox.seller)}:
        raise NotFound("There is no such account.", code="object.not_found", field="account_id")


def _url(call: Call, *, required: bool) -> str | None:
    url = parameters.text(call.body, "url", _LONGEST_URL, required=required)
    if url is not None:
        call.sandbox.runtime.settings.outgoing_hosts.check(url)
    return url


def _events(value: Any) -> list[str]:
    """The names of the events that are wanted, from a list or an object of yes and no."""
    if isinstance(value, Mapping):
        names = [name for name, wanted in value.items() if wanted not in (False, 0, "0", "false", None)]
    elif isinstance(value, list) and all(isinstance(name, str) for name in value):
        names = list(value)
    else:
        raise invalid("The events field is required.", "events", "parameter.missing")
    unknown = [name for name in names if name not in EVENTS | OTHERS]
    if unknown:
        raise invalid(f"Invalid event name/names: {', '.join(unknown)[:200]}", "events")
    return sorted(names)


def _keep_secret(call: Call, webhook_id: str) -> str:
    """Seal a secret; by what name it is found."""
    secret = parameters.text(call.body, "secret", _LONGEST_SECRET) or ""
    name = f"{webhook_id}/{counters.bump(call.sandbox, f'{NAME}.webhook_secret')}"
    api_objects.add_secret(call.sandbox, name, {"secret": secret})
    return name


def _body(call: Call, endpoint: ApiObject) -> dict[str, Any]:
    facts = endpoint.facts
    return {
        "id": endpoint.object_id,
        "entity": "webhook",
        "url": facts["url"],
        "alert_email": facts["alert_email"],
        "secret_exists": bool(api_objects.find_secret(call.sandbox, facts["secret"]).get("secret")),
        "active": facts["active"],
        "events": {name: name in facts["events"] for name in sorted(EVENTS | set(facts["events"]))},
        "owner_id": ids.account_id(call.sandbox.seller).removeprefix("acc_"),
        "owner_type": "merchant",
        "disabled_at": 0,
        "created_at": endpoint.created_at // SECOND,
        "updated_at": endpoint.updated_at // SECOND,
    }
