"""EMI: the published numbers, and sums that hold for every amount, rate and tenure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockpay.domain.methods import cards, emi
from mockpay.domain.methods.emi_plans import BANKS, BY_CODE, TENURES
from mockpay.kernel.errors import Invalid
from mockpay.kernel.money import Money

TEN_THOUSAND = Money.parse("10000.00")

#: From the smallest amount of any plan to ten crore.
amounts = st.integers(100_000, 100_000_000_000).map(Money)
rates = st.integers(0, 3600)
tenures = st.sampled_from(TENURES)


def summed(rows, column):
    return Money(sum(getattr(row, column).minor for row in rows))


# --- the numbers of the facts, section 1.6


def test_the_published_instalments_of_ten_thousand_at_sixteen_percent(subtests):
    for tenure, instalment, interest in [
        (3, "3422.61", "267.83"),
        (6, "1745.30", "471.80"),
        (9, "1186.49", "678.41"),
        (12, "907.31", "887.72"),
        (18, "628.56", "1314.08"),
        (24, "489.63", "1751.12"),
    ]:
        with subtests.test(tenure=tenure, instalment=instalment, interest=interest):
            (found,) = [one for one in emi.offers(TEN_THOUSAND, "HDFC") if one.plan.tenure == tenure]
            assert (found.instalment.wire(), found.total_interest.wire()) == (instalment, interest)
            assert found.total_payable == TEN_THOUSAND + Money.parse(interest)


def test_the_last_instalment_absorbs_the_rounding_as_published():
    rows = emi.schedule(Money.parse("9999.00"), 1600, 6)
    assert [row.instalment.wire() for row in rows] == ["1745.13"] * 5 + ["1745.11"]


def test_the_published_discounts_of_no_cost_emi(subtests):
    for tenure, discount in [(3, "260.86"), (6, "450.56"), (9, "635.33"), (12, "815.33")]:
        with subtests.test(tenure=tenure, discount=discount):
            terms = emi.with_discount(TEN_THOUSAND, 1600, tenure)
            assert terms.discount.wire() == discount
            assert terms.charged + terms.discount == TEN_THOUSAND


# --- what holds for all of them


@given(amounts, rates, tenures)
def test_principals_sum_to_the_amount_and_nothing_is_owed_at_the_end(amount, rate, tenure):
    rows = emi.schedule(amount, rate, tenure)
    assert summed(rows, "principal") == amount
    assert rows[-1].balance == Money(0)
    assert [row.number for row in rows] == list(range(1, tenure + 1))


@given(amounts, rates, tenures)
def test_a_row_is_principal_and_interest_and_leaves_what_it_did_not_pay(amount, rate, tenure):
    owed = amount
    for row in emi.schedule(amount, rate, tenure):
        assert row.instalment == row.principal + row.interest
        assert abs(row.interest.minor * 120_000 - owed.minor * rate) <= 60_000  # half a paisa
        assert row.balance == owed - row.principal
        owed = row.balance


@given(amounts, rates, tenures)
def test_interest_falls_and_principal_grows_from_month_to_month(amount, rate, tenure):
    rows = emi.schedule(amount, rate, tenure)[:-1]
    interest = [row.interest for row in rows]
    principal = [row.principal for row in rows]
    assert interest == sorted(interest, reverse=True)
    assert principal == sorted(principal)


@given(amounts, rates, tenures)
def test_the_last_instalment_lies_within_a_rupee_of_the_others(amount, rate, tenure):
    rows = emi.schedule(amount, rate, tenure)
    assert {row.instalment for row in rows[:-1]} == {emi.instalment(amount, rate, tenure)}
    assert abs(rows[-1].instalment.minor - rows[0].instalment.minor) < 100


@given(amounts, st.integers(100, 3000), tenures, st.integers(1, 600))
def test_a_dearer_rate_costs_more_interest(amount, rate, tenure, more):
    cheap, dear = emi.usual(amount, rate, tenure), emi.usual(amount, rate + more, tenure)
    assert dear.total_interest >= cheap.total_interest
    assert dear.instalment >= cheap.instalment


@given(amounts, st.integers(100, 3600))
def test_a_longer_plan_has_smaller_instalments_and_more_interest(amount, rate):
    all_terms = [emi.usual(amount, rate, tenure) for tenure in TENURES]
    monthly = [terms.instalment for terms in all_terms]
    interest = [terms.total_interest for terms in all_terms]
    assert monthly == sorted(monthly, reverse=True)
    assert interest == sorted(interest)


@given(amounts, st.integers(1000, 1800), tenures)
def test_no_cost_emi_costs_the_list_price_to_the_paisa(amount, rate, tenure):
    terms = emi.with_discount(amount, rate, tenure)
    assert terms.charged + terms.discount == amount
    assert summed(terms.rows, "instalment") == terms.total_payable == amount
    assert summed(terms.rows, "principal") == terms.charged
    assert summed(terms.rows, "interest") == terms.total_interest == terms.discount
    assert min(row.interest.minor for row in terms.rows) > 0


@given(amounts, tenures)
def test_without_interest_the_amount_is_divided(amount, tenure):
    terms = emi.usual(amount, 0, tenure)
    assert terms.instalment.minor == (2 * amount.minor + tenure) // (2 * tenure)
    assert emi.discount(amount, 0, tenure) == Money(0)


@given(st.integers(1, 99_999).map(Money), rates, tenures)
def test_even_a_few_paise_are_paid_back_and_no_more(amount, rate, tenure):
    rows = emi.schedule(amount, rate, tenure)
    assert summed(rows, "principal") == amount
    assert min(row.balance.minor for row in rows) == 0


# --- plans


def test_every_bank_has_a_code_and_its_plans_are_its_own():
    assert len(BY_CODE) == len(BANKS)
    for bank in BANKS:
        assert [plan.bank for plan in bank.plans] == [bank.code] * len(bank.plans)
        found = [plan.tenure for plan in bank.plans]
        assert found == [tenure for tenure in TENURES if tenure in found]


def test_rates_are_the_published_ones_by_tenure(subtests):
    for bank, rates in [
        ("HDFC", [1600] * 6),
        ("ICIC", [1599] * 6),
        ("RATN", [1300, 1400, 1500, 1500, 1500, 1500]),
        ("SCBL", [1188, 1300, 1400, 1400]),
        ("BARB", [1300, 1400, 1400, 1500, 1500, 1600]),
        ("HDFC_DC", [1600] * 5),
        ("INDB_DC", [1700] * 6),
    ]:
        with subtests.test(bank=bank, rates=rates):
            assert [plan.rate_bps for plan in BY_CODE[bank].plans] == rates


def test_a_bank_offers_the_plans_that_take_the_amount(subtests):
    for bank, amount, tenures in [
        ("HDFC", "999.99", []),
        ("HDFC", "1000.00", [3, 6, 9, 12, 18, 24]),
        ("SCBL", "2500.00", [3, 6, 9, 12]),
        ("HDFC_DC", "2999.99", []),
        ("HDFC_DC", "3000.00", [3]),
        ("HDFC_DC", "5000.00", [3, 6, 9, 12, 18]),
        ("ICIC_DC", "100000.00", [3, 6, 9, 12, 18, 24]),
        ("ICIC_DC", "100000.01", []),
        ("NOBODY", "5000.00", []),
    ]:
        with subtests.test(bank=bank, amount=amount, tenures=tenures):
            assert [one.plan.tenure for one in emi.offers(Money.parse(amount), bank)] == tenures


# --- a buyer's choice


def choose(number, bank="HDFC", tenure=6, amount="10000.00"):
    card = cards.bin_of(number)
    return emi.check(Money.parse(amount), bank, tenure, issuer=card.issuer, kind=card.kind, eligible=card.emi)


def test_a_card_takes_a_plan_of_its_issuer(subtests):
    for number, bank in [
        ("5241810000000000", "HDFC"),
        ("4111111111111111", "HDFC"),
        ("5555555555554444", "ICIC"),
        ("378282246310005", "AMEX"),
        ("4000000000000002", "UTIB"),
        ("4718609108204366", "HDFC_DC"),
    ]:
        with subtests.test(number=number, bank=bank):
            plan = choose(number, bank)
            assert (plan.bank, plan.tenure) == (bank, 6)


def test_any_other_choice_is_refused_with_the_fields_reason(subtests):
    for wish, code, because in [
        ({"bank": "NOBODY"}, "emi.plan_unavailable", "emi_plan_unavailable"),
        ({"tenure": 4}, "emi.plan_unavailable", "emi_plan_unavailable"),
        (
            {"number": "4718609108204366", "bank": "HDFC_DC", "tenure": 24},
            "emi.plan_unavailable",
            "emi_plan_unavailable",
        ),
        ({"bank": "ICIC_DC", "amount": "100000.01"}, "emi.plan_unavailable", "emi_plan_unavailable"),
        ({"amount": "999.99"}, "emi.amount_below_minimum", "amount_less_than_minimum_amount"),
        ({"bank": "ICIC"}, "emi.issuer_mismatch", "emi_plan_unavailable"),
        ({"number": "4718609108204366"}, "emi.issuer_mismatch", "emi_plan_unavailable"),
        ({"bank": "HDFC_DC"}, "emi.issuer_mismatch", "emi_plan_unavailable"),
        ({"number": "4012001037141112"}, "emi.user_not_eligible", "user_not_eligible"),
        ({"number": "5104060000000008", "bank": "CITI"}, "emi.user_not_eligible", "user_not_eligible"),
    ]:
        with subtests.test(wish=wish, code=code, because=because):
            with pytest.raises(Invalid) as refused:
                choose(**{"number": "5241810000000000", **wish})
            assert (refused.value.code, refused.value.detail["because"]) == (code, because)


def test_a_typed_card_knows_whether_it_may_take_emi():
    form = {"expiry": "08/29", "cvv": "123", "name": "Asha Rao", "now": 1_795_262_400_000}
    assert cards.typed(number="5241810000000000", **form).emi
    assert not cards.typed(number="4012001037141112", **form).emi


STORED = {"emi_bank": "ICIC", "tenure": "9", "rate_bps": "1599", "instalment": "1186.40", "discount": "0.00"}


def test_a_rate_is_written_as_lenders_do(subtests):
    for bps, text in [(1600, "16 %"), (1599, "15.99 %"), (1150, "11.5 %"), (1005, "10.05 %")]:
        with subtests.test(bps=bps, text=text):
            assert emi.rate_text(bps) == text


def test_a_plan_is_shown_with_its_instalments():
    assert emi.details(STORED) == {"EMI plan": "9 months at 15.99 %, ICICI Bank", "Instalments": "9 × ₹1,186.40"}


def test_a_discount_is_shown_where_there_is_one():
    assert emi.details(STORED | {"discount": "635.33"})["No-cost discount"] == "₹635.33"


def test_every_lender_of_the_facts_has_plans():
    """facts, section 1.6."""
    credit = "HDFC ICIC UTIB KKBK SBIN RATN YESB INDB HSBC SCBL BARB AMEX IDFB FDRL CITI onecard".split()
    assert set(credit) <= set(BY_CODE)
