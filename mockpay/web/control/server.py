"""The server itself: its health, the public key that shops encrypt with, and why a signature does not fit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Annotated, Literal

from flask import Response
from msgspec import Meta, Struct

from mockpay import __version__
from mockpay.domain.providers import CallToExplain
from mockpay.domain.providers import SignatureExplanation as ExplainedSignature
from mockpay.domain.sellers import Seller
from mockpay.kernel.keys.files import Keys
from mockpay.kernel.words import parse_word
from mockpay.providers.contract import providers_of
from mockpay.store import sellers
from mockpay.store.db.engine import check_health, reading
from mockpay.store.unit_of_work import Runtime
from mockpay.web.control.endpoints import GET, POST, Request
from mockpay.web.control.responses import to_response
from mockpay.wire.keys import load_public_key, public_key_line

#: Whose keys are tried where no way of signing fits.
_OTHER_SELLERS = 5_000


class SignatureExplainRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A request as it was sent: to the pay page (sealed) or from server to server (signed), or a message of ours."""

    provider: Annotated[str | None, Meta(description="Whose signature it is, where the URL is your own.")] = None
    url: Annotated[str, Meta(description="Whole, with its query: http://host/path?a=b")]
    method: Annotated[str, Meta(pattern="^[A-Za-z]{1,10}$")] = "GET"
    body: Annotated[str, Meta(description="The form of a POST, as sent.")] = ""
    signature: Annotated[str | None, Meta(description="Where it is not in the request.")] = None
    string_to_sign: Annotated[str | None, Meta(description="What your code signs, to be compared.")] = None


class SignatureCandidate(Struct, kw_only=True):
    """One way of reading the request, and the signature that it would have to carry."""

    flavour: str
    string_to_sign: str
    expected_signature: str


class SignatureMistake(Struct, kw_only=True):
    """One mistake by its name; `code` is the line usually at fault, and what to write instead."""

    name: str
    sentence: str
    code: str


class SignatureExplanation(Struct, kw_only=True):
    """
    `first_difference` is the byte at which your string leaves `string_to_sign`.

    `your_string_to_sign` is yours, or what must have been signed where the signature tells. `warning` says why the real
    service would refuse what is accepted here.
    """

    matched: str | None
    cause: str
    warning: str | None
    mistakes: list[SignatureMistake]
    signature: str
    expected_signature: str
    string_to_sign: str
    your_string_to_sign: str | None
    first_difference: int | None
    tried: list[SignatureCandidate]


def explain_signature(request: Request[None, SignatureExplainRequest]) -> SignatureExplanation:
    """
    Send the request as your software sent it, and what it signed if you can: the byte where both part is named, and
    the mistake where it is a known one. Nothing is stored, and no secret is answered.
    """
    call = request.body
    with request.read() as sandbox:
        seller, now, real_now = sandbox.seller, sandbox.now, sandbox.real_now

    def other_secrets() -> dict[str, str]:
        with reading(request.runtime.engine) as connection:
            page = sellers.list_page(connection, request.runtime.keyring, "", _OTHER_SELLERS)
        return {other.seller_id: other.secret_key for other in page if other.seller_id != seller.seller_id}

    call_to_explain = CallToExplain(
        call.url, call.method, call.body, call.signature, call.string_to_sign, now, real_now, other_secrets
    )
    explain = _explainer(request.runtime, call)
    explanation = explain(seller, request.runtime.keys, call_to_explain)
    return to_response(
        SignatureExplanation,
        explanation,
        expected_signature=explanation.nearest.expected_signature,
        string_to_sign=explanation.nearest.string_to_sign,
    )


_Explain = Callable[[Seller, Keys, CallToExplain], ExplainedSignature]


def _explainer(runtime: Runtime, call: SignatureExplainRequest) -> _Explain:
    """That of the company that is named, or whose address was called; else of the one at the root."""
    explainers = {each.name: each.explain_signature for each in providers_of(runtime) if each.explain_signature}
    if call.provider is not None:
        return explainers[parse_word("provider", call.provider, explainers, code="provider.unknown", field="provider")]
    called = (each for each in providers_of(runtime) if each.name in explainers and each.is_called_at(call.url))
    at_root = (each for each in providers_of(runtime) if each.name in explainers and not each.mount)
    return explainers[next(chain(called, at_root)).name]


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
    """No token is needed and any Host will do. `database` is the kind that answered: sqlite or postgresql."""
    return Health(status="ok", version=__version__, database=check_health(request.runtime.engine))


def get_public_key(request: Request[PublicKeyQuery, None]) -> Response:
    """
    `pem` is what most libraries read; `sdk` is the one line that the provider's own clients take as their public
    key.
    """
    pem = request.runtime.keys.public_file.read_text("ascii")
    text = public_key_line(load_public_key(pem)) if request.query.format == "sdk" else pem
    return Response(text, content_type="text/plain; charset=utf-8")


ENDPOINTS = (
    GET("/health", get_health, "Whether the server and its database answer.", public=True, errors=(503,)),
    GET("/v1/public-key", get_public_key, "The public key that payloads are encrypted with.", media_type="text/plain"),
    POST(
        "/v1/sellers/{seller_id}/signature/explain",
        explain_signature,
        "What had to be signed, the first byte that differs, and the likely cause.",
        example='{"url": "http://127.0.0.1:8420/path?Signature=..."}',
    ),
)
