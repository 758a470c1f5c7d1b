"""Errors as Amazon's callers want them: a page, XML or JSON; the journal has the reason."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Request, Response, jsonify
from flask import request as current_request

from mockpay.kernel.errors import MockpayError
from mockpay.providers.amazonpay.errors import amazon_error
from mockpay.providers.amazonpay.request_forms import CONTROL, field_names
from mockpay.providers.amazonpay.xml_responses import error_document
from mockpay.store import journal
from mockpay.store.journal import RequestLine
from mockpay.store.unit_of_work import Runtime, Sandbox

XML = "text/xml"
#: Below these, an answer is a JSON object whatever it says.
JSON_PATHS = ("/v2/payments/chargeStatus", "/payments/v1/api")


def error_of_path(error: MockpayError) -> Response:
    """An error that no view told: the path says in which format."""
    return json_error(error) if current_request.path.startswith(JSON_PATHS) else xml_error(error)


def xml_error(error: MockpayError) -> Response:
    """An ErrorResponse."""
    row = amazon_error(error.code)
    return Response(error_document(error), row.status, content_type=XML)


def json_error(error: MockpayError) -> Response:
    """The JSON object of chargeStatus, which is always an object."""
    row = amazon_error(error.code)
    answer = jsonify({"error": {"code": row.code, "message": row.text(error)}})
    answer.status_code = row.status
    return answer


def add_refusal(
    runtime: Runtime,
    kind: str,
    error: MockpayError,
    request: Request,
    sandbox: Sandbox | None,
    line: RequestLine,
    response: Response,
    orders: Sequence[str] = (),
) -> None:
    """
    Write a refusal into the journal: the names of the fields and the reason, never a value.

    It belongs to the seller whom the request named, or to nobody. A page is not kept, its sentence is the error's.
    """
    page = response.mimetype == "text/html"
    journal.add_refusal(
        runtime,
        sandbox,
        kind=kind,
        outcome=error.code,
        reason=CONTROL.sub("\ufffd", error.reason),
        orders=orders,
        facts={**field_names(request, error), **_plain(error)},
        line=line,
        status=response.status_code,
        answer=None if page else response.get_data(as_text=True),
    )


def _plain(error: MockpayError) -> dict[str, object]:
    """The details of an error that are safe to keep: short plain values."""
    return {key: value for key, value in error.detail.items() if isinstance(value, str | int)}
