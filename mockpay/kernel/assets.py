"""Style, scripts and fonts that a browser may keep, because their addresses change with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Asking each time whether up to six of them changed is a third of the work of showing a page.
KEPT_SECONDS = 365 * 24 * 3600


def versioned(folder: Path) -> Callable[[str, dict[str, Any]], None]:
    """For Flask's ``url_defaults``: another ``?v=`` for a static file after each change of it."""

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            path = folder / values["filename"]
            values.setdefault("v", f"{path.stat().st_mtime_ns:x}")

    return add_version
