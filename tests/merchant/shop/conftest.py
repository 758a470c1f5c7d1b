"""A shop with a pretend sandbox at the other end of the wire."""

from pathlib import Path

import pytest

from mockpay.merchant.ledger import Ledger
from mockpay.merchant.shop import Credentials, ShopConfig, shop_app
from tests.merchant.shop.pretend_sandbox import NOW, URL, PretendSandbox
from tests.wire.known_answers import ACCESS_KEY, SECRET_KEY, SELLER_ID

ROOT = Path(__file__).parents[3]


class FixedClock:
    def now(self):
        return NOW


@pytest.fixture
def sandbox():
    return PretendSandbox()


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


@pytest.fixture
def shop_with(tmp_path, sandbox):
    """Make a shop's browser, with any setting changed."""

    def make(**changes):
        settings = {
            "seller": Credentials(SELLER_ID, ACCESS_KEY, SECRET_KEY),
            "base_url": lambda: URL,
            "ledger": tmp_path / "ledger.db",
            "sender": sandbox,
            "clock": FixedClock(),
        }
        config = ShopConfig(**settings | changes)
        app = shop_app(config, templates=ROOT / "templates", static=ROOT / "mockpay" / "static")
        return app.test_client()

    return make


@pytest.fixture
def shop(shop_with):
    return shop_with()
