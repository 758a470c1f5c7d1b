"""The table of magic values, and who wins when several speak."""

import pytest

from mockpay.domain.methods import netbanking, upi
from mockpay.domain.methods.iso8583 import ISO_CODES
from mockpay.domain.payments.attempts import NORMAL, Decision, Plan, Source, Stage
from mockpay.domain.scenarios.amounts import REDIRECT_OUTCOMES
from mockpay.domain.scenarios.resolution import TABLE, Facts, Input, Rule, check_outcome, find, resolve
from mockpay.domain.scenarios.risk import RISK_OUTCOMES
from mockpay.kernel.errors import Invalid
from mockpay.threeds.rules import OUTCOMES as AUTH_OUTCOMES


def rule(outcome="U69", stage=Stage.ISSUER, **wish):
    given = {"rule_id": 1, "match": {}, "times": 1, "probability": 1.0, "expires_at": None}
    return Rule(stage=stage, outcome=outcome, created_at=0, **(given | wish))


def plan(*, vpa=None, amount="499.00", rules=(), magic=True, defaults=None):
    inputs = {Input.AMOUNT: amount} | ({Input.VPA: vpa} if vpa else {})
    chosen = {one.stage: one for one in rules}
    facts = Facts(inputs, {}, upi.RESPONSE_CODES, magic_amounts=magic, defaults=defaults or {})
    return resolve(facts, chosen)


def issuer(**given):
    decision = plan(**given).at(Stage.ISSUER)
    return decision.outcome, decision.source


def test_no_two_rows_have_one_name_or_one_input():
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert len({(row.stage, row.input, row.equals) for row in TABLE}) == len(TABLE)


def test_every_row_says_what_it_does():
    assert all(row.description.strip() and row.origin for row in TABLE)


#: Inputs that decide nothing by themselves.
TOLD = {Input.IP, Input.DEVICE, Input.EMAIL_DOMAIN, Input.BUYER_NAME}


def test_every_outcome_is_one_that_its_stage_knows():
    for row in TABLE:
        if row.input == Input.PIN:
            assert row.outcome in upi.CODES
        elif row.input in TOLD:
            assert row.outcome not in RISK_OUTCOMES  # it names a rule's list
        elif row.input == Input.BANK_USER:
            assert netbanking.RESPONSE_CODES.has_outcome(row.outcome)
        elif row.stage is Stage.AUTH:
            assert row.outcome in AUTH_OUTCOMES or row.input == Input.OTP
        elif not row.outcome.startswith("iso:"):
            check_outcome(row.stage, row.outcome)


def test_every_upi_id_of_the_published_table_is_there(subtests):
    for local in (
        "success failure pending pendingok pendingfail expired declined insufficient wrongpin pinlocked"
        " limit frequency frozen dormant bankdown psptimeout deemed deemedfail late fraud invalid".split()
    ):
        with subtests.test(local=local):
            row = find(Input.VPA, f"{local}@mockpay")
            assert (row.stage, row.outcome) == (Stage.ISSUER, local)


def test_every_response_code_is_a_upi_id(subtests):
    for code in list(upi.CODES):
        with subtests.test(code=code):
            assert find(Input.VPA, f"{code.lower()}@mockpay").outcome == code


def test_upi_ids_that_other_companies_test_with_work_too(subtests):
    for vpa, outcome in [
        ("success@razorpay", "success"),
        ("failure@razorpay", "failure"),
        ("success@upi", "success"),
        ("failure@upi", "failure"),
        ("anything@payu", "success"),
        ("failure@payu", "success"),
        ("testsuccess@gocash", "success"),
        ("testfailure@gocash", "failure"),
    ]:
        with subtests.test(vpa=vpa, outcome=outcome):
            assert find(Input.VPA, vpa).outcome == outcome


def test_an_ordinary_upi_id_is_not_magic(subtests):
    for vpa in ["asha@okbank", "success@okbank", "mockpay@upi", "x@mockpay"]:
        with subtests.test(vpa=vpa):
            assert find(Input.VPA, vpa) is None


def test_the_magic_pins(subtests):
    for pin, outcome in [("0000", "ZM"), ("000000", "ZM"), ("9999", "Z6"), ("1234", None)]:
        with subtests.test(pin=pin, outcome=outcome):
            row = find(Input.PIN, pin)
            assert (row and row.outcome) == outcome


def test_an_amount_of_the_band_acts_at_its_stage_alone(subtests):
    for amount, stage, outcome in [
        ("1700.51", Stage.ISSUER, "iso:51"),
        ("1700.05", Stage.ISSUER, "iso:05"),
        ("1700.99", Stage.ISSUER, "iso:05"),
        ("1703.01", Stage.REDIRECT, "bad_signature"),
        ("1703.02", Stage.REDIRECT, "missing_field"),
        ("1703.03", Stage.REDIRECT, "amount_changed"),
        ("1703.04", Stage.REDIRECT, "order_changed"),
        ("1703.05", Stage.REDIRECT, "duplicated"),
        ("1703.06", Stage.REDIRECT, "delayed"),
        ("1703.07", Stage.REDIRECT, "never_returns"),
        ("1703.08", Stage.REDIRECT, "failure_though_captured"),
    ]:
        with subtests.test(amount=amount, stage=stage, outcome=outcome):
            decided = plan(amount=amount).decisions
            assert {at: one.outcome for at, one in decided.items()} == {stage: outcome}


def test_ordinary_prices_stay_innocent(subtests):
    for amount in ["1700.00", "1703.00", "1799.00", "499.00", "1703.09", "11700.51", "700.51", "170.05"]:
        with subtests.test(amount=amount):
            assert plan(amount=amount) == Plan({})


def test_an_exact_row_goes_before_one_with_a_star():
    for code in ISO_CODES:
        assert find(Input.AMOUNT, f"1700.{code}").name == f"amount.issuer.{code}"
    assert find(Input.AMOUNT, "1700.98").name == "amount.issuer.other"


def test_magic_amounts_can_be_switched_off():
    assert plan(amount="1700.51", magic=False) == Plan({})
    assert issuer(amount="1700.51", magic=False, vpa="z8@mockpay") == ("Z8", Source.INSTRUMENT)


def test_precedence_is_rule_instrument_amount_default_success():
    speakers = {"rules": [rule("U69")], "vpa": "z9@mockpay", "amount": "1700.61", "defaults": {"issuer": "frozen"}}
    seen = [issuer(**speakers)]
    for silent in list(speakers):
        del speakers[silent]
        seen.append(issuer(**speakers))
    assert seen == [
        ("U69", Source.RULE),
        ("Z9", Source.INSTRUMENT),
        ("iso:61", Source.AMOUNT),
        ("frozen", Source.DEFAULT),
        ("success", Source.SUCCESS),
    ]


def test_each_stage_is_decided_by_itself():
    decided = plan(vpa="z9@mockpay", amount="1703.01", defaults={"redirect": "delayed"})
    assert decided.at(Stage.ISSUER).source is Source.INSTRUMENT
    assert decided.at(Stage.REDIRECT) == Decision("bad_signature", Source.AMOUNT, "amount.redirect.01", "1703.01")
    assert decided.at(Stage.CAPTURE) == NORMAL
    assert decided.scenario == "upi.code.z9"


def test_a_plan_is_stored_and_read_back():
    decided = plan(rules=[rule("U69")], amount="1703.01")
    assert Plan.load(decided.dump()) == decided
    assert decided.dump()["issuer"] == {
        "outcome": "U69",
        "source": "rule",
        "scenario": "rule 1",
        "value": "rule",
        "delay_seconds": None,
    }


# --- rules


def test_a_rule_fits_what_has_all_of_its_match(subtests):
    for match, fits in [
        ({}, True),
        ({"vpa": "a@b"}, True),
        ({"vpa": "a@b", "amount": "499.00"}, True),
        ({"vpa": "x@b"}, False),
        ({"vpa": "a@b", "amount": "1.00"}, False),
        ({"order_id": "S04"}, False),
    ]:
        with subtests.test(match=match, fits=fits):
            assert rule(match=match).fits({"vpa": "a@b", "amount": "499.00"}, now=0) is fits


def test_a_used_up_rule_fits_nothing(subtests):
    for times, fits in [(1, True), (2, True), (None, True), (0, False)]:
        with subtests.test(times=times, fits=fits):
            assert rule(times=times).fits({}, now=0) is fits


@pytest.mark.parametrize(("now", "fits"), [(999, True), (1_000, False), (1_001, False)])
def test_a_rule_lives_until_its_time_is_over(now, fits):
    assert rule(expires_at=1_000).fits({}, now=now) is fits


def test_an_outcome_that_a_stage_does_not_know_is_refused(subtests):
    for stage, outcome, code in [
        (Stage.ISSUER, "nonsense", "scenario.outcome"),
        (Stage.ISSUER, "", "scenario.outcome"),
        (Stage.ISSUER, "bad_signature", "scenario.outcome"),
        (Stage.ISSUER, "77", "scenario.outcome"),
        (Stage.REDIRECT, "U30", "scenario.outcome"),
        (Stage.GATEWAY, "U30", "scenario.outcome"),
        (Stage.RISK, "U30", "scenario.outcome"),
        (Stage.CAPTURE, "expires:61", "scenario.outcome"),
        (Stage.IPN, "fails_until_1", "scenario.outcome"),
        (Stage.REFUND, "polls:0", "scenario.outcome"),
    ]:
        with subtests.test(stage=stage, outcome=outcome, code=code):
            with pytest.raises(Invalid) as refused:
                check_outcome(stage, outcome)
            assert refused.value.code == code


def test_an_outcome_of_the_issuer_is_a_name_a_upi_code_or_an_iso_code(subtests):
    for outcome in ["success", "pendingok", "U30", "u30", "51", "05", "01"]:
        with subtests.test(outcome=outcome):
            check_outcome(Stage.ISSUER, outcome)


def test_the_redirects_outcomes_are_the_published_eight_and_success():
    rows = [row.outcome for row in TABLE if row.stage is Stage.REDIRECT]
    assert len(rows) == 8
    assert set(rows) | {"success"} == REDIRECT_OUTCOMES
    for outcome in REDIRECT_OUTCOMES:
        check_outcome(Stage.REDIRECT, outcome)
