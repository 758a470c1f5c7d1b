"""Row 1: processPayment through the WSGI application, without a socket."""

from __future__ import annotations

import io
import sys
import time
from typing import Any

from bench.floors import Commit, Decryption
from bench.place import Place
from bench.report import Line, against
from bench.requests import Request, Shop
from mockpay.app import create_app, runtime_of
from mockpay.providers.amazonpay.keys import PAYMENT_KEY
from mockpay.settings import Settings

WHAT = "processPayment in process"


def measure(rounds: int, payments: int) -> list[Line]:
    """Rounds of so many payments, in turn with the floor."""
    with Place() as place:
        app = create_app(Settings(database_url=str(place.database), keys_dir=place.keys))
        runtime, shop = runtime_of(app), Shop(place.keys)
        commit = Commit(place.folder)
        pay_all(app.wsgi_app, shop.many(payments))  # what is loaded and compiled at first use
        took, floor = [], []
        for _ in range(rounds):
            requests = shop.many(payments)
            took.append(pay_all(app.wsgi_app, requests))
            keys = [request.wrapped_key for request in requests]
            floor.append(Decryption(runtime.keys.private[PAYMENT_KEY.private], keys).round() + commit.round(payments))
        runtime.engine.dispose()
        runtime.writer.dispose()
    return [against(WHAT, took, floor, "F", 2.5, 1.8)]


def pay_all(application: Any, requests: list[Request]) -> float:
    """Seconds of CPU for one payment."""
    environs = [environ_of(request) for request in requests]
    began = time.process_time()
    for each in environs:
        for _ in application(each, _expect_redirect):
            pass
    return (time.process_time() - began) / len(requests)


def environ_of(request: Request) -> dict[str, Any]:
    """A payment request as the server hands it to the application."""
    uri = {"REQUEST_URI": f"/processPayment?{request.query}", "HTTP_ACCEPT": "text/html"}
    return environ("GET", "/processPayment", QUERY_STRING=request.query, **uri)


def environ(method: str, path: str, body: bytes = b"", **more: str) -> dict[str, Any]:
    """What the server hands to the application; a body is a form."""
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body))} if body else {}
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8420",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8420",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **form,
        **more,
    }


def _expect_redirect(status: str, headers: list[tuple[str, str]], *_: object) -> None:
    location = dict(headers).get("Location", "")
    if not status.startswith("302") or not location.startswith("/pay/"):
        message = f"expected a redirect to the payment page, got {status} {location}"
        raise RuntimeError(message)
