"""examples/compose.yaml: a sandbox and a suite in containers of their own. What each is told is real, and fits the other."""

from pathlib import Path

import pytest
import requests
import yaml

from mockpay.commands.serve import read_settings
from mockpay.settings import Settings, unknown_variables
from mockpay.testing import LiveServer

EXAMPLES = Path(__file__).parents[1] / "examples"
SERVICES = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())["services"]
SERVER, SUITE = SERVICES["mockpay"], SERVICES["tests"]


@pytest.fixture
def sandbox(tmp_path):
    """The sandbox of that file, but for its bound address, its port and where it keeps things."""
    environ = SERVER["environment"] | {"MOCKPAY_HOST": "127.0.0.1", "MOCKPAY_PORT": "0"}
    environ |= {"MOCKPAY_DATABASE_URL": str(tmp_path / "mockpay.db"), "MOCKPAY_KEYS_DIR": str(tmp_path / "keys")}
    with LiveServer(Settings.from_env(environ)) as server:
        yield server


def test_the_file_builds_our_image_and_sets_only_what_there_is(monkeypatch):
    assert (EXAMPLES / SERVER["build"] / "Dockerfile").is_file()
    assert list(unknown_variables(SERVER["environment"])) == []
    for name, value in SERVER["environment"].items():
        monkeypatch.setenv(name, value)
    settings = read_settings(None, None, None)
    assert SUITE["environment"]["MOCKPAY_URL"] == f"http://mockpay:{settings.port}"


def test_the_suite_reads_what_its_environment_has_and_its_command_is_there():
    (volume,) = SUITE["volumes"]
    folder, inside, _ = volume.split(":")
    assert inside == SUITE["working_dir"]
    assert (
        SUITE["command"] == (EXAMPLES / folder / "package.json").read_text().split('"test": "')[1].split('"')[0].split()
    )
    code = "".join(file.read_text() for file in (EXAMPLES / folder).glob("*.mjs"))
    assert [name for name in SUITE["environment"] if f"process.env.{name}" not in code] == []
    assert SUITE["depends_on"].keys() <= SERVICES.keys()


def test_the_sandbox_answers_the_suite_and_notifies_its_shop_by_their_names(sandbox):
    suite = SUITE["environment"]
    shop = f"http://{suite['SHOP_HOST']}:40123"
    headers = {
        "Host": suite["MOCKPAY_URL"].removeprefix("http://"),
        "Authorization": f"Bearer {suite['MOCKPAY_ADMIN_TOKEN']}",
    }
    seller = {"return_urls": [f"{shop}/*"], "ipn_url": f"{shop}/ipn"}
    made = requests.post(f"{sandbox.url}/_mockpay/v1/sellers", json=seller, headers=headers, timeout=20)
    assert made.status_code == 201, made.text
    other = requests.post(
        f"{sandbox.url}/_mockpay/v1/sellers", json=seller, headers=headers | {"Host": "other:8420"}, timeout=20
    )
    assert other.status_code == 403
