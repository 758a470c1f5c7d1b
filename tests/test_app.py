"""The composition root."""

import subprocess
import sys

from sqlalchemy import select

from mockpay.app import create_app, runtime_of
from mockpay.services.sellers.accounts import DEFAULT_SELLER_ID
from mockpay.settings import Settings
from mockpay.store.db.engine import close


def test_the_shell_knows_the_runtime_and_the_tables_through_flask_sqlalchemy(tmp_path):
    settings = Settings(database_url=str(tmp_path / "mockpay.db"), keys_dir=tmp_path / "keys")
    app = create_app(settings)
    with app.app_context():
        shell = app.make_shell_context()
        sellers = shell["tables"]["sellers"]
        with shell["db"].engine.connect() as connection:
            found = connection.execute(select(sellers.c.seller_id)).scalars().all()
    assert found == [DEFAULT_SELLER_ID]
    assert shell["runtime"] is runtime_of(app)
    close(shell["runtime"].engine, shell["runtime"].writer)


def test_a_server_loads_nothing_that_it_does_not_use():
    """Each of these costs megabytes and milliseconds; they are imported where they are used."""
    code = "import sys, mockpay.server, mockpay.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    unused = "lxml requests babel segno cryptography.x509"
    assert not set(unused.split()) & set(loaded)
