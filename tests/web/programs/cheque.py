"""A throw-away method of payment, in one module and nowhere else: cheques by their number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockpay.domain.methods.method import Answer, Code, Method, MoneyStatus, ResponseCodes, Section, table
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.rows import Row
from mockpay.kernel.errors import Invalid


@dataclass(frozen=True)
class Cheque:
    number: str

    method = "cheque"

    @property
    def inputs(self) -> Mapping[str, str]:
        return {"cheque_number": self.number}

    def dump(self) -> Mapping[str, str]:
        return {"number": self.number}

    def secret(self) -> Mapping[str, str]:
        return {}


def read(parts, _now, _amount):
    if not parts.get("number", "").isdecimal():
        raise Invalid("A cheque has a number.", code="cheque.number", field="number")
    return Cheque(parts["number"])


METHOD = Method(
    code="cheque",
    order=9,
    title="Cheque",
    tile="Cheque",
    noun="cheque",
    icon="bank",
    subtitle="On paper",
    response_codes=ResponseCodes(
        network="A clearing house",
        codes=table(Code("OK", "cleared", money=MoneyStatus.APPROVED), Code("RD", "refer to drawer", "payment_failed")),
        named={"success": Answer("OK"), "failure": Answer("RD")},
        from_iso={},
        other="RD",
        approved="OK",
    ),
    instrument="cheque",
    instrument_title=lambda parts: f"Cheque {parts['number']}",
    magic="cheque {value}",
    read=read,
    restore=lambda _secret, parts: Cheque(parts["number"]),
    facts={"submit": "Carried to the clearing house"},
    fields={"number": "Cheque number"},
    rows=(Row("cheque.bounces", Stage.ISSUER, "cheque_number", "13", "RD", "bounces, RD"),),
    sections=(
        Section(
            title="Cheques", anchor="cheques", description="Written on the cheque.", inputs=frozenset({"cheque_number"})
        ),
    ),
)
