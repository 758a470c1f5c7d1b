"""Tell a developer why a signature does not fit: what was signed, where it differs, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from mockpay.wire.amazonpay.signature_diagnostics import mistaken_strings, wrong_signature
from mockpay.wire.amazonpay.signature_verification import (
    Candidate,
    SignedRequest,
    candidates,
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
class Tried:
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
        tried: Every reading, likelier ones first.
        nearest: The one that fits, or is most like the caller's own string, or the likeliest.
        first_difference: Byte offset at which the caller's string leaves the nearest one;
            None without such a string or without a difference.
        cause: One sentence.
    """

    matched: str | None
    tried: tuple[Tried, ...]
    nearest: Tried
    first_difference: int | None
    cause: str


def explain(
    request: SignedRequest, *, secret: str, signature: str | None = None, yours: str | None = None
) -> Explanation:
    """
    Explain the signature of a server-to-server request.

    Args:
        signature: The decoded signature; taken from the request itself if absent.
        yours: The string that the caller believes should be signed.

    Raises:
        FormError: the request's parameters cannot be read.
    """
    given = request_signature(request.raw) if signature is None else signature
    names = [name for name, _ in split_form(request.raw) if name != "Signature"]
    return explain_strings(
        list(candidates(request)), secret=secret, signature=given, yours=yours, sent_order=names
    )


def explain_strings(
    readings: Sequence[Candidate],
    *,
    secret: str,
    signature: str,
    yours: str | None = None,
    sent_order: Sequence[str] = (),
) -> Explanation:
    """
    Explain a signature over one of several strings; for envelopes and results there is one.

    Args:
        readings: At least one.
        sent_order: The parameters' names as they were sent, to recognise missing sorting.
    """
    tried = tuple(Tried(c.flavour, c.string_to_sign, sign(secret, c.string_to_sign)) for c in readings)
    matched = next((t for t in tried if matches(t.expected_signature, signature)), None)
    nearest = matched or (tried[0] if yours is None else _nearest(tried, yours))
    if matched is not None:
        cause = f"The signature is right ({matched.flavour})."
    else:
        cause = _cause(tried, nearest, secret, signature, yours, sent_order)
    difference = None if yours is None else _first_difference(yours, nearest.string_to_sign)
    return Explanation(matched.flavour if matched else None, tried, nearest, difference, cause)


def _cause(
    tried: Sequence[Tried],
    nearest: Tried,
    secret: str,
    signature: str,
    yours: str | None,
    sent_order: Sequence[str],
) -> str:
    if not signature:
        return "The request carries no signature."
    strings = [t.string_to_sign for t in tried]
    wrong = wrong_signature(strings if yours is None else [yours, *strings], secret, signature)
    if wrong:
        return wrong
    for sentence, text in mistaken_strings(strings, sent_order):
        if text == yours or (yours is None and matches(sign(secret, text), signature)):
            return sentence
    if yours is None:
        return _NO_CAUSE
    return _OTHER_KEY if yours in strings else _compare(yours, nearest.string_to_sign)


def _nearest(tried: Sequence[Tried], yours: str) -> Tried:
    mine = set(_parts(yours))
    return max(
        tried,
        key=lambda t: (
            len(mine.intersection(_parts(t.string_to_sign))),
            _first_difference(yours, t.string_to_sign) or len(yours.encode(errors="replace")),
        ),
    )


def _parts(text: str) -> list[tuple[int, str]]:
    """Its lines and parameters; a line counts only in its own place."""
    lines = text.split("\n")
    return [*enumerate(lines[:3]), *((3, piece) for piece in "\n".join(lines[3:]).split("&"))]


def _first_difference(one: str, other: str) -> int | None:
    first, second = one.encode(errors="replace"), other.encode(errors="replace")
    if first == second:
        return None
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))


def _compare(yours: str, right: str) -> str:
    """Name the first thing in which two strings differ."""
    lines, wanted = yours.split("\n"), right.split("\n")
    if len(lines) != len(wanted):
        return f"The string to sign must have 4 lines, yours has {len(lines)}."
    for index, name in enumerate(("verb", "host", "path")):
        if lines[index] != wanted[index]:
            return f"The {name} differs: you signed {lines[index]!r}, right is {wanted[index]!r}."
    mine = dict(split_form(lines[3]))
    theirs = dict(split_form(wanted[3]))
    for sentence, names in (
        ("You signed {} too, which does not belong there.", mine.keys() - theirs.keys()),
        ("You did not sign {}.", theirs.keys() - mine.keys()),
        ("The value of {} differs.", {n for n in mine.keys() & theirs if mine[n] != theirs[n]}),
    ):
        if names:
            return sentence.format(", ".join(islice(sorted(names), 3)))
    return "The parameters are not sorted by the byte order of their names."
