"""The house's own rules, where no other tool looks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mockpay"
SOURCES = sorted(PACKAGE.rglob("*.py"))
LAYERS = ["kernel", "wire", "domain", "store", "services", "delivery", "providers", "web", "merchant"]
#: Parts of names that say nothing (house, glossary).
EMPTY_WORDS = {"manager", "helper", "helpers", "utils", "util", "handler", "data", "info", "misc"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def offenders(fault) -> dict[str, object]:
    """What `fault` finds in each source file, without the files where it finds nothing."""
    found = {named(path): fault(path) for path in SOURCES}
    return {name: faults for name, faults in found.items() if faults}


def test_there_is_something_to_look_at():
    assert len(SOURCES) > 60


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, modules: set[str]) -> set[str]:
    """The modules of ours that a file imports anywhere, at its top or within a function."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= members if members & modules else {node.module}
    return names & modules - {module_name(path)}


def test_no_circle_of_files():
    modules = {module_name(path) for path in SOURCES}
    graph = {module_name(path): imported_modules(path, modules) for path in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"These files import each other: {' <- '.join(error.args[1])}")


def test_every_function_says_what_it_returns():
    assert offenders(lambda path: [f.name for f in functions(path) if f.returns is None]) == {}


#: Where companies are spoken of: their folders, the shop's side, and the hosts that `mockpay run` takes.
COMPANY_PLACES = re.compile(
    r"mockpay/((providers|wire)/(amazonpay|razorpay|payu|stripe)|merchant)/|mockpay/reach/hosts\.py"
)
COMPANY_WORD = re.compile(r"amazon|\bmws\b|S04|razorpay|stripe|payu\b", re.IGNORECASE)
HABIT = "whose published habit the rows follow: data that the tables show"
CLIENT = "the pytest plugin hands the merchant's client to tests"
#: (file or folder, part of the line, why it may name a company); none of them decides anything.
COMPANY_LINES = [
    ("mockpay/domain/scenarios/", '"PayU, PhonePe, Juspay"', HABIT),
    ("mockpay/domain/scenarios/", '"Razorpay"', HABIT),
    ("mockpay/domain/scenarios/", '"PayU": {', HABIT),
    ("mockpay/domain/scenarios/", '"Stripe": ', HABIT),
    ("mockpay/domain/scenarios/", "_LUHN_ORIGIN = ", HABIT),
    ("mockpay/domain/scenarios/risk.py", '"Stripe")', HABIT),
    ("mockpay/testing/plugin.py", "AmazonPayClient", CLIENT),
    ("mockpay/testing/seller.py", "AmazonPayClient", CLIENT),
]


def company_lines() -> list[tuple[str, str]]:
    """Every line of the core that names a company, with its file."""
    return [
        (named(path), line)
        for path in SOURCES
        if not COMPANY_PLACES.match(named(path))
        for line in path.read_text().splitlines()
        if COMPANY_WORD.search(line)
    ]


def test_the_core_names_no_company_but_in_lines_with_a_reason():
    lines = company_lines()
    reasons = [[file.startswith(place) and part in line for place, part, _ in COMPANY_LINES] for file, line in lines]
    assert [line for line, allowed in zip(lines, reasons, strict=True) if not any(allowed)] == []
    assert len(lines) <= 40
    needed = [any(column) for column in zip(*reasons, strict=True)]
    assert [entry for entry, used in zip(COMPANY_LINES, needed, strict=True) if not used] == []


def test_every_file_says_what_it_is():
    def silent(path):
        tree = ast.parse(path.read_text())
        return bool(tree.body) and not ast.get_docstring(tree)

    assert offenders(silent) == {}


def test_no_name_says_nothing():
    def empty(path):
        kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        nodes = ast.walk(ast.parse(path.read_text()))
        names = {path.stem} | {node.name for node in nodes if isinstance(node, kinds)}
        return {word.lower() for name in names for word in name.split("_")} & EMPTY_WORDS

    assert offenders(empty) == {}


def test_every_layer_says_what_it_may_not_do(subtests):
    for layer in LAYERS:
        with subtests.test(layer=layer):
            docstring = ast.get_docstring(ast.parse((PACKAGE / layer / "__init__.py").read_text()))
            assert docstring is not None
            assert 3 <= len(docstring.splitlines()) <= 11


def loaded_by(module: str) -> set[str]:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_everybody_imports_loads_nothing_heavy(subtests):
    for module in ["mockpay", "mockpay.testing", "mockpay.cli", "mockpay.merchant"]:
        with subtests.test(module=module):
            heavy = {"flask", "sqlalchemy", "lxml", "babel", "segno", "psycopg", "cheroot"}
            assert loaded_by(module) & heavy == set()


def test_the_server_loads_at_its_start_only_what_every_request_needs():
    heavy = {"lxml", "babel", "segno", "psycopg", "requests", "cryptography.x509"}
    assert loaded_by("mockpay.app") & heavy == set()
