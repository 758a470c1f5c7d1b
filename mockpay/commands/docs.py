"""`mockpay docs`: write the generated pages anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click


def pages() -> Mapping[str, str]:
    """Each generated page by its path."""
    # Imported here: the control API brings Flask along.
    from mockpay.commands.scenarios import page as scenarios  # noqa: PLC0415
    from mockpay.web.control.reference import page as control_api  # noqa: PLC0415

    return {"docs/scenarios.md": scenarios(), "docs/control-api.md": control_api()}


@click.command(hidden=True)
def docs() -> None:
    """Write docs/scenarios.md and docs/control-api.md below the working directory."""
    for name, text in pages().items():
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        click.echo(f"{name} is written.")
