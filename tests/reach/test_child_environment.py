"""The environment of a child."""

import ssl
from pathlib import Path

import pytest

from mockpay.reach.environment import Ports, child_environment, public_roots

PROXY, PORTS = "http://127.0.0.1:1", Ports(proxy=1, https=2, http=3)
OURS = b"-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n"
THEIRS = OURS.replace(b"b3Vycw==", b"dGhlaXJz")


@pytest.fixture
def environment(tmp_path, authority):
    def make(**parent):
        return child_environment(parent, ports=PORTS, folder=tmp_path, authority=authority.pem)

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


def test_the_list_of_roots_that_the_environment_names_is_kept_and_ours_is_added(environment, tmp_path, authority):
    named = tmp_path / "company.pem"
    named.write_bytes(THEIRS)
    told = environment(REQUESTS_CA_BUNDLE=str(named), SSL_CERT_FILE=str(named))
    bundle = tmp_path / "bundle.pem"
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
        assert told[name] == str(bundle)
    assert bundle.read_bytes() == THEIRS + authority.pem


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


def test_node_keeps_its_further_roots(environment, tmp_path, authority):
    further = tmp_path / "further.pem"
    further.write_bytes(THEIRS)
    told = environment(NODE_EXTRA_CA_CERTS=str(further), PIP_CERT="pip.pem")
    assert (tmp_path / "extra.pem").read_bytes() == THEIRS + authority.pem
    assert told["NODE_EXTRA_CA_CERTS"] == str(tmp_path / "extra.pem")
    assert told["PIP_CERT"] == "pip.pem"


@pytest.mark.parametrize(("before", "first"), [({}, ""), ({"PHP_INI_SCAN_DIR": "/etc/mine"}, "/etc/mine")])
def test_php_reads_one_more_folder_of_settings(environment, tmp_path, before, first):
    told = environment(**before)
    assert told["PHP_INI_SCAN_DIR"] == f"{first}:{tmp_path}"
    bundle = tmp_path / "bundle.pem"
    lines = (tmp_path / "php.ini").read_text().splitlines()
    assert lines[:2] == [f'curl.cainfo="{bundle}"', f'openssl.cafile="{bundle}"']


def test_options_that_a_language_was_given_before_come_first(environment, tmp_path):
    told = environment(NODE_OPTIONS="--no-warnings", JAVA_TOOL_OPTIONS="-Xmx64m", RUBYOPT="-W0", PYTHONPATH="/lib/mine")
    assert told["NODE_OPTIONS"] == f'--no-warnings --require "{tmp_path / "node.cjs"}"'
    assert told["JAVA_TOOL_OPTIONS"].startswith('-Xmx64m -Dhttp.proxyHost="127.0.0.1" -Dhttp.proxyPort="1" ')
    assert told["RUBYOPT"] == f"-W0 -r{tmp_path / 'preload.rb'}"
    # The first sitecustomize is the one that Python runs.
    assert told["PYTHONPATH"] == f"{tmp_path}:/lib/mine"


def test_the_users_settings_of_wget_stay(environment, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / ".wgetrc").write_text("tries = 3")
    settings = environment(HOME=str(home))["WGETRC"]
    assert Path(settings).read_text() == f"tries = 3\nca_certificate = {tmp_path / 'bundle.pem'}\n"
