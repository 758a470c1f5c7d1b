"""Which server serves a SQLite file: a lock on a file beside it, which the kernel releases when the process ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


def lock_database(database: Path, server: str) -> tuple[IO[str] | None, str | None]:
    """
    Say that `server` serves a database as long as the returned file is open.

    Returns:
        The file, and which server has it already; both None where the folder takes no locks.
    """
    try:
        file = Path(f"{database}.lock").open("a+", encoding="utf-8")  # noqa: SIM115 - it stays open
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return None, file.read().strip() or "Another server"
    except OSError:
        return None, None
    file.truncate(0)
    file.write(f"{server}\n")
    file.flush()
    return file, None
