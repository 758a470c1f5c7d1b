"""The file store.key: changed whole or not at all, followed by whoever uses it."""

import stat
import subprocess
import sys

import pytest

from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys import store_key
from mockpay.kernel.keys.keyring import Keyring
from tests.factories import run_concurrently


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "store.key"
    path.write_text(Keyring.generate().dump())
    path.chmod(0o600)
    return path


def versions(ring):
    return [n for n, _ in ring.keys]


def test_a_new_version_seals_and_the_old_one_still_opens(path):
    before = store_key.followed(path)
    old = before.seal("k", "o", b"secret")
    assert store_key.add_version(path) == 2
    ring = store_key.followed(path)
    assert versions(ring) == [1, 2]
    assert ring.seal("k", "o", b"secret")[0] == 2
    assert ring.open_("k", "o", old) == b"secret"


def test_the_file_stays_its_owners_alone_and_no_draft_is_left(path):
    store_key.add_version(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store_key.keep_newest(path, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["store.key"]


def test_a_ring_that_is_in_use_seals_by_the_new_key_at_once(path):
    ring = store_key.followed(path)
    assert ring.seal("k", "o", b"x")[0] == ring.wrap(b"k" * 32)[0] == 1
    store_key.add_version(path)
    assert ring.seal("k", "o", b"x")[0] == ring.wrap(b"k" * 32)[0] == 2


def test_a_ring_that_is_in_use_opens_what_another_process_sealed_by_a_newer_key(path):
    ring = store_key.followed(path)
    store_key.add_version(path)
    other = store_key.followed(path)
    sealed, (version, wrapped) = other.seal("k", "o", b"secret"), other.wrap(b"k" * 32)
    assert ring.open_("k", "o", sealed) == b"secret"
    assert ring.unwrap(version, wrapped) == b"k" * 32


def test_threads_that_meet_a_newer_key_at_once_all_open_it(path):
    ring = store_key.followed(path)
    store_key.add_version(path)
    sealed = store_key.followed(path).seal("k", "o", b"secret")
    assert run_concurrently(8, lambda _: ring.open_("k", "o", sealed)) == [b"secret"] * 8


def test_a_ring_that_is_in_use_goes_on_opening_by_a_key_that_left_the_file(path):
    ring = store_key.followed(path)
    old = ring.seal("k", "o", b"secret")
    version = store_key.add_version(path)
    assert store_key.keep_newest(path, version) == (1,)
    assert ring.seal("k", "o", b"x")[0] == 2
    assert ring.open_("k", "o", old) == b"secret"
    with pytest.raises(Unusable):
        store_key.followed(path).open_("k", "o", old)


def test_what_is_derived_never_changes(path):
    fresh = store_key.followed(path)
    before = fresh.derived("fingerprint")
    assert before != fresh.derived("another purpose")
    for _ in range(3):
        store_key.keep_newest(path, store_key.add_version(path))
    after = store_key.followed(path)
    assert versions(after) == [4]
    assert after.derived("fingerprint") == fresh.derived("fingerprint") == before


def test_only_the_newest_version_is_kept_and_only_by_who_knows_it(path):
    assert store_key.keep_newest(path, 1) == ()
    store_key.add_version(path)
    store_key.add_version(path)
    assert store_key.keep_newest(path, 2) == ()
    assert versions(store_key.followed(path)) == [1, 2, 3]
    assert store_key.keep_newest(path, 3) == (1, 2)
    assert versions(store_key.followed(path)) == [3]


def test_versions_go_round_and_never_take_a_number_that_is_in_use(tmp_path):
    path = tmp_path / "store.key"
    ring = Keyring(((1, b"1" * 32), (254, b"2" * 32), (255, b"3" * 32)))
    path.write_text(ring.dump())
    assert store_key.add_version(path) == 2
    full = Keyring(tuple((n, bytes([n]) * 32) for n in range(1, 256)))
    path.write_text(full.dump())
    with pytest.raises(Unusable) as refused:
        store_key.add_version(path)
    assert refused.value.code == "keys.too_many"
    assert path.read_text() == full.dump()


def test_processes_that_add_versions_at_once_lose_none(path):
    program = (
        "import sys, pathlib\n"
        "from mockpay.kernel.keys.store_key import add_version\n"
        "for _ in range(5): print(add_version(pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(path)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    told = [int(n) for racer in racers for n in racer.communicate()[0].split()]
    assert sorted(told) == list(range(2, 12))
    assert versions(store_key.followed(path)) == list(range(1, 12))


def test_a_file_that_is_away_or_half_edited_does_not_disturb_a_ring_in_use(path):
    ring = store_key.followed(path)
    sealed = ring.seal("k", "o", b"secret")
    whole = path.read_text()
    path.write_text("2:half")
    assert ring.open_("k", "o", sealed) == b"secret"
    assert ring.seal("k", "o", b"x")[0] == 1
    path.unlink()
    assert ring.seal("k", "o", b"x")[0] == 1
    path.write_text(whole)
    assert store_key.add_version(path) == 2
    assert ring.seal("k", "o", b"x")[0] == 2


def test_a_file_that_is_no_ring_or_no_text_is_refused_in_one_sentence(path):
    for content in (b"nonsense", b"\xff\xfe", b"root:" + b"A" * 43 + b"="):
        path.write_bytes(content)
        for act in (store_key.followed, store_key.add_version):
            with pytest.raises(Unusable) as refused:
                act(path)
            assert "\n" not in refused.value.message
        assert path.read_bytes() == content


def test_a_file_that_is_not_there_is_refused_and_not_made(tmp_path):
    with pytest.raises(Unusable) as refused:
        store_key.add_version(tmp_path / "none" / "store.key")
    assert refused.value.code == "keys.unusable"
    with pytest.raises(Unusable):
        store_key.add_version(tmp_path / "store.key")
    assert list(tmp_path.iterdir()) == []
