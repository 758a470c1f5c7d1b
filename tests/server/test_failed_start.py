"""A start that cannot succeed says in one sentence what to do, and ends at once."""

import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import closing

import pytest

from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.keyring import Keyring
from mockpay.settings import Settings
from tests.server.processes import ROOT, SERVE, serving


def failed(folder, **environ):
    """What `mockpay serve` says, which ends with 2; it would wait for ever with threads left."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MOCKPAY_")}
    base = {"MOCKPAY_PORT": "0", "MOCKPAY_DATABASE_URL": str(folder / "a.db"), "MOCKPAY_KEYS_DIR": str(folder)}
    ended = subprocess.run(
        [sys.executable, *SERVE],
        cwd=ROOT,
        env=clean | base | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r"mockpay cannot start: [^\n]+\.\n", ended.stderr), ended.stderr
    return ended.stderr


@pytest.fixture
def folder(keys, tmp_path):
    """Keys that are there already."""
    return shutil.copytree(keys.folder, tmp_path / "keys")


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://x@127.0.0.1:1/x", "file/a.db"])
def test_a_database_that_cannot_be_opened(folder, url):
    (folder / "file").write_text("no folder")
    url = str(folder / url) if "://" not in url else url
    assert "MOCKPAY_DATABASE_URL" in failed(folder, MOCKPAY_DATABASE_URL=url)


def test_postgresql_without_a_psycopg_that_can_be_loaded(folder):
    (folder / "psycopg.py").write_text("raise ImportError('no pq wrapper available')")
    path = os.pathsep.join([str(folder), str(ROOT)])
    says = failed(folder, MOCKPAY_DATABASE_URL="postgresql://x@127.0.0.1:1/x", PYTHONPATH=path)
    assert "pip install" in says


def test_a_variable_whose_value_cannot_be_used():
    for name, value in (
        ("PORT", "abc"),
        ("PORT", "70000"),
        ("THREADS", "2"),
        ("PUBLIC_URL", "nonsense"),
        ("OUTGOING_HOSTS", "http://shop.test"),
        ("OUTGOING_HOSTS", "shop.test:80"),
    ):
        with pytest.raises(Unusable) as refused:
            Settings.from_env({f"MOCKPAY_{name}": value})
        assert f"MOCKPAY_{name} " in refused.value.message
    for value in ("shop.test, 127.0.0.1,::1", "*"):
        assert Settings.from_env({"MOCKPAY_OUTGOING_HOSTS": value}).outgoing_hosts.names


def test_a_port_in_use(folder):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        says = failed(folder, MOCKPAY_PORT=port)
    assert f"127.0.0.1:{port} cannot be listened on (Address already in use)" in says
    assert "MOCKPAY_PORT" in says


def test_a_database_sealed_by_another_key(folder):
    database = str(folder / "a.db")
    with serving(*SERVE, MOCKPAY_DATABASE_URL=database, MOCKPAY_KEYS_DIR=str(folder)):
        pass
    (folder / "store.key").write_text(Keyring.generate().dump())
    assert "store.key" in failed(folder)


def test_a_keys_folder_that_cannot_be_made(folder):
    (folder / "file").write_text("no folder")
    assert "MOCKPAY_KEYS_DIR" in failed(folder, MOCKPAY_KEYS_DIR=str(folder / "file" / "keys"))
