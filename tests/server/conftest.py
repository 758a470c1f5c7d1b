"""A server with keys that are there already: making them is what takes longest."""

import pytest

from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.wire.known_answers import VECTORS


@pytest.fixture(scope="session")
def mockpay_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    keys = folder / "keys"
    keys.mkdir()
    (keys / "amazonpay_private.pem").write_text(VECTORS["rsa_private_key_pem"])
    (keys / "ipn_signing.pem").write_text(VECTORS["sns_private_key_pem"])
    (keys / "ipn_signing_cert.pem").write_text(VECTORS["sns_certificate_pem"])
    settings = Settings(port=0, database_url=str(folder / "mockpay.db"), keys_dir=keys)
    with LiveServer(settings) as server:
        yield server
