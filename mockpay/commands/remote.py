"""Calling a running sandbox's control API from the shell."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import click
from msgspec import Struct

from mockpay.commands.groups import CommandGroup
from mockpay.kernel.errors import Invalid, MockpayError
from mockpay.kernel.http.calls import HttpCall, HttpReply, Sender
from mockpay.kernel.http.hosts import OutgoingHosts
from mockpay.kernel.http.sender import HttpSender

#: The seller that is there from the first start.
DEFAULT_SELLER = "A1MOCKPAYSELLER"
_TIMEOUT_SECONDS = 330.0


class Remote(Struct, frozen=True):
    """A sandbox by its address and, where it asks for one, its admin token."""

    url: str
    token: str | None
    sender: Sender

    def call(self, method: str, path: str, body: object = None) -> Any:
        """
        Call below ``/_mockpay/v1``; the decoded answer, None for an empty one.

        A refusal ends the command with the server's own sentence.
        """
        reply = self.raw(method, f"/_mockpay/v1{path}", body)
        try:
            return json.loads(reply.body) if reply.body else None
        except ValueError:
            return fail(_no_sandbox(self.url, "What answers there is not mockpay."))

    def raw(self, method: str, path: str, body: object = None) -> HttpReply:
        """Call any path; ends the command where the server refuses or does not answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        content = b""
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        address = self.url.rstrip("/") + path
        try:
            reply = self.sender.send(HttpCall(method, address, headers, content, _TIMEOUT_SECONDS))
        except Invalid as error:
            fail(f"{error.message} {_cure(error)}")
        except MockpayError as error:
            fail(_no_sandbox(self.url, error.message))
        if reply.status >= 300:
            fail(_refusal(self.url, reply))
        return reply

    def seller(self, seller_id: str, method: str, path: str, body: object = None) -> Any:
        """Call below one seller."""
        return self.call(method, f"/sellers/{quote(seller_id, safe='')}{path}", body)


def _cure(error: Invalid) -> str:
    """What helps against a call that cannot even be sent."""
    if error.code == "header.invalid":
        return "Mend MOCKPAY_ADMIN_TOKEN."
    return "Name the sandbox by --url or MOCKPAY_URL, such as http://127.0.0.1:8420."


def _no_sandbox(url: str, why: str) -> str:
    return f"No sandbox at {url}: {why} `mockpay serve` starts one; --url or MOCKPAY_URL names another."


#: What helps against a refusal, by its code.
_CURES: Mapping[str, str] = {
    "seller.not_found": " `mockpay sellers` lists those that there are.",
    "token.required": " Set MOCKPAY_ADMIN_TOKEN to the one that the server was started with.",
}


def _refusal(url: str, reply: HttpReply) -> str:
    try:
        problem = json.loads(reply.body)
        return f"{problem['detail']}{_CURES.get(problem['code'], '')} ({problem['code']})"
    except (ValueError, KeyError, TypeError):
        return _no_sandbox(url, f"What answers there ({reply.status}) is not mockpay.")


def fail(sentence: str) -> Any:
    """End the command with one sentence on standard error and exit code 2."""
    click.echo(sentence, err=True)
    sys.exit(2)


def default_url() -> str:
    """The sandbox's URL without `--url`: MOCKPAY_URL, else the server's own settings."""
    return os.environ.get("MOCKPAY_URL") or f"http://127.0.0.1:{os.environ.get('MOCKPAY_PORT') or '8420'}"


def connect(url: str | None) -> Remote:
    """The sandbox of a command; its token is MOCKPAY_ADMIN_TOKEN."""
    # Where a person sends a command is no outgoing call of the sandbox, so any host will do.
    sender = HttpSender(OutgoingHosts.parse("*"))
    return Remote(url or default_url(), os.environ.get("MOCKPAY_ADMIN_TOKEN"), sender)


def url_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--url`."""
    return click.option("--url", metavar="URL", help="The sandbox; MOCKPAY_URL.")(command)


def seller_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--seller`."""
    return click.option("--seller", default=DEFAULT_SELLER, show_default=True, help="The seller.")(command)


class RemoteGroup(CommandGroup):
    """A group whose own options may also stand behind its subcommand, where people write them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring `--url` and `--seller` to the front."""
        front, rest = list[str](), list[str]()
        words = iter(args)
        for word in words:
            if word in {"--url", "--seller"}:
                front += [word, *([value] if (value := next(words, None)) is not None else [])]
            else:
                (front if word.startswith(("--url=", "--seller=")) else rest).append(word)
        return super().parse_args(ctx, front + rest)


def duration(text: str) -> float:
    """
    Seconds, written as a number or as in ``90s``, ``6h`` or ``1d12h``.

    Raises:
        click.BadParameter: it is neither.
    """
    parts = _DURATION.fullmatch(text.strip().lower())
    if parts is not None and parts[0]:
        return sum(float(parts[unit]) * _UNITS[unit] for unit in _UNITS if parts[unit] is not None)
    try:
        return float(text)
    except ValueError as error:
        message = f"{text!r} is no duration: seconds, or such as 90s, 30m, 6h, 2d, 1h30m."
        raise click.BadParameter(message) from error


_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>[0-9]+(?:\.[0-9]+)?){unit})?" for unit in _UNITS))


def print_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
