"""What is committed and shipped: one list of dependencies, vendored files as fetched, no machine's traces."""

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

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
    assert sorted(PYPROJECT["project"]["dependencies"]) == sorted(
        requirement_lines("requirements.txt")
    )


def test_the_lock_pins_every_run_time_dependency_with_a_hash():
    lock = (ROOT / "requirements-dev.txt").read_text()
    for requirement in requirement_lines("requirements.txt"):
        name = re.match(r"[a-z0-9-]+", requirement).group()
        assert re.search(rf"^{name}==\S+ .*\\\n    --hash=sha256:", lock, re.MULTILINE), name


def test_vendored_files_are_those_of_the_manifest():
    manifest = (VENDOR / "MANIFEST.sha256").read_text().splitlines()
    expected = {path: digest for digest, path in (line.split("  ") for line in manifest)}
    vendored = [path for path in VENDOR.rglob("*") if path.is_file() and path.parent != VENDOR]
    actual = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendored
    }
    assert expected
    assert expected == actual


def test_every_vendored_package_comes_with_its_licence():
    packages = [path for path in VENDOR.iterdir() if path.is_dir()]
    assert packages
    assert [path.name for path in packages if not (path / "LICENSE").is_file()] == []


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_committed_file_names_a_package_registry(host):
    assert [name for name, text in committed_texts().items() if host in text] == []


def test_no_committed_file_names_a_path_of_somebodys_machine():
    found = {
        name: hits
        for name, text in committed_texts().items()
        if (hits := MACHINE_PATH.findall(text))
    }
    assert found == {}


def test_no_key_or_database_is_committed():
    suffixes = (".pem", ".key", ".db", ".sqlite3")
    assert [name for name in committed_texts() if name.endswith(suffixes)] == []


def test_no_file_of_the_package_is_longer_than_300_lines():
    sources = [ROOT / "app.py", *(ROOT / "mockpay").rglob("*.py")]
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in sources
    }
    assert {name: length for name, length in lengths.items() if length > 300} == {}
