"""The head that every list has: tabs, filters kept in the address, older rows, and news."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request, url_for


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; `count` is how many rows fit it, None where nobody counts."""

    words: str
    url: str
    count: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """
    A list of one seller as its address asks for it; `chosen` are its filters, empty if not set.

    The page is at `endpoint`, its news at the endpoint of the same name with ``_news``.
    """

    endpoint: str
    seller_id: str
    chosen: Mapping[str, str]

    @classmethod
    def asked(cls, endpoint: str, seller_id: str, *filters: str) -> Listing:
        """The list that this request wants."""
        chosen = {name: request.args.get(name, "").strip() for name in filters}
        return cls(f"dashboard.{endpoint}", seller_id, chosen)

    def address(self, **changes: str | None) -> str:
        """This list with other filters; a change of None takes a filter away."""
        given: dict[str, Any] = {name: value for name, value in {**self.chosen, **changes}.items() if value}
        return url_for(self.endpoint, seller_id=self.seller_id, **given)

    def tabs(self, names: Mapping[str, str], counts: Mapping[str, int] | None = None) -> list[Tab]:
        """One tab for each value of the filter `show`; what is unknown is the first."""
        current = self.chosen["show"] if self.chosen["show"] in names else ""
        return [
            Tab(words, self.address(show=name or None), (counts or {}).get(name), name == current)
            for name, words in names.items()
        ]

    def head(self, next_cursor: str | None, version: str, **known: Any) -> dict[str, Any]:
        """What `dashboard/_list.html` needs; `known` is what the news must be told of the page."""
        cursor = request.args.get("cursor")
        given: dict[str, Any] = {name: value or None for name, value in self.chosen.items()}
        news = url_for(f"{self.endpoint}_news", seller_id=self.seller_id, **given, **known)
        return {
            "chosen": self.chosen,
            "filtered": any(self.chosen.values()),
            "clear_url": url_for(self.endpoint, seller_id=self.seller_id),
            "newest_url": self.address(),
            "older": self.address(cursor=next_cursor) if next_cursor else None,
            # Only the newest page is told of news: an older one does not change at its head.
            "poll": None if cursor else news,
            "version": version,
        }


def cursor() -> str | None:
    """Where this page of a list begins; None for the newest one."""
    return request.args.get("cursor")


def news(version: str, state: str = "changed", **more: object) -> Response:
    """What a page's script is told: whether the page is still as it was shown."""
    answer = jsonify(version=version, state=state, **more)
    answer.set_etag("-".join([version, *(str(value) for value in more.values())]))
    return answer.make_conditional(request)  # type: ignore[return-value]
