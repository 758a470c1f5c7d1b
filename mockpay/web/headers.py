"""Security headers of every page."""

from __future__ import annotations

from flask import Flask, Response

_POLICY = "default-src 'self'; frame-ancestors {}; base-uri 'none'"
#: No `form-action`: it would block the way back to the seller (contract section 4).
POLICY = _POLICY.format("'none'")
#: The issuer's pages, and the redirects there and back, are framed by the payment page.
FRAMED = _POLICY.format("'self'")
_NAME = "Content-Security-Policy"
_PAGE_HEADERS = {_NAME: POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}


def register(app: Flask) -> None:
    """Put the headers on every HTML answer."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        if response.content_type.startswith("text/html"):
            for name, value in _PAGE_HEADERS.items():
                response.headers.setdefault(name, value)
        return response


def framed(response: Response) -> Response:
    """A page that our own pages may show in a frame."""
    response.headers[_NAME] = FRAMED
    return response
