"""How networks answer, whatever the method: every table agrees with itself."""

import pytest

from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.methods.method import REVERSED, MoneyStatus, Timing
from mockpay.domain.methods.registry import METHODS, check_outcome
from mockpay.kernel.errors import Invalid

NETWORKS = {code: method.response_codes for code, method in METHODS.items()}
EVERY = [(method, outcome) for method, network in NETWORKS.items() for outcome in network.named]
CODES = [(method, code) for method, network in NETWORKS.items() for code in network.codes]


def test_methods_stand_in_the_order_that_they_name():
    assert list(METHODS.values()) == sorted(METHODS.values(), key=lambda method: method.order)
    assert next(iter(METHODS)) == "upi"


def test_a_code_stands_by_its_own_name_and_says_what_it_means(subtests):
    for method, code in CODES:
        with subtests.test(method=method, code=code):
            row = NETWORKS[method].codes[code]
            assert row.code == code
            assert row.meaning
            assert row.reason or row.money in {MoneyStatus.APPROVED, MoneyStatus.PENDING}


def test_every_code_is_an_outcome_in_either_case(subtests):
    for method, code in CODES:
        with subtests.test(method=method, code=code):
            network = NETWORKS[method]
            assert network.answer(code).code == network.answer(code.lower()).code == code


def test_one_code_takes_the_money(subtests):
    for method, network in NETWORKS.items():
        with subtests.test(method=method):
            approved = [code for code, row in network.codes.items() if row.money is MoneyStatus.APPROVED]
            assert approved == [network.approved]
            assert network.answer("success").code == network.approved


def test_a_named_outcome_uses_codes_that_there_are(subtests):
    for method, outcome in EVERY:
        with subtests.test(method=method, outcome=outcome):
            network = NETWORKS[method]
            told = network.named[outcome]
            assert told.code in network.codes
            assert told.later in {None, REVERSED, *network.codes}


def test_only_what_is_open_may_be_answered_later(subtests):
    for method, outcome in EVERY:
        with subtests.test(method=method, outcome=outcome):
            told = NETWORKS[method].named[outcome]
            still_open = NETWORKS[method].money_status(told.code) in {MoneyStatus.PENDING, MoneyStatus.UNKNOWN}
            assert (told.later is None) == (told.timing is Timing.NEVER)
            # A failure that the network takes back.
        assert told.later is None or still_open or outcome == "latesuccess"


def test_what_comes_later_is_an_end(subtests):
    for method, outcome in EVERY:
        with subtests.test(method=method, outcome=outcome):
            network = NETWORKS[method]
            later = network.named[outcome].later
            if later not in {None, REVERSED}:
                assert network.money_status(later) in {MoneyStatus.APPROVED, MoneyStatus.DECLINED}


def test_an_unknown_end_becomes_known_as_paid(subtests):
    for method, code in CODES:
        with subtests.test(method=method, code=code):
            network = NETWORKS[method]
            told = network.answer(code)
            unknown = network.money_status(code) is MoneyStatus.UNKNOWN
            assert (told.later, told.timing) == (
                (network.approved, Timing.DELAYED) if unknown else (None, Timing.NEVER)
            )


def test_every_iso_code_is_an_answer_of_every_method_that_takes_no_money(subtests):
    for code in ISO_CODES:
        for method, network in NETWORKS.items():
            with subtests.test(method=method, code=code):
                told = network.answer(f"iso:{code}")
                assert told.code in network.codes
                assert network.money_status(told.code) in {MoneyStatus.DECLINED, MoneyStatus.UNKNOWN}


def test_an_outcome_is_good_where_any_network_knows_it():
    for outcome in ("U30", "N7", "S", "frozen", "iso:51"):
        check_outcome(outcome)
    with pytest.raises(Invalid) as caught:
        check_outcome("sunshine")
    assert caught.value.code == "scenario.outcome"


def test_a_failure_tells_step_source_and_reason(subtests):
    for method, network in NETWORKS.items():
        with subtests.test(method=method):
            failure = network.failure(network.answer("failure").code)
            assert failure.reason
            assert failure.source
            assert failure.step == network.step
            assert network.failure(failure.code, "payment_request").step == "payment_request"
