"""What CI makes of tests that do not run, or may fail."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = {
    "test_marks.py": """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="another day")
def test_marked(): pass

def test_skips(): pytest.skip("not here")

@pytest.mark.xfail(reason="known")
def test_fails(): assert False

@pytest.mark.xfail(reason="known")
def test_passes_after_all(): pass
""",
    "test_whole_file.py": 'import pytest\npytest.importorskip("no_such_module_anywhere")\n',
}


def test_a_skip_and_an_expected_failure_fail(tmp_path):
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-pno:cacheprovider", "-ptests.nothing_left_out", "-rA"]
    ran = subprocess.run(
        [*command, "--continue-on-collection-errors", "-c", str(ROOT / "pyproject.toml"), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    assert "3 failed, 1 passed, 2 errors" in ran.stdout, ran.stdout
    assert "CI leaves out no test: " in ran.stdout
