"""
What an endpoint of the control API is: one record that the router, the OpenAPI document
and docs/control-api.md are all made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from types import NoneType, UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from flask import Response
from flask import request as http_request
from msgspec import Struct

from mockpay.kernel.errors import Invalid
from mockpay.kernel.fields import convert_fields
from mockpay.kernel.terminal import current_call, masked, open_fields
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.control.change_notifier import ChangeNotifier

Q = TypeVar("Q")
B = TypeVar("B")

JSON = "application/json"
IDEMPOTENCY_KEY = "Idempotency-Key"
#: The contract's bound for a request body.
MAX_BODY = 1_048_576


class Request(Struct, Generic[Q, B], frozen=True):
    """A request that passed the guard, decoded; `base` is the server's address as the caller wrote it."""

    runtime: Runtime
    path: Mapping[str, str]
    query: Q
    body: B
    base: str
    changes: ChangeNotifier

    @property
    def seller_id(self) -> str:
        """The seller whom the path names."""
        return self.path["seller_id"]

    @property
    def seller_url(self) -> str:
        """That seller's address in this API."""
        return f"{self.base}/_mockpay/v1/sellers/{self.seller_id}"

    def read(self) -> AbstractContextManager[Sandbox]:
        """A read of that seller's world; ``seller.not_found`` where there is none."""
        return read(self.runtime, self.seller_id)

    def transaction(self) -> AbstractContextManager[Sandbox]:
        """A write transaction in it."""
        return transaction(self.runtime, self.seller_id)


@dataclass(frozen=True)
class Endpoint:
    """
    One method of one path; query, body and response are those of the view's annotations.

    Args:
        path: Below ``/_mockpay``, with ``{names}``.
        view: Returns a struct for the JSON, a struct and a status, None for an empty answer, or a Response.
        summary: One sentence for the documents.
        status: Of success; 204 has no content.
        errors: HTTP statuses beyond those that path, query and body imply.
        other_statuses: Statuses that have the response's own shape, not a problem's.
        public: Needs no token, and answers to any Host.
        idempotent: Takes an `Idempotency-Key`.
        example: A body, for the documents.
    """

    method: str
    path: str
    view: Callable[[Request[Any, Any]], object]
    summary: str
    status: int = 200
    errors: tuple[int, ...] = ()
    other_statuses: tuple[int, ...] = ()
    public: bool = False
    idempotent: bool = False
    example: str = ""
    media_type: str = JSON

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return "/_mockpay" + self.path.replace("{", "<").replace("}", ">")

    @property
    def name(self) -> str:
        """The view's name, which no other endpoint has."""
        return self.view.__name__

    @property
    def chapter(self) -> str:
        """The module that it is in: its tag and its chapter in the documents."""
        return self.view.__module__.rsplit(".", 1)[-1]

    @cached_property
    def _annotations(self) -> tuple[type[Struct] | None, type[Struct] | None, type[Struct] | None]:
        hints = get_type_hints(self.view)
        result = hints["return"]
        if get_origin(result) in {tuple, UnionType}:
            result = get_args(result)[0]
        structs = (*get_args(hints["request"]), result)
        query, body, response = (None if struct in {NoneType, Response} else struct for struct in structs)
        return query, body, response

    @property
    def query(self) -> type[Struct] | None:
        """The struct of the query string."""
        return self._annotations[0]

    @property
    def body(self) -> type[Struct] | None:
        """The struct of the body."""
        return self._annotations[1]

    @property
    def response(self) -> type[Struct] | None:
        """The struct of the answer; None for one that is empty or no JSON."""
        return self._annotations[2]

    @property
    def error_statuses(self) -> list[int]:
        """Every status of a problem that it may answer with."""
        statuses = {403, *self.errors}
        if not self.public:
            statuses.add(401)
        if self.body is not None:
            statuses |= {400, 413, 415, 422}
        if self.query is not None:
            statuses |= {400, 422}
        if "{" in self.path:
            statuses |= {400, 404}
        return sorted(statuses)


GET, POST, PUT, PATCH, DELETE = (partial(Endpoint, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))


def handle(endpoint: Endpoint, runtime: Runtime, changes: ChangeNotifier, path: Mapping[str, str]) -> Response:
    """
    Decode the request, call the view, encode what it returns.

    Raises:
        Invalid: the query or the body cannot be read.
        MockpayError: what the view raises.
    """
    for value in path.values():
        _refuse_nul(value)
    base = http_request.host_url.rstrip("/")
    request = Request(runtime, path, _query(endpoint.query), _body(endpoint.body), base, changes)
    result = endpoint.view(request)
    if isinstance(result, Response):
        return result
    struct, status = result if isinstance(result, tuple) else (result, endpoint.status)
    if (call := current_call()) is not None and call.verbose:
        shown = [open_fields(msgspec.to_builtins(body)) for body in (request.body, struct) if body is not None]
        call.bodies += [masked(msgspec.json.encode(body).decode()) for body in shown]
    content = b"" if struct is None else msgspec.json.encode(struct)
    return Response(content, status, content_type=None if struct is None else JSON)


def _query(struct: type[Struct] | None) -> Any:
    """The query as a struct; an empty value is an absent one."""
    if struct is None:
        return None
    plain = {}
    for name, values in http_request.args.lists():
        if len(values) > 1:
            raise Invalid(f"'{name}' is given twice.", code="query.invalid", field=name)
        if values[0]:
            plain[name] = _refuse_nul(values[0])
    return convert_fields(plain, struct, code="query.invalid", noun="parameter", strict=False)


def _malformed() -> Invalid:
    return Invalid("The body is not well-formed JSON.", code="json.malformed")


def _body(struct: type[Struct] | None) -> Any:
    """The body as a struct; none at all is an empty object."""
    if struct is None:
        return None
    http_request.max_content_length = MAX_BODY
    raw = http_request.get_data(cache=False)
    if raw and not http_request.is_json:
        message = "The body must be JSON, with 'Content-Type: application/json'."
        raise Invalid(message, code="json.media_type")
    try:
        body = msgspec.json.decode(raw or b"{}", type=struct)
    except msgspec.ValidationError as error:
        body = _mended(raw, struct, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed() from error
    if b"\\u0000" in raw:
        _refuse_nul("\0")
    return body


def _mended(raw: bytes, struct: type[Struct], error: msgspec.ValidationError) -> Any:
    """
    The body with words in other capitals.

    Raises:
        Invalid: code ``json.malformed`` for what is cut off after a wrong value, else ``input.invalid``.
    """
    try:
        plain = msgspec.json.decode(raw)
    except (msgspec.ValidationError, RecursionError):
        plain = None  # a number too large or too deep to look through; what came first is wrong in any case
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed() from error
    if not isinstance(plain, dict):
        raise Invalid(f"{error}.", code="input.invalid") from error
    return convert_fields(plain, struct, code="input.invalid", noun="field")


def _refuse_nul(text: str) -> str:
    """PostgreSQL stores no NUL, and nobody means one."""
    if "\0" in text:
        raise Invalid("A NUL character cannot be stored.", code="text.nul")
    return text
