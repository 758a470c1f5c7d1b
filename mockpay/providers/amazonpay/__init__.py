"""
Amazon Pay India: the payment page's front door and the server-to-server operations.

Every wire fact, where it was seen and how sure it is: README.md in this folder.
"""

from __future__ import annotations

from mockpay.providers.amazonpay import error_responses, views
from mockpay.providers.amazonpay.notifications import notify
from mockpay.providers.amazonpay.return_url import way_back
from mockpay.providers.amazonpay.shortcut import Shortcut
from mockpay.providers.contract import Provider

provider = Provider(
    name="amazonpay",
    title="Amazon Pay",
    blueprint=views.blueprint,
    shortcut=Shortcut,
    prefixes=("/OffAmazonPayments", "/v2/payments", "/payments/v1/api"),
    render_error=error_responses.error_of_path,
    way_back=way_back,
    notify=notify,
)
