"""Templates and static files, for every application of a process in the same way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """
    What templates were compiled to, while the process lives.

    A sandbox is up to three applications, and a test run makes hundreds of sandboxes: each would
    compile the same page again, which takes ten times as long as showing it.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


_compiled = _Compiled()


def prepare(environment: Environment) -> None:
    """Set up for our templates; code is shared, so nobody may set these otherwise afterwards."""
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.bytecode_cache = _compiled


#: How long browsers keep static files: to ask each time whether up to six of them changed is a
#: third of the work of showing a page.
STATIC_MAX_AGE = 365 * 24 * 3600


def versioned(folder: Path) -> Callable[[str, dict[str, Any]], None]:
    """For Flask's ``url_defaults``: another ``?v=`` for a static file after each change of it."""

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            path = folder / values["filename"]
            values.setdefault("v", f"{path.stat().st_mtime_ns:x}")

    return add_version
