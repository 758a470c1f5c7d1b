"""
The dashboard: what happened, and why; one file for each page.

Reads by `store.reads`, acts by services and `delivery.clock`, and knows no provider.
Every page works without JavaScript; a form that acts carries the form token and answers 303.
"""

from __future__ import annotations

from flask import Blueprint

from mockpay.store.unit_of_work import Runtime
from mockpay.web import guard
from mockpay.web.dashboard import (
    deliveries,
    entry,
    gateway_accounts,
    gateway_calls,
    gateway_faults,
    gateway_health,
    inbox,
    journal,
    order,
    orders,
    refunds,
    scenarios,
    seller,
    wallet,
)

_PAGES = (
    entry,
    orders,
    order,
    refunds,
    deliveries,
    inbox,
    scenarios,
    gateway_health,
    gateway_calls,
    gateway_faults,
    gateway_accounts,
    journal,
    seller,
    wallet,
)


def blueprint(runtime: Runtime) -> Blueprint:
    """All pages below ``/_mockpay/ui``."""
    pages = Blueprint("dashboard", __name__, url_prefix=guard.DASHBOARD)
    pages.before_request(lambda: guard.require_page(runtime))
    for page in _PAGES:
        page.register(pages, runtime)
    return pages
