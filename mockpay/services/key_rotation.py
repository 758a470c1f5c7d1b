"""Keys at rest: a new version for all that is sealed, while everybody goes on reading."""

from __future__ import annotations

from dataclasses import dataclass

from mockpay.kernel.keys import store_key
from mockpay.kernel.keys.files import STORE_KEY
from mockpay.store import key_rotation
from mockpay.store.db.engine import reading, writing
from mockpay.store.key_rotation import Shelf
from mockpay.store.unit_of_work import Runtime

#: Rows in one transaction: 20 ms, so that no buyer waits for a rotation.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Rotated:
    """The version that seals now, how many rows were moved to it, which versions are gone."""

    version: int
    moved: int
    retired: tuple[int, ...] = ()


def rotate(runtime: Runtime, *, retire: bool = False, batch: int = _BATCH) -> Rotated:
    """
    Put a new version into store.key and move all that is sealed to it.

    One that was interrupted is finished instead: then no version is added.  Servers that run
    follow the file by themselves.

    Args:
        retire: Also take the old versions away, once nothing lies under them; a version is
            added only where there is no old one.

    Raises:
        Unusable: the file cannot be changed, or a row does not open.
    """
    path = runtime.keys.folder / STORE_KEY
    if not _unfinished(runtime, retire=retire):
        store_key.add_version(path)
    moved = sum(_move_all(runtime, shelf, batch) for shelf in _shelves(runtime))
    retired = _retire(runtime) if retire else ()
    return Rotated(runtime.keyring.version, moved, retired)


def _shelves(runtime: Runtime) -> list[Shelf]:
    return key_rotation.shelves(runtime.keyring, runtime.real_clock)


def _unfinished(runtime: Runtime, *, retire: bool) -> bool:
    old = len(runtime.keyring.keys) > 1
    if retire or not old:
        return old
    with reading(runtime.engine) as connection:
        return any(key_rotation.left_behind(connection, shelf) for shelf in _shelves(runtime))


def _move_all(runtime: Runtime, shelf: Shelf, batch: int) -> int:
    """First all rows that are free, then one by one those that were not."""
    moved = 0
    for limit, wait in ((batch, False), (1, True)):
        step = limit
        while step == limit:
            with writing(runtime.writer) as connection:
                step = key_rotation.move(connection, shelf, limit, wait=wait)
            moved += step
    return moved


def _retire(runtime: Runtime) -> tuple[int, ...]:
    """Take the old versions away while nobody writes; none where it cannot be done now."""
    # The rows must be safe on the disk before the key of their former selves goes.
    if not key_rotation.settle(runtime.engine):
        return ()
    with writing(runtime.writer) as connection:
        key_rotation.keep_writers_out(connection)
        version = runtime.keyring.version
        if any(key_rotation.left_behind(connection, shelf) for shelf in _shelves(runtime)):
            return ()
        return store_key.keep_newest(runtime.keys.folder / STORE_KEY, version)
