"""`/`: what is here."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from mockpay import __version__
from mockpay.providers.contract import providers_of
from mockpay.services.sellers.accounts import DEFAULT_SELLER_ID
from mockpay.store.unit_of_work import Runtime, read
from mockpay.web import guard


def blueprint(runtime: Runtime) -> Blueprint:
    """The landing page."""
    pages = Blueprint("landing", __name__)

    @pages.get("/")
    def landing() -> Response:
        for provider in providers_of(runtime):
            if provider.answer_root and (answer := provider.answer_root(runtime, request)) is not None:
                return answer
        with read(runtime, DEFAULT_SELLER_ID) as sandbox:
            seller = sandbox.seller
        page = render_template(
            "landing.html",
            version=__version__,
            urls={
                "dashboard": "/_mockpay/ui/",
                "shop": "/shop/",
                "docs": f"{guard.DOCS}/",
                "health": "/_mockpay/health",
                "openapi": "/_mockpay/openapi.json",
                "scenarios": "/_mockpay/ui/scenarios",
                "seller": f"/_mockpay/ui/seller?seller={DEFAULT_SELLER_ID}",
            },
            seller={"seller_id": seller.seller_id, "access_key": seller.access_key},
        )
        return Response(page)

    @pages.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=302, headers={"Location": url_for("static", filename="icon.svg")})

    return pages
