"""The head that every list has: tabs, filters kept in the address, older rows, and news."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox, read

#: Tabs by their name in the address: words and states.
StateTabs = Mapping[str, tuple[str, Collection[str]]]


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
    def of_request(cls, endpoint: str, seller_id: str, *filters: str) -> Listing:
        """The list that this request wants."""
        chosen = {name: request.args.get(name, "").strip() for name in filters}
        return cls(f"dashboard.{endpoint}", seller_id, chosen)

    def address(self, **changes: str | None) -> str:
        """This list with other filters; a change of None takes a filter away."""
        filters: dict[str, Any] = {name: value for name, value in {**self.chosen, **changes}.items() if value}
        return url_for(self.endpoint, seller_id=self.seller_id, **filters)

    def tabs(self, names: Mapping[str, str], counts: Mapping[str, int] | None = None) -> list[Tab]:
        """One tab for each value of the filter `show`; what is unknown is the first."""
        current = self.chosen["show"] if self.chosen["show"] in names else ""
        return [
            Tab(words, self.address(show=name or None), (counts or {}).get(name), name == current)
            for name, words in names.items()
        ]

    def states(self, tabs: StateTabs) -> tuple[str, ...]:
        """The states of the tab that is open; none where it is the first, which shows all."""
        show = self.chosen["show"]
        return tuple(str(state) for state in sorted(tabs[show][1])) if show and show in tabs else ()

    def state_tabs(self, tabs: StateTabs, counts: Mapping[str, int]) -> list[Tab]:
        """One tab for each group of states; `counts` are of the states."""
        return self.tabs(
            {name: words for name, (words, _) in tabs.items()},
            {name: sum(counts.get(str(state), 0) for state in states) for name, (_, states) in tabs.items()},
        )

    def head(self, next_cursor: str | None, version: str, **shown: Any) -> dict[str, Any]:
        """What `dashboard/_list.html` needs; `shown` is what the news need to know of the page."""
        cursor = request.args.get("cursor")
        filters: dict[str, Any] = {name: value or None for name, value in self.chosen.items()}
        news = url_for(f"{self.endpoint}_news", seller_id=self.seller_id, **filters, **shown)
        return {
            "chosen": self.chosen,
            "filtered": any(self.chosen.values()),
            "clear_url": url_for(self.endpoint, seller_id=self.seller_id),
            "newest_url": self.address(),
            "older": self.address(cursor=next_cursor) if next_cursor else None,
            # Only the newest page has news: an older one does not change at its head.
            "poll": None if cursor else news,
            "version": version,
        }


def register_list(
    pages: Blueprint,
    runtime: Runtime,
    name: str,
    show: Callable[[Runtime, Sandbox], str],
    show_news: Callable[[Sandbox], Response],
) -> None:
    """Add the list `name` of a seller and its news: whether something happened since it was shown."""

    def view(seller_id: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return show(runtime, sandbox)

    def news_view(seller_id: str) -> Response:
        with read(runtime, seller_id) as sandbox:
            return show_news(sandbox)

    pages.add_url_rule(f"/sellers/<seller_id>/{name}", name, view)
    pages.add_url_rule(f"/sellers/<seller_id>/{name}/news", f"{name}_news", news_view)


def timeline_version(sandbox: Sandbox) -> str:
    """The timeline's half of the seller's mark."""
    return lists.version(sandbox).partition("-")[0]


def timeline_news(sandbox: Sandbox) -> Response:
    """The news of a list that only the timeline concerns."""
    return news(timeline_version(sandbox))


def cursor() -> str | None:
    """Where this page of a list begins; None for the newest one."""
    return request.args.get("cursor")


def news(version: str, state: str = "changed", **more: object) -> Response:
    """For a page's script: whether the page is still as it was shown."""
    answer = jsonify(version=version, state=state, **more)
    answer.set_etag("-".join([version, *(str(value) for value in more.values())]))
    return answer.make_conditional(request)  # type: ignore[return-value]
