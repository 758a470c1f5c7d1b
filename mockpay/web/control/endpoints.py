"""
What an endpoint of the control API is: one record that the router, the OpenAPI document
and docs/control-api.md are all made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from flask import Response, request

from mockpay.kernel.errors import Invalid
from mockpay.store.unit_of_work import Runtime
from mockpay.web.control.change_notifier import Pulse

Q = TypeVar("Q")
B = TypeVar("B")

#: The contract's bound for a request body.
MAX_BODY = 1_048_576


@dataclass(frozen=True, slots=True)
class Ask(Generic[Q, B]):
    """A request that was let in and read; `base` is the server's address as the caller wrote it."""

    runtime: Runtime
    path: Mapping[str, str]
    query: Q
    body: B
    base: str
    pulse: Pulse

    @property
    def seller_id(self) -> str:
        """Whose world it is about."""
        return self.path["seller_id"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    One method of one path.

    Args:
        path: Below ``/_mockpay``, with ``{names}``.
        view: Does it; what it gives is written as JSON unless it is a Response already.
        says: One sentence for the documents.
        query: The struct of what may stand behind the question mark.
        body: The struct of the body.
        gives: The struct of the answer; None for an empty one.
        fails: HTTP statuses beyond 401, 403 and 422.
        alike: Statuses that tell the same shape as the answer, not a problem.
        public: Needs no token.
        example: A body, for the documents.
    """

    method: str
    path: str
    view: Callable[[Ask[Any, Any]], object]
    says: str
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    gives: type[msgspec.Struct] | None = None
    status: int = 200
    fails: tuple[int, ...] = ()
    alike: tuple[int, ...] = ()
    public: bool = False
    example: str = ""
    media_type: str = "application/json"

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return "/_mockpay" + self.path.replace("{", "<").replace("}", ">")

    @property
    def name(self) -> str:
        """A name that no other endpoint has."""
        module = self.view.__module__.rsplit(".", 1)[-1]
        return f"{module}_{self.view.__name__}"


def answer(plain: object, status: int = 200) -> Response:
    """JSON, or an empty answer for None."""
    if plain is None:
        return Response(status=status)
    return Response(msgspec.json.encode(plain), status, content_type="application/json")


def perform(endpoint: Endpoint, runtime: Runtime, pulse: Pulse, path: Mapping[str, str]) -> Response:
    """
    Read the request, do it, write the answer.

    Raises:
        Invalid: the query or the body cannot be read.
        MockpayError: what the view raises.
    """
    for value in path.values():
        _refuse_nul(value)
    base = request.host_url.rstrip("/")
    ask = Ask(runtime, path, _query(endpoint.query), _body(endpoint.body), base, pulse)
    given = endpoint.view(ask)
    return given if isinstance(given, Response) else answer(given, endpoint.status)


def _query(struct: type[msgspec.Struct] | None) -> Any:
    """The query as a struct; an empty value is an absent one."""
    if struct is None:
        return None
    plain = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Invalid(f"'{name}' is given twice.", code="query.invalid", field=name)
        if values[0]:
            plain[name] = _refuse_nul(values[0])
    try:
        return msgspec.convert(plain, struct, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"{error}.", code="query.invalid") from error


def _body(struct: type[msgspec.Struct] | None) -> Any:
    """The body as a struct; none at all is an empty object."""
    if struct is None:
        return None
    request.max_content_length = MAX_BODY
    raw = request.get_data(cache=False)
    if raw and not request.is_json:
        message = "The body must be JSON, with 'Content-Type: application/json'."
        raise Invalid(message, code="json.media_type")
    try:
        body = msgspec.json.decode(raw or b"{}", type=struct)
    except msgspec.ValidationError as error:
        raise Invalid(f"{error}.", code="input.invalid") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("The body is not well-formed JSON.", code="json.malformed") from error
    if b"\\u0000" in raw:
        _refuse_nul("\0")
    return body


def _refuse_nul(text: str) -> str:
    """PostgreSQL stores no NUL, and nobody means one."""
    if "\0" in text:
        raise Invalid("A NUL character cannot be stored.", code="text.nul")
    return text
