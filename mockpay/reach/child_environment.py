"""The environment of a child process: through our tunnel, and believing our authority."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

#: What clients read as THE list of roots, in place of their own: OpenSSL and Python, requests,
#: curl, the AWS command line.
_BUNDLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
#: What Node reads as further roots.
_EXTRA = "NODE_EXTRA_CA_CERTS"
_PHP = "PHP_INI_SCAN_DIR"
#: Only this machine is asked directly: the tunnel itself honours the caller's NO_PROXY.
_DIRECT = "localhost,127.0.0.1,::1"


def child_environment(
    parent: Mapping[str, str], *, proxy: str, folder: Path, authority: bytes
) -> dict[str, str]:
    """
    The caller's environment with our tunnel and our authority in it.

    Args:
        proxy: The tunnel's URL.
        folder: Where roots and PHP's settings are written; it must live as long as the child.
        authority: The authority's certificate, as PEM.
    """
    bundle, extra = folder / "bundle.pem", folder / "extra.pem"
    (folder / "php.ini").write_text(f'curl.cainfo="{bundle}"\nopenssl.cafile="{bundle}"\n')
    bundle.write_bytes(public_roots(parent) + authority)
    extra.write_bytes(_content(parent.get(_EXTRA, "")) + authority)
    proxies = ("HTTPS_PROXY", "HTTP_PROXY")
    return {
        **parent,
        **{spelt: proxy for name in proxies for spelt in (name, name.lower())},
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _DIRECT),
        **dict.fromkeys(_BUNDLES, str(bundle)),
        _EXTRA: str(extra),
        # Node looks at the proxy variables only when it is told to (22.21, 24 and later).
        "NODE_USE_ENV_PROXY": "1",
        # PHP takes roots from its settings only.  An empty entry is the folder it reads anyway.
        _PHP: f"{parent.get(_PHP, '')}:{folder}",
    }


def public_roots(parent: Mapping[str, str]) -> bytes:
    """
    Whom the child would have trusted, as PEM: a bundle of ours replaces its list.

    What the environment names is kept; where it names nothing, the roots of this machine and
    those that requests brings.
    """
    named = dict.fromkeys(parent[name] for name in _BUNDLES if parent.get(name))
    found = b"".join(_content(path) for path in named)
    if found:
        return found
    import certifi  # noqa: PLC0415

    system = ssl.get_default_verify_paths().openssl_cafile
    return _content(certifi.where()) + _content(system)


def _content(path: str) -> bytes:
    """The PEM file, or all of a folder's; nothing where there is none, as clients take it."""
    place = Path(path or "/nowhere")
    try:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        return b"".join(file.read_bytes().rstrip() + b"\n" for file in files if file.is_file())
    except OSError:
        return b""
