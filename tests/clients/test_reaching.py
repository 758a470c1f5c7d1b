"""curl, requests, Node and Chromium reach amazonpay.amazon.in; another host is left alone."""

import json
import os
import socket
import ssl
import sys
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import expect

from mockpay.reach.authority import open_authority
from mockpay.reach.listeners import Listeners
from mockpay.reach.upstream import Upstream
from tests.clients.conftest import program

PROGRAMS = Path(__file__).parent / "programs"
CONFIG = "https://amazonpay.amazon.in/getDynamicConfig?key=serverSideSDKPHP"
METRICS = "http://amazonpay.amazon.in/publishMetrics/data=$post_data"


@pytest.fixture
def curl():
    return program("curl")


def test_curl_reaches_it_by_https_and_by_http(under_mockpay_run, curl, public_key):
    assert json.loads(under_mockpay_run(curl, "-sS", CONFIG)) == {"publicKey": public_key}
    status = under_mockpay_run(curl, "-sS", "-d", "x" * 100_000, "-w", "%{http_code}", METRICS)
    assert status == "200"


def test_curl_keeps_one_connection_for_several_requests(under_mockpay_run, curl):
    twice = ("-o", os.devnull, CONFIG) * 2
    assert under_mockpay_run(curl, "-sS", "-w", "%{num_connects} ", *twice) == "1 0 "


def test_requests_reaches_it(under_mockpay_run, clients_python, public_key):
    script = f"""
import requests
print(requests.get({CONFIG!r}, timeout=20).json()["publicKey"])
print(requests.post({METRICS!r}, data=b"x" * 600_000, timeout=20).status_code)
"""
    printed = under_mockpay_run(clients_python, "-c", script)
    assert printed.split() == [public_key, "200"]


@pytest.mark.parametrize(
    ("name", "file", "answers"),
    [("java", "JavaCalls.java", 3), ("php", "php_calls.php", 4), ("ruby", "ruby_calls.rb", 3)],
)
def test_the_clients_that_a_language_brings_reach_it(under_mockpay_run, public_key, name, file, answers):
    printed = under_mockpay_run(program(name), str(PROGRAMS / file))
    assert [json.loads(line) for line in printed.splitlines() if line] == [{"publicKey": public_key}] * answers


def test_clients_in_python_that_read_no_variable_reach_it(under_mockpay_run, clients_python, public_key):
    printed = under_mockpay_run(clients_python, str(PROGRAMS / "python_calls.py"))
    assert [json.loads(line) for line in printed.splitlines() if line] == [{"publicKey": public_key}] * 6


def test_the_lookup_of_aiodns_is_led_too(under_mockpay_run, tmp_path):
    (tmp_path / "pycares.py").write_text("class Channel:\n    def getaddrinfo(self, host, port): return host\n")
    script = """
import socket, pycares
lookup = pycares.Channel().getaddrinfo
print(lookup("amazonpay.amazon.in", 443) == lookup(host="AmazonPay.Amazon.in.", port=443) == socket.gethostbyname("amazonpay.amazon.in"))
print(lookup("example.test", 443))
"""
    printed = under_mockpay_run(sys.executable, "-c", script, PYTHONPATH=str(tmp_path))
    assert printed.split() == ["True", "example.test"]


def test_a_sitecustomize_that_was_there_before_is_run_too(under_mockpay_run, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.ran = True")
    script = "import sys, sitecustomize; print(ran, sitecustomize.__file__)"
    printed = under_mockpay_run(sys.executable, "-c", script, PYTHONPATH=str(tmp_path))
    assert printed.split() == ["True", str(tmp_path / "sitecustomize.py")]


def test_wget_reaches_it(under_mockpay_run, public_key):
    assert json.loads(under_mockpay_run(program("wget"), "-qO-", CONFIG)) == {"publicKey": public_key}


def test_the_standard_library_reaches_it(under_mockpay_run, public_key):
    script = f"import urllib.request as web; print(web.urlopen({CONFIG!r}, timeout=20).read().decode())"
    assert json.loads(under_mockpay_run(sys.executable, "-c", script)) == {"publicKey": public_key}


@pytest.mark.parametrize("version", ["of this machine", "newest"])
def test_node_reaches_it_with_any_client_of_its_own(under_mockpay_run, node, public_key, version):
    binary = node if version == "newest" else program("node")
    printed = json.loads(under_mockpay_run(binary, str(PROGRAMS / "node_calls.mjs")))
    assert printed.pop("metrics") == 200
    newest = ("default roots replaced",) if version == "newest" else ()
    assert printed == dict.fromkeys(("https", "own agent", "own roots", "fetch", *newest), public_key)


def test_chromium_reaches_it_with_the_flags_of_the_readme(under_mockpay_run, browser_type_launch_args, public_key):
    flags = "--proxy-server=$HTTPS_PROXY --ignore-certificate-errors"
    assert f"`{flags}`" in (Path(__file__).parents[2] / "README.md").read_text()
    chromium = f"{browser_type_launch_args['executable_path']} --headless --no-sandbox --disable-gpu"
    printed = under_mockpay_run("sh", "-c", f"{chromium} {flags} --dump-dom '{CONFIG}'")
    assert public_key in printed


@pytest.fixture
def phone(browser, mockpay_server, tmp_path):
    """A page whose browser is given our tunnel, in a sandbox of real names."""
    with Listeners(mockpay_server.url, open_authority(tmp_path), Upstream()) as listeners:
        # Chromium reads roots from nowhere that a test could write to.
        context = browser.new_context(
            proxy={"server": listeners.proxy}, ignore_https_errors=True, viewport={"width": 390, "height": 844}
        )
        yield context.new_page()
        context.close()


def test_a_buyer_pays_in_chromium_at_amazons_own_address(phone, seller, mockpay_server):
    address = seller.client().payment_url(
        amount="250.00", seller_order_id="CLIENTS-2", redirect_url="http://localhost/return"
    )
    phone.goto(address.replace(mockpay_server.url, "https://amazonpay.amazon.in"))
    assert phone.url.startswith("https://amazonpay.amazon.in/pay/")
    phone.get_by_test_id("method-upi").click()
    phone.get_by_test_id("upi-vpa").fill("success@mockpay")
    phone.get_by_test_id("pay").locator("visible=true").first.click()
    expect(phone.get_by_test_id("payment-status")).to_have_text("SUCCESS")
    assert phone.url.startswith("https://amazonpay.amazon.in/pay/")


class NextProxy:
    """A proxy of the caller's environment, on loopback, that leads every CONNECT to one TLS server."""

    def __init__(self, listening, tls):
        self._listening, self._tls = listening, tls
        self.asked = []
        Thread(target=self._serve, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def _serve(self):
        connection, _ = self._listening.accept()
        with connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            self.asked.append(head.split(b"\r\n")[0].decode())
            connection.sendall(b"HTTP/1.1 200 Yes\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65_536)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nuntouched")


@pytest.fixture
def elsewhere(tmp_path):
    """example.test: a TLS server with a certificate of its own; yields the proxy to it and its root."""
    leaf = own_certificate("example.test")
    file = tmp_path / "leaf.pem"
    file.write_bytes(b"".join(leaf))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    root = tmp_path / "root.pem"
    root.write_bytes(leaf[1])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield NextProxy(listening, tls), str(root)


def own_certificate(name):
    """A key and a certificate that signs itself, as PEM."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("client", ["curl", "requests"])
def test_another_host_keeps_its_own_certificate_and_the_callers_proxy(
    under_mockpay_run, clients_python, curl, elsewhere, client
):
    proxy, root = elsewhere
    script = "import requests; print(requests.get('https://example.test/', timeout=20).text)"
    commands = {"curl": (curl, "-sS", "https://example.test/"), "requests": (clients_python, "-c", script)}
    named = dict.fromkeys(("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), root)
    printed = under_mockpay_run(*commands[client], HTTPS_PROXY=proxy.url, **named)
    assert printed.strip() == "untouched"
    assert proxy.asked == ["CONNECT example.test:443 HTTP/1.1"]
