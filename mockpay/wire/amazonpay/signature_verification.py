"""
Verify a signed server-to-server request without knowing which client sent it.

Clients differ in what they sign: the verb, host and path they used, or always
``POST amazonpay.amazon.in /``; the values as sent, or encoded anew in one of four
spellings.  Every combination is one candidate; whichever fits tells the client.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from mockpay.wire.amazonpay.signing import HOST, NODE_MARKS, PATH, VERB, matches, sign, string_to_sign, undo_double_utf8
from mockpay.wire.forms import decode_form, encode_utf8, percent_decode, split_form, unique

#: Hosts that clients have built in and sign even when something else carries the request.
CANONICAL_HOSTS = (
    "mws.amazonservices.in",
    "mws.amazonservices.com",
    "mws-eu.amazonservices.com",
    "mws.amazonservices.jp",
    "amazonpay.amazon.in",
)

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it arrived: `host` with its port, `raw` the query string or form body."""

    method: str
    host: str
    path: str
    raw: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading of a request, e.g. ``mws/rfc3986``, and the string signed if it is right."""

    flavour: str
    string_to_sign: str


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


def candidates(request: SignedRequest) -> Iterator[Candidate]:
    """
    Every string that a known client may have signed, likelier ones first, none twice.

    Raises:
        FormError: malformed, too large, or code ``form.duplicate``.
    """
    sent = unique(split_form(request.raw))
    sent.pop("Signature", None)
    families = [_pwain, _mws]
    if "Action" in sent:
        families.reverse()
    seen: set[str] = set()
    for family in families:
        for candidate in family(request, sent):
            if candidate.string_to_sign not in seen:
                seen.add(candidate.string_to_sign)
                yield candidate


def verify_request(request: SignedRequest, *, secret: str, signature: str | None = None) -> Candidate | None:
    """
    Find the reading under which the seller with this secret signed the request.

    Args:
        signature: The decoded signature; taken from the request itself if absent.

    Returns:
        The candidate that fits, None if there is none.

    Raises:
        FormError: malformed, too large, or code ``form.duplicate``.
    """
    signature = request_signature(request.raw) if signature is None else signature
    fitting = (c for c in candidates(request) if matches(sign(secret, c.string_to_sign), signature))
    return next(fitting, None)


def _pwain(_request: SignedRequest, sent: Mapping[str, str]) -> Iterator[Candidate]:
    """The Node client's: a POST to the root, isSandbox appended after signing."""
    signed = {name: value for name, value in sent.items() if name != "isSandbox"}
    for spelling, params in _spellings(signed):
        yield Candidate(f"pwain/{spelling}", string_to_sign(VERB, HOST, PATH, params))


def _mws(request: SignedRequest, sent: Mapping[str, str]) -> Iterator[Candidate]:
    """Everybody else's: the request's own verb, host and path."""
    hosts = _hosts(request.host)
    paths = _paths(request.path)
    for spelling, params in _spellings(sent):
        for host in hosts:
            for path in paths:
                text = string_to_sign(request.method.upper(), host, path, params)
                yield Candidate(f"mws/{spelling}", text)


def _hosts(host: str) -> list[str]:
    with_port = host.lower()
    bare, colon, port = with_port.rpartition(":")
    without_port = bare if colon and port.isdigit() else with_port
    return list(dict.fromkeys((with_port, without_port, *CANONICAL_HOSTS)))


def _paths(path: str) -> list[str]:
    bare = path.rstrip("/")
    return list(dict.fromkeys((path, bare or "/", bare + "/")))


def _spellings(sent: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    yield "as-sent", dict(sent)
    for name, spell in _SPELLINGS.items():
        yield name, {spell(key): spell(value) for key, value in sent.items()}


def reencode(encoded: str, *, safe: str = "") -> str:
    """Decode a sent value to its bytes and encode those anew, whatever text they are."""
    return quote(unquote_to_bytes(encode_utf8(encoded.replace("+", " "), "replace")), safe=safe)


def lower_hex(encoded: str) -> str:
    """Spell every percent code in lower case: ``%2F`` becomes ``%2f``."""
    return _ESCAPE.sub(lambda code: code.group().lower(), encoded)


def _node_set(value: str) -> str:
    return reencode(value, safe=NODE_MARKS)


def _npm(value: str) -> str:
    """npm amazon-payments escapes ``!'()*`` by hand, in lower case; only the star shows it."""
    return reencode(value).replace("%2A", "%2a")


def _lower(value: str) -> str:
    return lower_hex(reencode(value))


_SPELLINGS: dict[str, Callable[[str], str]] = {"rfc3986": reencode, "node": _node_set, "npm": _npm, "lower-hex": _lower}
