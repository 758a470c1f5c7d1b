"""What is wrong with a signature: what had to be signed, where it differs, the likely mistake."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from mockpay.wire.amazonpay.signature_verification import (
    Candidate,
    SignedRequest,
    candidates,
    lower_hex,
    request_signature,
)
from mockpay.wire.amazonpay.signing import matches, sign
from mockpay.wire.forms import split_form

_NO_CAUSE = (
    "No known way of signing these parameters gives this signature: the secret key is another "
    "one, or a parameter was changed, added or removed after signing."
)
_OTHER_KEY = (
    "The string to sign is right, so the secret key is another one, or the HMAC is not "
    "SHA-256 over exactly this string."
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of the request and the signature it would have to carry."""

    flavour: str
    string_to_sign: str
    expected_signature: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why a signature fits or does not.

    Attributes:
        matched: The flavour that fits, None if none does.
        readings: Every reading, likelier ones first.
        nearest: The one that fits, or is most like the caller's own string, or the likeliest.
        first_difference: Byte offset at which the caller's string leaves the nearest one;
            None without such a string or without a difference.
        cause: One sentence.
    """

    matched: str | None
    readings: tuple[Reading, ...]
    nearest: Reading
    first_difference: int | None
    cause: str


def explain(
    request: SignedRequest, *, secret: str, signature: str | None = None, claimed: str | None = None
) -> Explanation:
    """
    Explain the signature of a server-to-server request.

    Args:
        signature: The decoded signature; taken from the request itself if absent.
        claimed: The string that the caller believes should be signed.

    Raises:
        FormError: the request's parameters cannot be read.
    """
    signature = request_signature(request.raw) if signature is None else signature
    names = [name for name, _ in split_form(request.raw) if name != "Signature"]
    return explain_strings(
        list(candidates(request)), secret=secret, signature=signature, claimed=claimed, sent_order=names
    )


def explain_strings(
    candidate_strings: Sequence[Candidate],
    *,
    secret: str,
    signature: str,
    claimed: str | None = None,
    sent_order: Sequence[str] = (),
) -> Explanation:
    """
    Explain a signature over one of several strings; for envelopes and results there is one.

    Args:
        candidate_strings: At least one.
        sent_order: The parameters' names as they were sent, to recognise missing sorting.
    """
    readings = tuple(Reading(c.flavour, c.string_to_sign, sign(secret, c.string_to_sign)) for c in candidate_strings)
    matched = next((t for t in readings if matches(t.expected_signature, signature)), None)
    nearest = matched or (readings[0] if claimed is None else _nearest(readings, claimed))
    if matched is not None:
        cause = f"The signature is right ({matched.flavour})."
    else:
        cause = _cause(readings, nearest, secret, signature, claimed, sent_order)
    difference = None if claimed is None else _first_difference(claimed, nearest.string_to_sign)
    return Explanation(matched.flavour if matched else None, readings, nearest, difference, cause)


def _cause(
    readings: Sequence[Reading],
    nearest: Reading,
    secret: str,
    signature: str,
    claimed: str | None,
    sent_order: Sequence[str],
) -> str:
    if not signature:
        return "The request carries no signature."
    strings = [t.string_to_sign for t in readings]
    wrong = _wrong_signature(strings if claimed is None else [claimed, *strings], secret, signature)
    if wrong:
        return wrong
    for sentence, text in _mistaken_strings(strings, sent_order):
        if text == claimed or (claimed is None and matches(sign(secret, text), signature)):
            return sentence
    if claimed is None:
        return _NO_CAUSE
    return _OTHER_KEY if claimed in strings else _compare(claimed, nearest.string_to_sign)


def _nearest(readings: Sequence[Reading], claimed: str) -> Reading:
    signed = set(_parts(claimed))
    return max(
        readings,
        key=lambda t: (
            len(signed.intersection(_parts(t.string_to_sign))),
            _first_difference(claimed, t.string_to_sign) or len(claimed.encode(errors="replace")),
        ),
    )


def _parts(text: str) -> list[tuple[int, str]]:
    """Its lines and parameters; a line counts only in its own place."""
    lines = text.split("\n")
    return [*enumerate(lines[:3]), *((3, piece) for piece in "\n".join(lines[3:]).split("&"))]


def _first_difference(text: str, other: str) -> int | None:
    first, second = text.encode(errors="replace"), other.encode(errors="replace")
    if first == second:
        return None
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def _compare(claimed: str, right: str) -> str:
    """Name the first thing in which two strings differ."""
    lines, expected_lines = claimed.split("\n"), right.split("\n")
    if len(lines) != len(expected_lines):
        return f"The string to sign must have 4 lines, yours has {len(lines)}."
    for index, name in enumerate(("verb", "host", "path")):
        if lines[index] != expected_lines[index]:
            return f"The {name} differs: you signed {lines[index]!r}, right is {expected_lines[index]!r}."
    signed = dict(split_form(lines[3]))
    expected = dict(split_form(expected_lines[3]))
    for sentence, names in (
        ("You signed {} too, which does not belong there.", signed.keys() - expected.keys()),
        ("You did not sign {}.", expected.keys() - signed.keys()),
        ("The value of {} differs.", {n for n in signed.keys() & expected if signed[n] != expected[n]}),
    ):
        if names:
            return sentence.format(", ".join(islice(sorted(names), 3)))
    return "The parameters are not sorted by the byte order of their names."


def _wrong_signature(strings: Iterable[str], secret: str, signature: str) -> str | None:
    """The right string, put through the wrong HMAC or spelt wrongly afterwards."""
    for text in strings:
        key, octets = secret.encode(errors="replace"), text.encode(errors="replace")
        mac = hmac.digest(key, octets, hashlib.sha256)
        forms = {
            mac.hex(): "The signature is in hexadecimal; it must be base64.",
            base64.b64encode(mac.hex().encode()).decode(): (
                "The signature is base64 of the hexadecimal text; it must be of the bytes."
            ),
            base64.b64encode(mac).decode().replace("+", " "): (
                "A + in the signature was sent bare and became a space; send it as %2B."
            ),
            base64.urlsafe_b64encode(mac).decode(): (
                "The signature is in the URL-safe alphabet; it must be standard base64."
            ),
            base64.b64encode(hmac.digest(key, octets, hashlib.sha1)).decode(): (
                "The signature is an HMAC with SHA-1; it must be SHA-256."
            ),
            sign(secret.strip(), text): "The secret key has white space around it.",
            sign(secret + "\n", text): "The secret key ends in a newline where you signed.",
        }
        if signature in forms and signature != base64.b64encode(mac).decode():
            return forms[signature]
    return None


def _mistaken_strings(strings: Sequence[str], sent_order: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Strings that come out when one known mistake is made, each with its sentence."""
    for sentence, make_mistake in _MISTAKES:
        for text in strings:
            mistaken = make_mistake(text)
            if mistaken not in strings:
                yield sentence, mistaken
    if sent_order:
        place = {name: index for index, name in enumerate(sent_order)}
        for text in strings:
            mistaken = _with_query(text, lambda query: _in_order(query, lambda name: (place.get(name, len(place)), "")))
            if mistaken not in strings:
                yield "The parameters are not sorted by the byte order of their names.", mistaken


def _with_query(text: str, change: Callable[[str], str]) -> str:
    head, _, query = text.rpartition("\n")
    return f"{head}\n{change(query)}"


def _in_order(query: str, key: Callable[[str], tuple[int, str]]) -> str:
    pieces = query.split("&")
    pieces.sort(key=lambda piece: key(piece.partition("=")[0]))
    return "&".join(pieces)


def _other_verb(text: str) -> str:
    verb, _, rest = text.partition("\n")
    return f"{'GET' if verb == 'POST' else 'POST'}\n{rest}"


def _with_scheme(text: str) -> str:
    verb, host, rest = text.split("\n", 2)
    return f"{verb}\nhttps://{host}\n{rest}"


def _root_path(text: str) -> str:
    verb, host, _, query = text.split("\n", 3)
    return f"{verb}\n{host}\n/\n{query}"


_MISTAKES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("Percent codes are written in lower case; they must be in upper case.", lambda text: _with_query(text, lower_hex)),
    (
        "A space is written as + in the string to sign; it must be %20.",
        lambda text: _with_query(text, lambda query: query.replace("%20", "+")),
    ),
    (
        "The tilde is percent-encoded in the string to sign; it must stay bare.",
        lambda text: _with_query(text, lambda query: query.replace("~", "%7E")),
    ),
    ("The values are not percent-encoded in the string to sign.", lambda text: _with_query(text, unquote)),
    (
        "The parameters are sorted without regard to case; capitals come first.",
        lambda text: _with_query(text, lambda query: _in_order(query, lambda name: (0, name.lower()))),
    ),
    ("The verb that was signed is not the one that was sent.", _other_verb),
    ("The host was signed with its scheme; only the name belongs there.", _with_scheme),
    ("The path was signed as /; it must be the path of the endpoint.", _root_path),
    ("The string to sign ends in a newline.", lambda text: text + "\n"),
)
