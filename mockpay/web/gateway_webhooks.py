"""Where gateways that are not in this process tell of payments; the raw body is what their signatures cover."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from mockpay.kernel.errors import MockpayError
from mockpay.services.gateways import webhooks
from mockpay.store.unit_of_work import Runtime, transaction
from mockpay.web import problems


def blueprint(runtime: Runtime) -> Blueprint:
    """One address for each seller and gateway; a signature says who calls, so any host and no token will do."""
    pages = Blueprint("gateway_webhooks", __name__)

    @pages.post("/gateways/<seller_id>/<gateway>/webhook")
    def receive(seller_id: str, gateway: str) -> Response:
        headers, body = dict(request.headers), request.get_data()
        try:
            with transaction(runtime, seller_id) as sandbox:
                refusal = webhooks.receive(sandbox, gateway, headers, body)
        except MockpayError as error:
            return problems.problem(error)
        return jsonify(status="ok") if refusal is None else problems.problem(refusal)

    return pages
