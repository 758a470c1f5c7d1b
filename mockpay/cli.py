"""The command `mockpay`: a table of subcommands, each loaded only when it is called."""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NoReturn

import click

from mockpay import __version__
from mockpay.commands.groups import CommandGroup
from mockpay.kernel.errors import MockpayError

#: Each command with its help, so that `--help` imports nothing.
COMMANDS: Mapping[str, str] = {
    "serve": "Serve the sandbox and the demo shop.",
    "shop": "Serve the demo shop alone.",
    "run": "Run a command so that its calls to the impersonated hosts reach the sandbox.",
    "keys": "Show the key files and the public key.",
    "sellers": "List, make, show and delete sellers.",
    "secrets": "Show what a seller's software needs to know.",
    "seed": "Print sellers as a file for `mockpay serve --seed`.",
    "clock": "Show, stop, start, set and advance a seller's clock.",
    "reset": "Empty a seller's world.",
    "orders": "List orders, or show one.",
    "wait": "Wait for an event, such as order.PAID.",
    "inbox": "List what was sent to buyers.",
    "logs": "Show the journal's lines, or follow them.",
    "scenarios": "Show the magic values; make and take away rules.",
}
_HIDDEN = frozenset({"docs"})
#: The module of a command that has none of its own name.
_MODULES = {"secrets": "sellers", "reset": "sellers"} | dict.fromkeys(("orders", "wait", "inbox", "logs"), "records")


class LazyGroup(CommandGroup):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names that `--help` shows, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS and cmd_name not in _HIDDEN:
            return None
        command = getattr(import_module(f"mockpay.commands.{_MODULES.get(cmd_name, cmd_name)}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table itself, so that help is instant."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockpay")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A sandbox server that impersonates payment providers."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: list[str] | None = None) -> NoReturn:
    """
    Run a command line, None for the process's own, and end the process.

    What cannot succeed is one sentence on standard error and exit code 2 (contract section 1).
    """
    # What a start makes is hardly ever garbage, and collecting would take a tenth of it; commands
    # that stay (serve, shop, run) enable it again.
    gc.disable()
    try:
        code = cli.main(args=argv, prog_name="mockpay", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        more = f" `{context.command_path} --help` tells more." if context else ""
        code = _refused(" ".join(error.format_message().split()) + more)
    except MockpayError as error:
        code = _refused(error.message)
    except click.Abort:
        code = 1
    sys.exit(code)


def _refused(sentence: str) -> int:
    click.echo(f"mockpay: {sentence}", err=True)
    return 2
