"""
Small XML documents: written by hand, read by lxml without entities, DTD or network.

A document is plain values: text, a dict of children, a list where a child repeats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from mockpay.kernel.errors import MockpayError

if TYPE_CHECKING:
    from lxml.etree import _Element

Tree = str | Mapping[str, "Tree"] | Sequence["Tree"] | None
Plain = str | dict[str, "Plain"] | list["Plain"]

#: The contract's bound for bodies.
MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_ELEMENTS = 20_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
#: Ids, amounts and times, as most texts are, need no second look.
_is_plain = re.compile(r"[A-Za-z0-9 .:_/-]*").fullmatch
#: A carriage return written bare would come back as a newline.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"})
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Kept(dict[str, "Tree"]):
    """Children of an element that is written even where it is empty."""


class XmlError(MockpayError):
    """A document that is broken (``xml.malformed``) or dangerous (``xml.unsafe``)."""

    code = "xml.malformed"


def render(root: str, namespace: str, tree: Tree) -> bytes:
    """
    Write a document in UTF-8, everything in one default namespace.

    Empty elements are left out: the PHP client turns them into arrays.  Characters that XML
    cannot carry become U+FFFD.
    """
    opening = f'{_checked(root)} xmlns="{_escape(namespace)}"'
    text = f'<?xml version="1.0"?>\n<{opening}>{_content(tree)}</{root}>\n'
    return text.encode()


def parse(document: bytes) -> dict[str, Plain]:
    """
    Read a document; namespaces and attributes are dropped.

    Returns:
        ``{root: content}``: text, a dict of children, or a list where a child repeats.
        An element without children is its text, exactly.

    Raises:
        XmlError: code ``xml.malformed``, or ``xml.unsafe`` for a document type, entities,
            too many bytes or elements, or too deep a nesting.
    """
    if len(document) > MAX_BYTES:
        raise _unsafe("is larger than 1 MB")
    if _DECLARATION.search(document):
        raise _unsafe("has a document type")
    element = _read(document)
    if sum(1 for _ in element.iter()) > MAX_ELEMENTS:
        raise _unsafe("has too many elements")
    return {_local_name(element): _plain(element, 1)}


def _content(tree: Tree) -> str:
    if tree is None or isinstance(tree, str):
        return _escape(tree or "")
    if not isinstance(tree, Mapping):
        message = "A list has no element name of its own."
        raise TypeError(message)
    return "".join(_elements(_checked(name), child) for name, child in tree.items())


def _elements(name: str, child: Tree) -> str:
    if isinstance(child, str):  # as most are
        return f"<{name}>{_escape(child)}</{name}>" if child else ""
    repeated = child if isinstance(child, Sequence) and not isinstance(child, str) else [child]
    contents = (_content(each) for each in repeated)
    return "".join(f"<{name}>{content}</{name}>" for content in contents if content or isinstance(child, Kept))


@cache
def _illegal() -> re.Pattern[str]:
    """What XML 1.0 cannot carry at all, not even escaped; compiling this takes 5 ms."""
    return re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _escape(text: str) -> str:
    if _is_plain(text):
        return text
    return _illegal().sub("\ufffd", text).translate(_ESCAPES)


@lru_cache(maxsize=1_024)
def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        message = f"{name!r} is no element name."
        raise ValueError(message)
    return name


def _read(document: bytes) -> _Element:
    # lxml costs start time and memory; only a process that reads XML pays for it.
    from lxml import etree  # noqa: PLC0415

    # The encoding is fixed: another one could hide a document type from the search in parse.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise XmlError("The document is no well-formed XML.", reason=str(error)) from error


def _plain(element: _Element, depth: int) -> Plain:
    if depth > MAX_DEPTH:
        raise _unsafe("is nested too deeply")
    if len(element) == 0:
        return element.text or ""
    children: dict[str, Plain] = {}
    repeated: set[str] = set()
    for child in element:
        name, value = _local_name(child), _plain(child, depth + 1)
        earlier = children.get(name)
        if earlier is None:
            children[name] = value
        elif name in repeated and isinstance(earlier, list):
            earlier.append(value)
        else:
            children[name] = [earlier, value]
            repeated.add(name)
    return children


def _local_name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _unsafe(why: str) -> XmlError:
    return XmlError(f"The XML document {why}.", code="xml.unsafe")
