"""`expand`: objects in the place of their ids, and lists that are not told unasked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mockpay.providers.stripe import bodies, customers, payment_methods, refunds, sessions
from mockpay.providers.stripe.calls import Call
from mockpay.providers.stripe.parameters import bad_request

_DEEPEST = 4
#: What shows an object, by the beginning of its id.
_OBJECTS: Mapping[str, Callable[..., Any]] = {
    "pi": lambda call, object_id: bodies.intent_body(
        call.sandbox, bodies.find_intent(call.sandbox, object_id), call.base_url
    ),
    "ch": refunds.retrieve_charge,
    "re": refunds.retrieve,
    "pm": payment_methods.retrieve,
    "cus": customers.retrieve,
    "seti": customers.retrieve_setup,
}
#: Lists that an object has only where they are asked for, by its kind and their name.
_LISTS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("charge", "refunds"): refunds.refunds_of_charge,
    (bodies.SESSION, "line_items"): sessions.line_items,
}


def expand(call: Call, body: dict[str, Any], paths: Sequence[str]) -> dict[str, Any]:
    """
    An answer with the objects of these paths, such as `latest_charge.payment_method` or `data.customer`.

    Raises:
        Refused: a path that the answer does not have.
    """
    for path in paths:
        names = path.split(".")
        if len(names) > _DEEPEST:
            raise bad_request(f"You cannot expand more than {_DEEPEST} levels of a property.", param="expand")
        _expand(call, body, names, path)
    return body


def _expand(call: Call, node: Any, names: Sequence[str], path: str) -> None:
    for entry in node if isinstance(node, list) else [node]:
        name, *rest = names
        if not isinstance(entry, dict) or (name not in entry and (entry.get("object"), name) not in _LISTS):
            raise bad_request(f"This property cannot be expanded ({path}).", param="expand")
        value = entry.get(name)
        if (show := _LISTS.get((str(entry.get("object")), name))) is not None:
            entry[name] = show(call, entry["id"])
        elif isinstance(value, str) and (show := _OBJECTS.get(value.partition("_")[0])) is not None:
            entry[name] = show(call, value)
        if rest and entry.get(name) is not None:
            _expand(call, entry[name], rest, path)
