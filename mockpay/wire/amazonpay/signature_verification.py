"""
Verify a signed server-to-server request without knowing which client sent it.

The Node client's calls (``/v2/...``) are signed as ``POST amazonpay.amazon.in /`` whatever they are; all other clients
sign the verb, host and path of the call.  What each writes and Amazon accepts is one candidate or two (`accepted`);
what clients were seen to sign besides, and Amazon refuses, are the rest (`tolerated`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from mockpay.wire.amazonpay.signing import HOST, NODE_MARKS, PATH, VERB, matches, sign, string_to_sign, undo_double_utf8
from mockpay.wire.forms import decode_form, encode_utf8, percent_decode, split_form, unique

#: Amazon's own hosts: clients have them built in and sign them without a port.
CANONICAL_HOSTS = (
    "mws.amazonservices.in",
    "mws.amazonservices.com",
    "mws-eu.amazonservices.com",
    "mws.amazonservices.jp",
    "amazonpay.amazon.in",
)
_NODE_PREFIX = "/v2/"
#: The Node client appends it after signing.
_APPENDED = "isSandbox"

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
#: What no client encodes, so what most values consist of.
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


class SignedRequest(Struct, frozen=True):
    """A request as it arrived: `host` with its port, `raw` the query string or form body."""

    method: str
    host: str
    path: str
    raw: str


class Candidate(Struct, frozen=True):
    """
    One reading of a request, e.g. ``mws/rfc3986``, and the string signed if it is right.

    Attributes:
        accepted: Whether Amazon accepts a signature over this string.
        note: What else the journal should know of it.
    """

    flavour: str
    string_to_sign: str
    accepted: bool = True
    note: str = ""


def request_fields(raw: str) -> dict[str, str]:
    """
    Read the parameters of a request, a client's double UTF-8 undone.

    Raises:
        FormError: malformed, too large, or code ``form.duplicate``.
    """
    fields = unique(decode_form(raw))
    return {name: undo_double_utf8(value) for name, value in fields.items()}


def request_signature(raw: str) -> str:
    """
    The Signature parameter of a request, empty if it has none.

    A plus sign that was sent bare is base64's, not a space.
    """
    return percent_decode(unique(split_form(raw)).get("Signature", "")).replace(" ", "+")


def accepted(request: SignedRequest) -> Iterator[Candidate]:
    """
    What the request's own client signs and Amazon accepts; nothing for text that is not UTF-8.

    Raises:
        FormError: too large, or code ``form.duplicate``.
    """
    fields = _signed_fields(request)
    try:
        yield from _of_node(fields) if is_node_call(request) else _of_mws(request, fields)
    except UnicodeDecodeError:
        return


def tolerated(request: SignedRequest) -> Iterator[Candidate]:
    """
    Whatever else clients were seen to sign: other spellings, hosts and paths, either family's way on any address.

    Raises:
        FormError: too large, or code ``form.duplicate``.
    """
    fields = _signed_fields(request)
    unappended = {name: value for name, value in fields.items() if name != _APPENDED}
    for name, spell in _SPELLINGS.items():
        params = {spell(key): spell(value) for key, value in fields.items()}
        for host in dict.fromkeys((*_hosts(request.host), *CANONICAL_HOSTS)):
            for path in _paths(request.path):
                text = string_to_sign(request.method.upper(), host, path, params)
                yield Candidate(f"mws/{name}", text, accepted=False)
        params = {spell(key): spell(value) for key, value in unappended.items()}
        yield Candidate(f"pwain/{name}", string_to_sign(VERB, HOST, PATH, params), accepted=False)


def candidates(request: SignedRequest, *, lenient: bool = False) -> Iterator[Candidate]:
    """
    Every string that the client may have signed, likelier ones first, none twice.

    Raises:
        FormError: too large, or code ``form.duplicate``.
    """
    seen_strings: set[str] = set()
    for candidate in chain(accepted(request), tolerated(request) if lenient else ()):
        if candidate.string_to_sign not in seen_strings:
            seen_strings.add(candidate.string_to_sign)
            yield candidate


def verify_request(
    request: SignedRequest, *, secret: str, signature: str | None = None, lenient: bool = False
) -> Candidate | None:
    """
    Find the reading under which the seller with this secret signed the request.

    Args:
        signature: The decoded signature; taken from the request itself if absent.
        lenient: Also take what Amazon refuses.

    Returns:
        The candidate that fits, None if there is none.

    Raises:
        FormError: malformed, too large, or code ``form.duplicate``.
    """
    signature = request_signature(request.raw) if signature is None else signature
    fitting = (c for c in candidates(request, lenient=lenient) if matches(sign(secret, c.string_to_sign), signature))
    return next(fitting, None)


def is_node_call(request: SignedRequest) -> bool:
    """Whether the address is one that the Node client calls."""
    return f"/{request.path.lstrip('/')}".startswith(_NODE_PREFIX)


def is_amazons(host: str) -> bool:
    """Whether a Host header names a host of Amazon's, with or without a port."""
    return _without_port(host) in CANONICAL_HOSTS


def _signed_fields(request: SignedRequest) -> dict[str, str]:
    sent = unique(split_form(request.raw))
    sent.pop("Signature", None)
    return sent


def _of_node(fields: Mapping[str, str]) -> Iterator[Candidate]:
    """The Node client's: a POST to the root, isSandbox appended after signing."""
    params = {name: respell(value, safe=NODE_MARKS) for name, value in fields.items() if name != _APPENDED}
    yield Candidate("pwain/node", string_to_sign(VERB, HOST, PATH, params))


def _of_mws(request: SignedRequest, fields: Mapping[str, str]) -> Iterator[Candidate]:
    """Everybody else's: verb, host and path of the call, RFC 3986; Amazon's own hosts never have a port."""
    params = {respell(name): respell(value) for name, value in fields.items()}
    verb, hosts = request.method.upper(), _hosts(request.host)
    for host in hosts[-1:] if is_amazons(request.host) else hosts:
        yield Candidate("mws/rfc3986", string_to_sign(verb, host, request.path, params))
    if verb == "POST" and fields.get("Timestamp", "").endswith("z"):
        params = {name: _npm(value) for name, value in params.items()}
        yield Candidate("mws/npm", string_to_sign(verb, hosts[-1], request.path, params), note=_NPM_NOTE)


def respell(encoded: str, *, safe: str = "") -> str:
    """
    A sent value as RFC 3986 spells it, with the characters of `safe` bare as well.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    if _UNRESERVED.fullmatch(encoded):
        return encoded
    return quote(_octets(encoded).decode(), safe=safe)


def _octets(encoded: str) -> bytes:
    return unquote_to_bytes(encode_utf8(encoded.replace("+", " "), "replace"))


def _without_port(host: str) -> str:
    lower = host.lower()
    bare, colon, port = lower.rpartition(":")
    return bare if colon and port.isdigit() else lower


def _hosts(host: str) -> list[str]:
    """As the Host header says, then without its port."""
    return list(dict.fromkeys((host.lower(), _without_port(host))))


def _paths(path: str) -> list[str]:
    bare = path.rstrip("/")
    return list(dict.fromkeys((path, bare or "/", bare + "/")))


def reencode(encoded: str, *, safe: str = "") -> str:
    """Decode a sent value to its bytes and encode those anew, whatever text they are."""
    return quote(_octets(encoded), safe=safe)


def lower_hex(encoded: str) -> str:
    """Spell every percent code in lower case: ``%2F`` becomes ``%2f``."""
    return _ESCAPE.sub(lambda code: code.group().lower(), encoded)


def _npm(value: str) -> str:
    """npm amazon-payments escapes ``!'()*`` by hand, in lower case; only the star shows it."""
    return value.replace("%2A", "%2a")


_NPM_NOTE = "npm amazon-payments signs a star as %2a; it is taken from that client alone."

_SPELLINGS: dict[str, Callable[[str], str]] = {
    "as-sent": str,
    "rfc3986": reencode,
    "node": lambda value: reencode(value, safe=NODE_MARKS),
    "npm": lambda value: _npm(reencode(value)),
    "lower-hex": lambda value: lower_hex(reencode(value)),
}
