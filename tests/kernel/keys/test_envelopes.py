"""Secrets under keys of their own: bound to their row, readable by the ring alone."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.keyring import Envelope, Keyring, disclose, enclose

RING = Keyring.generate()
ROW = "mockpay/vault/v1|A1|tok_1|card"
SECRET = b'{"pan":"4111111111111111"}'


def refused(ring, bound, envelope):
    with pytest.raises(Unusable) as error:
        disclose(ring, bound, envelope)
    assert error.value.code == "store.sealed_by_another_key"
    assert "4111" not in str(error.value) + str(error.value.detail) + error.value.reason


@given(st.text(max_size=80), st.binary(max_size=300))
def test_what_was_enclosed_is_disclosed(bound, secret):
    assert disclose(RING, bound, enclose(RING, bound, secret)) == secret


@given(st.binary(min_size=16, max_size=100))
def test_an_envelope_shows_nothing_of_its_secret_and_never_looks_the_same_twice(secret):
    one, other = enclose(RING, ROW, secret), enclose(RING, ROW, secret)
    assert (len(one.wrapped), len(one.nonce)) == (40, 12)
    assert secret not in one.sealed + one.wrapped
    assert not {one.wrapped, one.nonce, one.sealed} & {other.wrapped, other.nonce, other.sealed}


@given(st.text(max_size=40))
def test_another_row_does_not_open_it(bound):
    if bound != ROW:
        refused(RING, bound, enclose(RING, ROW, SECRET))


def test_parts_of_two_envelopes_do_not_fit_together():
    one, other = enclose(RING, ROW, SECRET), enclose(RING, ROW, b"another secret")
    for part in ("wrapped", "nonce", "sealed"):
        refused(RING, ROW, dataclasses.replace(one, **{part: getattr(other, part)}))


def test_a_changed_byte_is_refused(subtests):
    for at in [0, 5, -1]:
        for part in ["wrapped", "nonce", "sealed"]:
            with subtests.test(part=part, at=at):
                envelope = enclose(RING, ROW, SECRET)
                changed = bytearray(getattr(envelope, part))
                changed[at] ^= 1
                refused(RING, ROW, dataclasses.replace(envelope, **{part: bytes(changed)}))


@pytest.mark.parametrize("part", ["wrapped", "nonce", "sealed"])
def test_a_part_that_is_missing_is_refused(part):
    refused(RING, ROW, dataclasses.replace(enclose(RING, ROW, SECRET), **{part: b""}))


def test_another_ring_or_version_opens_nothing():
    envelope = enclose(RING, ROW, SECRET)
    refused(Keyring.generate(), ROW, envelope)
    refused(RING, ROW, dataclasses.replace(envelope, version=2))
    newer = RING.with_new_key()
    refused(newer, ROW, dataclasses.replace(envelope, version=newer.version))


def test_a_rotation_wraps_the_key_anew_and_leaves_the_secret_alone():
    old = enclose(RING, ROW, SECRET)
    ring = RING.with_new_key()
    version, wrapped = ring.wrap(ring.unwrap(old.version, old.wrapped))
    moved = Envelope(version, wrapped, old.nonce, old.sealed)
    assert (old.version, moved.version) == (1, 2)
    assert moved.wrapped != old.wrapped
    assert disclose(ring.with_newest_only(), ROW, moved) == SECRET
    refused(RING, ROW, moved)
    refused(ring.with_newest_only(), ROW, old)


def test_nothing_of_an_envelope_is_printed_but_its_version():
    assert repr(enclose(RING, ROW, SECRET)) == "Envelope(version=1)"
