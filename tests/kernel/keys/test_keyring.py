"""Secrets at rest: bound to what and whose they are, and to a key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.keyring import Keyring

RING = Keyring.generate()


@given(st.binary(max_size=200))
def test_what_was_sealed_is_opened(secret):
    assert RING.open_("seller.secret", "A1", RING.seal("seller.secret", "A1", secret)) == secret


def test_the_same_secret_never_looks_the_same_twice():
    assert RING.seal("k", "o", b"secret") != RING.seal("k", "o", b"secret")
    assert b"secret" not in RING.seal("k", "o", b"secret")


def refused(ring, kind, owner, sealed):
    with pytest.raises(Unusable) as error:
        ring.open_(kind, owner, sealed)
    assert "\n" not in error.value.message
    return error.value.code == "store.sealed_by_another_key"


def test_a_row_moved_to_another_owner_or_kind_is_refused():
    sealed = RING.seal("seller.secret", "A1", b"secret")
    assert refused(RING, "seller.secret", "B2", sealed)
    assert refused(RING, "card.pan", "A1", sealed)


def test_another_key_is_refused():
    assert refused(Keyring.generate(), "k", "o", RING.seal("k", "o", b"secret"))


def test_a_changed_byte_is_refused(subtests):
    for at in [0, 1, 12, 13, -1]:
        with subtests.test(at=at):
            sealed = bytearray(RING.seal("k", "o", b"secret"))
            sealed[at] ^= 1
            assert refused(RING, "k", "o", bytes(sealed))


def test_a_cut_row_is_refused(subtests):
    for size in [0, 1, 5, 13, 20]:
        with subtests.test(size=size):
            assert refused(RING, "k", "o", RING.seal("k", "o", b"secret")[:size])


def test_a_new_key_seals_and_the_old_one_still_opens():
    old = RING.seal("k", "o", b"secret")
    rotated = Keyring((*RING.keys, (2, b"2" * 32)))
    new = rotated.seal("k", "o", b"secret")
    assert (old[0], new[0]) == (1, 2)
    assert rotated.open_("k", "o", old) == rotated.open_("k", "o", new) == b"secret"
    assert refused(RING, "k", "o", new)


def test_a_key_is_wrapped_in_forty_bytes_and_unwrapped_by_the_same_version_only():
    version, wrapped = RING.wrap(b"k" * 32)
    assert (version, len(wrapped)) == (1, 40)
    assert RING.unwrap(version, wrapped) == b"k" * 32
    rotated = RING.with_new_key()
    for ring, other in ((RING, 2), (rotated, 2), (Keyring.generate(), 1)):
        with pytest.raises(Unusable) as error:
            ring.unwrap(other, wrapped)
        assert error.value.code == "store.sealed_by_another_key"


def test_a_ring_never_prints_its_keys():
    assert str(RING.keys[0][1]) not in repr(RING)


def test_a_root_is_written_down_only_where_it_cannot_be_derived():
    assert "root" not in RING.dump() + RING.with_new_key().dump()
    left = RING.with_new_key().with_newest_only()
    assert left.dump().startswith("root:")
    assert Keyring.parse(left.dump()).derived("x") == RING.derived("x")


def test_a_version_given_twice_is_refused():
    with pytest.raises(Unusable):
        Keyring.parse(RING.dump() + Keyring.generate().dump())


def test_a_ring_is_written_down_and_read_back():
    ring = Keyring((*RING.keys, (7, b"7" * 32)))
    assert Keyring.parse(ring.dump()).keys == ring.keys


def test_a_text_that_is_no_ring_is_refused(subtests):
    for text in [
        "",
        "nonsense",
        "1:",
        "1:????",
        "0:" + base64.b64encode(b"0" * 32).decode(),
        "256:" + base64.b64encode(b"0" * 32).decode(),
        "1:" + base64.b64encode(b"short").decode(),
        "one:" + base64.b64encode(b"0" * 32).decode(),
    ]:
        with subtests.test(text=text):
            with pytest.raises(Unusable) as error:
                Keyring.parse(text)
            assert error.value.code == "keys.unusable"


def test_versions_go_round_and_never_take_a_number_that_is_in_use():
    ring = Keyring(((1, b"1" * 32), (254, b"2" * 32), (255, b"3" * 32)))
    assert ring.with_new_key().version == 2


def test_what_is_derived_stays_the_same_through_every_rotation():
    ring = RING
    assert RING.derived("fingerprint") != RING.derived("another purpose")
    for version in (2, 3, 4):
        ring = Keyring.parse(ring.with_new_key().with_newest_only().dump())
        assert ring.version == version
    assert ring.derived("fingerprint") == RING.derived("fingerprint")
