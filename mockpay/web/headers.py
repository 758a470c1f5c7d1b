"""What every page says to the browser about itself."""

from __future__ import annotations

from flask import Flask, Response

#: No `form-action`: it would block the way back to the seller (contract section 4).
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def register(app: Flask) -> None:
    """Put the headers on every HTML answer."""

    @app.after_request
    def _protect(response: Response) -> Response:
        if response.content_type.startswith("text/html"):
            for name, value in _PAGE_HEADERS.items():
                response.headers.setdefault(name, value)
        return response
