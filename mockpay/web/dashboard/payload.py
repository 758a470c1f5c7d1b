"""The decoded payload and the signature steps, from what the provider kept of the request."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from mockpay.domain.orders import Order
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.web.wording.sentences import span

#: The nonce's length tells the family of the client.
_FAMILIES = {12: "Node or Java client", 16: "PHP client"}
_WRITTEN = {"True": "UTF-8, encoded twice", "False": "UTF-8"}


class Entry(Struct, frozen=True):
    """One field of the payload; `number` colours it, `comment` explains it."""

    name: str
    value: str
    number: bool = False
    comment: str = ""


class Check(Struct, frozen=True):
    """One step of opening and verifying a request."""

    words: str
    fact: str
    ok: bool = True


def payload(order: Order, marks: Mapping[str, object], freshness_seconds: int) -> list[Entry]:
    """The fields as the seller sent them, in their order."""
    fields, warnings = order.request.get("fields"), order.request.get("warnings")
    if not isinstance(fields, Mapping):
        return []
    comments = {"startTime": _age(marks, freshness_seconds), **(warnings if isinstance(warnings, Mapping) else {})}
    return [
        Entry(name=str(name), value=str(value), number=_is_number(str(value)), comment=comments.get(name, ""))
        for name, value in fields.items()
    ]


def _is_number(text: str) -> bool:
    if text.isascii() and text.isdigit():
        return True
    try:
        Money.parse(text)
    except Invalid:
        return False
    return True


def _age(marks: Mapping[str, object], freshness_seconds: int) -> str:
    """How far startTime was from the seller's clock, and how far it may be."""
    age = marks.get("start_time_age_seconds")
    if not isinstance(age, int | float):
        return ""
    far = abs(age)
    text = f"{far:.1f} s" if far < 100 else span(int(far) * SECOND)
    text += " ago" if age >= 0 else " ahead"
    if not freshness_seconds:
        return text
    if far > freshness_seconds:
        return f"{text} by this clock, fresh by the real one"
    return f"{text}, limit {freshness_seconds} s"


def signature_warning(request: Mapping[str, object]) -> str:
    """Why the real service would refuse an accepted signature; mostly empty."""
    warnings = request.get("warnings")
    return str(warnings.get("Signature", "")) if isinstance(warnings, Mapping) else ""


def how_sealed(marks: Mapping[str, object]) -> str:
    """One line for the head of the payload: cipher and size."""
    size = marks.get("plaintext_bytes")
    return f"AES-GCM, {size} bytes, tag good" if size else "tag good"


def signature_steps(order: Order, marks: Mapping[str, object], freshness_seconds: int) -> list[Check]:
    """Each step between the sealed request and a verified one, in the order it was done."""
    if "signature" not in marks:
        return []
    signed = str(marks.get("string_to_sign", ""))
    fields = order.request.get("fields")
    count = len(fields) if isinstance(fields, Mapping) else 0
    matches = bool(marks.get("signature_matches", True))
    steps = [
        Check("Data key unwrapped", "RSA-2048, OAEP SHA-1"),
        Check("Payload opened", f"AES-GCM, {marks.get('iv_bytes', 12)}-byte IV"),
        Check("Text read", _text(marks)),
        Check("Fields sorted and encoded", f"{count} fields, {len(signed.encode())} bytes"),
        Check("Signed as version 2", "HMAC-SHA256"),
        Check("Received equals expected", short(str(marks["signature"])), ok=matches),
    ]
    age = _age(marks, freshness_seconds)
    return [*steps, Check("Fresh enough", age or "any age")]


def _text(marks: Mapping[str, object]) -> str:
    """How the text was written: Node clients encode what is not ASCII twice."""
    words = _WRITTEN.get(str(marks.get("double_utf8")), "ASCII")
    family = _FAMILIES.get(_whole(marks.get("iv_bytes")))
    return f"{words}, {family}" if family else words


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def short(signature: str) -> str:
    """A signature that can be told from another at a glance: ``9fQx1k…Zg==``."""
    return signature if len(signature) <= 14 else f"{signature[:6]}…{signature[-4:]}"
