"""
Which lines and branches of mockpay the tests reach: `-n 2 -p tests.measured`, MEASURED a folder.

SlipCover marks the bytecode while a module is imported; a trace function, as `coverage` has one,
makes the whole suite half as slow again.  Its own plugin leaves alone whatever pytest rewrites for `assert`.
"""

import json
import os
from pathlib import Path

import slipcover
from slipcover.importer import SlipcoverLoader

from tests.importing import Finder

_PACKAGE = "mockpay"
_NEVER_RUN = ["if TYPE_CHECKING:", r"^\s*\.\.\.$"]

_measured = slipcover.Slipcover(branch=True, immediate=True, source=[_PACKAGE], exclude_also=_NEVER_RUN)


def _loader(spec):
    return SlipcoverLoader(_measured, spec.loader, spec.origin)


_finder = Finder(_loader)


def pytest_configure():
    if _finder.installed:
        _finder.install()  # pytest has put its own in front of it meanwhile


def pytest_sessionfinish():
    """Before the process that hands out the tests is told: afterwards it waits five seconds at most."""
    if not _finder.installed:
        return
    report = Path(os.environ["MEASURED"]) / f"{os.getpid()}.json"
    # Whole or not at all: `.ci/test` counts them.
    report.with_suffix(".part").write_text(json.dumps(_measured.get_coverage()))
    report.with_suffix(".part").rename(report)


# The process that only hands out the tests runs nothing of ours.
if "PYTEST_XDIST_WORKER" in os.environ:
    _finder.install()
