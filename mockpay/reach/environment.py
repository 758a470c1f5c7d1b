"""The environment of a child of `mockpay run`: how the clients of each language are led to the sandbox."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from msgspec import Struct

from mockpay.reach.hosts import HOSTS

#: What clients read as THE list of roots, in place of their own: OpenSSL, Python and Ruby, requests,
#: curl, the AWS command line.
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
#: What Node reads as further roots.
_EXTRA = "NODE_EXTRA_CA_CERTS"
#: Only this machine is asked directly: the tunnel itself honours the caller's NO_PROXY.
_DIRECT = "localhost,127.0.0.1,::1"
#: Nothing secret is in a list of roots, but its format wants a password; this is that of every Java's own list.
_STORE_PHRASE = "changeit"
_PRELOAD = Path(__file__).parent / "preload"
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class Ports(Struct, frozen=True):
    """Where `mockpay run` listens on loopback: as a proxy, and as the hosts' own ports 443 and 80."""

    proxy: int
    https: int
    http: int


def child_environment(parent: Mapping[str, str], *, ports: Ports, folder: Path, authority: bytes) -> dict[str, str]:
    """
    The caller's environment with our ports and our authority in it.

    Args:
        folder: Where roots, settings and what is loaded first are written; it must live as long as the child.
        authority: The authority's certificate, as PEM.
    """
    proxy = f"http://127.0.0.1:{ports.proxy}"
    bundle, extra = folder / "bundle.pem", folder / "extra.pem"
    roots = public_roots(parent) + authority
    bundle.write_bytes(roots)
    extra.write_bytes(_content(parent.get(_EXTRA, "")) + authority)
    shutil.copytree(_PRELOAD, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    reach = {
        "hosts": HOSTS,
        "ports": {"443": ports.https, "80": ports.http},
        "proxy": proxy,
        "authority": authority.decode("ascii"),
    }
    (folder / "reach.json").write_text(json.dumps(reach))
    return {
        **parent,
        **{variable: proxy for name in ("HTTPS_PROXY", "HTTP_PROXY") for variable in (name, name.lower())},
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _DIRECT),
        **dict.fromkeys(_BUNDLES, str(bundle)),
        **_node(parent, folder, extra),
        **_python(parent, folder),
        **_java(parent, folder, ports.proxy, roots),
        **_php(parent, folder, bundle),
        **_ruby(parent, folder),
        **_wget(parent, folder, bundle),
    }


def _node(parent: Mapping[str, str], folder: Path, extra: Path) -> dict[str, str]:
    # Node looks at the proxy variables only when it is told to, and not before 22.21.
    options = _joined(" ", parent.get("NODE_OPTIONS"), f'--require "{folder / "node.cjs"}"')
    return {_EXTRA: str(extra), "NODE_USE_ENV_PROXY": "1", "NODE_OPTIONS": options}


def _python(parent: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": _joined(":", str(folder), parent.get("PYTHONPATH"))}


def _java(parent: Mapping[str, str], folder: Path, proxy: int, roots: bytes) -> dict[str, str]:
    store = folder / "roots.p12"
    certificates = [pkcs12.PKCS12Certificate(c, b"%d" % number) for number, c in enumerate(_certificates(roots))]
    store.write_bytes(pkcs12.serialize_java_truststore(certificates, BestAvailableEncryption(_STORE_PHRASE.encode())))
    properties = {
        "http.proxyHost": "127.0.0.1",
        "http.proxyPort": proxy,
        "https.proxyHost": "127.0.0.1",
        "https.proxyPort": proxy,
        "http.nonProxyHosts": "localhost|127.*|[::1]",
        "javax.net.ssl.trustStore": store,
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": _STORE_PHRASE,
    }
    options = (f'-D{name}="{value}"' for name, value in properties.items())
    return {"JAVA_TOOL_OPTIONS": _joined(" ", parent.get("JAVA_TOOL_OPTIONS"), *options)}


def _php(parent: Mapping[str, str], folder: Path, bundle: Path) -> dict[str, str]:
    # PHP takes roots from its settings only.  An empty entry is the folder it reads anyway.
    settings = {"curl.cainfo": bundle, "openssl.cafile": bundle, "auto_prepend_file": folder / "prepend.php"}
    (folder / "php.ini").write_text("".join(f'{name}="{path}"\n' for name, path in settings.items()))
    return {"PHP_INI_SCAN_DIR": f"{parent.get('PHP_INI_SCAN_DIR', '')}:{folder}"}


def _ruby(parent: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {"RUBYOPT": _joined(" ", parent.get("RUBYOPT"), f"-r{folder / 'preload.rb'}")}


def _wget(parent: Mapping[str, str], folder: Path, bundle: Path) -> dict[str, str]:
    # The variable names the user's one file of settings, so theirs comes first in ours.
    own_settings = Path(parent.get("WGETRC") or Path(parent.get("HOME", "/nowhere")) / ".wgetrc")
    settings = folder / "wgetrc"
    settings.write_bytes(_content(str(own_settings)) + f"ca_certificate = {bundle}\n".encode())
    return {"WGETRC": str(settings)}


def _joined(separator: str, *parts: str | None) -> str:
    return separator.join(part for part in parts if part)


def public_roots(parent: Mapping[str, str]) -> bytes:
    """
    Whom the child would have trusted, as PEM: a bundle of ours replaces its list.

    What the environment names is kept; where it names nothing, the roots of this machine and
    those that requests brings.
    """
    bundles = dict.fromkeys(parent[name] for name in _BUNDLES if parent.get(name))
    roots = b"".join(_content(path) for path in bundles)
    if roots:
        return roots
    system = ssl.get_default_verify_paths().openssl_cafile
    return _content(certifi.where()) + _content(system)


def _certificates(roots: bytes) -> Iterator[x509.Certificate]:
    """Every certificate that can be read, once."""
    with warnings.catch_warnings(action="ignore"):
        for pem in dict.fromkeys(_CERTIFICATE.findall(roots)):
            try:
                yield x509.load_pem_x509_certificate(pem)
            except ValueError:
                continue


def _content(path: str) -> bytes:
    """The PEM file, or all of a folder's; nothing where there is none, as clients take it."""
    place = Path(path or "/nowhere")
    try:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        return b"".join(file.read_bytes().rstrip() + b"\n" for file in files if file.is_file())
    except OSError:
        return b""
