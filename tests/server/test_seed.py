"""A seed file at the start of a server, and what `mockpay seed --dump` makes of its sellers."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.server.processes import ROOT, SERVE, serving

_WORLD = """\
[[sellers]]
seller_id = "A1MYSHOP"
ipn_url = "http://127.0.0.1:9/ipn"
clock = {mode = "frozen", now = "2026-11-21T15:24:07Z"}
methods = {methods = {upi = {enabled = false}}, banks = {SBIN = {down = [{from = 2026-11-21T15:00:00Z, to = 2027-01-01T00:00:00Z}]}}}
settings = {risk_rules = {VEL_CARD = "off"}, otp_always_methods = ["card"], upi_collect_enabled = false}
rules = [
  {stage = "issuer", outcome = "YE", match = {method = "upi"}, times = 0},
  {stage = "refund", outcome = "delay:3600", probability = 0.5, ttl_seconds = 60},
]
routing = {window = 50, rules = [
  {targets = [{gateway = "stripe", weight = 3}, {gateway = "payu"}], strategy = "WEIGHTED", when = {bins = ["4111"]}},
]}
buyers = [
  {email = "asha@example.com", balance = "500.00", methods = [
    {kind = "card", number = "4111111111111111", expiry = "08/29", name = "Asha Rao"},
    {kind = "netbanking", bank = "ICIC", suspended = true},
    {kind = "netbanking", bank = "HDFC", nickname = "Blue"},
    {kind = "upi", vpa = "asha@okhdfc"},
    {kind = "upi", vpa = "success@mockpay"},
    {kind = "upi", vpa = "u28@mockpay"},
  ]},
  {email = "rich@buyers.mockpay.test", balance = "100.00"},
]

[[sellers]]
seller_id = "A1MOCKPAYSELLER"
settings = {refund_delay_seconds = 5}
ipn_url = ""
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mockpay.toml"
    path.write_text(_WORLD)
    return path


@pytest.fixture
def seeded(keys, tmp_path):
    """A server with a database of a name, started with a file."""

    @contextmanager
    def seeded(name, file):
        database = str(tmp_path / f"{name}.db")
        environ = {"MOCKPAY_DATABASE_URL": database, "MOCKPAY_KEYS_DIR": str(keys.folder)}
        with serving(*SERVE, "--seed", str(file), **environ) as server:
            yield server

    return seeded


def ended(*words, **environ):
    program = [sys.executable, "-m", "mockpay", *words]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOCKPAY_")}
    return subprocess.run(
        program, cwd=ROOT, env=clean | environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_second_start_with_the_same_file_changes_nothing(seeded, file):
    with seeded("a", file) as server:
        first = server.control("GET", "/sellers/A1MYSHOP")
        server.control("PATCH", "/sellers/A1MYSHOP", {"settings": {"refund_delay_seconds": 7}})
        server.control("DELETE", "/sellers/A1MYSHOP/scenarios")
    with seeded("a", file) as server:
        second = server.control("GET", "/sellers/A1MYSHOP")
        assert server.control("GET", "/sellers/A1MYSHOP/scenarios")["items"] == []
    assert second == first | {
        "settings": first["settings"] | {"refund_delay_seconds": 7},
        "urls": second["urls"],
        "environment": second["environment"],
    }


def test_a_dump_makes_the_same_dump_of_an_empty_database(seeded, file, tmp_path):
    with seeded("a", file) as server:
        first = ended("seed", "--dump", "--url", server.url)
        only = ended("seed", "--dump", "--seller", "A1MYSHOP", "--url", server.url)
    assert (first.returncode, first.stderr) == (0, "")
    assert 'name = "Mockpay Store"' in first.stdout
    assert 'ipn_url = ""' in first.stdout
    assert "A1MOCKPAYSELLER" not in only.stdout
    assert "asha@okhdfc" not in first.stdout
    assert (
        "# Left out, as nothing published or several are shown alike: u2****@mockpay of asha@example.com\n"
        in first.stdout
    )
    again = tmp_path / "again.toml"
    again.write_text(first.stdout)
    with seeded("b", again) as server:
        second = ended("seed", "--dump", "--url", server.url).stdout
        assert second == "".join(line for line in first.stdout.splitlines(keepends=True) if "# Left out, " not in line)
        buyers = "/sellers/A1MYSHOP/buyers/asha@example.com"
        assert server.control("GET", f"{buyers}/wallet")["balance"] == "500.00"
        saved = server.control("GET", f"{buyers}/methods")["items"]
    assert sorted((each["title"], each["status"], each["is_default"]) for each in saved) == [
        ("Blue", "ACTIVE", False),
        ("HDFC Bank Visa •••• 1111", "ACTIVE", True),
        ("ICICI Bank", "SUSPENDED", False),
        ("as****@okhdfc", "ACTIVE", False),
        ("su****@mockpay", "ACTIVE", False),
    ]
    (card,) = (each for each in saved if each["kind"] == "card")
    assert card["expires_at"] == "2029-08-31T18:30:00.000Z"


def test_a_file_that_is_wrong_stops_the_start_at_once_and_leaves_nothing(keys, file, tmp_path):
    environ = {
        "MOCKPAY_PORT": "0",
        "MOCKPAY_DATABASE_URL": str(tmp_path / "a.db"),
        "MOCKPAY_KEYS_DIR": str(keys.folder),
    }
    for words, text in (
        ("line 6: There is no setting 'otp_treshold'. Did you mean 'otp_threshold'?", "otp_treshold"),
        ("line 6: There is no field 'setings'. Did you mean 'settings'?", None),
    ):
        wrong = _WORLD.replace("otp_always_methods", text) if text else _WORLD.replace("settings = {r", "setings = {r")
        file.write_text(wrong)
        told = ended("serve", "--seed", str(file), **environ)
        assert (told.returncode, told.stdout) == (2, "")
        assert told.stderr.startswith(f"mockpay cannot start: {file}, {words}")
        assert told.stderr.count("\n") == 1
    told = ended("serve", "--seed", str(tmp_path / "none.toml"), **environ)
    assert (told.returncode, told.stderr) == (
        2,
        f"mockpay cannot start: {tmp_path / 'none.toml'} cannot be read (No such file or directory).\n",
    )


def test_a_dump_without_its_flag_says_what_to_add():
    told = ended("seed")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "--dump" in told.stderr
