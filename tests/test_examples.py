"""Every script of examples/ runs as it is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
EXPECTED = {
    "pay_by_upi.py": ["SUCCESS 499.00", "Closed UpfrontChargeSuccess"],
    "move_the_clock.py": ["PENDING", "PAID"],
    "refund_and_verify.py": [
        "RefundPayment says Pending 100.00",
        "PaymentRefund says Completed",
        "GetRefundDetails says Completed",
    ],
}


def test_every_example_has_its_expected_words():
    assert {path.name for path in SCRIPTS} == set(EXPECTED)


def test_an_example_runs_and_says_what_it_promises(subtests):
    for script in SCRIPTS:
        with subtests.test(script=script):
            done = subprocess.run(
                [sys.executable, str(script)], capture_output=True, text=True, timeout=50, check=False
            )
            assert done.returncode == 0, done.stderr
            for words in EXPECTED[script.name]:
                assert words in done.stdout


def test_the_readme_lists_every_example():
    readme = (ROOT / "examples" / "README.md").read_text()
    named = [*SCRIPTS, *(ROOT / "examples").glob("[a-z]*/"), ROOT / "examples/compose.yaml"]
    assert [path.name for path in named if path.name not in readme] == []
