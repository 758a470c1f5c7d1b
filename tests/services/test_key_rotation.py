"""Rotation of the store key: all that is sealed moves to a new version, while everybody reads."""

import shutil
from dataclasses import replace
from threading import Event, Thread

import pytest
from sqlalchemy import LargeBinary, delete, select, update

from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.files import open_keys
from mockpay.otp import challenges
from mockpay.otp.rules import Purpose
from mockpay.services import key_rotation as verbs
from mockpay.store import attempt_secrets as attempt_secrets
from mockpay.store import key_rotation as rows
from mockpay.store import sellers
from mockpay.store.db.engine import reading, writing
from mockpay.store.db.metadata import metadata
from mockpay.store.unit_of_work import read
from mockpay.vault import envelope_table, saved_methods
from mockpay.vault.consents import consent
from tests.factories import NOON, World, run_concurrently

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


def versions(runtime):
    return [version for version, _ in another(runtime).keyring.keys]


def save(world, number, buyer=BUYER):
    with world.transaction() as sandbox:
        return saved_methods.save(sandbox, buyer, world.card(number), consent(NOON, "192.0.2.7"))


def pan(runtime, method):
    with read(runtime, method.seller_id) as sandbox:
        return envelope_table.find(sandbox, method)["pan"]


def under(runtime):
    """How many rows lie under each version, in all columns that hold something sealed."""
    found = {}
    with reading(runtime.engine) as connection:
        for table, column, *_ in rows.SEALED:
            if table in metadata.tables:
                query = select(metadata.tables[table].c[column])
                for sealed in connection.execute(query).scalars():
                    if sealed is not None:
                        found[sealed[0]] = found.get(sealed[0], 0) + 1
        for version in connection.execute(select(envelope_table.envelopes.c.kek_id)).scalars():
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
        assert attempt_secrets.find(sandbox, attempt.attempt_id) == {"number": VISA}
    return True


def test_a_rotation_moves_all_that_is_sealed_to_a_new_version(runtime, filled):
    assert under(runtime) == {1: 5}
    done = verbs.rotate(runtime)
    assert (done.version, done.moved, done.retired) == (2, 5, ())
    assert under(runtime) == {2: 5}
    assert versions(runtime) == [1, 2]
    assert opens(runtime, filled)


def test_an_old_version_is_taken_away_when_nothing_lies_under_it(runtime, filled):
    done = verbs.rotate(runtime, retire=True)
    assert (done.version, done.retired) == (2, (1,))
    assert versions(runtime) == [2]
    assert opens(runtime, filled)


def test_what_was_rotated_before_can_be_retired_later(runtime, filled):
    verbs.rotate(runtime)
    verbs.rotate(runtime)
    assert versions(runtime) == [1, 2, 3]
    done = verbs.rotate(runtime, retire=True)
    assert (done.version, done.moved, done.retired) == (3, 0, (1, 2))
    assert opens(runtime, filled)


def test_without_the_old_key_the_old_rows_do_not_open(runtime, filled):
    """A thief with yesterday's database and today's key has nothing."""
    world, _, methods = filled
    with world.read() as sandbox:
        old = sandbox.connection.execute(select(envelope_table.envelopes)).mappings().all()
    verbs.rotate(runtime, retire=True)
    table = envelope_table.envelopes
    with world.transaction() as sandbox:
        sandbox.connection.execute(delete(table))
        sandbox.connection.execute(table.insert(), [dict(row) for row in old])
    with pytest.raises(Unusable):
        pan(another(runtime), methods[0])


def test_a_rotation_that_was_interrupted_is_finished_and_begun_only_once(runtime, filled):
    world, _, _ = filled
    table = envelope_table.envelopes
    for interrupted_at in (1, 2):
        with writing(runtime.writer) as connection:
            waiting = select(table.c.wrapped_dek).where(table.c.kek_id == 1)
            broken = connection.execute(waiting).scalars().first()
            connection.execute(
                update(table).where(table.c.wrapped_dek == broken).values(wrapped_dek=b"x" * 40)
            )
        with pytest.raises(Unusable):
            verbs.rotate(runtime, batch=1)
        assert versions(runtime) == [1, 2], interrupted_at
        with writing(runtime.writer) as connection:
            connection.execute(
                update(table).where(table.c.wrapped_dek == b"x" * 40).values(wrapped_dek=broken)
            )
    assert sorted(under(runtime)) == [1, 2]
    assert opens(runtime, filled)
    assert verbs.rotate(runtime).version == 2
    assert under(runtime) == {2: 5}
    assert world.violations() == []


def test_what_was_shredded_stays_so_and_does_not_hold_a_version_back(runtime, filled):
    world, _, methods = filled
    with world.transaction() as sandbox:
        saved_methods.delete(sandbox, BUYER, methods[0].token)
    assert verbs.rotate(runtime, retire=True).retired == (1,)
    assert pan(another(runtime), methods[1]) == MASTERCARD
    with world.read() as sandbox:
        query = select(envelope_table.envelopes.c.wrapped_dek)
        assert sorted(x is None for x in sandbox.connection.execute(query).scalars()) == [False, True]


def test_a_card_is_known_again_after_every_rotation(runtime, filled):
    world, _, methods = filled
    mark = saved_methods.card_fingerprint(runtime.keyring, VISA)
    verbs.rotate(runtime, retire=True)
    verbs.rotate(runtime, retire=True)
    fresh = World(another(runtime), world.seller_id)
    assert save(fresh, VISA).token == methods[0].token
    assert saved_methods.card_fingerprint(fresh.runtime.keyring, VISA) == mark


def test_a_process_that_runs_meanwhile_reads_and_seals_by_the_new_version(runtime, filled):
    world, _, methods = filled
    running = another(runtime)
    verbs.rotate(runtime, retire=True)
    assert [pan(running, method) for method in methods] == [VISA, MASTERCARD]
    made = save(World(running, world.seller_id), VISA, buyer="byr_two")
    assert under(runtime) == {2: 6}
    assert pan(another(runtime), made) == VISA


def test_a_token_that_pays_is_wrapped_anew_before_the_rotation_comes_to_it(runtime, filled):
    world, _, methods = filled
    from mockpay.kernel.keys import store_key

    store_key.add_version(runtime.keys.folder / "store.key")
    with world.transaction() as sandbox:
        saved_methods.use(sandbox, BUYER, methods[0].token)
    assert under(runtime) == {1: 4, 2: 1}
    assert opens(runtime, filled)


def test_everybody_reads_and_writes_while_keys_are_rotated(runtime, filled):
    """Four threads of a process that knows nothing of it, and four rotations."""
    world, _, methods = filled
    running = World(another(runtime), world.seller_id)
    over, faults, reads = Event(), [], [0] * 4

    def check(index):
        while not over.is_set():
            try:
                assert pan(running.runtime, methods[index % 2]) == (VISA, MASTERCARD)[index % 2]
                if index == 3:
                    save(running, VISA, buyer=f"byr_{reads[index]}")
                reads[index] += 1
            except Exception as error:  # noqa: BLE001
                faults.append(error)
                return

    threads = [Thread(target=check, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        verbs.rotate(runtime, retire=True, batch=2)
    over.set()
    for thread in threads:
        thread.join(20)
    assert faults == []
    assert min(reads) > 0
    verbs.rotate(runtime, retire=True)
    assert len(versions(runtime)) == 1
    assert set(under(runtime)) == set(versions(runtime))
    assert opens(runtime, filled)


def test_two_that_rotate_at_once_lose_nothing(runtime, filled):
    others = [another(runtime) for _ in range(3)]
    got = run_concurrently(3, lambda n: verbs.rotate(others[n], retire=True, batch=1))
    assert not [one for one in got if isinstance(one, Exception)], got
    assert opens(runtime, filled)
    verbs.rotate(runtime, retire=True)
    assert set(under(runtime)) == set(versions(runtime))
    assert opens(runtime, filled)


def test_every_column_that_may_hold_something_sealed_is_known_to_the_rotation(runtime):
    """A retired key would make a forgotten column unreadable: name it in `store.keys.SEALED`."""
    own = {("vault_secrets", name) for name in ("wrapped_dek", "nonce", "ciphertext")}
    named = {(table, column) for table, column, *_ in rows.SEALED}
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
        verbs.rotate(runtime, retire=True)
    assert refused.value.code == "store.sealed_by_another_key"
    assert versions(runtime) == [1, 2]
