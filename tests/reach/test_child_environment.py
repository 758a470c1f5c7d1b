"""The environment of a child."""

import ssl

import pytest

from mockpay.reach.child import child_environment, public_roots

PROXY = "http://127.0.0.1:1"
OURS = b"-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n"
THEIRS = OURS.replace(b"b3Vycw==", b"dGhlaXJz")


@pytest.fixture
def environment(tmp_path):
    def make(**parent):
        return child_environment(parent, proxy=PROXY, folder=tmp_path, authority=OURS)

    return make


def test_every_client_is_told_the_tunnel_and_the_rest_stays(environment):
    told = environment(PATH="/bin", HTTPS_PROXY="http://before.test", ALL_PROXY="http://all.test")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        assert told[name] == PROXY
    assert told["NODE_USE_ENV_PROXY"] == "1"
    assert (told["PATH"], told["ALL_PROXY"]) == ("/bin", "http://all.test")


def test_only_this_machine_is_asked_directly(environment):
    told = environment(NO_PROXY=".amazonaws.com,*", no_proxy="amazonpay.amazon.in")
    assert told["NO_PROXY"] == told["no_proxy"] == "localhost,127.0.0.1,::1"


def test_the_list_of_roots_that_the_environment_names_is_kept_and_ours_is_added(environment, tmp_path):
    named = tmp_path / "company.pem"
    named.write_bytes(THEIRS)
    told = environment(REQUESTS_CA_BUNDLE=str(named), SSL_CERT_FILE=str(named))
    bundle = tmp_path / "bundle.pem"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
        assert told[name] == str(bundle)
    assert bundle.read_bytes() == THEIRS + OURS


def test_lists_of_different_clients_and_folders_are_joined(tmp_path):
    one, folder = tmp_path / "one.pem", tmp_path / "roots"
    one.write_bytes(THEIRS.rstrip())
    folder.mkdir()
    (folder / "a.pem").write_bytes(OURS)
    parent = {"SSL_CERT_FILE": str(one), "REQUESTS_CA_BUNDLE": str(folder)}
    assert public_roots(parent) == THEIRS + OURS


@pytest.mark.parametrize("parent", [{}, {"SSL_CERT_FILE": "/nowhere/roots.pem"}])
def test_where_nothing_is_named_the_public_roots_are_there(parent, tmp_path):
    file = tmp_path / "roots.pem"
    file.write_bytes(public_roots(parent))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    assert len(context.get_ca_certs()) > 50


def test_node_keeps_its_further_roots(environment, tmp_path):
    further = tmp_path / "further.pem"
    further.write_bytes(THEIRS)
    told = environment(NODE_EXTRA_CA_CERTS=str(further), PIP_CERT="pip.pem")
    assert (tmp_path / "extra.pem").read_bytes() == THEIRS + OURS
    assert told["NODE_EXTRA_CA_CERTS"] == str(tmp_path / "extra.pem")
    assert told["PIP_CERT"] == "pip.pem"


@pytest.mark.parametrize(("before", "first"), [({}, ""), ({"PHP_INI_SCAN_DIR": "/etc/mine"}, "/etc/mine")])
def test_php_reads_one_more_folder_of_settings(environment, tmp_path, before, first):
    told = environment(**before)
    assert told["PHP_INI_SCAN_DIR"] == f"{first}:{tmp_path}"
    bundle = tmp_path / "bundle.pem"
    assert (tmp_path / "php.ini").read_text() == f'curl.cainfo="{bundle}"\nopenssl.cafile="{bundle}"\n'
