"""What dashboard, result page and control API say of an order, and whether it is true."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from lxml import html

from mockpay.app import add_pages, bare_app, create_dashboard
from mockpay.services.scenarios import stage_decisions
from mockpay.store.unit_of_work import Runtime
from mockpay.web import checkout, control
from mockpay.web.dashboard.decision_trace import decision_traces
from mockpay.web.wording import sentences

#: Words that a payment by another method must not be told in.
FOREIGN = {
    "upi": r"\bcards?\b|[Nn]et banking|\bbalance\b|\bEMI\b|3-D Secure",
    "card": r"\bUPI\b|[Nn]et banking|\bbalance\b|\bEMI\b",
    "netbanking": r"\bUPI\b|\bcards?\b|\bbalance\b|\bEMI\b|3-D Secure",
    "wallet": r"\bUPI\b|\bcards?\b|[Nn]et banking|\bEMI\b|3-D Secure",
    "emi": r"\bUPI\b|[Nn]et banking|\bbalance\b",
}


class Views:
    """Dashboard, pages of a payment and control API over one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._front = add_pages(bare_app(), runtime, checkout.blueprint, control.blueprint).test_client()
        self._dashboard = create_dashboard(runtime).test_client()

    def of_buyer_and_seller(self, order) -> Mapping[str, str]:
        """The result page, and `why` and the timeline of the control API."""
        answer = self._front.get(f"/_mockpay/v1/sellers/{order.seller_id}/orders/{order.order_id}").get_json()
        return {
            "result": self._shown(self._front, f"/pay/{order.page_token}/result", "//main"),
            **{part: json.dumps(answer[part], ensure_ascii=False) for part in ("why", "timeline")},
        }

    def result_of(self, order) -> str:
        """The result page as it is sent."""
        return self._front.get(f"/pay/{order.page_token}/result").text

    def of_tester(self, order, *, left: bool = False) -> Mapping[str, str]:
        """
        The order's row in the dashboard's list, and its page.

        Args:
            left: Whether the buyer goes back to the seller first.
        """
        if left:
            self._front.get(f"/pay/{order.page_token}/return")
        pages = f"/_mockpay/ui/sellers/{order.seller_id}/orders"
        return {
            "row": self._shown(self._dashboard, f"{pages}?q={order.order_id}", "//tr[@data-row]"),
            "page": self._shown(self._dashboard, f"{pages}/{order.order_id}", "//main"),
        }

    @staticmethod
    def _shown(client, path: str, part: str) -> str:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        (element,) = html.fromstring(answer.text).xpath(part)
        return " ".join(element.text_content().split())


def sentences_of(world, order, attempt) -> list[str]:
    """The sentences of the dashboard about an order and its last try; the tag and the traces may name who decided."""
    order, attempt = world.get_order(order), world.get_attempt(attempt.attempt_id)
    traces = decision_traces(attempt, magic_amounts=True)
    return [
        sentences.what_happened(order, attempt, world.now()),
        sentences.what_happened(order, attempt, full=True),
        sentences.whose_doing(order, attempt),
        sentences.decided_by(attempt) or "",
        *(f"{trace.head} {trace.value} {trace.description}" for trace in traces),
        *(f"{step.name} {step.description}" for trace in traces for step in trace.steps),
        *(decision.description for decision in stage_decisions(attempt)),
    ]


def assert_true_to(method: str, texts) -> None:
    """No word of another method."""
    foreign = [text for text in texts if re.search(FOREIGN[method], text)]
    assert foreign == []


def assert_explained(world, views: Views, order, attempt, *named: str) -> None:
    """No word of another method anywhere; the deciding value in the dashboard, on the result page and in `why`."""
    fresh = world.get_attempt(attempt.attempt_id)
    texts = sentences_of(world, order, fresh)
    shown = views.of_buyer_and_seller(order)
    assert_true_to(fresh.method, [*texts, *shown.values()])
    for word in named:
        assert any(word in text for text in texts[2:5]), (word, texts)
        for view in ("result", "why"):
            assert word.lower() in shown[view].lower(), (word, view, shown[view])
