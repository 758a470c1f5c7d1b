"""A folder of its own for a server under test: keys, database, nothing else."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self


class Place:
    """A temporary folder, thrown away at the end."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="mockpay-bench-")
        self.folder = Path(self._temporary.name)

    @property
    def keys(self) -> Path:
        """The keys folder."""
        return self.folder / "keys"

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / "mockpay.db"

    def environ(self) -> dict[str, str]:
        """
        The environment of a measured process: default settings, compiled modules kept.

        Not every machine lets Python keep what it compiles; here it does, in this folder.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MOCKPAY_") and name != "PYTHONDONTWRITEBYTECODE"
        }
        cache = {"PYTHONPYCACHEPREFIX": str(self.folder / "pyc")}
        return {**kept, **cache, "MOCKPAY_KEYS_DIR": str(self.keys)}

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Throw it away."""
        self._temporary.cleanup()
