"""
What every list and every page of one thing has.

A list: tabs, filters kept in the address, older rows, and news. A page: news, and buttons whose refusal it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from msgspec import Struct

from mockpay.domain.orders import Order
from mockpay.domain.refunds import Refund
from mockpay.kernel.errors import Conflict, Invalid, NotFound
from mockpay.kernel.words import parse_word
from mockpay.store import transitions
from mockpay.store.reads import lists
from mockpay.store.unit_of_work import Runtime, Sandbox, read, transaction
from mockpay.web.problems import status_of

#: Tabs by their name in the address: words and states.
StateTabs = Mapping[str, tuple[str, Collection[str]]]


class Tab(Struct, frozen=True):
    """One tab; `count` is how many rows fit it, None where nobody counts."""

    words: str
    url: str
    count: int | None
    current: bool


class Listing(Struct, frozen=True):
    """
    A list of one seller as its address asks for it; `chosen` are its filters, empty if not set.

    The page is at `endpoint`, its news at the endpoint of the same name with ``_news``.
    """

    endpoint: str
    seller_id: str
    chosen: Mapping[str, str]

    @classmethod
    def of_request(cls, endpoint: str, seller_id: str, *texts: str, **choices: Iterable[str]) -> Listing:
        """
        The list that this request wants.

        Args:
            choices: The values that a filter may have, beside none.

        Raises:
            Invalid: code ``filter.invalid``: a filter has another value.
        """
        chosen = {name: request.args.get(name, "").strip() for name in (*choices, *texts)}
        for name, values in choices.items():
            if chosen[name]:
                words = list(filter(None, values))
                chosen[name] = parse_word(name, chosen[name], words, code="filter.invalid", field=name)
        return cls(f"dashboard.{endpoint}", seller_id, chosen)

    def address(self, **changes: str | None) -> str:
        """This list with other filters; a change of None takes a filter away."""
        filters: dict[str, Any] = {name: value for name, value in {**self.chosen, **changes}.items() if value}
        return url_for(self.endpoint, seller_id=self.seller_id, **filters)

    def tabs(self, names: Mapping[str, str], counts: Mapping[str, int] | None = None) -> list[Tab]:
        """One tab for each value of the filter `show`."""
        return [
            Tab(words, self.address(show=name or None), (counts or {}).get(name), name == self.chosen["show"])
            for name, words in names.items()
        ]

    def states(self, tabs: StateTabs) -> tuple[str, ...]:
        """The states of the tab that is open; none where it is the first, which shows all."""
        show = self.chosen["show"]
        return tuple(str(state) for state in sorted(tabs[show][1])) if show else ()

    def state_tabs(self, tabs: StateTabs, counts: Mapping[str, int]) -> list[Tab]:
        """One tab for each group of states; `counts` are of the states."""
        return self.tabs(
            {name: words for name, (words, _) in tabs.items()},
            {name: sum(counts.get(str(state), 0) for state in states) for name, (_, states) in tabs.items()},
        )

    def head(self, next_cursor: str | None, version: str) -> dict[str, Any]:
        """What `dashboard/_list.html` needs."""
        cursor = request.args.get("cursor")
        news = url_for(f"{self.endpoint}_news", seller_id=self.seller_id)
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
    show: Callable[[Runtime, Sandbox], str | tuple[str, int]],
    show_news: Callable[[Sandbox], Response],
) -> None:
    """Add the list `name` of a seller and its news: whether something happened since it was shown."""

    def view(seller_id: str) -> str | tuple[str, int]:
        with read(runtime, seller_id) as sandbox:
            return show(runtime, sandbox)

    def news_view(seller_id: str) -> Response:
        with read(runtime, seller_id) as sandbox:
            return show_news(sandbox)

    pages.add_url_rule(f"/sellers/<seller_id>/{name}", name, view)
    pages.add_url_rule(f"/sellers/<seller_id>/{name}/news", f"{name}_news", news_view)


def register_detail(
    pages: Blueprint,
    runtime: Runtime,
    name: str,
    get: Callable[[Sandbox, str], Any],
    show: Callable[[Runtime, Sandbox, Any, Mapping[str, str]], str],
    version: Callable[[Sandbox, Any], str],
    acts: Mapping[str, Callable[[Sandbox, Any], object]],
    follow: Callable[[Runtime, str, str], None] | None = None,
) -> None:
    """
    Add the page of one record of the list ``<name>s``, its news, and what its buttons do.

    Args:
        show: Draws the page; its last argument says which button was ``refused`` and with which ``error``, or neither.
        version: Differs when the page would.
        follow: What is done after a button's transaction, with the seller's and the record's id.
    """

    def view(seller_id: str, **ids: str) -> str:
        with read(runtime, seller_id) as sandbox:
            return show(runtime, sandbox, get(sandbox, ids[key]), {"refused": "", "error": ""})

    def news_view(seller_id: str, **ids: str) -> Response:
        with read(runtime, seller_id) as sandbox:
            record = get(sandbox, ids[key])
            return news(version(sandbox, record), str(record.state))

    def act_view(seller_id: str, act: str, **ids: str) -> Any:
        if act not in acts:
            raise NotFound("There is no such button.", code="page.not_found")
        try:
            with transaction(runtime, seller_id) as sandbox:
                acts[act](sandbox, get(sandbox, ids[key]))
        except (Conflict, Invalid) as error:
            with read(runtime, seller_id) as sandbox:
                refusal = {"refused": act, "error": error.message}
                return show(runtime, sandbox, get(sandbox, ids[key]), refusal), status_of(error)
        if follow is not None:
            follow(runtime, seller_id, ids[key])
        parameters: Mapping[str, Any] = {"seller_id": seller_id, **ids}
        return redirect(url_for(f"dashboard.{name}", **parameters), 303)

    key = f"{name}_id"
    path = f"/sellers/<seller_id>/{name}s/<{key}>"
    pages.add_url_rule(path, name, view)
    pages.add_url_rule(f"{path}/news", f"{name}_news", news_view)
    pages.add_url_rule(f"{path}/<act>", f"act_on_{name}", act_view, methods=["POST"])


def order_link(sandbox: Sandbox, order: Order) -> dict[str, str]:
    """An order by name, for `order_link` of `dashboard/_list.html`."""
    return {
        "url": url_for("dashboard.order", seller_id=sandbox.seller_id, order_id=order.order_id),
        "order_id": order.order_id,
        "seller_order_id": order.seller_order_id,
        "amount": order.amount.display(),
    }


def order_version(sandbox: Sandbox, record: Order | Refund) -> str:
    """Differs when something has happened to an order, for its page and its refunds'."""
    return str(len(transitions.of_order(sandbox, record.order_pk)))


def timeline_version(sandbox: Sandbox) -> str:
    """The timeline's half of the seller's mark."""
    return lists.version(sandbox).partition("-")[0]


def timeline_news(sandbox: Sandbox) -> Response:
    """The news of a list that only the timeline concerns."""
    return news(timeline_version(sandbox))


def cursor() -> str | None:
    """Where this page of a list begins; None for the newest one."""
    return request.args.get("cursor")


#: The length of a time without seconds: ``2026-11-21T17:30``.
_TO_THE_MINUTE = 16


def indian_time(text: str) -> str:
    """An instant as a form's field has it, in Indian time, with its offset."""
    return f"{text}:00+05:30" if len(text) == _TO_THE_MINUTE else f"{text}+05:30"


def news(version: str, state: str = "changed") -> Response:
    """For a page's script: whether the page is still as it was shown."""
    answer = jsonify(version=version, state=state)
    answer.set_etag(version)
    return answer.make_conditional(request)  # type: ignore[return-value]
