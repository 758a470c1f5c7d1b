"""
`python -m tests.mutation`: make small slips in mockpay and tell which of them no test notices.

The tests are collected once.  Each mutant is a fork of that process in which one function has other code, and runs the
tests that reach the function until one fails: first those that noticed its neighbours, then its mirror file's, then its
mirror folder's, then the quick ones.  A slip in what runs at import (a table, a default) needs modules that are imported anew: the fork forgets
ours and runs pytest in a copy of the tree.
"""

from __future__ import annotations

import argparse
import gc
import inspect
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutation import mutants as slips
from tests.mutation.mutants import AT_IMPORT, Mutant

ROOT = Path(__file__).parents[2]
REACHED = ROOT / "var" / "reached.json"
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
#: What decides about money and its way; the rest (pages, tools) only by name.
AREAS = "wire domain services store delivery providers merchant web/guard.py kernel/http/hosts.py"
_HANGS_SECONDS = 900  # of waiting
_KILLED, _SURVIVED = 1, 2


class Reach:
    """Which tests run a function."""

    def __init__(self, report: dict[str, tuple[float, list[str]]], budget: float) -> None:
        self._budget = budget
        self._at_import = set(report.pop(AT_IMPORT, (0, ()))[1])
        self.seconds = {test: seconds for test, (seconds, _) in report.items()}
        self._of_function: dict[str, set[str]] = {}
        self._of_file: dict[str, set[str]] = {}
        #: They look at tables, or at what runs at import; our own plugin is there in every test.
        self._of_no_function = {test for test, (_, reached) in report.items() if not any(map(_is_tested, reached))}
        for test, (_, functions) in report.items():
            for function in functions:
                self._of_function.setdefault(function, set()).add(test)
                self._of_file.setdefault(function.partition("::")[0], set()).add(test)

    def runs_at_import(self, mutant: Mutant) -> bool:
        """Whether its function, or one around it, has run before any test."""
        names = mutant.function.split(".")
        around = (".".join(names[:end]) for end in range(1, len(names) + 1))
        return any(f"{mutant.path}::{name}" in self._at_import for name in around)

    def tests(self, mutant: Mutant) -> list[str]:
        """Those of the mirror file first, then of its folder, then the quick ones, as many as time allows."""
        mirror = Path("tests", *Path(mutant.path).with_suffix("").parts[1:])
        reaching = self._of_function.get(f"{mutant.path}::{mutant.function}")
        if not reaching:
            users = (mutant.path, *_users(mutant.path))
            reaching = self._of_no_function.union(*(self._of_file.get(path, set()) for path in users))
        near = {test for test in self.seconds if _distance(test, mirror) == 0}
        chosen, spent = [], 0.0
        for test in sorted(reaching | near, key=lambda test: (_distance(test, mirror), self.seconds[test], test)):
            if chosen and spent + self.seconds[test] > self._budget:
                continue
            chosen.append(test)
            spent += self.seconds[test]
        return chosen


def _is_tested(function: str) -> bool:
    return not function.startswith("mockpay/testing/")


def _distance(test: str, mirror: Path) -> int:
    path = Path(test.partition("::")[0])
    return 2 if path.parent != mirror.parent else path.name != f"test_{mirror.name}.py"


@cache
def _users(path: str) -> list[str]:
    """The files that import a module by name."""
    module = ".".join(Path(path).with_suffix("").parts).removesuffix(".__init__")
    package, _, name = module.rpartition(".")
    return [
        str(file.relative_to(ROOT))
        for file in (ROOT / "mockpay").rglob("*.py")
        if f"from {module} import" in (text := file.read_text())
        or any(line.startswith(f"from {package} import") and name in line for line in text.splitlines())
    ]


class Loop:
    """Takes the place of pytest's own loop over the tests."""

    def __init__(self, mutants: list[Mutant], reach: Reach, jobs: int, report: Report) -> None:
        self._mutants, self._reach, self._jobs, self._report = mutants, reach, jobs, report
        self._items: dict[str, list[pytest.Item]] = {}
        self._broken: set[str] = set()
        self._sound: set[str] = set()
        self._noticed: dict[str, Counter[str]] = {}  # by file: which tests failed, how often

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for item in session.items:
            self._items.setdefault(item.nodeid.partition("[")[0], []).append(item)
        for mutant in self._mutants:  # imported and compiled once, not in every child
            _code(ROOT / mutant.path, slips.read(ROOT / mutant.path))
            module = ".".join(Path(mutant.path).with_suffix("").parts).removesuffix(".__init__")
            if module not in sys.modules:
                __import__(module)
        gc.unfreeze()
        functions = _live_functions()
        gc.freeze()
        waiting, running = list(reversed(self._mutants)), {}
        while waiting or running:
            while waiting and len(running) < self._jobs:
                mutant = waiting.pop()
                tests = self._tests(mutant)
                if not tests:
                    self._report.add(mutant, "no test reaches it")
                    continue
                child = _Child(session, tests, mutant, self._patience(tests), functions)
                running[child.pid] = child
            time.sleep(0.02)
            for child in [child for child in running.values() if child.ended()]:
                del running[child.pid]
                if child.failed and not self._is_sound(session, child.failed):
                    self._broken.add(child.failed)
                    waiting.append(child.mutant)
                else:
                    self._report.add(child.mutant, child.verdict)
                    if child.failed:
                        self._noticed.setdefault(child.mutant.path, Counter())[child.failed] += 1
        return True

    def _tests(self, mutant: Mutant) -> list[pytest.Item]:
        items = [item for test in self._reach.tests(mutant) for item in self._items.get(test, [])]
        both = mutant.path.startswith("mockpay/store/")
        items = [
            item for item in items if item.nodeid not in self._broken and (both or "postgresql" not in item.nodeid)
        ]
        noticed = self._noticed.get(mutant.path, Counter())
        return sorted(items, key=lambda item: -noticed[item.nodeid])  # and else as they stand

    def _patience(self, tests: list[pytest.Item]) -> int:
        """Seconds of CPU, so that a busy machine changes nothing."""
        return 30 + round(
            10 * sum(self._reach.seconds[test] for test in {item.nodeid.partition("[")[0] for item in tests})
        )

    def _is_sound(self, session: pytest.Session, nodeid: str) -> bool:
        """Whether a test passes without a slip; else it tells nothing."""
        if nodeid not in self._sound:
            items = [item for item in self._items[nodeid.partition("[")[0]] if item.nodeid == nodeid]
            child = _Child(session, items, None, 60, {})
            while not child.ended():
                time.sleep(0.02)
            if child.verdict != "survived":
                return False
            self._sound.add(nodeid)
        return True


class _Child:
    """A fork of this process with a slip in it, or a pytest in a copy of the tree."""

    def __init__(self, session, items, mutant, patience, functions) -> None:
        self.mutant, self.verdict, self.failed, self._functions = mutant, "", "", functions
        self._deadline = time.monotonic() + _HANGS_SECONDS
        self._notes = Path(tempfile.mkstemp(prefix="mutant-")[1])
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                resource.setrlimit(resource.RLIMIT_CPU, (patience, patience + 5))
                self._run(session, items)
            finally:
                os._exit(9)

    def _run(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        if self.mutant is not None and not _apply(self.mutant, self._functions):
            os._exit(self._run_copy(list(dict.fromkeys(item.nodeid.partition("[")[0] for item in items))))
        for item, after in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            if session.testsfailed:
                self._notes.write_text(item.nodeid)
                session._setupstate.teardown_exact(None)
                os._exit(_KILLED)
        os._exit(_SURVIVED)

    def _run_copy(self, tests: list[str]) -> int:
        folder = Path(tempfile.mkdtemp(prefix="mutant-", dir=REACHED.parent))
        tree, ignored = folder / "tree", shutil.ignore_patterns(".git", ".venv*", "var", ".*_cache", "img")
        shutil.copytree(ROOT, tree, ignore=ignored, copy_function=os.link)
        (tree / ".venv").symlink_to(ROOT / ".venv")
        (tree / self.mutant.path).unlink()  # the link, not the file
        (tree / self.mutant.path).write_bytes(self.mutant.source(ROOT))
        os.chdir(tree)
        sys.path[:] = [str(tree), *(path for path in sys.path if Path(path) != ROOT)]
        for name in [name for name in sys.modules if name.partition(".")[0] in {"mockpay", "tests", "app"}]:
            del sys.modules[name]
        both = self.mutant.path.startswith("mockpay/store/")
        arguments = ["-xq", "-n0", "-pno:randomly", "-pno:cacheprovider", "--basetemp", str(folder / "tmp")]
        arguments += ["-mnot browser", *([] if both else ["-knot postgresql"])]
        likely = [test for test in tests if test.partition("::")[0] == tests[0].partition("::")[0]]
        rest = [test for test in tests if test not in likely]
        codes = (pytest.main([*arguments, *part], plugins=[self]) for part in (likely, rest) if part)
        killed = any(code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} for code in codes)
        shutil.rmtree(folder, ignore_errors=True)
        return _KILLED if killed else _SURVIVED

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Which test of the copy failed."""
        if report.failed:
            self._notes.write_text(report.nodeid)

    def ended(self) -> bool:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            if time.monotonic() < self._deadline:
                return False
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.verdict = "killed by time"
        else:
            code = os.waitstatus_to_exitcode(status)
            self.verdict = {_SURVIVED: "survived", -signal.SIGXCPU: "killed by time"}.get(code, "killed")
        self.failed = self._notes.read_text()
        self._notes.unlink()
        return True


def _apply(mutant: Mutant, functions: dict[tuple[str, int, str], list[FunctionType]]) -> bool:
    """Give the live functions the changed code; False where that is not all that changes."""
    path = ROOT / mutant.path
    before, after = _code(path, slips.read(path)), _code(path, mutant.source(ROOT))
    changes = list(_changed_functions(before, after))
    if not mutant.function or not changes or not all(change and _place(change[0]) in functions for change in changes):
        return False
    for old, new in changes:
        for function in functions[_place(old)]:
            function.__code__ = new
    return True


@cache
def _code(path: Path, source: bytes) -> CodeType:
    return compile(source, str(path), "exec", dont_inherit=True)


def _live_functions() -> dict[tuple[str, int, str], list[FunctionType]]:
    found: dict[tuple[str, int, str], list[FunctionType]] = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType):
            found.setdefault(_place(thing.__code__), []).append(thing)
    return found


def _place(code: CodeType) -> tuple[str, int, str]:
    return code.co_filename, code.co_firstlineno, code.co_name


def _changed_functions(before: CodeType, after: CodeType) -> Iterator[tuple[CodeType, CodeType] | None]:
    """The outermost functions that differ; None where the body of a module or class does."""
    if before == after:
        return
    if before.co_flags & inspect.CO_OPTIMIZED:
        yield (before, after) if before.co_freevars == after.co_freevars else None
        return
    inner = [[const for const in code.co_consts if isinstance(const, CodeType)] for code in (before, after)]
    if len(inner[0]) != len(inner[1]) or _body(before) != _body(after):
        yield None
        return
    for old, new in zip(*inner, strict=True):
        yield from _changed_functions(old, new)


def _body(code: CodeType) -> tuple[object, ...]:
    consts = [repr(const) for const in code.co_consts if not isinstance(const, CodeType)]
    return code.co_code, code.co_names, code.co_varnames, consts


class Report:
    """Counts, and prints each survivor at once."""

    def __init__(self, total: int) -> None:
        self._total, self._counts = total, dict.fromkeys(("killed", "killed by time", "survived", "equivalent"), 0)
        self._equivalent = {
            tuple(line.split(" | ")[:3]) for line in EQUIVALENT.read_text().splitlines() if line.count(" | ") >= 3
        }

    def add(self, mutant: Mutant, verdict: str) -> None:
        before, after = mutant.lines(ROOT)
        if not verdict.startswith("killed"):
            judged = (mutant.path, before, after) in self._equivalent
            verdict = "equivalent" if judged else verdict
            if not judged:
                print(f"{mutant.path}:{mutant.line} {verdict}\n  - {before}\n  + {after}", flush=True)
        self._counts[verdict] = self._counts.get(verdict, 0) + 1

    def close(self) -> int:
        killed = self._counts["killed"] + self._counts["killed by time"]
        counted = sum(self._counts.values()) - self._counts["equivalent"]
        print(f"{self._total} mutants: " + ", ".join(f"{count} {verdict}" for verdict, count in self._counts.items()))
        print(f"{100 * killed / max(counted, 1):.1f} % of {counted} are noticed")
        return int(killed < counted)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", help=f"files or folders; without any: {AREAS}")
    parser.add_argument("--sample", type=int, default=0, help="so many lines, one mutant each; without it all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=40, help="of CPU, for the tests of one mutant")
    options = parser.parse_args()
    places = options.files or [f"mockpay/{area}" for area in AREAS.split()]
    paths = [
        path for place in places for path in ([Path(place)] if place.endswith(".py") else Path(place).rglob("*.py"))
    ]
    mutants = [mutant for path in sorted(paths) for mutant in slips.of_file(ROOT, str(path))]
    if options.sample:
        mutants = slips.sample(mutants, options.sample, options.seed)
    reach = Reach(json.loads(REACHED.read_text()), options.seconds)
    mutants = [
        mutant._replace(function="") if reach.runs_at_import(mutant) else mutant
        for mutant in mutants
        if mutant.compiles(ROOT)
    ]
    report = Report(len(mutants))
    files = sorted({test.partition("::")[0] for mutant in mutants for test in reach.tests(mutant)})
    files = [file for file in files if (ROOT / file).exists()]
    loop = Loop(mutants, reach, options.jobs, report)
    arguments = ["-qqs", "-n0", "-pno:randomly", "-pno:cacheprovider", "-mnot browser", "--no-summary", *files]
    code = pytest.main(arguments, plugins=[loop])
    if code > pytest.ExitCode.TESTS_FAILED:
        return int(code)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
