"""The OpenAPI 3.1 document, made from the same records and structs as the routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec

from mockpay import __version__
from mockpay.domain.sellers import Settings
from mockpay.web.control.endpoints import Endpoint
from mockpay.web.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{name}"
_JSON = "application/json"
_WORDS = {
    200: "Done",
    201: "Made",
    204: "Done; nothing to tell",
    400: "Cannot be read",
    401: "A token is needed",
    403: "Foreign Host or Origin",
    404: "No such thing",
    409: "Not in this state",
    413: "Too large",
    415: "Not JSON",
    422: "A value cannot be used",
    503: "Not now",
}


def document(endpoints: Sequence[Endpoint]) -> bytes:
    """The whole document as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = paths.setdefault(f"/_mockpay{endpoint.path}", {})
        path[endpoint.method.lower()] = _operation(endpoint)
    plain = {
        "openapi": "3.1.0",
        "info": {
            "title": "mockpay control API",
            "version": __version__,
            "description": "Sellers as worlds: their clocks, orders, refunds, scenarios, journals.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas(endpoints),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(plain)


def schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Every struct that occurs, as JSON Schema by name."""
    used = [struct for e in endpoints for struct in (e.body, e.gives) if struct is not None]
    _, found = msgspec.json.schema_components([*dict.fromkeys(used), Problem], ref_template=_REF)
    for field in fields(Settings):
        found["Settings"]["properties"][field.name]["description"] = field.metadata["says"]
    return found


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.says,
        "tags": [endpoint.name.split("_")[0]],
        "parameters": [*_path_parameters(endpoint), *query_parameters(endpoint)],
        "responses": _responses(endpoint),
        "security": [{}] if endpoint.public else [{}, {"token": []}],
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": _ref(endpoint.body)}}}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    """What may stand behind the question mark, as OpenAPI parameters."""
    if endpoint.query is None:
        return []
    _, found = msgspec.json.schema_components([endpoint.query], ref_template=_REF)
    schema = found[endpoint.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": _flat(rules, found)}
        for name, rules in schema["properties"].items()
    ]


def _flat(rules: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent instead of null, and tells its choices in place."""
    kept = {name: value for name, value in rules.items() if not (name == "default" and value is None)}
    choices = [one for one in kept.pop("anyOf", []) if one != {"type": "null"}]
    only = choices[0] if choices else {}
    if "$ref" in only:
        only = {"enum": known[only["$ref"].rsplit("/", 1)[1]]["enum"]}
    return {**kept, **only}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    done: dict[str, Any] = {"description": _WORDS[endpoint.status]}
    if endpoint.gives is not None:
        done["content"] = _content(_ref(endpoint.gives))
    elif endpoint.media_type != _JSON:
        done["content"] = _content({"type": "string"}, endpoint.media_type)
    told = {str(endpoint.status): done}
    told |= {str(status): {**done, "description": _WORDS[status]} for status in endpoint.alike}
    for status in sorted(failures(endpoint)):
        told[str(status)] = {"description": _WORDS[status], "content": _content(_ref(Problem), MEDIA_TYPE)}
    return told


def failures(endpoint: Endpoint) -> set[int]:
    """Every status of a problem that this endpoint may answer with."""
    found = {403, *endpoint.fails}
    if not endpoint.public:
        found.add(401)
    if endpoint.body is not None:
        found |= {400, 413, 415, 422}
    if endpoint.query is not None:
        found |= {400, 422}
    if "{" in endpoint.path:
        found.add(400)
    return found


def _content(schema: dict[str, Any], media_type: str = _JSON) -> dict[str, Any]:
    return {media_type: {"schema": schema}}


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=struct.__name__)}
