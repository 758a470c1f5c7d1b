"""The floors: what no implementation can do without, measured in turn with the rest."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_OAEP = OAEP(mgf=MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # as Amazon wraps it
_TABLES = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, seller TEXT, reference TEXT, own_id TEXT, state TEXT,
    amount INTEGER, token TEXT, redirect_url TEXT, request TEXT, created_at INTEGER);
CREATE TABLE attempts (id INTEGER PRIMARY KEY, order_id INTEGER, state TEXT, amount INTEGER,
    instrument TEXT, created_at INTEGER);
"""
_ORDER = (
    "INSERT INTO orders (seller, reference, own_id, state, amount, token, redirect_url, request,"
    " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ATTEMPT = "INSERT INTO attempts (order_id, state, amount, instrument, created_at) VALUES (?, ?, ?, ?, ?)"
#: As much text as the order's own request needs.
_REQUEST = json.dumps({f"field{number:02d}": "0123456789" * 4 for number in range(20)})


def cpu_of(action: Callable[[], object], times: int) -> float:
    """Seconds of this process's CPU for one call."""
    began = time.process_time()
    for _ in range(times):
        action()
    return (time.process_time() - began) / times


class Decryption:
    """R: the CPU of one RSA-2048 OAEP decryption of a wrapped data key."""

    def __init__(self, key: RSAPrivateKey, wrapped: Sequence[bytes]) -> None:
        self._key, self._wrapped = key, wrapped

    def round(self) -> float:
        """Seconds for one, over all the wrapped keys."""
        began = time.process_time()
        for one in self._wrapped:
            self._key.decrypt(one, _OAEP)
        return (time.process_time() - began) / len(self._wrapped)


class Commit:
    """A raw commit of an order row and an attempt row, WAL and NORMAL, without any index."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.executescript(_TABLES)
        self._count = 0

    def once(self) -> None:
        """One transaction."""
        self._count += 1
        number, execute = self._count, self._connection.execute
        execute("BEGIN IMMEDIATE")
        order = (
            "A1MOCKPAYSELLER",
            f"S04-{number:07d}-{number:07d}",
            f"order-{number}",
            "CREATED",
            49_900,
            f"token-{number:016d}",
            "http://127.0.0.1:8420/shop/return",
            _REQUEST,
            number,
        )
        cursor = execute(_ORDER, order)
        execute(_ATTEMPT, (cursor.lastrowid, "CREATED", 49_900, '{"vpa":"success@mockpay"}', 1))
        execute("COMMIT")

    def round(self, times: int = 200) -> float:
        """Seconds of CPU for one."""
        return cpu_of(self.once, times)


def import_flask(environ: Mapping[str, str]) -> float:
    """I: seconds of wall time of a Python that does nothing but import Flask."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import flask"], env=environ, check=True)
    return time.perf_counter() - began
