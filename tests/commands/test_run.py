"""`mockpay run` as a process of its own."""

import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
from contextlib import suppress

import pytest

RUN = [sys.executable, "-m", "mockpay", "run"]
#: Says that it is there, counts what interrupts it, and ends by any other signal, telling both.
COUNTS = """
import signal, sys
names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT")
awaited = [getattr(signal, name) for name in names]
signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
print("ready", flush=True)
while (number := signal.sigwait(awaited)) == signal.SIGINT:
    print("interrupted", flush=True)
print(signal.Signals(number).name)
sys.exit(3)
"""
#: Takes its standard input for the terminal that controls it, then becomes the command.
AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def environ(mockpay_server, tmp_path):
    """Of somebody who has this sandbox, keys and temporary files of their own, and no proxy."""
    (tmp_path / "tmp").mkdir()
    own = {"MOCKPAY_URL": mockpay_server.url, "MOCKPAY_KEYS_DIR": str(tmp_path / "keys")}
    own |= {"MOCKPAY_DATABASE_URL": str(tmp_path / "mockpay.db"), "TMPDIR": str(tmp_path / "tmp")}
    kept = {name: v for name, v in os.environ.items() if not name.lower().endswith("_proxy")}
    return kept | own


@pytest.fixture
def run(environ, tmp_path):
    """Run a command to its end."""

    def run(*words, code=0, **more):
        done = subprocess.run(
            [*RUN, *words],
            env=environ | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=50,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def silent():
    """The address of a port that is taken but refuses every call."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def python(script):
    return (sys.executable, "-c", script)


def test_the_exit_code_and_the_standard_streams_are_the_commands(run):
    done = run("--", *python("import sys; print('out'); sys.exit(5)"), code=5)
    assert done.stdout == "out\n"


def test_that_no_impersonated_host_was_called_is_one_line_at_the_end(run):
    assert run("--", "true").stderr == (
        "mockpay run: no impersonated host was called. A client with roots, resolver or proxy of its own needs more: "
        "see the table of clients in mockpay's README.\n"
    )
    script = "import urllib.request as web; web.urlopen('https://amazonpay.amazon.in/getDynamicConfig', timeout=20)"
    assert run("--", *python(script)).stderr == ""


def test_the_command_gets_the_sandboxs_address_and_a_sellers_credentials(run, mockpay_server):
    seller = mockpay_server.new_seller()
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    told = json.loads(run("--seller", seller.seller_id, "--", *python(script), AMAZONPAY_BASE_URL="mine").stdout)
    assert told["MOCKPAY_URL"] == mockpay_server.url
    assert told["MOCKPAY_SELLER_ID"] == told["AMAZONPAY_SELLER_ID"] == seller.seller_id
    assert told["AMAZONPAY_ACCESS_KEY"] == seller.fields["access_key"]
    assert told["AMAZONPAY_SECRET_KEY"] == seller.fields["secret_key"]
    assert told["AMAZONPAY_BASE_URL"] == "mine"


def test_a_seller_that_is_not_there_is_told_and_the_command_still_runs(run):
    done = run("--seller", "NOBODY", "--", *python("print('ran')"))
    assert done.stdout == "ran\n"
    assert done.stderr.startswith("mockpay run: no credentials for the command: ")


def test_options_after_the_command_are_the_commands(run):
    assert run(*python("import sys; print(sys.argv[1:])"), "--url", "-x").stdout == ("['--url', '-x']\n")


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("no-such-command", 127, "mockpay cannot run this: no-such-command is not found.\n"),
        ("/", 126, "mockpay cannot run this: /: Permission denied.\n"),
    ],
)
def test_a_command_that_cannot_be_started_is_said_as_a_shell_does(run, command, code, says):
    assert run("--", command, code=code).stderr == says


def test_a_sandbox_that_was_named_and_does_not_answer_is_no_reason_to_start_another(run, silent):
    done = run("--url", silent, "--", "true", code=2)
    assert done.stderr == f"mockpay cannot run this: there is no sandbox at {silent}; `mockpay serve` starts one.\n"


def test_another_program_at_that_address_is_no_sandbox(run, mockpay_server):
    url = f"{mockpay_server.url}/shop"
    assert "there is no sandbox" in run("--url", url, "--", "true", code=2).stderr


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HTTPS_PROXY", "socks5://proxy.test:1", "HTTPS_PROXY names no http or https proxy"),
        ("MOCKPAY_KEYS_DIR", "/dev/null", "/dev/null cannot be used"),
    ],
)
def test_what_the_environment_says_wrong_is_said_in_one_sentence(run, name, value, says):
    done = run("--", "true", code=2, **{name: value})
    assert done.stderr.startswith("mockpay cannot run this: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_no_sandbox_answers_one_is_started_for_the_command(run, silent, tmp_path):
    script = """
import json, os, urllib.request
answer = urllib.request.urlopen("https://amazonpay.amazon.in/getDynamicConfig", timeout=20)
print(json.dumps([os.environ["MOCKPAY_URL"], json.load(answer)["publicKey"]]))
"""
    done = run("--", *python(script), MOCKPAY_URL=silent)
    url, public_key = json.loads(done.stdout)
    says = f"mockpay run: no sandbox at {silent}, so one was started for this: {url}\n"
    assert done.stderr == says
    pem = (tmp_path / "keys" / "amazonpay_public.pem").read_text()
    assert public_key in pem.replace("\n", "")


def test_the_child_alone_gets_proxy_and_roots_and_nothing_is_left_behind(run, tmp_path):
    script = """
import json, os, pathlib
folder = pathlib.Path(os.environ["SSL_CERT_FILE"]).parent
files = {path.name: path.read_bytes().decode("latin-1") for path in folder.iterdir() if path.is_file()}
print(json.dumps([dict(os.environ), files]))
"""
    company = tmp_path / "company.pem"
    company.write_text("the company's own\n")
    named = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(company))
    done = run("--", *python(script), AWS_CA_BUNDLE="", NODE_EXTRA_CA_CERTS="", **named)
    told, files = json.loads(done.stdout)
    ours = (tmp_path / "keys" / "ca.pem").read_text()
    assert told["HTTPS_PROXY"].startswith("http://127.0.0.1:")
    assert "PRIVATE KEY" not in str(files)
    assert (files["bundle.pem"], files["extra.pem"]) == (f"the company's own\n{ours}", ours)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert stat.S_IMODE((tmp_path / "keys" / "ca.key").stat().st_mode) == 0o600


@pytest.fixture
def started(environ, tmp_path):
    """A command that has begun under `mockpay run`, in a session of its own."""
    processes = []

    def start(*words, **options):
        process = subprocess.Popen(
            words, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True, **options
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        # The command too, where it is still there.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"])
def test_a_signal_is_passed_on(started, name):
    process = started(*RUN, "--", *python(COUNTS))
    process.send_signal(getattr(signal, name))
    assert process.stdout.read() == f"{name}\n"
    assert process.wait(20) == 3


def test_an_interrupt_without_a_terminal_is_passed_on(started):
    process = started(*RUN, "--", *python(COUNTS))
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted\n"


def test_the_keys_of_a_terminal_interrupt_the_command_once(started):
    keyboard, terminal = pty.openpty()
    try:
        process = started(*python(AT_A_TERMINAL), *RUN, "--", *python(COUNTS), stdin=terminal)
        # Often, since two that come together count as one.
        for _ in range(8):
            os.write(keyboard, b"\x03")
            assert process.stdout.readline() == "interrupted\n"
        # Passed on after whatever else the interrupt has led to.
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "SIGTERM\n"
        assert process.wait(20) == 3
    finally:
        os.close(keyboard)
        os.close(terminal)
