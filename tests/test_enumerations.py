"""Words that are stored, sent and typed are those of their names, so that none is spelt in a way of its own."""

import pkgutil
from enum import StrEnum
from importlib import import_module

import mockpay
from mockpay.domain.payments.attempts import Auth
from mockpay.merchant.notifications import PaymentState
from mockpay.merchant.refunds import RefundState
from mockpay.threeds.rules import TransStatus
from mockpay.wire.amazonpay.results import Operation

#: What others named.
OTHERS = {
    Auth: {"THREEDS": "3ds"},
    PaymentState: {"COMPLETED": "Completed", "DECLINED": "Declined"},
    RefundState: {"PENDING": "Pending", "COMPLETED": "Completed", "DECLINED": "Declined"},
    TransStatus: {
        "AUTHENTICATED": "Y",
        "ATTEMPTED": "A",
        "CHALLENGE": "C",
        "DECOUPLED": "D",
        "INFORMATIONAL": "I",
        "NOT_AUTHENTICATED": "N",
        "REJECTED": "R",
        "UNAVAILABLE": "U",
    },
    Operation: {
        "PROCESS_PAYMENT": "VERIFY_PROCESS_PAYMENT",
        "CHARGE_STATUS": "VERIFY_CHARGE_STATUS",
        "PROCESS_CHARGE": "VERIFY_PROCESS_CHARGE_RESPONSE",
    },
}


def enumerations():
    """Every one of the package's."""
    names = [module.name for module in pkgutil.walk_packages(mockpay.__path__, "mockpay.")]
    modules = [import_module(name) for name in names if not name.endswith("__main__")]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    return [kind for kind in kinds if issubclass(kind, StrEnum) and kind.__module__.startswith("mockpay.")]


KINDS = enumerations()


def test_a_word_is_its_name_in_capitals_or_small_letters_unless_somebody_elses():
    assert len(KINDS) > 30
    for kind in KINDS:
        odd = {word.name: word.value for word in kind if word.value not in {word.name, word.name.lower()}}
        assert odd == OTHERS.get(kind, {}), kind
