"""What a provider may bring; all parts but the name are optional."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

from mockpay.domain.notifications import Letter, Notification
from mockpay.domain.orders import Order
from mockpay.domain.payments.attempts import Attempt
from mockpay.domain.payments.gateways import Gateway
from mockpay.kernel.errors import MockpayError
from mockpay.store.unit_of_work import Runtime, Sandbox

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from flask import Blueprint, Response


class WayBack(Protocol):
    """The signed address that takes the buyer back to the seller as the order now stands."""

    def __call__(self, sandbox: Sandbox, order: Order, last: Attempt | None) -> str:
        """The URL; `last` is the order's newest attempt, whose plan may ask for a fault."""
        ...


@dataclass(frozen=True)
class Provider:
    """
    One impersonated company.

    Args:
        name: The folder's name.
        title: The company's name for people.
        blueprint: Makes its front side for a runtime.
        shortcut: Wraps the application, to answer its busiest address before Flask.
        prefixes: The paths below which errors are told in this company's format.
        render_error: Tells an error in this company's format.
        way_back: Where the buyer goes when done.
        notify: Writes a notification as it goes out to the seller, after the transaction that
            read it: the sandbox's connection is no longer its own.
        gateway: Its back side.
    """

    name: str
    title: str
    blueprint: Callable[[Runtime], Blueprint] | None = None
    shortcut: Callable[[WSGIApplication, Runtime], WSGIApplication] | None = None
    prefixes: Sequence[str] = ()
    render_error: Callable[[MockpayError], Response] | None = None
    way_back: WayBack | None = None
    notify: Callable[[Sandbox, Notification], Letter] | None = None
    gateway: Gateway | None = None

    def owns(self, path: str) -> bool:
        """Whether errors at this path are told in this company's format."""
        return self.render_error is not None and path.startswith(tuple(self.prefixes))

    def refusal(self, error: MockpayError) -> Response:
        """The error in this company's format."""
        assert self.render_error is not None
        return self.render_error(error)


def providers_of(runtime: Runtime) -> Iterable[Provider]:
    """The providers that a runtime was made with."""
    return runtime.providers.values()


def discover() -> dict[str, Provider]:
    """Every provider by name, found by walking the sub-packages; there is no list to edit."""
    import mockpay.providers as here  # noqa: PLC0415

    found = {}
    for module in iter_modules(here.__path__):
        if module.ispkg:
            package = import_module(f"{here.__name__}.{module.name}")
            found[module.name] = package.provider
    return found
