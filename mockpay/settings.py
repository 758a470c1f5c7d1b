"""What the process is told by its environment, frozen at the start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct, field

from mockpay.kernel.errors import Unusable
from mockpay.kernel.http.hosts import OutgoingHosts
from mockpay.kernel.words import nearest_word

_HOST_NAME = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")


class Settings(Struct, frozen=True):
    """The settings of contract section 1; each is `MOCKPAY_` and its name in capitals."""

    host: str = "127.0.0.1"
    port: int = 8420
    database_url: str = "var/mockpay.db"
    keys_dir: Path = Path("keys")
    seed: str | None = None
    admin_token: str | None = None
    #: What users know it by; the first is what others are told.
    public_urls: tuple[str, ...] = ()
    outgoing_hosts: OutgoingHosts = field(default_factory=OutgoingHosts)
    threads: int = 32
    #: How long a claim of the outbox lasts: what a dead process was sending waits as long.
    lease_seconds: int = 30

    @property
    def public_url(self) -> str | None:
        """The address that others are told, where it is not the bound one."""
        return self.public_urls[0] if self.public_urls else None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], prefix: str = "MOCKPAY_") -> Settings:
        """
        Read the environment; an empty value is an absent one.

        Raises:
            Unusable: code ``settings.environment``, naming the variable.
        """
        values = {key[len(prefix) :]: v for key, v in environ.items() if key.startswith(prefix) and v}
        default = cls()
        return cls(
            host=values.get("HOST", default.host),
            port=_whole_number(values, "PORT", default.port, 0, 65_535),
            database_url=values.get("DATABASE_URL", default.database_url),
            keys_dir=Path(values.get("KEYS_DIR", str(default.keys_dir))),
            seed=values.get("SEED"),
            admin_token=values.get("ADMIN_TOKEN"),
            public_urls=_urls(values, "PUBLIC_URL"),
            outgoing_hosts=_outgoing_hosts(values.get("OUTGOING_HOSTS", "")),
            threads=_whole_number(values, "THREADS", default.threads, 4, 512),
            lease_seconds=_whole_number(values, "LEASE_SECONDS", default.lease_seconds, 1, 3_600),
        )


#: Read elsewhere: by the commands that call a sandbox, by the demo shop, and by the tests of mockpay itself.
_OTHER_VARIABLES = ("URL", "SELLER_ID", "ACCESS_KEY", "SECRET_KEY", "CHROMIUM", "SHOTS")


def unknown_variables(environ: Mapping[str, str], prefix: str = "MOCKPAY_") -> Iterator[str]:
    """A sentence for each variable that nothing reads, with the name that was meant."""
    own = ("public_url" if name == "public_urls" else name for name in Settings.__struct_fields__)
    names = [name.upper() for name in (*own, *_OTHER_VARIABLES)]
    for name in sorted(name.removeprefix(prefix) for name in environ if name.startswith(prefix)):
        if name not in names:
            nearest = nearest_word(name, names)
            hint = f"; did you mean {prefix}{nearest}?" if nearest else "."
            yield f"{prefix}{name} is no variable of mockpay{hint}"


def _outgoing_hosts(text: str) -> OutgoingHosts:
    hosts = OutgoingHosts.parse(text)
    for name in hosts.names:
        if name != "*" and not _HOST_NAME.fullmatch(name):
            message = f"MOCKPAY_OUTGOING_HOSTS has '{name}'; write names of hosts without scheme or port, or * for any."
            raise Unusable(message, code="settings.environment")
    return hosts


def _urls(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in values.get(name, "").split(",") if url.strip())
    for url in urls:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and parts.hostname is not None and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            message = f"MOCKPAY_{name} must be URLs such as http://mockpay:8420, with commas between; {url!r} is none."
            raise Unusable(message, code="settings.environment")
    return urls


def _whole_number(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name, str(default))
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        message = f"MOCKPAY_{name} must be a whole number from {low} to {high}."
        raise Unusable(message, code="settings.environment")
    return int(text)
