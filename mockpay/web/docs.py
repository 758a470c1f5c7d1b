"""The pages of docs/ below ``/_mockpay/docs``, for anybody: who is refused elsewhere reads here why."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from flask import Blueprint, Response, render_template, url_for
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct

from mockpay.kernel.errors import NotFound
from mockpay.kernel.http.hosts import own_url
from mockpay.store.unit_of_work import Runtime
from mockpay.web import guard

#: The page that lists the others.
INDEX = "README"
#: What commands on disk are written for; a page that is served names the server's own address.
_USUAL_URL = "http://127.0.0.1:8420"
_LINK = re.compile(r"([\w-]+)\.md(#.*)?")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_MARKDOWN.add_render_rule("table_open", lambda *_: '<div class="table-box" tabindex="0"><table>')
_MARKDOWN.add_render_rule("table_close", lambda *_: "</table></div>")


class Heading(Struct, frozen=True):
    """A heading of a page and its anchor."""

    anchor: str
    text: str


class Part(Struct, frozen=True):
    """A run of prose, or a code block by its text."""

    html: str = ""
    code: str = ""


class Page(Struct, frozen=True):
    """A page as the template shows it."""

    title: str
    headings: Sequence[Heading]
    parts: Sequence[Part]


def folder() -> Path:
    """Inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "docs"
    return inside if inside.is_dir() else package.parent / "docs"


def blueprint(runtime: Runtime) -> Blueprint:
    """All pages below ``/_mockpay/docs``."""
    pages = Blueprint("docs", __name__, url_prefix=guard.DOCS)
    files = {file.stem: file for file in sorted(folder().glob("*.md"))}

    @pages.get("/", strict_slashes=False)
    @pages.get("/<name>")
    def page(name: str = INDEX) -> Response:
        file = files.get(name.removesuffix(".md"))
        if file is None:
            raise NotFound("There is no such page.", code="page.not_found")
        base = (runtime.settings.public_url or own_url(runtime.settings)).rstrip("/")
        text = file.read_text("utf-8").replace(_USUAL_URL, base)
        return Response(render_template("docs.html", page=parse(text, files), index=file.stem == INDEX))

    return pages


def parse(text: str, names: Container[str]) -> Page:
    """A page's Markdown; links lead to the pages of these names, what lies elsewhere on disk is no link."""
    tokens = _MARKDOWN.parse(text)
    headings = list(_anchored(tokens))
    for opening, inline, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "th_open" and not inline.content:
            opening.tag = closing.tag = "td"  # nothing heads this column
    for inline in tokens:
        _point_links(inline.children or [], names)
    return Page(headings[0].text, headings[1:], list(_parts(tokens)))


def _anchored(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Give each heading the anchor that code hosts give it; title and chapters are returned."""
    taken: dict[str, int] = {}
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        words = "".join(child.content for child in inline.children or [])
        anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = taken[anchor] = taken.get(anchor, -1) + 1
        anchor = f"{anchor}-{number}" if number else anchor
        token.attrSet("id", anchor)
        if token.tag in {"h1", "h2"}:
            yield Heading(anchor, words)


def _point_links(children: Sequence[Token], names: Container[str]) -> None:
    served = True
    for child in children:
        if child.type == "link_open":
            address = str(child.attrGet("href"))
            link = _LINK.fullmatch(address)
            served = address.startswith(("#", "http://")) or (link is not None and link[1] in names)
            if link is not None and served:
                page = url_for("docs.page", name=None if link[1] == INDEX else link[1])
                child.attrSet("href", page + (link[2] or ""))
        if child.type in {"link_open", "link_close"} and not served:
            child.tag, child.attrs = "span", {}


def _parts(tokens: Sequence[Token]) -> Iterator[Part]:
    prose: list[Token] = []
    for token in tokens:
        if token.type != "fence":
            prose.append(token)
            continue
        yield Part(html=_html(prose))
        yield Part(code=token.content.rstrip("\n"))
        prose = []
    yield Part(html=_html(prose))


def _html(tokens: Sequence[Token]) -> str:
    """Escaped by the renderer, which lets no HTML of a page through."""
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return html
