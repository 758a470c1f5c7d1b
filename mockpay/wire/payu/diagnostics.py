"""What is wrong with a hash: the form as it is, changed by each mistake that clients are known to make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mockpay.wire.payu import hashes

_UNKNOWN = "The hash fits none of the known mistakes: compare the string that was hashed with ours, value by value."
_AMOUNT_FORMS: tuple[Callable[[float], str], ...] = (
    lambda amount: f"{amount:.2f}",
    lambda amount: f"{amount:.1f}",
    lambda amount: f"{amount:g}",
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake by its dotted name, what it is in a sentence, and the text that was hashed so."""

    name: str
    sentence: str
    text: str


def likely_cause(fields: Mapping[str, str], salt: str, other_salts: Mapping[str, str] | None = None) -> str:
    """Why the hash of a payment's form does not fit, in a sentence."""
    mistake = find_mistake(fields, salt, other_salts or {})
    return mistake.sentence if mistake is not None else _UNKNOWN


def find_mistake(fields: Mapping[str, str], salt: str, other_salts: Mapping[str, str]) -> Mistake | None:
    """
    The first known mistake that makes the hash which was posted.

    Args:
        other_salts: By the names of those whose they are.
    """
    received = fields.get("hash", "")
    if not received:
        return Mistake("payu.hash_missing", "There is no hash.", "")
    return next(
        (made for made in _mistakes(fields, salt, other_salts) if hashes.fits(made.text, received.lower())), None
    )


def _mistakes(fields: Mapping[str, str], salt: str, other_salts: Mapping[str, str]) -> Iterator[Mistake]:
    usual = hashes.payment_text(fields, salt)
    yield Mistake("payu.capitals", "The hash is right but in capitals; it is compared in small letters.", usual)
    for owner, other in other_salts.items():
        sentence = f"It is made with the salt of another seller ({owner}): key and salt belong together."
        yield Mistake("payu.other_salt", sentence, hashes.payment_text(fields, other))
    for amount in _amounts(fields.get("amount", "")):
        sentence = f"The amount was hashed as {amount} and posted as {fields['amount']}: hash what is posted."
        yield Mistake("payu.amount_format", sentence, hashes.payment_text({**fields, "amount": amount}, salt))
    for name in ("additional_charges", "splitRequest", "si_details", "beneficiarydetail"):
        if fields.get(name):
            without = {field: value for field, value in fields.items() if field != name}
            sentence = f"{name} is posted but was not hashed."
            yield Mistake(f"payu.{name}_not_hashed", sentence, hashes.payment_text(without, salt))
    yield from _texts(fields, salt, usual)
    yield from _values(fields, salt)


def _amounts(posted: str) -> Iterator[str]:
    try:
        amount = float(posted)
    except ValueError:
        return
    for form in _AMOUNT_FORMS:
        if form(amount) != posted:
            yield form(amount)


def _texts(fields: Mapping[str, str], salt: str, usual: str) -> Iterator[Mistake]:
    """Mistakes in how the values are joined."""
    blanks = "||||||"
    for pipes in (5, 7, 10, 11):
        sentence = f"{pipes} pipes stand between udf5 and the salt; there are six."
        yield Mistake("payu.pipes", sentence, usual.replace(f"{blanks}{salt}", f"{'|' * pipes}{salt}"))
    reverse = hashes.response_text({**fields, "status": fields.get("status", "")}, salt)
    yield Mistake("payu.reverse", "It is the hash of a result, the other way round.", reverse)
    yield Mistake("payu.no_salt", "The salt was left out.", usual.removesuffix(salt))
    yield Mistake("payu.no_salt", "The salt was left out.", usual.removesuffix(f"|{salt}"))
    without = {name: value for name, value in fields.items() if not name.startswith("udf")}
    sentence = "udf1 to udf5 are posted but were not hashed."
    yield Mistake("payu.udf_not_hashed", sentence, hashes.payment_text(without, salt))


def _values(fields: Mapping[str, str], salt: str) -> Iterator[Mistake]:
    """Mistakes in single values."""
    for name in ("txnid", "amount", "productinfo", "firstname", "email", "phone"):
        value = fields.get(name, "")
        for words, other in (
            ("with spaces around it removed", value.strip()),
            ("as no value", ""),
            ("as None", "None"),
        ):
            if other != value:
                sentence = f"{name} was hashed {words}, and posted otherwise: hash what is posted."
                yield Mistake(f"payu.{name}", sentence, hashes.payment_text({**fields, name: other}, salt))
