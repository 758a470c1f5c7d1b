"""The key folder: made at the first start, read at every other; private files mode 0600."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from mockpay.kernel.errors import Unusable
from mockpay.kernel.ids import entropy
from mockpay.kernel.keys.keyring import Keyring

STORE_KEY = "store.key"
_BITS = 2048


class KeyFile(Struct, frozen=True):
    """
    A private RSA key that a provider needs, and the public file that is made from it.

    Args:
        private: The private key's file.
        public: The public half's file: a certificate where there is a `certificate_subject`.
        private_purpose: For people: what the private key does.
        public_purpose: For people: who needs the public half.
        certificate_subject: The common name in the certificate.
    """

    private: str
    public: str
    private_purpose: str
    public_purpose: str
    certificate_subject: str | None = None


class Keys(Struct, frozen=True):
    """What the folder holds: private keys and public halves (PEM) by file name."""

    private: Mapping[str, RSAPrivateKey]
    public: Mapping[str, bytes]
    store: Keyring
    folder: Path
    #: The file that a merchant's client is given, where a provider has one.
    public_file: Path


def open_keys(folder: Path, key_files: Sequence[KeyFile] = ()) -> Keys:
    """
    Read the folder, making what is missing; safe when two servers start at once.

    A file that the user put there is used as it is.

    Raises:
        Unusable: code ``keys.unusable``, in one sentence.
    """
    private: dict[str, RSAPrivateKey] = {}
    public: dict[str, bytes] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in key_files:
            private[file.private] = key = _private_key(folder / file.private)
            read = _public_key if file.certificate_subject is None else _certificate
            public[file.public] = read(folder, file, key)
        store_key = keep(folder / STORE_KEY, lambda: Keyring.generate().dump().encode(), private=True)
    except OSError as error:
        raise _unusable(folder, error.strerror or "it cannot be read or written") from error
    try:
        keyring = Keyring.parse(store_key.decode("ascii"))
    except (UnicodeDecodeError, Unusable) as error:
        raise _unusable(folder / STORE_KEY, "it is no store key") from error
    plain = [file.public for file in key_files if file.certificate_subject is None]
    return Keys(private, public, keyring, folder, folder.joinpath(*plain[:1]))


def write_store_key(folder: Path, keyring: Keyring) -> None:
    """
    Replace store.key, which lies on the disk whole before anything is sealed by a new key.

    Raises:
        Unusable: code ``keys.unusable``.
    """
    path = folder / STORE_KEY
    try:
        _write_draft(path, keyring.dump().encode(), 0o600).replace(path)
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError as error:
        raise _unusable(path, error.strerror or "it cannot be written") from error


def _unusable(path: Path, why: str) -> Unusable:
    message = f"{path} cannot be used: {why}; mend it or name another folder by MOCKPAY_KEYS_DIR."
    return Unusable(message, code="keys.unusable")


def _private_key(path: Path) -> RSAPrivateKey:
    """The RSA key of a file; our own are not validated again, which would take 30 ms."""
    pem = keep(path, _new_key_pem, private=True)
    try:
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "it is no unencrypted private key") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _BITS:
        raise _unusable(path, "it is no RSA key of 2048 bits or more")
    return key


def _new_key_pem() -> bytes:
    return rsa.generate_private_key(65537, _BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def keep(path: Path, make: Callable[[], bytes], *, private: bool) -> bytes:
    """
    The file's content; where it is missing, it is made whole or not at all.

    A new file is written under another name and linked to its own: of two servers that start
    at once one wins, and nobody ever reads half a key.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    draft = _write_draft(path, make(), 0o600 if private else 0o644)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another server was first; its key is the key.
    finally:
        draft.unlink(missing_ok=True)
    return path.read_bytes()


def rewrite(path: Path, content: bytes) -> bytes:
    """Put another content into a public file, whole or not at all."""
    _write_draft(path, content, 0o644).replace(path)
    return content


def _write_draft(path: Path, content: bytes, mode: int) -> Path:
    """A new file beside `path`, on the disk."""
    draft = path.with_name(f".{path.name}.{entropy(8).hex()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _public_key(folder: Path, file: KeyFile, key: RSAPrivateKey) -> bytes:
    """The public key beside the private one; another one would make every request unreadable."""
    path = folder / file.public
    pem = keep(path, lambda: _public_pem(key), private=False)
    try:
        public = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(path, "it is no public key") from error
    if public != key.public_key():
        raise _unusable(path, f"it does not belong to {file.private}")
    return pem


def _certificate(folder: Path, file: KeyFile, key: RSAPrivateKey) -> bytes:
    """The certificate of a key."""
    path = folder / file.public
    pem = keep(path, lambda: _new_certificate(key, file.certificate_subject or ""), private=False)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    # A certificate holds its key as these very bytes; reading it by x509 would cost 70 ms.
    if spki not in _der(path, pem):
        raise _unusable(path, f"it does not belong to {file.private}")
    return pem


def _der(path: Path, pem: bytes) -> bytes:
    lines = pem.strip().splitlines()[1:-1]
    try:
        return base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error as error:
        raise _unusable(path, "it is no certificate") from error


def _new_certificate(key: RSAPrivateKey, subject: str) -> bytes:
    """Made by a process of its own: x509 would stay in memory for a file that is made once."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # The child must find mockpay as we did, also in a checkout that nobody installed.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    completed = subprocess.run(
        [sys.executable, "-m", "mockpay.kernel.keys.certificates"],
        input=f"{subject}\n".encode() + pem,
        capture_output=True,
        env=environment,
        check=False,
    )
    if completed.returncode:
        why = completed.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise OSError(0, f"the certificate could not be made: {why}")
    return completed.stdout
