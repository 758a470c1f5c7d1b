"""What is wrong with a hash: a form as it is, changed by each mistake that clients are known to make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from mockpay.wire.payu import hashes

_NO_AMOUNTS: tuple[str, ...] = ()
_AMOUNT_FORMATS: tuple[Callable[[float], str], ...] = (
    lambda amount: f"{amount:.2f}",
    lambda amount: f"{amount:.1f}",
    lambda amount: f"{amount:g}",
)


class Kind(StrEnum):
    """What a hash is over."""

    PAYMENT = "payment"
    RESULT = "result"
    COMMAND = "command"


class Mistake(Struct, frozen=True):
    """One mistake by its dotted name, what it is in a sentence, the text that was hashed so, and what to write."""

    name: str
    sentence: str
    text: str
    code: str = ""


def kind_of(fields: Mapping[str, str]) -> Kind:
    """What the hash of these fields is over."""
    if "command" in fields:
        return Kind.COMMAND
    return Kind.RESULT if "mihpayid" in fields or ("status" in fields and "surl" not in fields) else Kind.PAYMENT


def text_of(kind: Kind, fields: Mapping[str, str], salt: str) -> str:
    """What is hashed."""
    if kind is Kind.COMMAND:
        key, command, var1 = (fields.get(name, "") for name in ("key", "command", "var1"))
        return hashes.command_text(key, command, var1, salt)
    return (hashes.response_text if kind is Kind.RESULT else hashes.payment_text)(fields, salt)


def find_mistake(
    kind: Kind, fields: Mapping[str, str], salt: str, received: str, other_salts: Mapping[str, str] | None = None
) -> Mistake | None:
    """
    The first known mistake that makes a hash which was received; None where none does.

    Args:
        other_salts: By the names of those whose they are.
    """
    if not received:
        return Mistake("hash.missing", "There is no hash.", "", "hash=sha512(...)")
    made = _mistakes(kind, fields, salt, other_salts or {})
    return next((mistake for mistake in made if hashes.fits(mistake.text, received.lower())), None)


def likely_cause(fields: Mapping[str, str], salt: str) -> str:
    """Why the hash of a payment's form does not fit, in a sentence."""
    mistake = find_mistake(Kind.PAYMENT, fields, salt, fields.get("hash", ""))
    return mistake.sentence if mistake is not None else UNKNOWN


UNKNOWN = "The hash fits none of the known mistakes: compare what was hashed with the string below, value by value."


def _mistakes(kind: Kind, fields: Mapping[str, str], salt: str, other_salts: Mapping[str, str]) -> Iterator[Mistake]:
    usual = text_of(kind, fields, salt)
    yield Mistake("hash.capitals", "The hash is right but in capitals.", usual, "strtolower(hash('sha512', ...))")
    for owner, other in other_salts.items():
        sentence = f"It is made with the salt of another seller ({owner}): key and salt belong together."
        yield Mistake("salt.other", sentence, text_of(kind, fields, other), "the salt beside this key")
    yield from _joined_otherwise(kind, fields, salt, usual)
    for name, changed, sentence in _changes(kind, fields):
        yield Mistake(name, sentence, text_of(kind, changed, salt), "hash exactly what is posted")


def _joined_otherwise(kind: Kind, fields: Mapping[str, str], salt: str, usual: str) -> Iterator[Mistake]:
    """Mistakes in the order of the values, the pipes between them and the salt."""
    if kind is not Kind.COMMAND:
        six, beside = "||||||", (f"{salt}" if kind is Kind.PAYMENT else fields.get("udf5", ""))
        for pipes in (5, 7, 10, 11):
            text = usual.replace(f"{six}{beside}", f"{'|' * pipes}{beside}", 1)
            if text != usual:
                sentence = f"{pipes} pipes were hashed where six are."
                yield Mistake("hash.pipes", sentence, text, "...|udf5||||||SALT, and SALT|status||||||udf5|...")
        other = Kind.RESULT if kind is Kind.PAYMENT else Kind.PAYMENT
        sentence = f"It is the hash of a {other}, not of a {kind}: a result is hashed the other way round."
        yield Mistake("hash.reverse", sentence, text_of(other, fields, salt), "SALT|status||||||udf5|...|key")
    for without in (usual.removesuffix(salt), usual.removesuffix(f"|{salt}"), usual.removeprefix(f"{salt}|")):
        if without != usual:
            yield Mistake("salt.missing", "The salt was left out.", without, "with the salt among the values")


def _changes(kind: Kind, fields: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str], str]]:
    """Mistakes in what is hashed: their name, the fields that were hashed instead, a sentence."""

    def without(*names: str) -> dict[str, str]:
        return {name: value for name, value in fields.items() if name not in names}

    for name in ("additional_charges", "additionalCharges", "splitRequest", "si_details", "beneficiarydetail"):
        if fields.get(name):
            yield f"{name}.not_hashed", without(name), f"{name} is posted but was not hashed."
    udfs = [name for name in fields if name.startswith("udf")]
    if udfs:
        yield "udf.not_hashed", without(*udfs), "udf1 to udf5 are posted but were not hashed."
    hashed = ("key", "command", "var1") if kind is Kind.COMMAND else (*hashes.HASHED, "status")
    for name in hashed:
        value = fields.get(name, "")
        for other in _other_values(name, value):
            shown = f"'{other}'" if other else "nothing"
            sentence = f"{name} was hashed as {shown} and posted as '{value}': hash what is posted."
            yield f"{name}.differs", {**fields, name: other}, sentence


def _other_values(name: str, value: str) -> Iterator[str]:
    """What clients hash in the place of a value."""
    amounts = _amounts(value) if name == "amount" else _NO_AMOUNTS
    for other in (*amounts, value.strip(), value.replace("+", " "), value.replace(" ", "+"), "", "None", "undefined"):
        if other != value:
            yield other


def _amounts(posted: str) -> tuple[str, ...]:
    try:
        amount = float(posted)
    except ValueError:
        return _NO_AMOUNTS
    return tuple(form(amount) for form in _AMOUNT_FORMATS)
