"""The control API from the shell."""

import json
import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mockpay import __version__
from mockpay.cli import COMMANDS, LazyGroup, cli
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.settings import Settings
from mockpay.testing import LiveServer

ROOT = Path(__file__).parents[2]


def python(*words, **options):
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, **options)


def test_no_subcommand_prints_help(mockpay):
    told = mockpay()
    assert told.startswith("Usage: ")
    assert all(name in told for name in COMMANDS)
    assert "docs" not in told.split("Commands:")[1]


def test_the_module_is_the_command():
    result = python("-m", "mockpay", "--version")
    assert result.stdout.strip() == f"mockpay, version {__version__}"


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from mockpay.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('|'.join(sorted(sys.modules)))"
    )
    loaded = set(python("-c", script).stdout.splitlines()[-1].split("|"))
    heavy = {"flask", "sqlalchemy", "msgspec", "requests", "urllib3", "cryptography", "lxml"}
    assert "click" in loaded
    assert loaded & heavy == set()


def test_every_command_of_the_table_loads_and_has_the_help_that_it_promises(subtests):
    for name in sorted({*COMMANDS, "docs"} - {"shop"}):
        with subtests.test(name=name):
            command = cli.get_command(None, name)
            assert isinstance(cli, LazyGroup)
            assert command.name == name
            assert command.help


def test_an_unknown_command_is_refused(mockpay):
    assert "No such command" in mockpay("moon", code=2)


def test_sellers_are_listed_made_shown_and_deleted(mockpay):
    made = json.loads(mockpay("sellers", "create", "--name", "Tea & Sons"))
    assert made["name"] == "Tea & Sons"
    assert json.loads(mockpay("sellers", "show", made["seller_id"])) == made
    assert f"{made['seller_id']}  {made['access_key']}  Tea & Sons" in mockpay("sellers")
    mockpay("sellers", "delete", made["seller_id"])
    assert made["seller_id"] not in mockpay("sellers")


def test_a_refusal_is_told_in_the_servers_own_words(mockpay):
    told = mockpay("sellers", "create", "--seller-id", "small", code=2)
    assert told == (
        "The field 'seller_id' must be 1 to 64 capital letters and digits, such as A1MYSHOP. (seller.invalid)\n"
    )


def test_a_server_that_is_not_there_is_told_in_one_sentence(mockpay):
    told = mockpay("clock", MOCKPAY_URL="http://127.0.0.1:1", code=2)
    assert told.startswith("No sandbox at http://127.0.0.1:1")
    assert len(told.splitlines()) == 1


def end_of(*words, **environ):
    """Exit code, standard output and standard error of the real command."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOCKPAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "mockpay", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean | environ,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_command_that_cannot_succeed_says_one_line_with_the_cure_and_ends_with_2(server, subtests, tmp_path):
    nobody, here = {"MOCKPAY_URL": "http://127.0.0.1:1"}, {"MOCKPAY_URL": server.url}
    for words, environ, cure in (
        (("clock",), nobody, "`mockpay serve` starts one"),
        (("sellers", "--url", "nonsense"), here, "such as http://127.0.0.1:8420"),
        (("sellers",), {"MOCKPAY_URL": f"{server.url}/_mockpay/ui?x="}, "is not mockpay"),
        (("sellers",), here | {"MOCKPAY_ADMIN_TOKEN": "₹"}, "MOCKPAY_ADMIN_TOKEN"),
        (("clock", "--seller", "NOSUCH"), here, "`mockpay sellers` lists"),
        (("scenarios", "add", "isuer", "frozen"), here, "Did you mean 'issuer'?"),
        (("keys",), {"MOCKPAY_PORT": "abc"}, "MOCKPAY_PORT must be a whole number"),
        (("clok",), here, "Did you mean 'clock'?"),
        (("sellers", "lst"), here, "one of create, delete, show"),
        (("serve", "--port", "99999"), here, "0<=x<=65535"),
        (("shop", "--sandbox", server.url, "--ledger", str(tmp_path)), here, "--ledger"),
    ):
        with subtests.test(words=words):
            code, out, told = end_of(*words, **environ)
            assert (code, out, told.count("\n")) == (2, "", 1), told
            assert cure in told


def test_a_refused_token_is_told_with_the_variable_that_has_it(tmp_path):
    with LiveServer(Settings(port=0, database_url=str(tmp_path / "a.db"), admin_token="right")) as guarded:
        code, out, told = end_of("sellers", MOCKPAY_URL=guarded.url, MOCKPAY_ADMIN_TOKEN="wrong")
    assert (code, out, told.count("\n")) == (2, "", 1)
    assert "Set MOCKPAY_ADMIN_TOKEN" in told


def test_secrets_for_the_shell_can_be_evaluated(mockpay, seller, server):
    exports = mockpay("secrets", "--env", "--seller", seller.seller_id)
    shown = subprocess.run(
        ["/bin/sh", "-c", f"{exports}\nenv"], capture_output=True, text=True, check=True, env={}
    ).stdout
    told = dict(line.split("=", 1) for line in shown.splitlines() if line.startswith("AMAZON"))
    assert told["AMAZONPAY_SELLER_ID"] == seller.seller_id
    assert told["AMAZONPAY_ACCESS_KEY"] == seller.fields["access_key"]
    assert told["AMAZONPAY_SECRET_KEY"] == seller.fields["secret_key"]
    assert told["AMAZONPAY_BASE_URL"] == server.url
    assert told["AMAZONPAY_PUBLIC_KEY"].startswith("MIIB")


def test_the_clock_is_frozen_set_advanced_and_started(mockpay, seller):
    mine = ("clock", "--seller", seller.seller_id)
    frozen = "2026-11-21T15:24:07.000Z frozen\n"
    assert mockpay(*mine, "freeze", "2026-11-21T15:24:07Z") == frozen
    assert mockpay(*mine) == frozen
    assert mockpay(*mine, "advance", "60") == "2026-11-21T15:25:07.000Z fired 0, delivered 0\n"
    assert mockpay(*mine, "advance", "--until", "next").startswith("2026-11-21T15:25:07.000Z")
    assert mockpay(*mine, "set", "2026-11-21T09:00:00Z").startswith("2026-11-21T09:00:00.000Z")
    assert mockpay(*mine, "run").startswith("2026-11-21T09:00:0")
    assert " running" in mockpay(*mine)


def test_reset_empties_the_world_it_names(mockpay, seller):
    seller.control("POST", "/scenarios", {"stage": "issuer", "outcome": "failure"})
    mockpay("reset", seller.seller_id)
    assert seller.control("GET", "/scenarios")["items"] == []


def test_rules_are_made_listed_and_cleared(mockpay, seller):
    mine = ("scenarios", "--seller", seller.seller_id)
    made = json.loads(mockpay(*mine, "add", "issuer", "Z9", "--match", "method=upi", "--times", "0"))
    assert (made["match"], made["times"]) == ({"method": "upi"}, None)
    assert json.loads(mockpay(*mine, "rules")) == [made]
    mockpay(*mine, "clear")
    assert json.loads(mockpay(*mine, "rules")) == []
    assert "KEY=VALUE" in mockpay(*mine, "add", "issuer", "Z9", "--match", "method", code=2)


def test_the_table_of_magic_values_needs_no_server(mockpay):
    told = mockpay("scenarios", MOCKPAY_URL="http://127.0.0.1:1")
    assert len(told.splitlines()) == len(TABLE)
    assert told.splitlines()[0].split() == ["success@mockpay", "issuer", "success", "approved"]


def test_keys_shows_the_files_and_the_public_key(mockpay, server):
    folder = str(server.runtime.keys.folder)
    told = mockpay("keys", MOCKPAY_KEYS_DIR=folder)
    assert f"600  {folder}/amazonpay_private.pem" in told
    pem = mockpay("keys", "--format", "pem", MOCKPAY_KEYS_DIR=folder)
    load_pem_public_key(pem.encode())
    line = mockpay("keys", "--format", "sdk", MOCKPAY_KEYS_DIR=folder)
    assert line.strip() == "".join(pem.splitlines()[1:-1])


def test_keys_before_the_first_start_says_so(mockpay, tmp_path):
    told = mockpay("keys", "--format", "pem", MOCKPAY_KEYS_DIR=str(tmp_path / "none"), code=2)
    assert "mockpay serve" in told
    assert "/_mockpay/v1/public-key?format=pem" in told  # in another folder than the server's
    assert "---" in mockpay("keys", MOCKPAY_KEYS_DIR=str(tmp_path / "none"))
