"""What the process is told by its environment, frozen at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockpay.kernel.errors import Unusable
from mockpay.kernel.http.hosts import OutgoingHosts


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of contract section 1; each is `MOCKPAY_` and its name in capitals."""

    host: str = "127.0.0.1"
    port: int = 8420
    database_url: str = "var/mockpay.db"
    keys_dir: Path = Path("keys")
    seed: str | None = None
    admin_token: str | None = None
    public_url: str | None = None
    outgoing_hosts: OutgoingHosts = field(default_factory=OutgoingHosts)
    threads: int = 32
    #: How long a claim of the outbox lasts: what a dead process was sending waits as long.
    lease_seconds: int = 30

    @classmethod
    def from_env(cls, environ: Mapping[str, str], prefix: str = "MOCKPAY_") -> Settings:
        """
        Read the environment; an empty value is an absent one.

        Raises:
            Unusable: code ``settings.environment``, naming the variable.
        """
        given = {key[len(prefix) :]: v for key, v in environ.items() if key.startswith(prefix) and v}
        default = cls()
        return cls(
            host=given.get("HOST", default.host),
            port=_whole(given, "PORT", default.port, 0, 65_535),
            database_url=given.get("DATABASE_URL", default.database_url),
            keys_dir=Path(given.get("KEYS_DIR", str(default.keys_dir))),
            seed=given.get("SEED"),
            admin_token=given.get("ADMIN_TOKEN"),
            public_url=given.get("PUBLIC_URL"),
            outgoing_hosts=OutgoingHosts.parse(given.get("OUTGOING_HOSTS", "")),
            threads=_whole(given, "THREADS", default.threads, 4, 512),
            lease_seconds=_whole(given, "LEASE_SECONDS", default.lease_seconds, 1, 3_600),
        )


def _whole(given: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        message = f"MOCKPAY_{name} must be a whole number from {low} to {high}."
        raise Unusable(message, code="settings.environment")
    return int(text)
