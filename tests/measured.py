"""
Which lines and branches of mockpay the tests reach: `-n 2 -p tests.measured`, MEASURED a folder.

SlipCover marks the bytecode while a module is imported; a trace function, as `coverage` has one,
makes the whole suite half as slow again.  Its own plugin leaves alone whatever pytest rewrites
for `assert`, and that is all of mockpay, because mockpay brings a plugin of its own.
"""

import json
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import slipcover
from slipcover.importer import SlipcoverLoader

_PACKAGE = "mockpay"
_NEVER_RUN = ["if TYPE_CHECKING:", r"^\s*\.\.\.$"]

_measured = slipcover.Slipcover(branch=True, immediate=True, source=[_PACKAGE], exclude_also=_NEVER_RUN)


class _Finder:
    """Loads our package's modules from their sources, past pytest's rewriting, with marks."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] != _PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = SlipcoverLoader(_measured, spec.loader, spec.origin)
        return spec


def pytest_configure():
    if _Finder in sys.meta_path:
        sys.meta_path.remove(_Finder)
        sys.meta_path.insert(0, _Finder)  # pytest has put its own in front of it meanwhile


def pytest_sessionfinish():
    """Before the process that hands out the tests is told: afterwards it waits five seconds at most."""
    if _Finder not in sys.meta_path:
        return
    report = Path(os.environ["MEASURED"]) / f"{os.getpid()}.json"
    # Whole or not at all: `.ci/test` counts them.
    report.with_suffix(".part").write_text(json.dumps(_measured.get_coverage()))
    report.with_suffix(".part").rename(report)


# The process that only hands out the tests runs nothing of ours.
if "PYTEST_XDIST_WORKER" in os.environ:
    sys.meta_path.insert(0, _Finder)
