"""The command `mockpay`: a table of subcommands, each loaded only when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from mockpay import __version__

#: Each command: where its function of the same name lies, and what `--help` says of it, so that
#: help imports nothing.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("serve", "Serve the sandbox and the demo shop."),
    "shop": ("shop", "Serve the demo shop alone."),
    "run": ("run", "Run a command so that its calls to the impersonated hosts reach the sandbox."),
    "keys": ("keys", "Show the key files and the public key."),
    "sellers": ("sellers", "List, make, show and delete sellers."),
    "secrets": ("secrets", "Show what a seller's software needs to know."),
    "clock": ("clock", "Show, stop, start, set and advance a seller's clock."),
    "reset": ("reset", "Empty a seller's world."),
    "scenarios": ("scenarios", "Show the magic values; make and take away rules."),
}
_HIDDEN: Mapping[str, tuple[str, str]] = {"docs": ("docs", "Write the generated pages of docs/ anew.")}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names that `--help` shows, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        found = {**COMMANDS, **_HIDDEN}.get(cmd_name)
        if found is None:
            return None
        command = getattr(import_module(f"mockpay.commands.{found[0]}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table itself, so that help is instant."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="mockpay")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A sandbox server that impersonates payment providers."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: list[str] | None = None) -> None:
    """Run a command line; None for the process's own."""
    cli.main(args=argv, prog_name="mockpay")
