"""Search queries: clauses such as `status:'succeeded'`, `metadata['order']:'O-1'`, `amount>500`, all or any of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mockpay.providers.stripe.parameters import bad_request

_CLAUSE = re.compile(
    r"""(?P<negated>-?)(?P<field>[a-z_]+)(?:\[["'](?P<key>[^"']+)["']\])?(?P<operator>[:~]|[<>]=?)"""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"']+))"""
)
_JOINTS = re.compile(r"\s+(AND|OR)\s+|\s+")
_FIELDS = frozenset({"amount", "created", "currency", "customer", "metadata", "status"})
_Test = Callable[[Mapping[str, Any]], bool]


def read_query(query: str) -> _Test:
    """
    Whether an object is one that is looked for.

    Raises:
        Refused: the query cannot be read, or mixes AND and OR.
    """
    tests: list[_Test] = []
    joints: set[str] = set()
    place = 0
    while place < len(query):
        clause = _CLAUSE.match(query, place)
        if clause is None or clause["field"] not in _FIELDS:
            raise bad_request(f"We were unable to parse your search query at position {place}.", param="query")
        tests.append(_test(clause))
        joint = _JOINTS.match(query, clause.end())
        if joint is not None:
            joints.add(joint[1] or "AND")
        place = joint.end() if joint is not None else clause.end()
        if joint is None and place < len(query):
            raise bad_request(f"We were unable to parse your search query at position {place}.", param="query")
    if len(joints) > 1:
        raise bad_request("You cannot combine AND and OR in the same query.", param="query")
    combine = any if joints == {"OR"} else all
    return lambda body: combine(test(body) for test in tests)


def _test(clause: re.Match[str]) -> _Test:
    wanted = next(text for text in (clause["double"], clause["single"], clause["bare"]) if text is not None)
    field, key, operator = clause["field"], clause["key"], clause["operator"]

    def fits(body: Mapping[str, Any]) -> bool:
        value = body[field] if key is None else body[field].get(key)
        if operator in {":", "~"}:
            text = "null" if value is None else str(value)
            return text == wanted if operator == ":" else wanted.lower() in text.lower()
        if not wanted.isascii() or not wanted.isdigit() or not isinstance(value, int):
            return False
        bound = int(wanted)
        return {">": value > bound, ">=": value >= bound, "<": value < bound, "<=": value <= bound}[operator]

    return lambda body: fits(body) is not bool(clause["negated"])
