"""`mockpay keys rotate`, on a folder and a database that nobody serves."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockpay.cli import cli
from mockpay.kernel.keys.store_key import followed
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.settings import Settings
from mockpay.store.unit_of_work import read


@pytest.fixture
def database_kind():
    """The command is the same for both."""
    return "sqlite"


@pytest.fixture
def place(keys, database_url, tmp_path):
    folder = tmp_path / "keys"
    shutil.copytree(keys.folder, folder)
    return {"MOCKPAY_KEYS_DIR": str(folder), "MOCKPAY_DATABASE_URL": database_url}


def rotate(place, *words, code=0):
    result = CliRunner().invoke(cli, ["keys", "rotate", *words], env=place)
    assert result.exit_code == code, result.output
    return result.output


def versions(place):
    ring = followed(Path(place["MOCKPAY_KEYS_DIR"]) / "store.key")
    return [version for version, _ in ring.keys]


@pytest.fixture
def seller(place, real_clock, post):
    """A seller whose secret lies in that database."""
    from mockpay.commands.keys import _runtime
    from mockpay.store.db.engine import close

    runtime = _runtime(Settings.from_env(place))
    yield accounts.create(runtime, NewSeller(secret_key="a-very-plain-secret")), runtime
    close(runtime.engine, runtime.writer)


def test_a_rotation_says_what_it_did(place, seller):
    told = rotate(place)
    assert told == "Version 2 seals now; 1 rows were moved to it.\n"
    assert versions(place) == [1, 2]
    told = rotate(place, "--retire")
    assert told.splitlines()[-1] == "Retired: 1."
    assert versions(place) == [2]


def test_a_server_that_runs_meanwhile_goes_on_reading(place, seller):
    made, runtime = seller
    rotate(place, "--retire")
    with read(runtime, made.seller_id) as sandbox:
        assert sandbox.seller.secret_key == "a-very-plain-secret"


def test_no_key_is_ever_printed(place, seller):
    told = rotate(place) + rotate(place, "--retire")
    for line in (Path(place["MOCKPAY_KEYS_DIR"]) / "store.key").read_text().split():
        assert line.split(":")[1] not in told


def test_before_the_first_start_there_is_nothing_to_rotate_and_nothing_is_made(tmp_path):
    place = {"MOCKPAY_KEYS_DIR": str(tmp_path / "none"), "MOCKPAY_DATABASE_URL": str(tmp_path / "none.db")}
    assert "mockpay serve" in rotate(place, code=1)
    assert list(tmp_path.iterdir()) == []


def test_a_store_key_that_is_none_is_refused_in_one_sentence(place):
    (Path(place["MOCKPAY_KEYS_DIR"]) / "store.key").write_text("nonsense")
    told = rotate(place, code=1)
    assert "store.key" in told
    assert len(told.splitlines()) == 1
