"""What a body pays with, read as the method's own form is."""

from __future__ import annotations

from mockpay.domain.methods.method import Instrument
from mockpay.domain.methods.registry import METHODS
from mockpay.domain.methods.upi import Upi
from mockpay.domain.orders import Order
from mockpay.kernel.errors import Invalid
from mockpay.providers.razorpay import parameters
from mockpay.providers.razorpay.calls import Body, Call
from mockpay.providers.razorpay.errors import invalid
from mockpay.wire.razorpay import errors as words

#: The sandbox's own balance, the one wallet that there is.
WALLET = "mockpay"


def read_instrument(call: Call, method: str, order: Order | None = None) -> Instrument:
    """
    The instrument of a body: ``card[...]``, ``upi[...]`` or ``vpa``, ``bank``, a wallet's ``email``.

    Raises:
        Invalid: code ``parameter.invalid``, with what is wrong of it.
    """
    body = call.body
    if method == "upi" and parameters.nested(body, "upi").get("flow") == "intent":
        return Upi()
    if method == "wallet" and (wallet := body.get("wallet") or WALLET) != WALLET:
        message = f"The wallet {str(wallet)[:40]!r} is not in this sandbox, which has {WALLET} alone."
        raise invalid(message, "wallet")
    try:
        return METHODS[method].read(_parts(body, method), call.sandbox.now, order.amount if order else None)
    except Invalid as error:
        field = error.detail.get("field")
        raise invalid(error.message, f"{method}[{field}]" if isinstance(field, str) else method) from error


def _parts(body: Body, method: str) -> dict[str, str]:
    """The parts of the method's own form."""
    if method == "upi":
        vpa = parameters.nested(body, "upi").get("vpa") or body.get("vpa")
        if not isinstance(vpa, str):
            raise invalid(words.missing("vpa"), "vpa", "parameter.missing")
        return {"vpa": vpa}
    if method == "netbanking":
        return {"bank": str(body.get("bank", ""))}
    if method == "wallet":
        return {"email": str(body.get("email", ""))}
    card = parameters.nested(body, "card")
    month, year = (str(card.get(name, "")) for name in ("expiry_month", "expiry_year"))
    parts = {
        "number": str(card.get("number", "")),
        "expiry": f"{month.zfill(2)}/{year[-2:]}",
        "cvv": str(card.get("cvv", "")),
        "name": str(card.get("name", "")) or "Card holder",
    }
    if method == "emi":
        parts |= {"bank": str(body.get("bank", "")), "tenure": str(body.get("emi_duration", ""))}
    return parts
