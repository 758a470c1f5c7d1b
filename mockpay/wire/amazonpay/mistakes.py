"""
In what two strings to sign differ, as mistakes that people make: each by name, with the code usually at fault.

The causes and the functions named are those of public bug reports against clients of this and like services.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from urllib.parse import quote, unquote, unquote_to_bytes

from msgspec import Struct

from mockpay.wire.amazonpay.signature_verification import is_amazons
from mockpay.wire.amazonpay.signing import HOST, NODE_MARKS, PATH, VERB
from mockpay.wire.amazonpay.usual_code import usual_code

_PIECE = re.compile("%[0-9A-Fa-f]{2}|.", re.DOTALL)
_SANDBOX = "_Sandbox"
_LINES = 4
_MOST_NAMES = 3


class Mistake(Struct, frozen=True):
    """
    One mistake.

    Attributes:
        name: Dotted and stable, e.g. ``encoding.space``.
        sentence: What differs; it quotes no value of a parameter.
        code: The line of code usually at fault, and what to write instead; may be empty.
        parameters: Whose names the sentence tells.
    """

    name: str
    sentence: str
    code: str = ""
    parameters: tuple[str, ...] = ()

    def sentence_with(self, names: Collection[str]) -> str:
        """The sentence without names of parameters that are not known: one may be a value in the wrong place."""
        if all(name in names for name in self.parameters):
            return self.sentence
        return self.sentence.replace(listed(self.parameters), "other parameters")


_FAMILY = f" This family signs {VERB}, {HOST} and {PATH} whatever address it calls."


def mistake(name: str, sentence: str, parameters: Sequence[str] = ()) -> Mistake:
    """A mistake with its usual code."""
    return Mistake(name, sentence, usual_code(name), tuple(parameters))


def compare(signed: str, right: str, sent_order: Sequence[str] = ()) -> tuple[Mistake, ...]:
    """
    Every mistake that makes `signed` of the `right` string; none if they are the same.

    Args:
        sent_order: The parameters' names as they were sent, to recognise missing sorting.
    """
    if signed == right:
        return ()
    mistakes = []
    if "\r\n" in signed:
        mistakes.append(mistake("string.crlf", "The lines of the string to sign end in CR LF; they must end in LF."))
        signed = signed.replace("\r\n", "\n")
    if signed.endswith("\n"):
        mistakes.append(mistake("string.newline", "The string to sign ends in a newline."))
        signed = signed.rstrip("\n")
    lines, right_lines = signed.split("\n"), right.split("\n", _LINES - 1)
    if len(lines) != _LINES:
        return (*mistakes, mistake("string.lines", f"The string to sign must have 4 lines, yours has {len(lines)}."))
    mistakes += _head(lines, right_lines)
    mistakes += _parameters(lines[3], right_lines[3], sent_order)
    return tuple(mistakes)


# --- verb, host and path


def _head(signed: Sequence[str], right: Sequence[str]) -> Iterator[Mistake]:
    family = _FAMILY if tuple(right[:3]) == (VERB, HOST, PATH) else ""
    for describe, text, right_text in zip((_verb, _host, _path), signed, right, strict=False):
        if text != right_text:
            name, sentence = describe(text[:200], right_text)
            yield mistake(name, sentence + family)


def _verb(signed: str, right: str) -> tuple[str, str]:
    if signed.upper() == right:
        return "verb.case", f"The verb differs: you signed {signed!r}, it must be in capitals."
    return "verb.other", f"The verb differs: you signed {signed!r}, right is {right!r}."


def _host(signed: str, right: str) -> tuple[str, str]:
    scheme, slashes, _ = signed.partition("://")
    if slashes:
        return "host.scheme", f"The host was signed with its scheme, {scheme}://; only the name belongs there."
    if signed.lower() == right:
        return "host.case", f"The host differs: you signed {signed!r}, it must be in lower case."
    if signed.partition(":")[0].lower() == right:
        return "host.port", f"The host differs: you signed {signed!r} with its port, which does not belong there."
    if signed.partition(":")[0] == right.partition(":")[0]:
        return "host.port", f"The host differs by its port: you signed {signed!r}, right is {right!r}."
    other = " Each region has a host of its own." if is_amazons(signed) and is_amazons(right) else ""
    return "host.other", f"The host differs: you signed {signed!r}, right is {right!r}.{other}"


def _path(signed: str, right: str) -> tuple[str, str]:
    if signed == right.replace(_SANDBOX, ""):
        return "path.environment", "The path differs: you signed the live path and called the sandbox path."
    if signed.replace(_SANDBOX, "") == right:
        return "path.environment", "The path differs: you signed the sandbox path and called the live path."
    differs = f"you signed {signed!r}, right is {right!r}"
    if re.sub("/+", "/", signed) == re.sub("/+", "/", right):
        return "path.slashes", f"The path differs by a double slash: {differs}, the path as it is called."
    if signed.rstrip("/") == right.rstrip("/"):
        return "path.slashes", f"The path differs by the slash at its end: {differs}, the path as it is called."
    if signed in {"", "/"}:
        return "path.root", f"The path was signed as {signed or 'nothing'}; it must be the path of the endpoint."
    if "?" in signed:
        return "path.query", f"The path differs: the query does not belong to it, right is {right!r}."
    return "path.other", f"The path differs: {differs}."


# --- parameters


def _parameters(signed: str, right: str, sent_order: Sequence[str]) -> Iterator[Mistake]:
    if signed == unquote(right) and "%" in right:
        yield mistake("value.unencoded", "The values are not percent-encoded in the string to sign.")
        return
    if signed[:1] in {"?", "&"} or signed.endswith("&"):
        yield mistake("string.separator", "The parameters in the string to sign begin with ? or &, or end in &.")
        signed = signed.strip("?&")
    values, right_values = _pairs(signed), _pairs(right)
    unsigned = [name for name in right_values if name not in values]
    unsent = [name for name in values if name not in right_values]
    constant = [name for name in unsigned if sent_order and name not in sent_order]
    if constant:
        what = f"You did not sign {listed(constant)}, which belongs into the string though it is not sent."
        yield mistake("parameter.constant", what, constant)
        unsigned = [name for name in unsigned if name not in constant]
    if unsigned:
        what = f"You did not sign {listed(unsigned)}, which was sent: left out of the string, or added after signing."
        yield mistake("parameter.unsigned", what, unsigned)
    if unsent:
        what = f"You signed {listed(unsent)} too, which does not belong there or was not sent."
        yield mistake("parameter.unsent", what, unsent)
    common = [name for name in values if name in right_values]
    yield from _order(common, values, [name for name in right_values if name in values], sent_order)
    yield from _values({name: (values[name], right_values[name]) for name in common})


def _pairs(query: str) -> dict[str, str]:
    pieces = (piece.partition("=") for piece in query.split("&"))
    return {name: value for name, _, value in pieces if name}


def _order(
    names: Sequence[str], values: dict[str, str], right: Sequence[str], sent_order: Sequence[str]
) -> Iterator[Mistake]:
    if names == right:
        return
    unsorted = "The parameters are not sorted by the byte order of their names"
    if names == sorted(right, key=str.lower):
        yield mistake("order.case", "The parameters are sorted without regard to case; capitals come first.")
    elif names == sorted(right, key=lambda name: f"{name}={values[name]}"):
        yield mistake("order.pairs", f"{unsorted}, but of the pairs name=value.")
    elif sent_order and [n for n in names if n in sent_order] == [n for n in sent_order if n in values]:
        yield mistake("order.unsorted", f"{unsorted}, but stand as they were sent.")
    else:
        yield mistake("order.other", f"{unsorted}.")


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more."""
    ordered = sorted(names)
    more = f" and {len(ordered) - _MOST_NAMES} more" if len(ordered) > _MOST_NAMES else ""
    return ", ".join(ordered[:_MOST_NAMES]) + more


def _values(pairs: dict[str, tuple[str, str]]) -> Iterator[Mistake]:
    names: dict[str, list[str]] = {}
    characters: dict[str, set[str]] = {}
    for name, (signed, right) in pairs.items():
        for kind, character in _value(signed, right) if signed != right else ():
            if name not in names.setdefault(kind, []):
                names[kind].append(name)
            characters.setdefault(kind, set()).add(character)
    for kind, parameters in names.items():
        yield mistake(kind, _sentence(kind, sorted(characters[kind]), listed(parameters)), parameters)


def _value(signed: str, right: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a value: a mistake's name, and the character that shows it or nothing."""
    text, octets = unquote_to_bytes(right).decode(errors="replace"), unquote_to_bytes(signed)
    if signed == text and any(character in " %" or not character.isascii() for character in text):
        yield "value.unencoded", ""
    elif "%" in right and unquote(signed) == right:
        yield "value.twice", ""
    elif _same_octets(signed, right):
        yield from _spelling(signed, right)
    else:
        recoded = next((kind for kind, wrong in recodings(text) if wrong == octets), None)
        yield recoded or "value.other", ""
        if "%" not in signed and not signed.isascii():
            yield "value.unencoded", ""
        elif recoded:
            yield from _spelling(signed, quote(octets, safe=NODE_MARKS if set(NODE_MARKS) & set(right) else ""))


def recodings(text: str) -> Iterator[tuple[str, bytes]]:
    """The bytes of a text after each mistake that is made with its encoding."""
    if text.isascii():
        return
    octets = text.encode(errors="replace")
    yield "text.utf8_twice", octets.decode("latin-1").encode()
    for charset in ("latin-1", "cp1252"):
        try:
            once = text.encode(charset)
            # Text that was sent as UTF-8 encoded twice looks like Latin-1 of its own bytes.
            yield ("text.utf8_once" if _is_utf8(once) else "text.latin1"), once
        except UnicodeEncodeError:
            yield "text.latin1", text.encode(charset, "replace")
    for form in ("NFC", "NFD"):
        yield "text.normal_form", unicodedata.normalize(form, text).encode(errors="replace")


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _same_octets(signed: str, right: str) -> bool:
    return unquote_to_bytes(signed.replace("+", "%20")) == unquote_to_bytes(right) or unquote_to_bytes(
        signed
    ) == unquote_to_bytes(right)


def _spelling(signed: str, right: str) -> Iterator[tuple[str, str]]:
    """How the percent-encoding of the same bytes differs, character by character."""
    for piece, right_piece in zip(_PIECE.findall(signed), _PIECE.findall(right), strict=False):
        character = unquote(right_piece)
        if piece == right_piece:
            continue
        if right_piece == "%20" and piece == "+":
            yield "encoding.space", "+"
        elif piece.upper() == right_piece:
            yield "encoding.hex", ""
        elif len(piece) == 1:
            yield ("encoding.marks" if character in NODE_MARKS else "encoding.bare"), character
        elif character == "~":
            yield "encoding.tilde", "~"
        else:
            yield "encoding.excess", character
            if piece != piece.upper():
                yield "encoding.hex", ""


_SENTENCES = {
    "encoding.space": "A space is written as + in the string to sign{where}; it must be %20.",
    "encoding.tilde": "The tilde is percent-encoded in the string to sign{where}; it must stay bare.",
    "encoding.hex": "Percent codes are written in lower case{where}; they must be in upper case.",
    "value.unencoded": "The value is not percent-encoded in the string to sign{where}.",
    "value.twice": "The value is percent-encoded twice in the string to sign{where}; it must be once.",
    "text.utf8_twice": "Text is encoded in UTF-8 twice in the string to sign{where}, and once in what was sent.",
    "text.utf8_once": "Text is encoded in UTF-8 once in the string to sign{where}, and twice in what was sent.",
    "text.latin1": "Text is encoded in Latin-1 in the string to sign{where}; it must be UTF-8.",
    "text.normal_form": "Text was signed in another Unicode normal form than it was sent{where}.",
    "value.other": "The value of {names} differs.",
}


def _sentence(kind: str, characters: Sequence[str], names: str) -> str:
    text = " ".join(repr(c) if c in {" ", ",", "."} else c for c in characters)
    codes = " ".join(quote(character, safe="", errors="replace") for character in characters)
    many = len(characters) > 1
    are, pronoun = ("are", "they") if many else ("is", "it")
    where = f" ({names})"
    if kind == "encoding.marks":
        noun = "marks" if many else "mark"
        return f"The {noun} {text} {are} bare in the string to sign{where}; {pronoun} must be {codes}."
    if kind == "encoding.bare":
        return f"{text} {are} not percent-encoded in the string to sign{where}; {pronoun} must be {codes}."
    if kind == "encoding.excess":
        return f"{text} {are} percent-encoded in the string to sign{where}; {pronoun} must stay bare."
    return _SENTENCES[kind].format(where=where, names=names)
