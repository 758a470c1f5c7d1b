"""A group of commands that names the command which was probably meant."""

from __future__ import annotations

import click

from mockpay.kernel.words import nearest_word


class CommandGroup(click.Group):
    """A group whose unknown commands are refused with the nearest right word."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with."""
        names = self.list_commands(ctx)
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            nearest = nearest_word(args[0], names)
            hint = f"Did you mean '{nearest}'?" if nearest else f"It is one of {', '.join(names)}."
            ctx.fail(f"No such command '{args[0]}'. {hint}")
        return super().resolve_command(ctx, args)
