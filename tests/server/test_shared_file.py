"""Two servers on one SQLite file, or at one port."""

import os
import subprocess
import sys

from tests.server.processes import ROOT, SERVE, ServerProcess, serving


def test_a_second_server_of_a_file_is_warned_of_the_first_until_that_is_gone(keys, tmp_path):
    environ = {"MOCKPAY_DATABASE_URL": str(tmp_path / "a.db"), "MOCKPAY_KEYS_DIR": str(keys.folder)}

    def warning():
        log = tmp_path / "log"
        with log.open("w") as file, serving(*SERVE, log=file, **environ) as server:
            assert server.control("GET", "/sellers")["items"]
        return log.read_text()

    first = ServerProcess(*SERVE, **environ)
    try:
        told = warning()
    finally:
        first.kill()
    assert told.startswith(f"mockpay: {first.url} (process {first.pid}) serves {tmp_path / 'a.db'} too")
    assert "MOCKPAY_DATABASE_URL" in told
    assert told.count("\n") == 1
    assert warning() == ""


def test_a_port_at_which_a_mockpay_serves_is_told_so(keys, tmp_path):
    environ = {"MOCKPAY_DATABASE_URL": str(tmp_path / "a.db"), "MOCKPAY_KEYS_DIR": str(keys.folder)}
    with serving(*SERVE, **environ) as server:
        port = server.url.rpartition(":")[2]
        ended = subprocess.run(
            [sys.executable, *SERVE, "--port", port],
            cwd=ROOT,
            env=os.environ | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"127.0.0.1:{port} cannot be listened on (Address already in use by another mockpay" in ended.stderr
    assert "MOCKPAY_PORT" in ended.stderr
