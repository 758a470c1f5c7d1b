"""docs/control-api.md, made from the same records and structs as the routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from inspect import cleandoc
from itertools import groupby
from typing import Any

from mockpay.domain.sellers import Settings, setting_forms
from mockpay.web.control.endpoints import Endpoint
from mockpay.web.control.field_words import CHAPTERS
from mockpay.web.control.openapi import query_parameters, schemas
from mockpay.web.control.routes import ENDPOINTS

_INTRODUCTION = """\
# Control API

JSON below `/_mockpay/v1`; its OpenAPI document is `/_mockpay/openapi.json` (3.1).
This page is generated: `mockpay docs` writes it anew from the code.

* Times are RFC 3339 in UTC, amounts are strings (`"1.00"`) beside a `currency`.
* Lists answer `{"items": [...], "next_cursor": string|null}`; `cursor` asks for the next page.
* Errors are problem+json (RFC 9457) with a dotted `code`; nothing is half done.
* A server bound to loopback needs no token unless `MOCKPAY_ADMIN_TOKEN` is set; then send
  `Authorization: Bearer TOKEN` with every call but `/_mockpay/health`.
* It answers only to a Host that is loopback, the bound address or `MOCKPAY_PUBLIC_URL`'s, and to
  no foreign Origin.

The examples assume a server at its usual address and the default seller:

```sh
BASE=http://127.0.0.1:8420/_mockpay
SELLER=A1MOCKPAYSELLER
```
"""


def page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    components = schemas(ENDPOINTS)
    for chapter, endpoints in groupby(ENDPOINTS, key=lambda endpoint: endpoint.chapter):
        title, about = CHAPTERS[chapter]
        parts.append(f"## {title}\n\n{about}\n")
        for endpoint in endpoints:
            parts.extend(_endpoint(endpoint, components))
    parts.extend(_settings())
    return "\n".join(parts)


def _endpoint(endpoint: Endpoint, components: dict[str, Any]) -> Iterator[str]:
    yield f"### `{endpoint.method} {endpoint.path}`\n"
    statuses = ", ".join(f"`{s}`" for s in sorted({*endpoint.error_statuses, *endpoint.other_statuses}))
    yield f"{endpoint.summary} {cleandoc(endpoint.view.__doc__ or '')}\n".replace("\n", " ").rstrip() + "\n"
    yield f"Answers `{endpoint.status}`, else {statuses}.\n"
    yield f"```sh\n{_curl(endpoint)}\n```\n"
    query = query_parameters(endpoint)
    if query:
        described = (({**rules["schema"], "description": rules["description"]}, rules) for rules in query)
        yield from _table("query", ((rules["name"], schema, rules["required"]) for schema, rules in described))
    if endpoint.body is not None:
        yield from _table("body", _rows(components[endpoint.body.__name__]))
    if endpoint.response is not None:
        name = endpoint.response.__name__
        properties = ", ".join(f"`{field}`" for field in components[name]["properties"])
        yield f"`{name}`: {properties}.\n"


def _curl(endpoint: Endpoint) -> str:
    path = endpoint.path.replace("{seller_id}", "$SELLER")
    path = re.sub(r"\{(\w+)\}", lambda name: f"${name[1].upper()}", path)
    verb = "" if endpoint.method == "GET" else f" -X {endpoint.method}"
    body = f" -H 'Content-Type: application/json' -d '{endpoint.example}'" if endpoint.example else ""
    return f'curl -s{verb}{body} "$BASE{path}"'


def _rows(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for name, rules in schema["properties"].items():
        yield name, rules, name in schema["required"]


def _table(title: str, rows: Iterator[tuple[str, dict[str, Any], bool]]) -> Iterator[str]:
    yield f"| {title} | type | default | |\n|---|---|---|---|"
    for name, rules, required in rows:
        default = "required" if required else _default(rules)
        yield f"| `{name}` | {_type(rules)} | {default} | {rules.get('description', '')} |"
    yield ""


def _default(rules: dict[str, Any]) -> str:
    value = rules.get("default")
    return "" if value is None else f"`{json.dumps(value)}`"


def _type(rules: dict[str, Any]) -> str:
    """A JSON Schema's type in few words."""
    if "$ref" in rules:
        return str(rules["$ref"].rsplit("/", 1)[1])
    if "anyOf" in rules:
        types = dict.fromkeys(_type(choice) for choice in rules["anyOf"])
        return ", ".join(types)
    if "enum" in rules:
        return ", ".join(f"`{choice}`" for choice in rules["enum"])
    if rules.get("type") == "array":
        return f"list of {_type(rules['items'])}"
    bounds = [f"{word} {rules[key]}" for key, word in _BOUNDS.items() if key in rules]
    return " ".join([str(rules.get("type", "any")), *bounds])


_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}


def _settings() -> Iterator[str]:
    yield "## Settings of a seller\n"
    yield "| name | default | meaning |\n|---|---|---|"
    default = Settings()
    for name, form in setting_forms().items():
        yield f"| `{name}` | `{json.dumps(getattr(default, name))}` | {form.description} |"
    yield ""
