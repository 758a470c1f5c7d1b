"""The key folder: made once, used as it is, refused in one sentence."""

import base64
import os
import stat
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from mockpay.kernel.errors import Unusable
from mockpay.kernel.keys.files import open_keys, write_store_key
from mockpay.kernel.keys.keyring import Keyring
from mockpay.providers.amazonpay.keys import KEY_FILES, PAYMENT_KEY
from tests.factories import run_concurrently

FILES = {
    "amazonpay_private.pem": 0o600,
    "amazonpay_public.pem": 0o644,
    "ipn_signing.pem": 0o600,
    "ipn_signing_cert.pem": 0o644,
    "store.key": 0o600,
}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pem_of(key, encryption=None):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption or serialization.NoEncryption()
    )


@pytest.fixture
def folder(keys, tmp_path):
    """A folder with a copy of keys that were made before."""
    target = tmp_path / "keys"
    target.mkdir()
    for name, content in contents(keys.folder).items():
        (target / name).write_bytes(content)
    return target


def test_the_first_start_makes_every_file_and_no_more(keys):
    assert {path.name for path in keys.folder.iterdir()} == set(FILES)


def test_private_files_are_for_their_owner_alone(keys):
    old = os.umask(0)
    os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in keys.folder.iterdir()}
    assert modes == {name: mode & ~old for name, mode in FILES.items()}


def test_the_public_file_belongs_to_the_private_one(keys):
    public = serialization.load_pem_public_key(keys.public_file.read_bytes())
    assert public.public_numbers() == keys.private[PAYMENT_KEY.private].public_key().public_numbers()
    assert keys.private[PAYMENT_KEY.private].key_size == 2048


def test_the_ipn_certificate_belongs_to_its_key_and_signs_itself(keys):
    certificate = x509.load_pem_x509_certificate((keys.folder / "ipn_signing_cert.pem").read_bytes())
    key = serialization.load_pem_private_key((keys.folder / "ipn_signing.pem").read_bytes(), None)
    assert certificate.public_key().public_numbers() == key.public_key().public_numbers()
    certificate.public_key().verify(
        certificate.signature,
        certificate.tbs_certificate_bytes,
        padding.PKCS1v15(),
        certificate.signature_hash_algorithm,
    )


def test_a_second_start_changes_nothing(folder):
    before = contents(folder)
    open_keys(folder, KEY_FILES)
    assert contents(folder) == before


def test_threads_that_start_at_once_end_with_one_key(folder):
    for name in ("store.key", "amazonpay_private.pem", "amazonpay_public.pem"):
        (folder / name).unlink()
    opened = run_concurrently(4, lambda _: open_keys(folder, KEY_FILES))
    assert [type(one).__name__ for one in opened] == ["Keys"] * 4
    assert len({one.store.keys for one in opened}) == 1
    assert len({one.private[PAYMENT_KEY.private].private_numbers().d for one in opened}) == 1
    public = serialization.load_pem_public_key((folder / "amazonpay_public.pem").read_bytes())
    assert public.public_numbers() == opened[0].private[PAYMENT_KEY.private].public_key().public_numbers()
    assert set(contents(folder)) == set(FILES)


def test_processes_that_start_at_once_end_with_one_key(folder):
    (folder / "store.key").unlink()
    program = (
        "import sys, pathlib\n"
        "from mockpay.kernel.keys.files import open_keys, write_store_key\n"
        "print(open_keys(pathlib.Path(sys.argv[1])).store.keys)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    told = {racer.communicate()[0] for racer in racers}
    assert len(told) == 1
    assert told != {b""}


def test_a_key_of_the_users_own_is_used_as_it_is(folder):
    mine = rsa.generate_private_key(65537, 2048)
    traditional = mine.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (folder / "amazonpay_private.pem").write_bytes(traditional)
    (folder / "amazonpay_public.pem").unlink()
    opened = open_keys(folder, KEY_FILES)
    assert opened.private[PAYMENT_KEY.private].private_numbers() == mine.private_numbers()
    assert (folder / "amazonpay_private.pem").read_bytes() == traditional
    public = serialization.load_pem_public_key(opened.public_file.read_bytes())
    assert public.public_numbers() == mine.public_key().public_numbers()


def unusable(folder):
    with pytest.raises(Unusable) as error:
        open_keys(folder, KEY_FILES)
    assert error.value.code == "keys.unusable"
    assert "\n" not in error.value.message
    assert error.value.message.count(".") >= 1
    return error.value.message


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
@pytest.mark.parametrize("name", ["amazonpay_private.pem"])
def test_a_file_that_is_no_key_stops_the_start_with_one_sentence(folder, name, content):
    (folder / name).write_bytes(content)
    assert name in unusable(folder)


def test_an_encrypted_short_or_elliptic_key_stops_the_start(folder):
    secret = serialization.BestAvailableEncryption(b"password")
    wrong = [
        pem_of(rsa.generate_private_key(65537, 1024)),
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        pem_of(ec.generate_private_key(ec.SECP256R1()), secret),
    ]
    for pem in wrong:
        (folder / "amazonpay_private.pem").write_bytes(pem)
        assert "amazonpay_private.pem" in unusable(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"1:" + base64.b64encode(b"short")])
def test_a_store_key_that_is_none_stops_the_start(folder, content):
    (folder / "store.key").write_bytes(content)
    assert "store.key" in unusable(folder)


def test_a_folder_that_is_a_file_stops_the_start(tmp_path):
    (tmp_path / "keys").write_text("a file")
    assert "keys" in unusable(tmp_path / "keys")


def test_a_store_key_is_replaced_whole_and_stays_its_owners_alone(folder):
    ring = open_keys(folder).store.with_new_key()
    before = set(contents(folder))
    write_store_key(folder, ring)
    assert open_keys(folder).store.keys == ring.keys
    assert set(contents(folder)) == before
    assert stat.S_IMODE((folder / "store.key").stat().st_mode) == 0o600


def test_a_store_key_that_cannot_be_replaced_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(Unusable) as error:
        write_store_key(tmp_path / "none", Keyring.generate())
    assert error.value.code == "keys.unusable"
    assert "\n" not in error.value.message
    assert list(tmp_path.iterdir()) == []
