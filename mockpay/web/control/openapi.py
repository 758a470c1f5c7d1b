"""The OpenAPI 3.1 document, made from the same records and structs as the routes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from mockpay import __version__
from mockpay.web.control import field_words
from mockpay.web.control.endpoints import IDEMPOTENCY_KEY, JSON, Endpoint
from mockpay.web.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{name}"
#: By operation: parameters, body and answer of a call that was made (tests/control/examples.py).
EXAMPLES = Path(__file__).with_name("examples.json")
_DESCRIPTIONS = {
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
    examples = json.loads(EXAMPLES.read_text("utf-8"))
    for endpoint in endpoints:
        path = paths.setdefault(f"/_mockpay{endpoint.path}", {})
        path[endpoint.method.lower()] = _operation(endpoint, examples.get(endpoint.name, {}))
    plain = {
        "openapi": "3.1.0",
        "info": {
            "title": "mockpay control API",
            "version": __version__,
            "description": "Sellers as worlds: their clocks, orders, refunds, scenarios, journals.",
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": f"{title}. {words}"} for name, (title, words) in field_words.CHAPTERS.items()
        ],
        "paths": paths,
        "components": {
            "schemas": schemas(endpoints),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.encode(plain)


def schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Every struct that occurs, as JSON Schema by name."""
    used = [struct for e in endpoints for struct in (e.body, e.response) if struct is not None]
    _, components = msgspec.json.schema_components([*dict.fromkeys(used), Problem], ref_template=_REF)
    for struct, schema in components.items():
        for name, rules in schema.get("properties", {}).items():
            rules.setdefault("description", field_words.describe_field(struct, name))
    return components


def _operation(endpoint: Endpoint, example: dict[str, Any]) -> dict[str, Any]:
    """An operation; `example` is a call that was made, its ``path``, ``query``, ``body`` and ``answer``."""
    sample = {**example.get("path", {}), **example.get("query", {})}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": cleandoc(endpoint.view.__doc__ or ""),
        "tags": [endpoint.chapter],
        "parameters": [
            {**parameter, **({"example": sample[parameter["name"]]} if parameter["name"] in sample else {})}
            for parameter in (*_path_parameters(endpoint), *query_parameters(endpoint), *header_parameters(endpoint))
        ],
        "responses": _responses(endpoint, example.get("answer")),
        "security": [{}] if endpoint.public else [{}, {"token": []}],
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "description": cleandoc(endpoint.body.__doc__ or ""),
            "content": _content(_ref(endpoint.body), example=example.get("body")),
        }
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", endpoint.path)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": field_words.PATH[name],
            "schema": {"type": "string"},
        }
        for name in names
    ]


def header_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The request headers that an operation looks at."""
    if not endpoint.idempotent:
        return []
    return [
        {
            "name": IDEMPOTENCY_KEY,
            "in": "header",
            "required": False,
            "description": "Any text: the same key and body again get the stored answer and do nothing.",
            "schema": {"type": "string", "maxLength": 255},
        }
    ]


def query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The query string's parameters for OpenAPI."""
    if endpoint.query is None:
        return []
    _, components = msgspec.json.schema_components([endpoint.query], ref_template=_REF)
    schema = components[endpoint.query.__name__]
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema["required"],
            "description": flat.pop("description", "") or field_words.QUERY.get(name, ""),
            "schema": flat,
        }
        for name, rules in schema["properties"].items()
        for flat in [_flat(rules, components)]
    ]


def _flat(rules: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema: absent instead of null, its choices in place of a reference."""
    schema = {name: value for name, value in rules.items() if not (name == "default" and value is None)}
    choices = [choice for choice in schema.pop("anyOf", []) if choice != {"type": "null"}]
    only = choices[0] if choices else {}
    if "$ref" in only:
        only = {"enum": components[only["$ref"].rsplit("/", 1)[1]]["enum"]}
    return {**schema, **only}


def _responses(endpoint: Endpoint, answer: Any) -> dict[str, Any]:
    done: dict[str, Any] = {"description": _DESCRIPTIONS[endpoint.status]}
    if endpoint.response is not None:
        done["content"] = _content(_ref(endpoint.response), example=answer)
        if endpoint.media_type != JSON:
            done["content"] |= _content({"type": "string"}, endpoint.media_type)
    elif endpoint.media_type != JSON:
        done["content"] = _content({"type": "string"}, endpoint.media_type, answer)
    responses = {str(endpoint.status): done}
    responses |= {str(status): {**done, "description": _DESCRIPTIONS[status]} for status in endpoint.other_statuses}
    for status in endpoint.error_statuses:
        responses[str(status)] = {"description": _DESCRIPTIONS[status], "content": _content(_ref(Problem), MEDIA_TYPE)}
    return responses


def _content(schema: dict[str, Any], media_type: str = JSON, example: Any = None) -> dict[str, Any]:
    return {media_type: {"schema": schema, **({} if example is None else {"example": example})}}


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=struct.__name__)}
