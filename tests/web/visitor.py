"""A browser without a script, on the dashboard alone."""

from __future__ import annotations

from lxml import html

from mockpay.app import create_dashboard
from mockpay.store.unit_of_work import Runtime


class Visitor:
    """A browser without a script, on one seller's dashboard."""

    def __init__(self, runtime: Runtime, seller_id: str) -> None:
        self.client = create_dashboard(runtime).test_client()
        self.home = f"/_mockpay/ui/sellers/{seller_id}"

    def see(self, path: str = "/orders", status: int = 200):
        """A page below the seller, parsed."""
        answer = self.client.get(path if path.startswith("/_mockpay") else self.home + path)
        assert answer.status_code == status, answer.text
        return self.parse(answer)

    def parse(self, answer):
        """What an answer says, as a page."""
        return html.fromstring(answer.text)

    def see_order(self, order):
        return self.see(f"/orders/{order.order_id}")

    def news(self, page):
        """What the page's own script would be told."""
        return self.client.get(page.xpath("//body/@data-poll")[0]).get_json()

    def press(self, page, button: str, **other: str):
        """Post the form that has a button of this value or words, as a browser would."""
        by = f"//button[@value='{button}' or normalize-space()='{button}']"
        found = page.xpath(by)[0]
        form = next(found.iterancestors("form"))
        fields = {one.get("name"): one.get("value") for one in form.xpath(".//input")}
        if found.get("name"):
            fields[found.get("name")] = found.get("value")
        return self.client.post(form.get("action"), data={**fields, **other})


def text(element) -> str:
    """What an element says, with single spaces."""
    return " ".join(element.text_content().split())
