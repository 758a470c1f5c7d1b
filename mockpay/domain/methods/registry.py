"""Every method of payment, found by walking this package; there is no list to edit."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

import mockpay.domain.methods as package
from mockpay.domain.methods.method import Method, MoneyStatus, ResponseCodes
from mockpay.domain.payments.attempts import Attempt, Failure
from mockpay.kernel.errors import Invalid


def discover() -> Mapping[str, Method]:
    """The `METHOD` of each module that has one, by its code and in order."""
    names = [f"{package.__name__}.{module.name}" for module in iter_modules(package.__path__)]
    modules = [import_module(name) for name in names if name != __name__]
    methods = [module.METHOD for module in modules if isinstance(getattr(module, "METHOD", None), Method)]
    return {method.code: method for method in sorted(methods, key=lambda method: method.order)}


METHODS = discover()


def response_codes_of(attempt: Attempt) -> ResponseCodes:
    """What the network of an attempt answers."""
    return METHODS[attempt.method].response_codes


def no_answer_failure(attempt: Attempt) -> Failure:
    """Why an attempt ends that its buyer never answered."""
    codes = response_codes_of(attempt)
    code = next((c for c, row in codes.codes.items() if row.money is MoneyStatus.EXPIRED), None)
    if code is None:
        return Failure("customer", "payment_authentication", "payment_timed_out", "")
    return codes.failure(code, "payment_authentication")


def check_outcome(outcome: str) -> None:
    """
    Refuse an outcome of the issuer's stage that no network has.

    Raises:
        Invalid: code ``scenario.outcome``.
    """
    if any(method.response_codes.has_outcome(outcome) for method in METHODS.values()):
        return
    message = f"No network has an outcome '{outcome}'."
    raise Invalid(message, code="scenario.outcome", outcome=outcome)
