"""Where a seller lets its buyers be sent: how URLs are held against its list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mockpay.kernel.errors import Invalid

#: What a seller gets who names no return URL (contract section 3).
LOOPBACK_RETURNS = ("http://127.0.0.1:*", "http://localhost:*")
_LOOPBACK_HOSTS = dict(zip(LOOPBACK_RETURNS, ("127.0.0.1", "localhost"), strict=True))


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    host: str
    port: int | None
    path: str
    query: str


_DEFAULT_PORTS = {"http": 80, "https": 443}
#: Schemes that a browser runs instead of following.
_RUNNABLE = frozenset({"javascript", "data", "vbscript", "file", "blob", "about"})
_PLAIN_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}")
#: Control characters, and what browsers read in other ways than we do.
_ODD = re.compile(r"[\x00-\x1f\x7f\\#]")


def _parse(url: str) -> _Url:
    """A URL as it is compared, or Invalid ``return_url.invalid``."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
        if not _PLAIN_HOST.fullmatch(host):
            host.encode("idna")  # a name that no resolver takes is a ValueError too
    except ValueError as error:
        raise _bad_url() from error
    dots = {".", ".."} & set(parts.path.replace("%2e", ".").replace("%2E", ".").split("/"))
    odd = _ODD.search(url) or url != url.strip()  # urlsplit forgives it, a browser goes somewhere else
    scheme = parts.scheme.lower()
    unsafe = "@" in parts.netloc or "*" in host or port == 0 or scheme in _RUNNABLE
    if odd or dots or unsafe or not scheme or not host or len(url) > 2048:
        raise _bad_url()
    return _Url(scheme, host, port or _DEFAULT_PORTS.get(scheme), parts.path or "/", parts.query)


def _bad_url() -> Invalid:
    return Invalid("This return URL cannot be used.", code="return_url.invalid")


def check_return_url_entry(entry: str) -> None:
    """
    Refuse an entry of the allow list that could never match.

    Raises:
        Invalid: code ``return_url.invalid``.
    """
    if entry not in LOOPBACK_RETURNS:
        _parse(entry)


def return_url_allowed(url: str, entries: tuple[str, ...]) -> bool:
    """
    Whether a browser may be sent there: compared after parsing (contract section 3).

    An entry matches scheme, host and port exactly, and the path exactly or,
    if it ends in ``*``, as a prefix; an entry without a query ignores the URL's query.
    """
    try:
        wanted = _parse(url)
    except Invalid:
        return False
    return any(_matches(wanted, entry) for entry in entries)


def _matches(wanted: _Url, entry: str) -> bool:
    if entry in _LOOPBACK_HOSTS:
        return wanted.scheme == "http" and wanted.host == _LOOPBACK_HOSTS[entry]
    allowed = _parse(entry)
    if (wanted.scheme, wanted.host, wanted.port) != (allowed.scheme, allowed.host, allowed.port):
        return False
    if allowed.query and allowed.query != wanted.query:
        return False
    if allowed.path.endswith("*"):
        return wanted.path.startswith(allowed.path[:-1])
    return wanted.path == allowed.path
