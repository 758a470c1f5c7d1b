"""A seller's account at a gateway: whether it is used, where it is called, with which credentials and time-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, structs

from mockpay.kernel.errors import Invalid
from mockpay.kernel.words import unknown_word

#: What may be shown of a credential: the last four characters of a long one.
_MASK, _SHOWN, _LONG = "••••", 4, 12
_LONGEST = 256
#: How many replaced credentials are kept.
_MOST_FORMER = 16


class Timeouts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a call of a gateway may take, in seconds; a lease of the outbox bounds the whole."""

    connect: Annotated[float, Meta(ge=0.05, le=10, description="To connect, in seconds.")] = 2.0
    read: Annotated[float, Meta(ge=0.05, le=25, description="From one part of the answer to the next, in seconds.")] = (
        10.0
    )
    total: Annotated[float, Meta(ge=0.05, le=25, description="For the whole exchange, in seconds.")] = 10.0


class GatewayAccount(Struct, frozen=True, kw_only=True):
    """
    One account.

    `endpoint` is None where the gateway answers in this process, `credentials` empty for those that the company would
    have issued; `former` are those that were replaced, the last first, with which calls may be under way.
    """

    gateway: str
    enabled: bool = True
    endpoint: str | None = None
    timeouts: Timeouts = Timeouts()
    credentials: Mapping[str, str] = {}
    former: tuple[Mapping[str, str], ...] = ()


def replaced(account: GatewayAccount, credentials: Mapping[str, str]) -> GatewayAccount:
    """An account with other credentials."""
    former = (account.credentials, *account.former)[:_MOST_FORMER]
    return structs.replace(account, credentials=dict(credentials), former=former)


def masked(credentials: Mapping[str, str]) -> dict[str, str]:
    """Credentials as people may see them."""
    return {name: _MASK + (value[-_SHOWN:] if len(value) >= _LONG else "") for name, value in credentials.items()}


def check_credentials(credentials: Mapping[str, str], names: Mapping[str, str]) -> None:
    """
    Refuse credentials that a gateway does not have, or not all of them.

    Raises:
        Invalid: code ``credentials.invalid``; no value is in its message.
    """
    for name in credentials:
        if name not in names:
            sentence = f"This gateway has no credential '{name[:64]}'."
            raise unknown_word(sentence, name, names, code="credentials.invalid", field=f"credentials.{name[:64]}")
    for name in names:
        value = credentials.get(name, "")
        if not (0 < len(value) <= _LONGEST and value.isascii() and value.isprintable() and " " not in value):
            message = f"'{name}' must be 1 to {_LONGEST} ASCII characters without spaces."
            raise Invalid(message, code="credentials.invalid", field=f"credentials.{name}")
