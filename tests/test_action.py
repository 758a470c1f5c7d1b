"""action.yml: a job of another project gets a sandbox. GitHub is not here, so its runner's files are played."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mockpay.testing import ControlError, Sandbox

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = ACTION["runs"]["steps"]
# YAML 1.1 takes the key `on` for true.
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/shops.yml").read_text())


def actionlint(*files):
    done = subprocess.run(
        [str(Path(sys.executable).with_name("actionlint")), "-no-color", *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_actionlint_finds_nothing_in_our_workflow_and_in_the_action_that_it_uses(tmp_path):
    assert actionlint(ROOT / ".github/workflows/shops.yml") == ""
    # It reads an action's inputs and outputs, its steps only in a workflow.
    inputs = {name: {"type": "string", **field} for name, field in ACTION["inputs"].items()}
    job = {
        "runs-on": "ubuntu-latest",
        "steps": STEPS,
        "outputs": {name: field["value"] for name, field in ACTION["outputs"].items()},
    }
    workflow = tmp_path / "action.yml"
    workflow.write_text(yaml.safe_dump({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"action": job}}))
    assert actionlint(workflow) == ""
    for step in STEPS:
        assert "uses" in step or step["shell"] == "bash"
    workflow.write_text(workflow.read_text().replace("inputs.port", "inputs.prt"))
    assert 'property "prt" is not defined' in actionlint(workflow)


def test_our_own_workflow_gives_the_action_only_inputs_it_has():
    uses = [step for job in WORKFLOW["jobs"].values() for step in job["steps"] if step.get("uses") == "./"]
    assert len(uses) == 2
    for step in uses:
        assert step.get("with", {}).keys() <= ACTION["inputs"].keys()
    folders = [
        step["working-directory"]
        for job in WORKFLOW["jobs"].values()
        for step in job["steps"]
        if "working-directory" in step
    ]
    assert folders == ["examples/node_shop", "examples/php_shop"]
    assert all((ROOT / folder).is_dir() for folder in folders)


@pytest.fixture
def runner(tmp_path):
    """Runs the action's last step as a runner does; the files that it writes, name -> lines. What it started ends."""
    place = tmp_path / "mockpay"
    (place / "bin").mkdir(parents=True)
    (place / "bin/python").symlink_to(sys.executable)
    mockpay = place / "bin/mockpay"
    mockpay.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m mockpay "$@"\n')
    mockpay.chmod(0o755)
    files = {name: tmp_path / name.lower() for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH")}
    (step,) = (step for step in STEPS if step.get("id") == "start")

    def run(**inputs):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("MOCKPAY_")}
        environ |= {name: str(file) for name, file in files.items()}
        environ |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(ROOT), "http_proxy": "http://127.0.0.1:9"}
        for name, expression in step["env"].items():
            kind, declared = re.fullmatch(r"\$\{\{ (\w+)\.([\w-]+) \}\}", expression).groups()
            assert kind == "inputs"
            environ[name] = inputs.get(declared, ACTION["inputs"][declared]["default"])
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, {name: file.read_text().splitlines() if file.exists() else [] for name, file in files.items()}

    yield run
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        os.kill(int((place / "pid").read_text()), signal.SIGTERM)


def test_later_steps_find_the_sandbox_its_token_a_seller_and_the_command(runner):
    done, files = runner(port="0")
    assert done.returncode == 0, done.stdout + done.stderr
    environ = dict(line.split("=", 1) for line in files["GITHUB_ENV"])
    assert files["GITHUB_OUTPUT"] == [f"url={environ['MOCKPAY_URL']}"]
    assert f"::add-mask::{environ['MOCKPAY_ADMIN_TOKEN']}" in done.stdout.splitlines()
    assert environ["AMAZONPAY_SELLER_ID"] == "A1MOCKPAYSELLER"
    assert environ["AMAZONPAY_BASE_URL"] == environ["MOCKPAY_URL"]
    sandbox = Sandbox(environ["MOCKPAY_URL"], environ["MOCKPAY_ADMIN_TOKEN"])
    assert sandbox.new_seller().orders() == []
    with pytest.raises(ControlError) as refused:
        Sandbox(environ["MOCKPAY_URL"]).control("GET", "/sellers")
    assert refused.value.status == 401
    (folder,) = files["GITHUB_PATH"]
    assert [file.name for file in Path(folder).iterdir()] == ["mockpay"]


def test_a_sandbox_that_does_not_start_fails_the_step_with_its_reason(runner):
    done, files = runner(port="99999")
    assert done.returncode == 1
    assert "::error::mockpay did not start." in done.stdout
    assert "mockpay cannot start: MOCKPAY_PORT" in done.stdout
    assert files["GITHUB_OUTPUT"] == []
