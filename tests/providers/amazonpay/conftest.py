"""One sandbox for all of Amazon Pay's tests: with the vectors' RSA key, so that they open."""

import pytest

from mockpay.settings import Settings
from mockpay.testing import LiveServer, TestSeller
from tests.providers.amazonpay.shop import Shop
from tests.wire.known_answers import ACCESS_KEY, SECRET_KEY, SELLER_ID, VECTORS

#: The IPN's are there only to save the time that making them takes.
_KEY_FILES = {
    "amazonpay_private.pem": "rsa_private_key_pem",
    "ipn_signing.pem": "sns_private_key_pem",
    "ipn_signing_cert.pem": "sns_certificate_pem",
}


@pytest.fixture(scope="session")
def mockpay_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amazonpay")
    keys = folder / "keys"
    keys.mkdir()
    for file, part in _KEY_FILES.items():
        (keys / file).write_text(VECTORS[part])
    settings = Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=keys)
    with LiveServer(settings) as server:
        yield server


@pytest.fixture(scope="session")
def credentials_of_the_vectors(mockpay_server) -> TestSeller:
    return mockpay_server.new_seller(
        seller_id=SELLER_ID,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        return_urls=["https://shop.example/return"],
        settings={"freshness_seconds": 0},
    )


@pytest.fixture
def vector_seller(credentials_of_the_vectors) -> TestSeller:
    """The seller whose credentials signed the vectors, its world empty."""
    credentials_of_the_vectors.control("POST", "/reset")
    return credentials_of_the_vectors


@pytest.fixture
def shop(mockpay_seller) -> Shop:
    """A shop of a new seller; it may write whatever it likes."""
    return Shop(mockpay_seller)
