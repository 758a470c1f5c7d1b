"""
`processPayment` by GET, answered before Flask.

Contexts, routing and response objects cost a third of a payment, and a bare redirect needs
none of them.  A refusal is handed on to the view, which shows it and writes it down.
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
        if environ["PATH_INFO"] not in _PATHS or environ["REQUEST_METHOD"] != "GET":
            return self._ordinary(environ, start_response)
        result = process_payment.begin(self._runtime, environ["QUERY_STRING"].encode("latin-1"))
        if isinstance(result, process_payment.Refusal):
            return self._ordinary({**environ, process_payment.REFUSAL: result}, start_response)
        headers = [("Location", result), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        start_response("302 Found", headers)
        return ()
