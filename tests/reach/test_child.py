"""A child's end is our end."""

import os
import sys

import pytest

from mockpay.reach.child import run_child


def test_the_exit_code_is_the_one_a_shell_would_see(subtests):
    for script, code in [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ]:
        with subtests.test(script=script, code=code):
            assert run_child([sys.executable, "-c", script], os.environ) == code


def test_a_command_that_is_not_there_is_told_from_one_that_cannot_be_run(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError):
        run_child([str(tmp_path / "none")], os.environ)
    with pytest.raises(PermissionError):
        run_child([str(tmp_path / "file")], os.environ)
