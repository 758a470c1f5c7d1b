"""The hosted pages of a payment, all below ``/pay/{token}/``; plain forms, script optional."""

from __future__ import annotations

from mockpay.web.checkout.routes import blueprint as blueprint
