"""The server itself: its health and the public key that shops encrypt with."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response
from msgspec import Meta, Struct

from mockpay import __version__
from mockpay.store.db.engine import check_health
from mockpay.web.control.endpoints import Endpoint, Request
from mockpay.wire.keys import load_public_key, public_key_line


class Health(Struct, kw_only=True):
    """What a probe looks at."""

    status: Literal["ok"]
    version: str
    database: str


class PublicKeyQuery(Struct, forbid_unknown_fields=True):
    """How the key is spelt."""

    format: Annotated[
        Literal["pem", "sdk"], Meta(description="`pem`, or `sdk`: base64 SubjectPublicKeyInfo on one line.")
    ] = "pem"


def get_health(request: Request[None, None]) -> Health:
    return Health(status="ok", version=__version__, database=check_health(request.runtime.engine))


def get_public_key(request: Request[PublicKeyQuery, None]) -> Response:
    pem = request.runtime.keys.public_file.read_text("ascii")
    text = public_key_line(load_public_key(pem)) if request.query.format == "sdk" else pem
    return Response(text, content_type="text/plain; charset=utf-8")


ENDPOINTS = (
    Endpoint("GET", "/health", get_health, "Whether the server and its database answer.", public=True, errors=(503,)),
    Endpoint(
        "GET",
        "/v1/public-key",
        get_public_key,
        "The public key that payloads are encrypted with.",
        media_type="text/plain",
    ),
)
