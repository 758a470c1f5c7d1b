"""`mockpay keys`: what lies in the keys folder, and the public key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from mockpay.commands.remote import give_up
from mockpay.settings import Settings

#: The files of contract section 1 and what each is for.
FILES: Mapping[str, str] = {
    "amazonpay_private.pem": "opens payment requests",
    "amazonpay_public.pem": "for shops: encrypts payment requests",
    "ipn_signing.pem": "signs notifications",
    "ipn_signing_cert.pem": "for shops: verifies notifications",
    "ca.key": "vouches for the impersonated hosts, with mockpay run and serve --tls",
    "ca.pem": "for clients: whom to trust",
    "store.key": "encrypts credentials in the database",
}


@click.command()
@click.option("--format", "spelling", type=click.Choice(["pem", "sdk"]), help="Print the key only.")
def keys(spelling: str | None) -> None:
    """Show the key files, or the public key as PEM or on one line for an SDK's configuration."""
    folder = Settings.from_env(os.environ).keys_dir
    public = folder / "amazonpay_public.pem"
    if spelling and not public.is_file():
        give_up(f"There is no {public} yet; the first `mockpay serve` makes it.")
    if spelling:
        pem = public.read_text("ascii")
        click.echo(pem.strip() if spelling == "pem" else one_line(pem))
        return
    for name, says in FILES.items():
        click.echo(_line(folder / name, says))


def _line(path: Path, says: str) -> str:
    there = f"{path.stat().st_mode & 0o777:o}" if path.is_file() else "---"
    return f"{there}  {path}  {says}"


def one_line(pem: str) -> str:
    """A PEM file's base64 without its frame."""
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))
