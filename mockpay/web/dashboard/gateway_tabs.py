"""The pages about gateways, which share one entry of the side navigation."""

from __future__ import annotations

from flask import url_for

from mockpay.store.unit_of_work import Sandbox
from mockpay.web.dashboard.list_page import Tab

#: Endpoints.
HEALTH, CALLS, FAULTS = "gateway-health", "gateway-calls", "gateway-faults"
ACCOUNTS = "gateway-accounts"
#: Where the side navigation leads.
ENTRY = HEALTH
_TABS = {HEALTH: "Health", CALLS: "Calls", FAULTS: "Faults and routing", ACCOUNTS: "Accounts"}


def tabs(sandbox: Sandbox, current: str) -> list[Tab]:
    """One tab for each of them."""
    return [
        Tab(words, url_for(f"dashboard.{name}", seller_id=sandbox.seller_id), None, name == current)
        for name, words in _TABS.items()
    ]
