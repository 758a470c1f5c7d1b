"""Rotation of the store key: all that is sealed moves to a new version."""

import shutil

import pytest
from msgspec.structs import replace
from sqlalchemy import LargeBinary, delete, select, update

from mockpay.domain.methods.cards import card_fingerprint
from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.files import open_keys
from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.store import attempts, key_rotation, sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.db.metadata import metadata
from mockpay.store.unit_of_work import read
from mockpay.vault import saved_methods, vault_table
from mockpay.vault.rules import consent
from tests.factories import NOON, World

VISA, MASTERCARD = "4111111111111111", "5555555555554444"
BUYER = "byr_one"


@pytest.fixture
def runtime(runtime, tmp_path):
    """A runtime with keys of its own, as a rotation changes them."""
    folder = tmp_path / "keys"
    shutil.copytree(runtime.keys.folder, folder)
    return replace(runtime, keys=open_keys(folder))


def another(runtime):
    """Another process that starts now, with the same folder and database."""
    return replace(runtime, keys=open_keys(runtime.keys.folder))


def rotate(runtime, **options):
    """As `mockpay keys rotate` does, in a process of its own."""
    return key_rotation.rotate(runtime.writer, another(runtime).keys, **options)


def versions(runtime):
    return [version for version, _ in another(runtime).keyring.keys]


def save(world, number, buyer=BUYER):
    with world.transaction() as sandbox:
        return saved_methods.save(sandbox, buyer, world.card(number), consent(NOON, "192.0.2.7"))


def pan(runtime, method):
    with read(runtime, method.seller_id) as sandbox:
        return vault_table.find_envelope(sandbox, method)["pan"]


def under(runtime):
    """How many rows lie under each version, in all columns that hold something sealed."""
    found = {}
    with reading(runtime.engine) as connection:
        for table, column, *_ in key_rotation.sealed_columns():
            if table in metadata.tables:
                query = select(metadata.tables[table].c[column])
                for sealed in connection.execute(query).scalars():
                    if sealed is not None:
                        found[sealed[0]] = found.get(sealed[0], 0) + 1
        for version in connection.execute(select(vault_table.envelopes.c.kek_id)).scalars():
            found[version] = found.get(version, 0) + 1
    return found


@pytest.fixture
def filled(runtime):
    """A world with something sealed of each kind that there is."""
    world = World.new(runtime)
    attempt = world.create_attempt_with(world.order(), world.card(VISA)).attempt
    with world.transaction() as sandbox:
        challenges.start(sandbox, purpose=Purpose.SIGN_IN, subject="a@b.in", to="a@b.in")
    return world, attempt, [save(world, VISA), save(world, MASTERCARD)]


def opens(runtime, filled):
    """Everything that was sealed is read by a process that starts now."""
    world, attempt, methods = filled
    fresh = another(runtime)
    assert [pan(fresh, method) for method in methods] == [VISA, MASTERCARD]
    with read(fresh, world.seller_id) as sandbox:
        assert attempts.find_secret(sandbox, attempt.attempt_id) == {"number": VISA}
    return True


def test_a_rotation_moves_all_that_is_sealed_to_a_new_version_and_removes_the_old_one(runtime, filled):
    assert under(runtime) == {1: 5}
    done = rotate(runtime)
    assert (done.version, done.moved, done.removed) == (2, 5, (1,))
    assert under(runtime) == {2: 5}
    assert versions(runtime) == [2]
    assert opens(runtime, filled)


def test_one_rotation_follows_another(runtime, filled):
    assert [rotate(runtime, chunk=size).version for size in (1, 2, 5, 100)] == [2, 3, 4, 5]
    assert under(runtime) == {5: 5}
    assert opens(runtime, filled)


def test_without_the_old_key_the_old_rows_do_not_open(runtime, filled):
    """A thief with yesterday's database and today's key has nothing."""
    world, _, methods = filled
    with world.read() as sandbox:
        old = sandbox.connection.execute(select(vault_table.envelopes)).mappings().all()
    rotate(runtime)
    table = vault_table.envelopes
    with writing(runtime.writer) as connection:
        connection.execute(delete(table))
        connection.execute(table.insert(), [dict(row) for row in old])
    with pytest.raises(Unusable):
        pan(another(runtime), methods[0])


def test_a_rotation_that_was_interrupted_is_finished_and_begun_only_once(runtime, filled):
    world, _, _ = filled
    table = vault_table.envelopes
    for interrupted_at in (1, 2):
        with writing(runtime.writer) as connection:
            waiting = select(table.c.wrapped_dek).where(table.c.kek_id == 1)
            broken = connection.execute(waiting).scalars().first()
            connection.execute(update(table).where(table.c.wrapped_dek == broken).values(wrapped_dek=b"x" * 40))
        with pytest.raises(Unusable):
            rotate(runtime, chunk=1)
        assert versions(runtime) == [1, 2], interrupted_at
        with writing(runtime.writer) as connection:
            connection.execute(update(table).where(table.c.wrapped_dek == b"x" * 40).values(wrapped_dek=broken))
    assert sorted(under(runtime)) == [1, 2]
    assert opens(runtime, filled)
    assert rotate(runtime).version == 2
    assert under(runtime) == {2: 5}
    assert versions(runtime) == [2]
    assert World(another(runtime), world.seller_id).violations() == []


def test_what_was_shredded_stays_so_and_does_not_hold_a_version_back(runtime, filled):
    world, _, methods = filled
    with world.transaction() as sandbox:
        saved_methods.delete(sandbox, BUYER, methods[0].token)
    assert rotate(runtime).removed == (1,)
    assert pan(another(runtime), methods[1]) == MASTERCARD
    with reading(runtime.engine) as connection:
        query = select(vault_table.envelopes.c.wrapped_dek)
        assert sorted(x is None for x in connection.execute(query).scalars()) == [False, True]


def test_a_card_is_known_again_after_every_rotation(runtime, filled):
    world, _, methods = filled
    mark = card_fingerprint(runtime.keyring, VISA)
    rotate(runtime)
    rotate(runtime)
    fresh = World(another(runtime), world.seller_id)
    assert save(fresh, VISA).token == methods[0].token
    assert card_fingerprint(fresh.runtime.keyring, VISA) == mark


def test_every_column_that_may_hold_something_sealed_is_known_to_the_rotation(runtime):
    """A retired key would make a forgotten column unreadable: declare it by `metadata.sealed`."""
    own = {("vault_secrets", name) for name in ("wrapped_dek", "nonce", "ciphertext")}
    named = {(table, column) for table, column, *_ in key_rotation.sealed_columns()}
    held = {
        (table.name, column.name)
        for table in metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, LargeBinary)
    }
    assert held - own <= named


def test_a_row_that_does_not_open_stops_the_rotation_and_keeps_all_keys(runtime, filled):
    with writing(runtime.writer) as connection:
        connection.execute(update(sellers.sellers).values(secret_sealed=b"\x01" + b"x" * 40))
    with pytest.raises(Unusable) as refused:
        rotate(runtime)
    assert refused.value.code == "store.sealed_by_another_key"
    assert versions(runtime) == [1, 2]
