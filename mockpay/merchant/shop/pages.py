"""The shop's pages: catalogue, checkout, the way back, orders and their refunds."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mockpay.kernel.errors import Conflict, DatabaseUnavailable, Forbidden, Invalid, MockpayError
from mockpay.kernel.money import Money
from mockpay.merchant.ledger import ShopOrder
from mockpay.merchant.shop import view_models
from mockpay.merchant.shop.back_office import BackOffice
from mockpay.merchant.shop.checkout import Checkout, parse_query
from mockpay.merchant.shop.config import Product, find_product


class Pages:
    """The views of one shop; each is one request."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def add_to(self, blueprint: Blueprint) -> None:
        """Name the addresses."""
        for rule in ("", "/"):
            blueprint.add_url_rule(rule, "catalogue", self.catalogue, strict_slashes=False)
        blueprint.add_url_rule("/buy", view_func=self.buy, methods=["POST"])
        blueprint.add_url_rule("/return", view_func=self.returned)
        blueprint.add_url_rule("/orders", view_func=self.orders)
        blueprint.add_url_rule("/orders/<order_id>", view_func=self.order)
        blueprint.add_url_rule("/orders/<order_id>/pay", view_func=self.pay, methods=["POST"])

    def catalogue(self) -> str:
        """Three things to buy."""
        return self._catalogue()

    def buy(self) -> ResponseReturnValue:
        """Place an order and send the buyer to pay it."""
        product = find_product(request.form.get("sku", ""))
        if product is None:
            abort(404)
        amount_text = request.form.get("amount", "").strip()
        try:
            amount = price(product, amount_text)
        except Invalid as error:
            return self._catalogue(amount_text, error.message), 400
        return self._to_payment(self._checkout.place(product.sku, amount))

    def pay(self, order_id: str) -> ResponseReturnValue:
        """Send the buyer to pay an order that is not paid."""
        order = self.order_or_404(order_id)
        try:
            return self._to_payment(self._checkout.reopen(order))
        except Conflict:
            # A second click, or paid meanwhile: the order's page tells.
            return redirect(url_for(".order", order_id=order_id), 303)

    def returned(self) -> ResponseReturnValue:
        """Take the buyer back: believe the result or refuse it for all to see."""
        try:
            order = self._checkout.accept_result(parse_query(request.query_string.decode("latin-1")))
        except MockpayError as error:
            return self._refused(error), 400
        return redirect(url_for(".order", order_id=order.order_id), 303)

    def orders(self) -> str:
        """List the latest orders, with what became of their refunds."""
        ledger = self._checkout.ledger
        refunds = ledger.refunds.newest()
        lines = [
            view_models.order_line(order) | view_models.chip_of_order(order.order_id, refunds)
            for order in ledger.newest()
        ]
        alerts = view_models.alert_lines(ledger.alerts.newest(5))
        return self._render("orders", "Your orders", orders=lines, alerts=alerts)

    def order(self, order_id: str) -> Response:
        """One order: what was product, what came back, what ListOrderReference says now."""
        return self.render_order(self.order_or_404(order_id))

    def render_order(self, order: ShopOrder, *, status: int = 200, amount_text: str = "", error: str = "") -> Response:
        """
        The page of an order.

        Args:
            typed: What was typed into the refund form; `error` what is wrong with it.
        """
        ledger, answer = self._checkout.ledger, self._checkout.look_up(order)
        order = self._checkout.settle(order, answer)
        page = view_models.order_page(order, ledger.results(order.order_id), answer)
        page |= view_models.order_refunds(order, ledger) | {"wallet_url": self._checkout.wallet_url(order)}
        title = f"Error: {error}" if error else f"{page['words']}: {order.order_id}"
        text = self._render("order", title, order=page, amount_text=amount_text, error=error)
        reply = Response(text, status)
        reply.headers["Cache-Control"] = "no-store"
        return reply

    def not_found(self, _error: Exception) -> ResponseReturnValue:
        """Say that the shop has no such product."""
        sentence = "The shop has no such product or order."
        return self._render("notice", "Not found", heading="Not found", sentence=sentence), 404

    def forbidden(self, error: Forbidden) -> ResponseReturnValue:
        """Say what the guard said."""
        return self._render("notice", "Refused", heading="Refused", sentence=error.message), 403

    def unavailable(self, error: DatabaseUnavailable) -> ResponseReturnValue:
        """Say why the shop's ledger cannot be read or written."""
        heading = "The shop's ledger is out of reach"
        return self._render("notice", heading, heading=heading, sentence=error.message), 503

    def order_or_404(self, order_id: str) -> ShopOrder:
        """The order, or 404."""
        return self._checkout.ledger.find(order_id) or abort(404)

    def _to_payment(self, order: ShopOrder) -> ResponseReturnValue:
        try:
            url = self._checkout.payment_url(order, url_for(".returned", _external=True))
        except MockpayError as error:
            sentence = f"{error.message} Order {order.order_id} is kept: pay it later."
            heading = "Amazon Pay cannot be reached"
            return self._render("notice", heading, heading=heading, sentence=sentence), 503
        return redirect(url, 303)

    def _catalogue(self, amount_text: str = "", error: str = "") -> str:
        title = f"Error: {error}" if error else self._checkout.config.name
        products = view_models.catalogue()
        return self._render("catalogue", title, products=products, amount_text=amount_text, error=error)

    def _refused(self, error: MockpayError) -> str:
        named = request.args.get("sellerOrderId", "")
        order = self._checkout.ledger.find(named)
        parameters = view_models.refused_parameters(request.args.items(multi=True), order)
        title = "Result refused"
        return self._render(
            "refused",
            title,
            reason=error.message,
            code=error.code,
            sent=parameters,
            order=view_models.order_line(order) if order else None,
        )

    def _render(self, template: str, title: str, **context: object) -> str:
        config = self._checkout.config
        page = {"title": title, "name": config.name}
        token = config.form_token()
        return render_template(f"shop/{template}.html", page=page, token=token, **context)


def price(product: Product, amount_text: str) -> Money:
    """
    What to ask for: the price, or the amount that a tester typed instead.

    Raises:
        Invalid: code ``amount.invalid``.
    """
    amount = Money.parse(amount_text) if amount_text else product.price
    if amount.minor == 0:
        raise Invalid("The amount must be more than zero.", code="amount.invalid")
    return amount


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
        version = view_models.version(order, refunds, alerts)
        state = refunds[0].state if refunds else order.state.value
        answer = jsonify(version=version, state=state)
        answer.set_etag(version)
        answer.headers["Cache-Control"] = "no-cache"
        return answer.make_conditional(request)  # type: ignore[return-value]
