"""`mockpay keys rotate`, on a folder and a database that nobody serves."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from mockpay.cli import cli
from mockpay.kernel.keys.keyring import Keyring
from mockpay.settings import Settings
from mockpay.testing import LiveServer


@pytest.fixture
def place(keys, tmp_path):
    folder = tmp_path / "keys"
    shutil.copytree(keys.folder, folder)
    return {"MOCKPAY_KEYS_DIR": str(folder), "MOCKPAY_DATABASE_URL": str(tmp_path / "mockpay.db")}


@pytest.fixture
def served(place):
    """A server of that folder and database; its default seller's secret is sealed."""
    settings = Settings(port=0, database_url=place["MOCKPAY_DATABASE_URL"], keys_dir=Path(place["MOCKPAY_KEYS_DIR"]))
    with LiveServer(settings) as server:
        yield server


def rotate(place, code=0):
    result = CliRunner().invoke(cli, ["keys", "rotate"], env=place)
    assert result.exit_code == code, result.output
    return result.output


def versions(place):
    ring = Keyring.parse((Path(place["MOCKPAY_KEYS_DIR"]) / "store.key").read_text())
    return [version for version, _ in ring.keys]


def test_a_rotation_says_what_it_did_and_a_server_then_reads_everything(place, served):
    seller = served.new_seller(secret_key="a-very-plain-secret")
    served.stop()
    assert rotate(place) == "Version 2 seals now; 2 rows were moved to it. Removed: 1.\n"
    assert versions(place) == [2]
    served.start()
    path = f"/sellers/{seller.seller_id}"
    assert served.control("GET", path)["seller_id"] == seller.seller_id


def test_while_a_server_runs_nothing_is_rotated(place, served):
    assert "stop the server" in rotate(place, code=2)
    assert versions(place) == [1]


def test_no_key_is_ever_printed(place, served):
    served.stop()
    key_file = Path(place["MOCKPAY_KEYS_DIR"]) / "store.key"
    before = key_file.read_text()
    shown = rotate(place)
    for line in (before + key_file.read_text()).split():
        assert line.split(":")[1] not in shown
    served.start()


def test_before_the_first_start_there_is_nothing_to_rotate_and_nothing_is_made(tmp_path):
    place = {"MOCKPAY_KEYS_DIR": str(tmp_path / "none"), "MOCKPAY_DATABASE_URL": str(tmp_path / "none.db")}
    assert "mockpay serve" in rotate(place, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_store_key_that_is_none_is_refused_in_one_sentence(place):
    (Path(place["MOCKPAY_KEYS_DIR"]) / "store.key").write_text("nonsense")
    told = rotate(place, code=2)
    assert "store.key" in told
    assert len(told.splitlines()) == 1
