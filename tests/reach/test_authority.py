"""What our authority may vouch for, and nothing else."""

import ssl
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mockpay.kernel.errors import Unusable
from mockpay.reach import authority as authority_module
from mockpay.reach.authority import open_authority
from mockpay.reach.hosts import HOSTS, is_impersonated
from tests.factories import run_concurrently


def handshake(leaf, authority, name, folder):
    """Shake hands in memory; raises what a client that trusts the authority alone would raise."""
    file = folder / "leaf.pem"
    file.write_bytes(leaf.key + leaf.chain)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(file)
    asking = ssl.create_default_context(cadata=authority.pem.decode())
    # What Python 3.13 asks of a certificate by default.
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server, server_hostname=name)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize("name", [*HOSTS, "localhost", "127.0.0.1", "::1"])
def test_one_leaf_serves_every_host_that_the_sandbox_stands_in_for(authority, tmp_path, name):
    handshake(authority.leaf(), authority, name, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "example.test",
        "amazon.in",
        "www.amazon.in",
        "amazonservices.com",
        "amazonaws.com",
        "sns.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "notamazonpay.amazon.in",
    ],
)
def test_a_leaf_for_any_other_host_is_refused_by_whoever_trusts_the_authority(authority, tmp_path, name):
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(authority.leaf(name), authority, name, tmp_path)


def test_a_client_that_knows_no_name_constraints_must_refuse_the_authority(authority):
    constraints = authority.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = [str(name.value) for name in constraints.value.permitted_subtrees]
    assert permitted == [*HOSTS, "localhost", "127.0.0.1/32", "::1/128"]


def test_the_authority_survives_a_restart_and_its_key_is_for_the_owner_only(tmp_path):
    first, second = open_authority(tmp_path), open_authority(tmp_path)
    assert first.pem == second.pem == (tmp_path / "ca.pem").read_bytes()
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.key", "ca.pem"]


def test_an_authority_of_fewer_hosts_is_renewed_under_its_key(tmp_path, monkeypatch):
    monkeypatch.setattr(authority_module, "HOSTS", HOSTS[:3])
    old = open_authority(tmp_path)
    monkeypatch.setattr(authority_module, "HOSTS", HOSTS)
    new = open_authority(tmp_path)
    assert new.certificate.public_key() == old.certificate.public_key()
    assert new.certificate != old.certificate
    permitted = new.certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    assert set(HOSTS) <= {name.value for name in permitted}
    assert open_authority(tmp_path).certificate == new.certificate


def test_an_authority_that_somebody_made_is_left_as_it_is(tmp_path):
    own = open_authority(tmp_path)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Our company")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.key.public_key())
        .serial_number(1)
        .not_valid_before(own.certificate.not_valid_before_utc)
        .not_valid_after(own.certificate.not_valid_after_utc)
        .sign(own.key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    own.path.write_bytes(pem)
    assert open_authority(tmp_path).certificate == certificate
    assert own.path.read_bytes() == pem


def test_of_several_that_make_it_at_once_all_have_the_same(tmp_path):
    made = run_concurrently(8, lambda _: open_authority(tmp_path / "keys").pem)
    assert len(set(made)) == 1
    assert made[0].startswith(b"-----BEGIN CERTIFICATE-----")


def ed25519_pem():
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("ca.key", b"no key", "ca.key cannot be used: it is no unencrypted private key."),
        ("ca.key", ed25519_pem(), "ca.key cannot be used: it is no EC or RSA key."),
        ("ca.pem", b"no certificate", "ca.pem cannot be used: it is no certificate."),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unusable) as refused:
        open_authority(tmp_path)
    assert refused.value.message == f"{tmp_path}/{says}"


def test_a_certificate_of_another_key_is_refused(tmp_path):
    open_authority(tmp_path)
    (tmp_path / "ca.key").unlink()
    with pytest.raises(Unusable, match=r"ca\.pem cannot be used: it does not belong to ca\.key"):
        open_authority(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match="file/keys cannot be used"):
        open_authority(tmp_path / "file" / "keys")


@pytest.mark.parametrize("host", ["amazonpay.amazon.in", "MWS.AmazonServices.JP", "mws-eu.amazonservices.com."])
def test_a_host_is_known_however_it_is_spelt(host):
    assert is_impersonated(host)


def test_no_other_host_is_stood_in_for(subtests):
    for host in ["www.amazon.in", "pay.amazonpay.amazon.in", "sns.amazonaws.com", "localhost", ""]:
        with subtests.test(host=host):
            assert not is_impersonated(host)
