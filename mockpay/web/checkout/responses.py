"""How a payment's pages answer: a page, another page, or that there is none."""

from __future__ import annotations

from flask import Response, render_template

from mockpay.kernel.errors import Conflict, MockpayError


def show(template: str, status: int = 200, **context: object) -> Response:
    """A page that no cache keeps."""
    answer = Response(render_template(template, **context), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def go(url: str) -> Response:
    """To another of our pages, always by GET."""
    return Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def gone(error: MockpayError) -> Response:
    """A page for a token that opens nothing, or a step that is not there any more."""
    page: dict[str, object] = {"title": "This payment page is closed", "urls": {}}
    if isinstance(error, Conflict):
        return show("checkout/gone.html", 409, page={**page, "sentence": error.message})
    return show("checkout/gone.html", 404, page=page)
