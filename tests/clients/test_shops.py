"""The shops of examples/ in other languages pass their own suites: what they seal, sign and verify is nobody's but theirs."""

import os
import subprocess
from pathlib import Path

from tests.clients.conftest import program

EXAMPLES = Path(__file__).parents[2] / "examples"


def passes(url, *command, folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKPAY_")}
    done = subprocess.run(
        command,
        cwd=EXAMPLES / folder,
        env=kept | {"MOCKPAY_URL": url},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_shop_in_node_sells_refunds_and_believes_what_is_signed(mockpay_server):
    printed = passes(mockpay_server.url, program("node"), "--test", folder="node_shop")
    assert "# pass 7" in printed


def test_a_shop_in_php_sells_refunds_and_believes_what_is_signed(mockpay_server):
    # With a slash at the end, as people write addresses.
    printed = passes(f"{mockpay_server.url}/", program("php"), "tests.php", folder="php_shop")
    assert printed.count("\nok - ") + printed.startswith("ok - ") == 7
