"""The result that a buyer brings back, and what the merchant's own client makes of it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from mockpay.merchant.client import AmazonPayClient
from mockpay.providers.amazonpay import provider as amazonpay
from mockpay.store import attempts
from tests.factories import RETURN_URL


def way_back(world, order) -> dict[str, str]:
    """The parameters of the result as it would be sent now."""
    with world.read() as sandbox:
        last = attempts.last_of_order(sandbox, order.order_pk)
        url = amazonpay.return_url(sandbox.seller, world._fresh(sandbox, order), last)
    assert url.startswith(RETURN_URL + "?")
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    return {name: value for name, (value,) in query.items()}


def verified(world, params):
    """The result as the merchant's own client believes it."""
    with world.read() as sandbox:
        seller = sandbox.seller
    client = AmazonPayClient(seller.seller_id, seller.access_key, seller.secret_key, None, "http://127.0.0.1")
    return client.verify_result(params)
