"""`mockpay docs`: write the generated pages anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from mockpay.commands import scenarios
from mockpay.web.control import reference


def pages() -> Mapping[str, str]:
    """Each generated page by its path."""
    return {"docs/scenarios.md": scenarios.page(), "docs/control-api.md": reference.page()}


@click.command(hidden=True)
def docs() -> None:
    """Write docs/scenarios.md and docs/control-api.md below the working directory."""
    for name, text in pages().items():
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        click.echo(f"{name} is written.")
