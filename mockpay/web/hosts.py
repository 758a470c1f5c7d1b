"""Which hosts are this server's own."""

from __future__ import annotations

from urllib.parse import urlsplit

from mockpay.kernel.http.hosts import is_loopback, is_wildcard_address
from mockpay.settings import Settings


def own_host(settings: Settings, netloc: str) -> bool:
    """Whether a Host is loopback, the bound address or the one of MOCKPAY_PUBLIC_URL."""
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.path or parts.query:
        return False
    if is_loopback(host):
        return True
    if host == settings.host.lower() and not is_wildcard_address(host):
        return True
    public = urlsplit(settings.public_url or "")
    return host == public.hostname and (port is None or port == public.port)


def own_url(settings: Settings) -> str:
    """Where a browser on this machine finds the server."""
    host = "127.0.0.1" if is_wildcard_address(settings.host) else settings.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
