"""
Routing rules that learn to build addresses when somebody asks them to.

werkzeug writes and compiles two functions for each rule as it is added, 0.15 ms for each; most
rules only ever match.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LateRule(Rule):
    """A rule that compiles its two builders at their first use."""

    def _compile_builder(
        self,
        append_unknown: bool = True,  # noqa: FBT001, FBT002
    ) -> Callable[..., tuple[str, str]]:
        name = "_build_unknown" if append_unknown else "_build"

        def build(rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
            made = Rule._compile_builder(rule, append_unknown).__get__(rule, None)  # noqa: SLF001
            setattr(rule, name, made)
            built: tuple[str, str] = made(*args, **values)
            return built

        return build
