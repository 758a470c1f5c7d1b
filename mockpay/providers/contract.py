"""What a provider may bring: what the core asks of it, and its front side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from mockpay import providers
from mockpay.domain.providers import ProviderPort
from mockpay.kernel.errors import MockpayError, Unusable
from mockpay.store.unit_of_work import Runtime

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Blueprint, Request, Response


#: Where a request's environment holds the `DatabaseUnavailable` that somebody before Flask met.
UNAVAILABLE = "mockpay.database_unavailable"


@dataclass(frozen=True, kw_only=True)
class Provider(ProviderPort):
    """
    One impersonated company; all parts but the names are optional.

    Args:
        blueprint: Makes its front side for a runtime.
        shortcut: Wraps the application, to answer its busiest address before Flask.
        mount: The path below which its front side is, where that is not the root.
        hosts: The names under which its clients call it, as if it were mounted at the root.
        prefixes: The paths below which errors are answered in this company's format.
        answer_root: Answers `/` where the query asks for something of this company's.
        render_error: Writes an error in this company's format.
    """

    blueprint: Callable[[Runtime], Blueprint] | None = None
    shortcut: Callable[[WSGIApplication, Runtime], WSGIApplication] | None = None
    mount: str = ""
    hosts: frozenset[str] = frozenset()
    prefixes: Sequence[str] = ()
    answer_root: Callable[[Runtime, Request], Response | None] | None = None
    render_error: Callable[[MockpayError], Response] | None = None

    def owns(self, path: str) -> bool:
        """Whether errors at this path are answered in this company's format."""
        return self.render_error is not None and path.startswith(tuple(self.prefixes))

    def is_called_at(self, url: str) -> bool:
        """Whether an address is below this company's mount or under one of its own names."""
        scheme, _, rest = url.partition("://")
        host, _, path = (rest or scheme).partition("/")
        own_name = host.partition(":")[0].lower().rstrip(".") in self.hosts
        return own_name or (bool(self.mount) and f"/{path}".startswith(f"{self.mount}/"))

    def refusal(self, error: MockpayError) -> Response:
        """The error in this company's format."""
        assert self.render_error is not None
        return self.render_error(error)


def providers_of(runtime: Runtime) -> list[Provider]:
    """The providers that a runtime was made with and that have a front side."""
    return [provider for provider in runtime.providers.values() if isinstance(provider, Provider)]


#: The group of entry points by which packages beside mockpay bring companies of their own.
ENTRY_POINTS = "mockpay.providers"


def discover() -> dict[str, Provider]:
    """
    Every provider by name: our sub-packages, and what installed packages bring by entry points.

    Raises:
        Unusable: code ``provider.unusable``: an entry point cannot be loaded, is no provider, or has a taken name.
    """
    by_name: dict[str, Provider] = {}
    for module in iter_modules(providers.__path__):
        if module.ispkg:
            by_name[module.name] = import_module(f"{providers.__name__}.{module.name}").provider
    for entry in entry_points(group=ENTRY_POINTS):
        by_name[entry.name] = _load(entry, by_name)
    return by_name


def _load(entry: EntryPoint, taken: Collection[str]) -> Provider:
    try:
        provider = entry.load()
    except Exception as error:
        message = f"The provider {entry.name} ({entry.value}) cannot be loaded: {error}."
        raise Unusable(message, code="provider.unusable") from error
    if not isinstance(provider, Provider) or provider.name != entry.name or entry.name in taken:
        message = (
            f"The entry point {entry.name} ({entry.value}) must be a Provider of that name, which nobody else has."
        )
        raise Unusable(message, code="provider.unusable")
    return provider
