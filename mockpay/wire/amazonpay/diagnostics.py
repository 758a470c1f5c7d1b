"""What is wrong with a signature: what had to be signed, where it differs, and the mistakes by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import quote, unquote, unquote_to_bytes

from msgspec import Struct
from msgspec.structs import replace

from mockpay.wire.amazonpay.mistaken_keys import of_another_seller, wrong_signature
from mockpay.wire.amazonpay.mistaken_strings import search
from mockpay.wire.amazonpay.mistakes import Mistake, compare, listed, mistake
from mockpay.wire.amazonpay.signature_verification import (
    Candidate,
    SignedRequest,
    accepted,
    request_signature,
    tolerated,
)
from mockpay.wire.amazonpay.signing import matches, sign
from mockpay.wire.forms import split_form

#: A request of more characters is not tried against all that clients were seen to sign.
_LONG = 65_536
#: How a warning begins.
REFUSES = "Amazon would refuse this:"
_NO_CAUSE = mistake(
    "unknown",
    "No known way of signing these parameters gives this signature: the secret key is another "
    "one, or a parameter was changed, added or removed after signing. Send string_to_sign, what your code signs, "
    "and the first byte that differs is shown.",
)
_OTHER_KEY = mistake(
    "key.other",
    "The string to sign is right, so the secret key is another one, or the HMAC is not "
    "SHA-256 over exactly this string.",
)


class Reading(Struct, frozen=True):
    """One reading of the request and the signature it would have to carry."""

    flavour: str
    string_to_sign: str
    expected_signature: str


class Explanation(Struct, frozen=True):
    """
    Why a signature fits or does not.

    Attributes:
        matched: The flavour that fits, None if none does.
        readings: Every reading, likelier ones first.
        nearest: The one that fits, or is most like the caller's own string, or the likeliest.
        signed: The caller's own string, as it was said or found out by its signature.
        first_difference: Byte offset at which that leaves the nearest one; None without a difference.
        mistakes: What is wrong, also with a signature that is accepted but that Amazon would refuse.
        cause: The same in one text.
        warning: Why Amazon would refuse what is accepted here, else empty.
    """

    matched: str | None
    readings: tuple[Reading, ...]
    nearest: Reading
    signed: str | None
    first_difference: int | None
    mistakes: tuple[Mistake, ...]
    cause: str
    warning: str = ""


def explain(
    request: SignedRequest,
    *,
    secret: str,
    signature: str | None = None,
    claimed: str | None = None,
    lenient: bool = False,
    other_secrets: Callable[[], Mapping[str, str]] = dict,
    deep: bool = True,
) -> Explanation:
    """
    Explain the signature of a server-to-server request.

    Args:
        signature: The decoded signature; taken from the request itself if absent.
        claimed: The string that the caller believes should be signed.
        lenient: Whether what Amazon refuses is accepted too.
        other_secrets: Gives the secrets of other sellers by their ids, one of which may have been used.
        deep: Also look for two mistakes at once.

    Raises:
        FormError: the request's parameters cannot be read.
    """
    readable, not_utf8 = _in_utf8(request)
    return explain_strings(
        list(accepted(readable)),
        list(tolerated(request)) if lenient or len(request.raw) <= _LONG else (),
        secret=secret,
        signature=request_signature(request.raw) if signature is None else signature,
        claimed=claimed,
        lenient=lenient,
        call=request,
        unmendable=not_utf8,
        other_secrets=other_secrets,
        deep=deep,
    )


def explain_strings(
    right: Sequence[Candidate],
    seen: Sequence[Candidate] = (),
    *,
    secret: str,
    signature: str,
    claimed: str | None = None,
    lenient: bool = False,
    call: SignedRequest | None = None,
    unmendable: Sequence[Mistake] = (),
    other_secrets: Callable[[], Mapping[str, str]] = dict,
    deep: bool = True,
) -> Explanation:
    """
    Explain a signature over one of several strings.

    Args:
        right: What Amazon accepts; at least one.
        seen: What clients were seen to sign besides; accepted where `lenient`.
        call: What was sent.
        unmendable: Mistakes of the request itself, which no signature mends.
    """
    strings = [candidate.string_to_sign for candidate in right]
    besides = [candidate for candidate in seen if candidate.string_to_sign not in strings]
    fitting = next((c for c in (*right, *besides) if matches(sign(secret, c.string_to_sign), signature)), None)
    fitting_text = fitting.string_to_sign if fitting else None
    is_right = fitting_text in strings and not unmendable
    pair, mistakes = None, tuple(unmendable)
    if not is_right:
        signed = claimed or fitting_text
        pair, mistakes_found = _find(strings, signed, secret, signature, call, deep=deep and not unmendable)
        mistakes += mistakes_found
        mistakes = mistakes or of_another_seller(strings, signature, other_secrets())
        mistakes = mistakes or (_OTHER_KEY if claimed in strings else _NO_CAUSE,)
    matched = fitting if is_right or (lenient and fitting in besides) else None
    readings = _readings((*right, *besides) if lenient else right, secret)
    nearest_text = pair[0] if pair else fitting_text if fitting_text in strings else strings[0]
    nearest = next(reading for reading in readings if reading.string_to_sign == nearest_text)
    signed = pair[1] if pair else claimed
    sentences = " ".join(m.sentence for m in mistakes)
    warning = f"{REFUSES} {sentences}" if matched and mistakes else ""
    return Explanation(
        matched.flavour if matched else None,
        readings,
        nearest,
        signed,
        None if signed is None or signed == nearest_text else _first_difference(signed, nearest.string_to_sign),
        mistakes,
        f"The signature is right ({matched.flavour}). {warning or matched.note}".strip() if matched else sentences,
        warning,
    )


def _find(
    strings: Sequence[str], signed: str | None, secret: str, signature: str, call: SignedRequest | None, *, deep: bool
) -> tuple[tuple[str, str] | None, tuple[Mistake, ...]]:
    """The right string and the one that was signed, where they differ, and every mistake."""
    names = [name for name, _ in split_form(call.raw)] if call else []
    wrong = wrong_signature([*([signed] if signed else []), *strings], secret, signature)
    pair = None
    if signed is not None:
        pair = _nearest(strings, signed), signed
    elif not wrong:
        pair = search(
            strings, lambda text: matches(sign(secret, text), signature), call=call, sent_order=names, deep=deep
        )
    return pair, (*(compare(pair[1], pair[0], names) if pair else ()), *wrong)


def _readings(read: Iterable[Candidate], secret: str) -> tuple[Reading, ...]:
    return tuple(Reading(c.flavour, c.string_to_sign, sign(secret, c.string_to_sign)) for c in read)


def _in_utf8(request: SignedRequest) -> tuple[SignedRequest, tuple[Mistake, ...]]:
    """The request with every text in UTF-8, and the mistake where it was not."""
    pieces, wrong = [], []
    for name, value in split_form(request.raw):
        texts = (unquote_to_bytes(text.encode(errors="replace")) for text in (name, value))
        try:
            for octets in texts:
                octets.decode()
            pieces.append(f"{name}={value}")
        except UnicodeDecodeError:
            wrong.append(name)
            pieces.append(
                "=".join(
                    quote(unquote(text.replace("+", " "), "cp1252"), safe="", errors="replace")
                    for text in (name, value)
                )
            )
    if not wrong:
        return request, ()
    sentence = f"The text of {listed(wrong)} was sent in Latin-1; it must be UTF-8."
    return replace(request, raw="&".join(pieces)), (mistake("text.latin1", sentence, wrong),)


def _nearest(strings: Iterable[str], signed: str) -> str:
    """The string that has most parts with this one in common, or else the longest beginning."""
    own = _parts(signed)
    return max(strings, key=lambda text: (len(own & _parts(text)), _first_difference(signed, text)))


def _parts(text: str) -> set[object]:
    """Its lines, each in its own place, and its parameters."""
    *lines, query = text.split("\n", 3)
    return {*enumerate(lines), *query.split("&")}


def _first_difference(text: str, other: str) -> int:
    """The offset of the first byte that differs, or at which one of them ends."""
    first, second = text.encode(errors="replace"), other.encode(errors="replace")
    pairs = enumerate(zip(first, second, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(first), len(second)))
