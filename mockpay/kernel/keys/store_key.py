"""The file store.key: read, followed while others change it, and changed whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockpay.kernel.errors import Unusable
from mockpay.kernel.ids import entropy
from mockpay.kernel.keys.keyring import Keyring

_Mark = tuple[int, int, int]


class Followed:
    """Where a ring looks for keys that another process wrote into its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._mark()

    def __call__(self) -> Keyring | None:
        """The file's ring, None where the file is as it was, away or half edited."""
        mark = self._mark()
        if mark is None or mark == self._seen:
            return None
        try:
            ring = Keyring.parse(self._path.read_text("ascii"))
        except (OSError, UnicodeDecodeError, Unusable):
            return None
        self._seen = mark
        return ring

    def _mark(self) -> _Mark | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def followed(path: Path) -> Keyring:
    """
    The ring of a file; it takes over what is written there later.

    Raises:
        OSError: the file cannot be read.
        Unusable: code ``keys.unusable``.
    """
    # The mark is taken before the file is read, so that no change falls between.
    following = Followed(path)
    try:
        return Keyring.parse(path.read_text("ascii"), following)
    except UnicodeDecodeError as error:
        raise Unusable(f"{path} is no text.", code="keys.unusable") from error


def add_version(path: Path) -> int:
    """
    Put a new key into the file; its version, which seals from now on everywhere.

    Raises:
        Unusable: code ``keys.unusable`` or ``keys.too_many``.
    """
    with _changing(path):
        ring = followed(path).with_new_key()
        _replace(path, ring.dump())
    return ring.version


def keep_newest(path: Path, version: int) -> tuple[int, ...]:
    """
    Take all keys but the newest out of the file; which those were.

    None if `version` is not the newest any more: somebody else has begun another rotation.

    Raises:
        Unusable: code ``keys.unusable``.
    """
    with _changing(path):
        ring = followed(path)
        old = tuple(n for n, _ in ring.keys[:-1])
        if ring.version != version or not old:
            return ()
        _replace(path, ring.with_newest_only().dump())
    return old


@contextmanager
def _changing(path: Path) -> Iterator[None]:
    """One process at a time: a lock upon the folder, which leaves no file behind."""
    import fcntl  # noqa: PLC0415

    try:
        number = os.open(path.parent, os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
            # The new name is on the disk before anything is sealed by the new key.
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        why = error.strerror or "it cannot be read or written"
        raise Unusable(f"{path} cannot be changed: {why}.", code="keys.unusable") from error


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{entropy(8).hex()}")
    number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
