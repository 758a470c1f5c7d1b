"""Plain values as the fields of a struct, and what is wrong with those that do not fit, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct, ValidationError, convert
from msgspec import inspect as forms

from mockpay.kernel.errors import Invalid
from mockpay.kernel.words import quotable, same_word, unknown_word

S = TypeVar("S", bound=Struct)
_PATH = re.compile(r" - at `\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[[^\]]*\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`")
_MISSING = re.compile(r"Object missing required field `(.*?)`")
_DURATION = re.compile(r"([0-9]{1,9}) ?([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_YES_NO = {"true": "true", "yes": "true", "on": "true", "1": "true", "false": "false", "no": "false", "off": "false"}


def convert_fields(plain: Mapping[str, Any], struct: type[S], *, code: str, noun: str, strict: bool = True) -> S:
    """
    A struct of plain values; words of a list are taken whatever their capitals.

    Args:
        noun: What a field is called: ``field``, ``parameter``, ``setting``.

    Raises:
        Invalid: of this code, with the `field`, its right form, and `allowed` and `nearest` where there are such.
    """
    info = _struct(forms.type_info(struct))
    folded = dict(plain)
    for field in info.fields:
        value = folded.get(field.encode_name)
        if isinstance(value, str):
            folded[field.encode_name] = same_word(value, _words(field.type)) or value
    try:
        return convert(folded, struct, strict=strict)
    except ValidationError as error:
        raise _explained(str(error), info, folded, code, noun) from error


def _explained(error: str, info: forms.StructType, plain: Mapping[str, Any], code: str, noun: str) -> Invalid:
    """What msgspec says, as our own refusal."""
    at = _PATH.search(error)
    path = at[1] if at else ""
    names = [name for name in _STEP.findall(path) if name]
    form, value = _form_at(info, path), _value_at(plain, path)
    unknown, missing = _UNKNOWN.match(error), _MISSING.match(error)
    if unknown and (owner := _struct_in(form)):
        allowed = [field.encode_name for field in owner.fields]
        name = unknown[1]
        field = ".".join([*names, name])
        return unknown_word(f"There is no {noun} '{quotable(name)}'.", name, allowed, code=code, field=field)
    if missing:
        return Invalid(f"The {noun} '{missing[1]}' is missing.", code=code, field=".".join([*names, missing[1]]))
    field = ".".join(names) or noun
    if not names or form is None:
        return Invalid(f"{error}.", code=code, field=field)
    sentence = (
        f"The {noun} '{field}' must be {_described(form)}; {_shown(value)} was given."
        if value is not _NOTHING
        else f"The {noun} '{field}' must be {_described(form)}."
    )
    words = _words(form)
    if words and isinstance(value, str):
        return unknown_word(
            f"The {noun} '{field}' cannot be '{quotable(value)}'.", value, words, code=code, field=field
        )
    nearest = _near_value(form, value, field)
    if nearest is None:
        return Invalid(sentence, code=code, field=field)
    return Invalid(f"{sentence} Did you mean {nearest}?", code=code, field=field, nearest=nearest.strip('"'))


_NOTHING = object()


def _value_at(plain: Any, path: str) -> Any:
    """The value that a path leads to, as far as it names its way."""
    for name in _STEP.findall(path):
        if not (name and isinstance(plain, Mapping) and name in plain):
            return _NOTHING
        plain = plain[name]
    return plain


def _shown(value: Any) -> str:
    return f'"{quotable(value)}"' if isinstance(value, str) else quotable(value)


# --- forms


def _bare(form: Any) -> Any:
    while isinstance(form, forms.Metadata):
        form = form.type
    return form


def _choices(form: Any) -> list[Any]:
    """The forms that a field may have, beside none at all."""
    bare = _bare(form)
    each = [choice for part in bare.types for choice in _choices(part)] if isinstance(bare, forms.UnionType) else [form]
    return [choice for choice in each if not isinstance(_bare(choice), forms.NoneType | forms.CustomType)]


def _struct_in(form: Any) -> forms.StructType | None:
    return next((_bare(choice) for choice in _choices(form) if isinstance(_bare(choice), forms.StructType)), None)


def _struct(form: Any) -> forms.StructType:
    struct = _struct_in(form)
    assert struct is not None
    return struct


def _form_at(form: Any, path: str) -> Any:
    """The form of what a path leads to; None where it leads nowhere."""
    for name in _STEP.findall(path):
        choices = [_bare(choice) for choice in _choices(form)]
        if name:
            form = next(
                (f.type for c in choices if isinstance(c, forms.StructType) for f in c.fields if f.encode_name == name),
                None,
            )
        else:
            form = next(
                (
                    c.value_type if isinstance(c, forms.DictType) else c.item_type
                    for c in choices
                    if isinstance(c, forms.DictType | forms.ListType | forms.VarTupleType)
                ),
                None,
            )
        if form is None:
            return None
    return form


def _words(form: Any) -> list[str]:
    """The words that a field may be; none where it is no list of words."""
    words: list[str] = []
    for choice in map(_bare, _choices(form)):
        if isinstance(choice, forms.EnumType):
            words += [str(member.value) for member in choice.cls]
        if isinstance(choice, forms.LiteralType):
            words += [str(value) for value in choice.values]
    return words


def _described(form: Any) -> str:
    return " or ".join(_described_choice(choice) for choice in _choices(form)) or "null"


def _described_choice(form: Any) -> str:
    """A form in words: ``a whole number from 1 to 100``."""
    bare = _bare(form)
    if isinstance(bare, forms.IntType | forms.FloatType):
        noun = "a whole number" if isinstance(bare, forms.IntType) else "a number"
        low, high = (bare.ge if bare.ge is not None else bare.gt), bare.le
        return noun + (f" from {low}" if low is not None else "") + (f" to {high}" if high is not None else "")
    if isinstance(bare, forms.BoolType):
        return "true or false"
    if isinstance(bare, forms.ListType | forms.VarTupleType):
        return f"a list of which each is {_described(bare.item_type)}"
    if isinstance(bare, forms.DictType):
        return f"an object of which each value is {_described(bare.value_type)}"
    if isinstance(bare, forms.StructType):
        return f"an object of {', '.join(field.encode_name for field in bare.fields)}"
    if words := _words(bare):
        return f"one of {', '.join(words)}"
    schema = (form.extra_json_schema if isinstance(form, forms.Metadata) else None) or {}
    return " ".join(["text", *(f'such as "{example}"' for example in schema.get("examples", ()))])


def _near_value(form: Any, value: Any, field: str) -> str | None:
    """What was probably meant by a value of another kind: 21600 for ``6h``, "100.00" for 100."""
    if quotable(value) != str(value):
        return None
    kinds = [_bare(choice) for choice in _choices(form)]
    if isinstance(value, str) and any(isinstance(kind, forms.IntType | forms.FloatType) for kind in kinds):
        duration = _DURATION.fullmatch(value.strip().lower())
        if duration and ("seconds" in field or field == "timeout"):
            return str(int(duration[1]) * _SECONDS[duration[2]])
        return value.strip() if value.strip().isascii() and value.strip().isdigit() else None
    if any(isinstance(kind, forms.BoolType) for kind in kinds):
        return _YES_NO.get(str(value).lower())
    if isinstance(value, int | float) and any(isinstance(kind, forms.StrType) for kind in kinds):
        return (
            f'"{value:.2f}"'
            if any(isinstance(k, forms.StrType) and "[0-9]{1,2})?" in (k.pattern or "") for k in kinds)
            else f'"{value}"'
        )
    return None
