"""The shops of examples/ in other languages pass their own suites: what they seal, sign and verify is nobody's but theirs."""

from pathlib import Path

from tests.clients.conftest import environment, program, run_program

EXAMPLES = Path(__file__).parents[2] / "examples"


def passes(url, *command, folder):
    env = environment(lambda name: name.startswith("MOCKPAY_")) | {"MOCKPAY_URL": url}
    return run_program(*command, env=env, seconds=100, cwd=EXAMPLES / folder)


def test_a_shop_in_node_sells_refunds_and_believes_what_is_signed(mockpay_server):
    printed = passes(mockpay_server.url, program("node"), "--test", folder="node_shop")
    assert "# pass 7" in printed


def test_a_shop_in_php_sells_refunds_and_believes_what_is_signed(mockpay_server):
    # With a slash at the end, as people write addresses.
    printed = passes(f"{mockpay_server.url}/", program("php"), "tests.php", folder="php_shop")
    assert printed.count("\nok - ") + printed.startswith("ok - ") == 7
