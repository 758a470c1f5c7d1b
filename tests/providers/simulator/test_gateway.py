from dataclasses import replace

import pytest

from mockpay.domain.payments.gateways import Charge, ResultKind
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money
from mockpay.providers.simulator.gateway import Simulator, retrieval_reference

CHARGE = Charge(
    attempt_id="att_1",
    seller_id="A1",
    amount=Money(49_900),
    method="upi",
    instrument={"vpa": "asha@okhdfc"},
    idempotency_key="att_1:1",
    planned="success",
    agreed=False,
    patience_ms=10_000,
)


def test_a_buyer_who_agreed_to_nothing_answers_after_his_patience():
    result = Simulator().charge(CHARGE)

    assert result.kind is ResultKind.AUTH_REQUIRED
    assert result.answer_in_ms == 10_000


def test_an_agreed_outcome_is_answered_at_once():
    assert Simulator().charge(replace(CHARGE, agreed=True)).answer_in_ms == 0


def test_a_code_or_link_is_answered_only_by_whoever_opens_it():
    assert Simulator().charge(replace(CHARGE, instrument={})).answer_in_ms is None


def test_a_plan_in_which_nobody_answers_schedules_no_answer():
    assert Simulator().charge(replace(CHARGE, planned="expired")).answer_in_ms is None


def test_an_unknown_upi_id_is_declined_before_anybody_is_asked():
    result = Simulator().charge(replace(CHARGE, planned="invalid"))

    assert (result.kind, result.code) == (ResultKind.DECLINED, "ZH")
    assert result.reference is None


def test_a_method_that_nobody_knows_is_a_mistake_of_the_caller():
    with pytest.raises(Invalid) as refused:
        Simulator().charge(replace(CHARGE, method="cheque"))

    assert refused.value.code == "gateway.method"


def test_the_retrieval_reference_has_twelve_digits_and_never_changes():
    reference = retrieval_reference(CHARGE)

    assert len(reference) == 12
    assert reference.isdigit()
    assert reference == retrieval_reference(CHARGE)
    assert reference != retrieval_reference(replace(CHARGE, attempt_id="att_2"))
