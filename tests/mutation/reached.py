"""
Which tests run which function of mockpay, and how long each takes: `-p tests.mutation.reached`, REACHED a folder.

A call at the head of each function adds its number to a set, which is written down and emptied after each test: a
tenth of the time more, where a trace function doubles it.  What a process of its own runs is not seen.
"""

import ast
import builtins
import json
import os
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from tests.importing import Finder
from tests.mutation.mutants import AT_IMPORT

_names = []  # "path::function" by number
_now = set()  # numbers, since the last test
_of_test = {}  # "file::function of the test", without parameters -> names
_seconds = {}


class _Loader(SourceFileLoader):
    def get_code(self, fullname):
        """Without what is compiled already: there the calls are missing."""
        path = self.get_filename(fullname)
        tree = ast.parse(Path(path).read_bytes())
        _mark(tree, str(Path(path).relative_to(Path.cwd())), "")
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


def _mark(node, path, around):
    for child in ast.iter_child_nodes(node):
        inside = around
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            inside = f"{around}.{child.name}".lstrip(".")
        if isinstance(child, ast.FunctionDef):
            call = ast.parse(f"__reached__({len(_names)})").body[0]
            child.body.insert(1 if ast.get_docstring(child, clean=False) is not None else 0, call)
            _names.append(f"{path}::{inside}")
        _mark(child, path, inside)


def _loader(spec):
    ours = Path(spec.origin).is_relative_to(Path.cwd())
    return _Loader(spec.name, spec.origin) if ours else spec.loader


_finder = Finder(_loader)


def pytest_configure():
    _finder.install()  # pytest has put its own in front of it meanwhile


def pytest_collection_finish():
    _seconds[AT_IMPORT], _of_test[AT_IMPORT] = 0, set(_now)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    _now.clear()
    began = time.process_time()
    yield
    test = item.nodeid.partition("[")[0]
    _seconds[test] = _seconds.get(test, 0) + time.process_time() - began
    _of_test.setdefault(test, set()).update(_now)


def pytest_sessionfinish():
    report = {
        test: [round(_seconds[test], 3), sorted(_names[number] for number in numbers)]
        for test, numbers in _of_test.items()
    }
    (Path(os.environ["REACHED"]) / f"{os.getpid()}.json").write_text(json.dumps(report))


def merge(folder, target):
    """One report of all processes."""
    merged = {}
    for path in Path(folder).glob("*.json"):
        for test, (seconds, functions) in json.loads(path.read_text()).items():
            before = merged.get(test, (0, []))
            merged[test] = (round(before[0] + seconds, 3), sorted({*before[1], *functions}))
    Path(target).write_text(json.dumps(merged))


if __name__ == "__main__":
    merge(*sys.argv[1:])
else:
    builtins.__reached__ = _now.add
    _finder.install()
