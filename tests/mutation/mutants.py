"""Small slips in a source file: a condition dropped, a bound off by one, a call left out, arguments swapped."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_SIGNS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitOr: (r"\|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
#: The test under whose name stands what runs when modules are imported.
AT_IMPORT = ""
#: Calls whose first two arguments may change places.
_SYMMETRIC = {"min", "max", "matches", "same", "compare_digest", "where", "and_", "or_"}
_WORDS = {"min": "max", "max": "min", "all": "any", "any": "all", "continue": "break", "break": "continue"}


@cache
def read(path: Path) -> bytes:
    """A source file as it was when it was first looked at, whatever is written to it meanwhile."""
    return path.read_bytes()


class Mutant(NamedTuple):
    """A source file with `new` in place of what stands from byte `start` to `end`."""

    path: str
    function: str  # the function or method around it, "" outside of any
    line: int
    start: int
    end: int
    new: str

    def source(self, root: Path) -> bytes:
        old = read(root / self.path)
        return old[: self.start] + self.new.encode() + old[self.end :]

    def compiles(self, root: Path) -> bool:
        try:
            compile(self.source(root), self.path, "exec")
        except SyntaxError:
            return False
        return True

    def lines(self, root: Path) -> tuple[str, str]:
        """What it changes, before and after, each as one line."""
        old = read(root / self.path)
        first, last = old.rfind(b"\n", 0, self.start) + 1, old.find(b"\n", self.end)
        after = old[first : self.start] + self.new.encode() + old[self.end : last]
        return " ".join(old[first:last].decode().split()), " ".join(after.decode().split())


def of_file(root: Path, path: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    text = read(root / path)
    source = _Source(text)
    mutants = [
        Mutant(path, function, text.count(b"\n", 0, slip[0]) + 1, *slip)
        for function, node in _nodes(ast.parse(text), "")
        for slip in source.slips(node)
    ]
    return sorted(set(mutants), key=lambda mutant: mutant[2:])


def sample(mutants: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """One mutant each of `size` lines."""
    dice = random.Random(seed)
    lines: dict[tuple[str, int], list[Mutant]] = {}
    for mutant in mutants:
        lines.setdefault((mutant.path, mutant.line), []).append(mutant)
    chosen = dice.sample(sorted(lines), min(size, len(lines)))
    return [dice.choice(lines[line]) for line in chosen]


def _nodes(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """What of a file decides something, each with the function around it."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "bases"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _decides_nothing(child):
                continue
            inside = function
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inside = f"{function}.{child.name}".lstrip(".")
                if any("cache" in ast.dump(decorator) for decorator in child.decorator_list):
                    inside = ""  # it runs in the first test that wants it, and decides in all others
            yield inside, child
            yield from _nodes(child, inside)


def _decides_nothing(node: ast.AST) -> bool:
    """Imports, docstrings, types, log lines and texts with values in them."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "_log" | "logger")))):
            return True
        case ast.Call(func=ast.Name(id="TypeVar" | "cast" | "NewType")):
            return True
        case ast.keyword(arg="strict", value=ast.Constant(value=False)):
            return True  # as zip does without
        case ast.keyword(arg="frozen"):
            return True  # the type checker's
        case ast.Call(func=ast.Name(id="dataclass"), keywords=options):
            return {option.arg for option in options} <= {"frozen", "slots"}  # the type checker's, and memory's
        case _:
            return False


class _Source:
    """A file's bytes, and the places of its nodes in them."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._lines = [0]
        for line in text.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def _begin(self, node: ast.AST) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.AST) -> int:
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def slips(self, node: ast.AST) -> Iterator[tuple[int, int, str]]:
        """Begin, end and the new text of each slip that can be made in this node itself."""
        match node:
            case ast.Compare(left=left, ops=operators, comparators=others):
                for operator, (before, after) in zip(operators, pairwise([left, *others]), strict=True):
                    yield self._other_sign(operator, before, after)
            case ast.BoolOp(op=operator, values=values):
                yield self._other_sign(operator, *values[:2])
                for value in values:
                    yield self._replaced(value, str(isinstance(operator, ast.And)))
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _SIGNS:
                yield self._other_sign(operator, left, right)
            case ast.AugAssign(target=target, op=operator, value=value) if type(operator) in _SIGNS:
                yield self._other_sign(operator, target, value)
            case ast.UnaryOp(op=ast.Not()):
                yield self._begin(node), self._begin(node) + len("not"), ""
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                yield self._replaced(test, "True")
                yield self._replaced(test, "False")
            case ast.comprehension(ifs=tests):
                for test in tests:
                    yield self._replaced(test, "True")
            case ast.Constant(value=bool() as value):
                yield self._replaced(node, str(not value))
            case ast.Constant(value=int() | float() as value):
                yield self._replaced(node, repr(value + 1))
            case ast.Constant(value=str() as value) if value and " " not in value:
                yield self._replaced(node, repr(value + "x"))
            case ast.Constant(value=bytes() as value) if value:
                yield self._replaced(node, repr(value + b"x"))
            case ast.Name(id=name) if name in _WORDS:
                yield self._replaced(node, _WORDS[name])
            case ast.Continue() | ast.Break():
                yield self._replaced(node, _WORDS[type(node).__name__.lower()])
            case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
                yield self._replaced(value, "None")
            case ast.Expr() | ast.Raise() | ast.Delete():
                yield self._replaced(node, "pass")
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements) if len(elements) > 1:
                for element in elements:
                    yield self._without(self._begin(element), self._end(element))
            case ast.Dict(keys=keys, values=values) if len(values) > 1:
                for key, value in zip(keys, values, strict=True):
                    if key is not None:
                        yield self._without(self._begin(key), self._end(value))
            case ast.Call(func=called, args=arguments, keywords=keywords):
                starred = any(isinstance(argument, ast.Starred) for argument in arguments[:2])
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if len(arguments) > 1 and not starred and name not in _SYMMETRIC:
                    yield self._swapped(*arguments[:2])
                for argument in keywords:
                    if argument.arg is not None and not _decides_nothing(argument):
                        yield self._without(self._begin(argument), self._end(argument))

    def _replaced(self, node: ast.AST, new: str) -> tuple[int, int, str]:
        return self._begin(node), self._end(node), new

    def _other_sign(self, operator: ast.AST, left: ast.AST, right: ast.AST) -> tuple[int, int, str]:
        pattern, new = _SIGNS[type(operator)]
        begin, end = self._end(left), self._begin(right)
        sign = re.search(pattern.encode(), self._text[begin:end])
        assert sign is not None, self._text[begin:end]
        return begin + sign.start(), begin + sign.end(), new

    def _without(self, begin: int, end: int) -> tuple[int, int, str]:
        """An element with the comma behind it, or before it where it is the last."""
        if comma := re.match(rb"\s*,\s*", self._text[end:]):
            return begin, end + comma.end(), ""
        if comma := re.search(rb",\s*$", self._text[:begin]):
            return comma.start(), end, ""
        return begin, end, ""

    def _swapped(self, first: ast.AST, second: ast.AST) -> tuple[int, int, str]:
        begin, end = self._begin(first), self._end(second)
        between = self._text[self._end(first) : self._begin(second)]
        parts = self._text[self._begin(second) : end], between, self._text[begin : self._end(first)]
        return begin, end, b"".join(parts).decode()
