"""`mockpay keys`: what lies in the keys folder, the public key, and a new key for data at rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from mockpay.commands.groups import CommandGroup
from mockpay.commands.remote import fail
from mockpay.kernel.errors import DatabaseUnavailable, MockpayError
from mockpay.kernel.keys.files import open_keys
from mockpay.providers.contract import discover
from mockpay.settings import Settings
from mockpay.store import key_rotation
from mockpay.store.db.engine import close, open_engines
from mockpay.tables import create_tables
from mockpay.wire.keys import load_public_key, public_key_line

#: The sandbox's own files and what each is for.
_OWN_FILES: Mapping[str, str] = {
    "ca.key": "vouches for the impersonated hosts, with mockpay run and serve --tls",
    "ca.pem": "for clients: whom to trust",
    "store.key": "encrypts credentials and saved methods in the database",
}


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--format", "spelling", type=click.Choice(["pem", "sdk"]), help="Print the key only.")
@click.pass_context
def keys(ctx: click.Context, spelling: str | None) -> None:
    """Show the key files, or the public key as PEM or on one line for an SDK's configuration."""
    if ctx.invoked_subcommand is None:
        _show(spelling)


def _show(spelling: str | None) -> None:
    folder = Settings.from_env(os.environ).keys_dir
    files = [file for provider in discover().values() for file in provider.key_files]
    if spelling:
        public = folder / next(file.public for file in files if file.certificate_subject is None)
        if not public.is_file():
            fail(
                f"There is no {public}: the first `mockpay serve` makes it. Name its folder by MOCKPAY_KEYS_DIR, "
                f"or ask the server: /_mockpay/v1/public-key?format={spelling}"
            )
        pem = public.read_text("ascii")
        click.echo(pem.strip() if spelling == "pem" else public_key_line(load_public_key(pem)))
        return
    purposes = {file.private: file.private_purpose for file in files}
    purposes |= {file.public: file.public_purpose for file in files}
    for name, purpose in {**purposes, **_OWN_FILES}.items():
        click.echo(_line(folder / name, purpose))


@keys.command()
def rotate() -> None:
    """Make a new store.key and move all that is sealed in the database to it; stop the server first."""
    settings = Settings.from_env(os.environ)
    if not (settings.keys_dir / "store.key").is_file():
        fail(f"There is no {settings.keys_dir / 'store.key'} yet; `mockpay serve` makes it.")
    try:
        engine, writer = open_engines(settings.database_url)
        try:
            create_tables(writer)
            key_rotation.require_offline(writer)
            rotation = key_rotation.rotate(writer, open_keys(settings.keys_dir))
        finally:
            close(engine, writer)
    except (MockpayError, DatabaseUnavailable) as error:
        fail(error.message)
    removed = ", ".join(str(version) for version in rotation.removed)
    click.echo(f"Version {rotation.version} seals now; {rotation.moved} rows were moved to it. Removed: {removed}.")


def _line(path: Path, purpose: str) -> str:
    mode = f"{path.stat().st_mode & 0o777:o}" if path.is_file() else "---"
    return f"{mode}  {path}  {purpose}"
