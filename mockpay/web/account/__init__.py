"""A buyer's own pages at a seller: sign-in by a code, saved methods, balance."""

from __future__ import annotations

from mockpay.web.account.routes import blueprint as blueprint
