"""What the seller was told of an order: what its browser brought back, and the last answers to calls about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from mockpay.domain.orders import Order
from mockpay.domain.providers import ProviderPort
from mockpay.domain.timeline import TimelineEvent
from mockpay.kernel.clock import rfc3339
from mockpay.store.reads import lists
from mockpay.store.reads.lists import JournalFilter
from mockpay.store.unit_of_work import Sandbox
from mockpay.web.wording.sentences import RETURNS
from mockpay.web.wording.timelines import instant

#: Of so many newest calls about an order, the last of each kind is shown.
_CALLS = 200


class BrowserReturn(Struct, frozen=True):
    """What the buyer's browser was sent to the seller's URL with; no `url` where it was not."""

    words: str
    url: str = ""
    fields: tuple[tuple[str, str], ...] = ()


class Call(Struct, frozen=True):
    """
    The last call of its kind about an order, and its answer; one without an answer's body is what the seller sent.

    `count` is how many there were; `warnings` say what of it the real service would refuse.
    """

    kind: str
    at: str
    iso: str
    status: int | None
    outcome: str
    count: int
    answer: str
    warnings: tuple[str, ...] = ()


def browser_return(events: Sequence[TimelineEvent], provider: ProviderPort) -> BrowserReturn:
    """What the browser was sent back with, by the order's timeline."""
    back = next((event for event in events if event.machine == "order" and event.event == "returned"), None)
    if back is None:
        return BrowserReturn("Nothing yet: the browser was not sent back from the payment page.")
    fault, url = RETURNS.get(str(back.facts.get("fault"))), str(back.facts.get("url", ""))
    posted = back.facts.get("fields")
    if not url:
        return BrowserReturn("Nothing: the browser was closed, as the scenario has it, and not sent back.")
    usual = f"The browser {'posted a form to' if posted else 'was sent to'} this URL with {provider.returning}"
    sent = f"{fault[:1].upper()}{fault[1:]}" if fault else usual
    words = f"{sent}; whether it arrived, only the seller knows."
    fields = posted.items() if isinstance(posted, Mapping) else parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return BrowserReturn(words, url, tuple((name, str(value)) for name, value in fields))


def warning_lines(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a call or an order's request the real service would refuse, by the parameter's name."""
    return tuple(f"{name}: {text}".rstrip(".") for name, text in (facts.get("warnings") or {}).items())


def last_calls(sandbox: Sandbox, order: Order) -> list[Call]:
    """The last call of each kind about an order, the newest first."""
    page = lists.journal_page(sandbox, JournalFilter(order_id=order.order_id), None, _CALLS)
    newest = {row.kind: row for row in reversed(page.items)}
    counts = Counter(row.kind for row in page.items)
    return [
        Call(
            kind=row.kind,
            at=instant(row.at),
            iso=rfc3339(row.at),
            status=row.status,
            outcome=row.outcome,
            count=counts[row.kind],
            answer=row.answer or "",
            warnings=warning_lines(row.facts),
        )
        for row in sorted(newest.values(), key=lambda row: -row.number)
    ]
