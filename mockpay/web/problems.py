"""One table from errors to HTTP statuses for our own surfaces; the control API's problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from flask import Response
from werkzeug.exceptions import HTTPException

from mockpay.kernel.errors import Conflict, Forbidden, Invalid, MockpayError, NotFound
from mockpay.web.guard import DASHBOARD, DOCS

#: Below this address, but for the pages there, errors are problems.
PREFIX = "/_mockpay/"
MEDIA_TYPE = "application/problem+json"

#: The status of a kind of error, the narrowest kind first.
KINDS: Mapping[type[MockpayError], int] = {NotFound: 404, Conflict: 409, Forbidden: 403, Invalid: 422}

#: Codes whose status is not their kind's.
STATUS: Mapping[str, int] = {
    "cursor.invalid": 400,
    "filter.invalid": 400,
    "json.malformed": 400,
    "text.nul": 400,
    "form.malformed": 422,
    "form.duplicate": 422,
    "form.too_large": 422,
    "form.unencodable": 422,
    "json.media_type": 415,
    "outgoing.host": 422,
    "token.required": 401,
    "wait.too_many": 503,
}

_TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "A token is needed",
    403: "Not allowed",
    404: "Not found",
    405: "Not this method",
    409: "Not in this state",
    413: "Too large",
    415: "Not JSON",
    422: "A value cannot be used",
    503: "Not now",
}

_SENTENCES: Mapping[int, str] = {
    404: "There is nothing at this address; /_mockpay/openapi.json lists what there is.",
    405: "This address does not know this method.",
    413: "A body has 1 MB at most.",
}


class Problem(msgspec.Struct, kw_only=True):
    """
    RFC 9457, with a dotted `code`; `context` has further values.

    Of a value that can never fit: its `field`, all that are `allowed` where that is a list, and the `nearest` of them.
    """

    title: str
    status: int
    detail: str
    code: str
    type: str
    field: str | msgspec.UnsetType = msgspec.UNSET
    allowed: list[str] | msgspec.UnsetType = msgspec.UNSET
    nearest: str | msgspec.UnsetType = msgspec.UNSET
    context: dict[str, str] = {}


#: Members that tell how to mend the value of a field.
_HINTS = ("allowed", "nearest")


def owns(path: str) -> bool:
    """Whether errors at this path are problems."""
    return f"{path}/".startswith(PREFIX) and not f"{path}/".startswith((f"{DASHBOARD}/", f"{DOCS}/"))


def status_of(error: MockpayError) -> int:
    """The HTTP status of an error's code, else of its kind, else 400."""
    if error.code in STATUS:
        return STATUS[error.code]
    if error.code.startswith("database."):
        return 503
    return next((status for kind, status in KINDS.items() if isinstance(error, kind)), 400)


def problem(error: MockpayError) -> Response:
    """An error of ours."""
    response = _response(status_of(error), error.code, error.message, error.detail)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="mockpay"'
    if response.status_code == 503:
        response.headers["Retry-After"] = "1"
    return response


def http_problem(error: HTTPException) -> Response:
    """An error of the framework: no such path, not this method, too large."""
    status = error.code or 500
    sentence = _SENTENCES.get(status) or f"{error.name}."
    response = _response(status, f"http.{status}", sentence, {})
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _response(status: int, code: str, sentence: str, detail: Mapping[str, object]) -> Response:
    body = Problem(
        type=f"urn:mockpay:{code}",
        title=_TITLES.get(status, "The request failed"),
        status=status,
        detail=sentence,
        code=code,
        context={name: str(value) for name, value in detail.items() if name not in _HINTS},
        **{name: detail[name] for name in ("field", *_HINTS) if name in detail},  # type: ignore[arg-type]
    )
    return Response(msgspec.json.encode(body), status, content_type=MEDIA_TYPE)
