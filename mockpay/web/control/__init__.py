"""
The control API: JSON below ``/_mockpay/v1``, for tests and the shell.

One file per noun; each lists its `ENDPOINTS`, from which the routes, the OpenAPI document and
docs/control-api.md are made.  Views ask services and stores; they decide nothing themselves.
"""

from mockpay.web.control.routes import blueprint as blueprint
