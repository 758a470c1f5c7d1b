"""
Amazon Pay India: the payment page's front door and the server-to-server operations.

Every wire fact, where it was seen and how sure it is: README.md in this folder.
"""

from __future__ import annotations

from mockpay.providers.amazonpay import pages, views
from mockpay.providers.amazonpay.notify import notify
from mockpay.providers.amazonpay.results import way_back
from mockpay.providers.amazonpay.shortcut import Shortcut
from mockpay.providers.contract import Provider

provider = Provider(
    name="amazonpay",
    title="Amazon Pay",
    blueprint=views.blueprint,
    shortcut=Shortcut,
    prefixes=("/OffAmazonPayments", "/v2/payments", "/payments/v1/api"),
    render_error=pages.error_of_path,
    way_back=way_back,
    notify=notify,
)
