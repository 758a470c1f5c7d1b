"""What `mockpay serve` writes on standard error."""

import re

import pytest
import requests

from tests.server.processes import serving


@pytest.fixture
def log_of(keys, tmp_path):
    """What is written while a seller's order is paid and its notification sent, by options of `serve`."""

    def log_of(*options):
        log = tmp_path / "log"
        environ = {"MOCKPAY_DATABASE_URL": str(tmp_path / "a.db"), "MOCKPAY_KEYS_DIR": str(keys.folder)}
        with log.open("w") as file, serving("-m", "mockpay", "serve", *options, log=file, **environ) as server:
            seller = server.new_seller(ipn_url=f"{server.url}/shop/ipn")
            order_id = seller.paid("ORDER-1")
            seller.advance(until="idle")
            requests.get(f"{server.url}/nothing", timeout=20)
        return seller, order_id, log.read_text()

    return log_of


def test_each_call_and_each_delivery_has_a_line(log_of):
    seller, order_id, log = log_of()
    for line in (
        r"POST /_mockpay/v1/sellers 201  \d+ ms    {seller}",
        r"GET processPayment 302  \d+ ms  {order}  {seller}",
        r"POST /pay/\.\.\./upi 303  \d+ ms  {order}  {seller}",
        r"SENT payment to 127\.0\.0\.1:\d+ \d+  \d+ ms  {order}  {seller}",
        r"GET /nothing 404  \d+ ms",
    ):
        pattern = line.format(order=order_id, seller=seller.seller_id)
        assert re.search(rf"^\d\d:\d\d:\d\d {pattern}$", log, re.MULTILINE), (pattern, log)
    assert "\n    " not in log


def test_quiet_writes_nothing_and_verbose_writes_bodies_without_secrets(log_of):
    assert log_of("--quiet")[2] == ""
    seller, _, log = log_of("--verbose")
    assert '\n    {"Type": "Notification"' in log
    assert "fields: vpa" in log
    secrets = [seller.fields[name] for name in ("secret_key", "access_key")]
    assert not any(secret in log for secret in [*secrets, "success@mockpay"])
    assert re.findall(r'"Signature": "([^"]*)"', log) == ["..."]
