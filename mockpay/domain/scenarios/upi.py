"""Magic UPI IDs and PINs: named outcomes, every response code by itself, other sandboxes' habits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockpay.domain.methods.method import Code
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Input, Row

_HANDLE = "@mockpay"

_NAMED_VPAS: tuple[tuple[str, str], ...] = (
    ("success", "approved"),
    ("failure", "debit failed, U30"),
    ("pending", "the bank never answers"),
    ("pendingok", "pending, then paid"),
    ("pendingfail", "pending, then failed, U30"),
    ("expired", "nobody answers the request, U69"),
    ("declined", "declined in the app, ZA"),
    ("insufficient", "not enough funds, Z9"),
    ("wrongpin", "wrong UPI PIN, ZM"),
    ("pinlocked", "too many wrong PINs, Z6"),
    ("limit", "over the limit for one payment, Z8"),
    ("frequency", "too many payments, Z7"),
    ("frozen", "account frozen, YE"),
    ("dormant", "dormant account, ZX"),
    ("bankdown", "buyer's bank unavailable, U28"),
    ("psptimeout", "UPI app timed out, UP"),
    ("deemed", "unknown, then paid"),
    ("deemedfail", "unknown, then sent back"),
    ("late", "approved after the order expired, so sent back"),
    ("fraud", "the network's risk check, U16"),
    ("invalid", "no such UPI ID, ZH"),
)

#: UPI IDs of other sandboxes, by whose they are: what each means.
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "Razorpay": {"success@razorpay": "success", "failure@razorpay": "failure"},
    "Juspay": {"success@upi": "success", "failure@upi": "failure"},
    "PayU": {"*@payu": "success"},
    "Cashfree": {"testsuccess@gocash": "success", "testfailure@gocash": "failure"},
}

_PINS: tuple[tuple[str, str, str], ...] = (
    ("0000", "ZM", "wrong UPI PIN; the third one locks"),
    ("000000", "ZM", "wrong UPI PIN; the third one locks"),
    ("9999", "Z6", "too many wrong UPI PINs"),
)

#: A gateway that reads nothing in time; asked again, it knows.
#: A gateway that reads nothing in time; asked again, it knows.
_SILENT_VPAS: tuple[tuple[str, str], ...] = (
    ("noresponse", "gateway silent, found paid"),
    ("noresponsefail", "gateway silent, found failed"),
)


def vpa_rows(codes: Mapping[str, Code]) -> Iterable[Row]:
    """UPI IDs: named outcomes, every code by itself, and other sandboxes' habits."""
    for name, description in _NAMED_VPAS:
        yield Row(f"upi.{name}", Stage.ISSUER, Input.VPA, name + _HANDLE, name, description)
    for code, row in codes.items():
        local = code.lower()
        if len(local) >= 2:
            description = f"{row.meaning}, {code}"
            yield Row(f"upi.code.{local}", Stage.ISSUER, Input.VPA, local + _HANDLE, code, description)
    for name, description in _SILENT_VPAS:
        yield Row(f"upi.{name}", Stage.GATEWAY, Input.VPA, name + _HANDLE, name, description)
    for origin, aliases in _ALIASES.items():
        for vpa, outcome in aliases.items():
            name = "upi.alias." + vpa.replace("*", "any")
            yield Row(name, Stage.ISSUER, Input.VPA, vpa, outcome, f"as {outcome}@mockpay", origin)


def pin_rows() -> Iterable[Row]:
    """UPI PINs typed in the simulated app."""
    for pin, outcome, description in _PINS:
        yield Row(f"upi.pin.{pin}", Stage.AUTH, Input.PIN, pin, outcome, description)
