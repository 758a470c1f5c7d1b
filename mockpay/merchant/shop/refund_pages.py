"""The shop's forms for refunds, and what its order page polls."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mockpay.kernel.errors import Conflict, Invalid
from mockpay.kernel.money import Money
from mockpay.merchant.shop import refund_view_models
from mockpay.merchant.shop.back_office import BackOffice
from mockpay.merchant.shop.pages import Pages


class RefundPages:
    """The views; a form that the books refuse shows the order's page again, saying why."""

    def __init__(self, pages: Pages, back_office: BackOffice) -> None:
        self._pages, self._back_office = pages, back_office

    def add_to(self, blueprint: Blueprint) -> None:
        """Name the addresses."""
        order, post = "/orders/<order_id>", ["POST"]
        blueprint.add_url_rule(f"{order}/refund", view_func=self.refund, methods=post)
        blueprint.add_url_rule(f"{order}/cancel", view_func=self.cancel, methods=post)
        blueprint.add_url_rule(f"{order}/status", view_func=self.status)
        blueprint.add_url_rule("/refunds/verify", view_func=self.verify, methods=post)

    def refund(self, order_id: str) -> ResponseReturnValue:
        """Give the typed amount back, or all that is left (`full`)."""
        order = self._pages.order_or_404(order_id)
        amount_text = request.form.get("amount", "").strip()
        try:
            amount = None if request.form.get("full") else Money.parse(amount_text)
            self._back_office.refund(
                order, amount, note=request.form.get("note", "").strip(), reference_id=request.form.get("reference", "")
            )
        except (Invalid, Conflict) as error:
            status = 400 if isinstance(error, Invalid) else 409
            return self._pages.render_order(order, status=status, amount_text=amount_text, error=error.message)
        return redirect(url_for(".order", order_id=order_id), 303)

    def cancel(self, order_id: str) -> ResponseReturnValue:
        """Cancel a paid order."""
        order = self._pages.order_or_404(order_id)
        try:
            self._back_office.cancel(order)
        except Conflict as error:
            return self._pages.render_order(order, status=409, error=error.message)
        return redirect(url_for(".order", order_id=order_id), 303)

    def verify(self) -> ResponseReturnValue:
        """Ask about refunds that have no end yet: an order's (`order_id`), or all."""
        order_id = request.form.get("order_id", "")
        self._back_office.verify(order_id)
        if not order_id:
            return redirect(url_for(".orders"), 303)
        return redirect(url_for(".order", order_id=order_id), 303)

    def status(self, order_id: str) -> Response:
        """What the order's page polls: a version that differs once anything is new."""
        order, ledger = self._pages.order_or_404(order_id), self._back_office.checkout.ledger
        refunds, alerts = ledger.refunds.of_order(order_id), ledger.alerts.of_order(order_id)
        version = refund_view_models.version(order, refunds, alerts)
        state = refunds[0].state if refunds else order.state.value
        answer = jsonify(version=version, state=state)
        answer.set_etag(version)
        answer.headers["Cache-Control"] = "no-cache"
        return answer.make_conditional(request)  # type: ignore[return-value]
