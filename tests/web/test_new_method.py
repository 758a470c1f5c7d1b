"""A method that is added in one module appears everywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import html

from tests.web.visitor import text

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture
def shown(tmp_path, keys):
    """What a process shows whose methods have one more; no other test sees it."""
    shutil.copy(PROGRAMS / "cheque.py", tmp_path)
    program = [sys.executable, "-m", "tests.web.programs.pay_by_cheque", tmp_path, keys.folder]
    done = subprocess.run(program, cwd=PROGRAMS.parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = json.loads(done.stdout.splitlines()[-1])
    return {name: page if name == "methods" else html.fromstring(page) for name, page in pages.items()}


@pytest.mark.timeout(300)
def test_a_method_in_one_module_is_offered_paid_told_and_listed(shown):
    (tile,) = shown["tiles"].xpath("//a[@data-testid='method-cheque']")
    assert text(tile) == "ChequeOn paper"
    assert shown["form"].xpath("//label[text()='Cheque number']")
    assert "A cheque has a number." in text(shown["refused"])
    assert "Cheque 12" in text(shown["paid result"])
    assert text(shown["paid"].xpath("//h1")[0]) == "Paid by cheque"
    timeline = [text(line) for line in shown["paid"].xpath("//ol[@class='timeline']/li")]
    assert any("Cheque chosen" in line and "Cheque 12" in line for line in timeline)
    assert any("Carried to the clearing house" in line for line in timeline)
    assert "refer to drawer" in text(shown["bounced"].xpath("//h1")[0])
    trace = text(shown["bounced"].xpath("//aside[@aria-label='What decided']")[0])
    assert trace.startswith("Decided by the cheque 13 at stage issuer: bounces, RD")
    (option,) = shown["filtered"].xpath("//select[@name='method']/option[@value='cheque']")
    assert (text(option), option.get("selected") is not None) == ("Cheque", True)
    assert len(shown["filtered"].xpath("//tbody/tr")) == 2
    section = text(shown["scenarios"].xpath("//section[@aria-labelledby='cheques']")[0])
    assert section.startswith("ChequesWritten on the cheque.")
    assert "bounces, RD" in section
    assert shown["methods"]["methods"]["cheque"]["title"] == "Cheque"
