"""What is committed and shipped: one list of dependencies, vendored files as fetched, no machine's traces."""

import hashlib
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from mockpay.commands.serve import read_settings
from mockpay.settings import unknown_variables
from mockpay.store.db.engine import normal_url

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "mockpay" / "static" / "vendor"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Written in halves, so that this file does not name them itself.
REGISTRIES = ["py" + "pi.org", "python" + "hosted", "registry." + "npmjs", "deb." + "debian.org"]
MACHINE_PATH = re.compile(r"(?:^|[\s\"'`(=:])/(?:home|root|Users|work|farm)/\w", re.MULTILINE)


def committed_texts() -> dict[str, str]:
    """Every text file that git knows or would add, by its path."""
    git = ["git", "-c", f"safe.directory={ROOT}"]  # a CI checkout often belongs to another user
    listing = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    texts = {}
    for name in filter(None, output.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in content:
            texts[name] = content.decode()
    return texts


def requirement_lines(name: str) -> list[str]:
    lines = (line.strip() for line in (ROOT / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def test_both_lists_of_run_time_dependencies_are_the_same():
    assert sorted(PYPROJECT["project"]["dependencies"]) == sorted(requirement_lines("requirements.txt"))


def test_the_lock_pins_every_run_time_dependency_with_a_hash():
    lock = (ROOT / "requirements-dev.txt").read_text()
    for requirement in requirement_lines("requirements.txt"):
        name = re.match(r"[a-z0-9-]+", requirement).group()
        assert re.search(rf"^{name}==\S+ .*\\\n    --hash=sha256:", lock, re.MULTILINE), name


def test_vendored_files_are_those_of_the_manifest():
    manifest = (VENDOR / "MANIFEST.sha256").read_text().splitlines()
    expected = {path: digest for digest, path in (line.split("  ") for line in manifest)}
    vendored = [path for path in VENDOR.rglob("*") if path.is_file() and path.parent != VENDOR]
    actual = {path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in vendored}
    assert expected
    assert expected == actual


def test_every_vendored_package_comes_with_its_licence():
    packages = [path for path in VENDOR.iterdir() if path.is_dir()]
    assert packages
    assert [path.name for path in packages if not (path / "LICENSE").is_file()] == []


def test_no_committed_file_names_a_package_registry(subtests):
    for host in REGISTRIES:
        with subtests.test(host=host):
            assert [name for name, text in committed_texts().items() if host in text] == []


def test_no_committed_file_names_a_path_of_somebodys_machine():
    found = {name: hits for name, text in committed_texts().items() if (hits := MACHINE_PATH.findall(text))}
    assert found == {}


def test_no_key_or_database_is_committed():
    suffixes = (".pem", ".key", ".db", ".sqlite3")
    assert [name for name in committed_texts() if name.endswith(suffixes)] == []


COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVERS = [one for one in COMPOSE["services"].values() if "build" in one]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def filled_in(environment, **given):
    """The environment as compose passes it on, with ${NAME:-default} and ${NAME:?why}."""

    def value(found):
        name, kind, rest = found.groups()
        assert kind == "-" or name in given, f"{name} has to be given: {rest}"
        return given.get(name, rest)

    pattern = r"\$\{([A-Z_]+):([-?])([^}]*)\}"
    return {name: re.sub(pattern, value, str(text)) for name, text in environment.items()}


def test_compose_has_two_servers_of_our_image_on_one_database_with_one_folder_of_keys():
    assert len(SERVERS) == 2
    first, second = ({**one, "ports": None, "environment": None} for one in SERVERS)
    assert first == second
    assert first["build"] == "."
    assert first["user"] == "10001:10001"
    assert f"USER {first['user']}" in DOCKERFILE
    places = dict(place.split(":") for place in first["volumes"])
    assert places.keys() <= COMPOSE["volumes"].keys()
    declared = re.search(r"^VOLUME (\[.*\])$", DOCKERFILE, re.MULTILINE).group(1)
    assert sorted(places.values()) == sorted(yaml.safe_load(declared))
    assert first["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_every_service_of_compose_says_whether_it_is_well():
    for service in COMPOSE["services"].values():
        assert service["healthcheck"]["test"][0] == "CMD"
    assert "/_mockpay/health" in SERVERS[0]["healthcheck"]["test"][-1]


def test_compose_sets_only_what_there_is_and_what_a_server_starts_with(monkeypatch):
    settings = []
    for server in SERVERS:
        assert list(unknown_variables(server["environment"])) == []
        for name in [name for name in os.environ if name.startswith("MOCKPAY_")]:
            monkeypatch.delenv(name)
        for name, text in filled_in(server["environment"], MOCKPAY_ADMIN_TOKEN="t").items():
            monkeypatch.setenv(name, text)
        settings.append(read_settings(None, None, None))
        port = server["ports"][0].rsplit(":", 1)[1]
        assert int(port) == settings[-1].port
        assert f":{port}/_mockpay/health" in server["healthcheck"]["test"][-1]
    one, two = settings
    assert structs.replace(one, public_urls=()) == structs.replace(two, public_urls=())
    assert one.public_urls != two.public_urls
    assert normal_url(one.database_url).startswith("postgresql+psycopg://")
    database = COMPOSE["services"]["database"]["environment"]
    assert one.database_url == "postgresql://{}:{}@database/{}".format(
        *(database[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))
    )
    assert "psycopg[binary]" in DOCKERFILE


def test_compose_does_not_start_without_an_admin_token():
    for server in SERVERS:
        with pytest.raises(AssertionError, match="MOCKPAY_ADMIN_TOKEN has to be given"):
            filled_in(server["environment"])
