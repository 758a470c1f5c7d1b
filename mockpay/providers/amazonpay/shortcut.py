"""
`processPayment` by GET, answered before Flask.

Contexts, routing and response objects cost a third of a payment, and a bare redirect needs
none of them.  Only what leads somewhere is answered here; whatever is refused goes the
ordinary way, which begins anew, says why and writes it down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mockpay.providers.amazonpay import process_payment
from mockpay.store.unit_of_work import Runtime

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PATHS = frozenset(path + slash for path in ("/initiatePayment", "/processPayment") for slash in ("", "/"))


class Shortcut:
    """The application `ordinary`, with the shortcut before it."""

    def __init__(self, ordinary: WSGIApplication, runtime: Runtime) -> None:
        self._ordinary = ordinary
        self._runtime = runtime

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with a redirect, or hand over."""
        location = self._location(environ)
        if location is None:
            return self._ordinary(environ, start_response)
        headers = [("Location", location), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        start_response("302 Found", headers)
        return ()

    def _location(self, environ: WSGIEnvironment) -> str | None:
        if environ["PATH_INFO"] not in _PATHS or environ["REQUEST_METHOD"] != "GET":
            return None
        try:
            return process_payment.location(self._runtime, environ["QUERY_STRING"].encode("latin-1"))
        except Exception:  # noqa: BLE001
            return None
