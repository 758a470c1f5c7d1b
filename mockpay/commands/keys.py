"""`mockpay keys`: what lies in the keys folder, the public key, and a new key for data at rest."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mockpay.commands.remote import give_up
from mockpay.kernel.errors import MockpayError
from mockpay.settings import Settings

if TYPE_CHECKING:
    from mockpay.store.unit_of_work import Runtime

#: The sandbox's own files and what each is for.
_OWN_FILES: Mapping[str, str] = {
    "ca.key": "vouches for the impersonated hosts, with mockpay run and serve --tls",
    "ca.pem": "for clients: whom to trust",
    "store.key": "encrypts credentials and saved methods in the database",
}


@click.group(invoke_without_command=True)
@click.option("--format", "spelling", type=click.Choice(["pem", "sdk"]), help="Print the key only.")
@click.pass_context
def keys(ctx: click.Context, spelling: str | None) -> None:
    """Show the key files, or the public key as PEM or on one line for an SDK's configuration."""
    if ctx.invoked_subcommand is None:
        _show(spelling)


def _show(spelling: str | None) -> None:
    # Imported here, so that `mockpay --help` does not wait for Flask.
    from mockpay.providers.contract import discover  # noqa: PLC0415
    from mockpay.wire.keys import load_public_key, public_key_line  # noqa: PLC0415

    folder = Settings.from_env(os.environ).keys_dir
    files = [file for provider in discover().values() for file in provider.key_files]
    if spelling:
        public = folder / next(file.public for file in files if file.certificate_subject is None)
        if not public.is_file():
            give_up(f"There is no {public} yet; the first `mockpay serve` makes it.")
        pem = public.read_text("ascii")
        click.echo(pem.strip() if spelling == "pem" else public_key_line(load_public_key(pem)))
        return
    purposes = {file.private: file.private_purpose for file in files}
    purposes |= {file.public: file.public_purpose for file in files}
    for name, purpose in {**purposes, **_OWN_FILES}.items():
        click.echo(_line(folder / name, purpose))


@keys.command()
@click.option("--retire", is_flag=True, help="Take the old versions away when nothing needs them.")
def rotate(*, retire: bool) -> None:
    """Put a new version into store.key and move all that is sealed to it; servers may run."""
    # Here, as all else of this command needs no database.
    from mockpay.services.key_rotation import rotate as rotated  # noqa: PLC0415
    from mockpay.store.db.engine import close  # noqa: PLC0415

    settings = Settings.from_env(os.environ)
    if not (settings.keys_dir / "store.key").is_file():
        give_up(f"There is no {settings.keys_dir / 'store.key'} yet; `mockpay serve` makes it.")
    try:
        runtime = _runtime(settings)
        try:
            done = rotated(runtime, retire=retire)
        finally:
            close(runtime.engine, runtime.writer)
    except MockpayError as error:
        give_up(error.message)
    click.echo(f"Version {done.version} seals now; {done.moved} rows were moved to it.")
    if retire and not done.retired:
        give_up("Old versions are still in use; run the same again.")
    if retire:
        click.echo(f"Retired: {', '.join(str(version) for version in done.retired)}.")


def _runtime(settings: Settings) -> Runtime:
    """What a server has, as far as keys and database go."""
    from mockpay.kernel.clock import SystemClock  # noqa: PLC0415
    from mockpay.kernel.http.sender import HttpSender  # noqa: PLC0415
    from mockpay.kernel.keys.files import open_keys  # noqa: PLC0415
    from mockpay.store.db.engine import open_engines  # noqa: PLC0415
    from mockpay.store.unit_of_work import Runtime  # noqa: PLC0415
    from mockpay.tables import create_tables  # noqa: PLC0415

    engine, writer = open_engines(settings.database_url)
    runtime = Runtime(
        settings=settings,
        engine=engine,
        writer=writer,
        keys=open_keys(settings.keys_dir),
        real_clock=SystemClock(),
        sender=HttpSender(settings.outgoing_hosts),
    )
    create_tables(runtime.writer)
    return runtime


def _line(path: Path, purpose: str) -> str:
    mode = f"{path.stat().st_mode & 0o777:o}" if path.is_file() else "---"
    return f"{mode}  {path}  {purpose}"
