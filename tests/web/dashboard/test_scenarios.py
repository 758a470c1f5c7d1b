"""The scenario table, the form of a rule, and the rules that wait."""

from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import html

from mockpay.domain.methods.registry import METHODS
from mockpay.domain.payments.attempts import Stage
from mockpay.domain.scenarios.resolution import TABLE, check_outcome, outcomes_of
from mockpay.kernel.errors import Invalid
from tests.web.visitor import text


def values(page):
    return [text(code) for code in page.xpath("//code[starts-with(@id, 'row-')]")]


def waiting(page):
    rows = page.xpath("//section[@aria-labelledby='rules']//tbody/tr")
    return [[text(cell) for cell in row.xpath("./td")[1:4]] for row in rows]


def error(page, name):
    """The sentence at a field."""
    field = page.xpath("//*[@name=$name]", name=name)[0]
    assert field.get("aria-invalid") == "true"
    return text(page.get_element_by_id(field.get("aria-describedby")))


def fill(visitor, page, **fields):
    """Send the form of a rule as a browser would."""
    form = page.xpath("//main//form[.//button[@data-testid='make-rule']]")[0]
    typed = {name: value or "" for name, value in form.form_values()} | fields
    return visitor.client.post(form.get("action"), data=typed)


def test_the_scenario_page_shows_every_row_of_the_table_once_and_folded(visitor):
    page = visitor.see("/scenarios")
    assert sorted(values(page)) == sorted(row.equals for row in TABLE)
    assert not page.xpath("//details[@class='group'][@open]")
    assert all(len(group.xpath(".//li")) <= 40 for group in page.xpath("//details[@class='group']"))


def test_every_answer_of_every_method_can_be_used_next(visitor):
    for code, method in METHODS.items():
        page = visitor.see(f"/scenarios?method={code}&stage=issuer")
        links = page.xpath("//a[starts-with(@aria-label, 'Use next')]/@href")
        assert all(f"method={code}" in link for link in links)
        offered = [parse_qs(urlsplit(link).query)["outcome"][0] for link in links]
        codes = method.response_codes
        answers = {codes.answer(outcome) for outcome in offered if codes.has_outcome(outcome)}
        assert {codes.answer(outcome) for outcome in codes.outcomes()} <= answers, code


def test_a_value_is_used_next_where_a_rule_can_do_what_it_does(visitor):
    page = visitor.see("/scenarios")
    for row in TABLE:
        links = page.xpath("//li[.//code[@id=$id]]//a", id=f"row-{row.name}")
        try:
            check_outcome(row.stage, row.outcome)
        except Invalid:
            assert links == [], row.name
        else:
            assert len(links) == row.active, row.name


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=FROZEN", {"frozen@mockpay", "ye@mockpay"}),
        ("?q=net+banking+pending", {"MKP1", "MKP2"}),
        ("?q=1703.07", {"1703.07"}),
    ],
)
def test_a_search_finds_values_by_what_stands_beside_them(visitor, query, found):
    page = visitor.see("/scenarios" + query)
    assert found <= set(values(page))
    assert len(values(page)) <= len(found) + 1
    assert page.xpath("//details[@class='group'][@open]")


def test_a_search_finds_what_only_a_rule_can_ask_for(visitor):
    page = visitor.see("/scenarios?q=net+banking+frozen")
    assert [text(row) for row in page.xpath("//span[@class='description']")] == ["frozen: account frozen"]


def test_one_method_and_one_stage_are_shown_at_a_time(visitor):
    page = visitor.see("/scenarios?method=netbanking&stage=auth")
    assert "locked" in values(page)
    assert not {"MKF1", "3DS A"} & set(values(page))
    assert "4100280000090000" in values(visitor.see("/scenarios?method=emi"))


def test_what_nothing_fits_says_so_and_an_unknown_filter_is_refused(visitor):
    assert visitor.see("/scenarios?q=sunshine").xpath("//*[@data-testid='nothing']")
    visitor.see("/scenarios?method=cheque", 400)
    visitor.see("/scenarios?stage=noon", 400)


def test_use_next_makes_the_rule_that_decides_the_next_payment_alone(visitor, world):
    link = visitor.see("/scenarios?q=frozen@mockpay").xpath("//a[@aria-label='Use next: frozen@mockpay']/@href")[0]
    answer = fill(visitor, visitor.see(link))
    assert (answer.status_code, answer.location) == (303, f"{visitor.home}/scenarios#rules")
    assert waiting(visitor.see("/scenarios")) == [["method upi", "issuer, frozen", "once"]]
    order = world.order()
    attempt = world.pay(order, "anna@okbank")
    assert attempt.plan.decisions[Stage.ISSUER].outcome == "frozen"
    assert waiting(visitor.see("/scenarios")) == []


def test_the_form_makes_the_rule_that_the_control_api_would_make(visitor, world):
    form = visitor.see("/scenarios/rule")
    wish = {
        "stage": "refund",
        "outcome": "REJECTED",
        "amount": "499",
        "times": "",
        "probability": "0.5",
        "ttl_seconds": "60",
    }
    assert fill(visitor, form, **wish).status_code == 303
    assert waiting(visitor.see("/scenarios")) == [
        ["amount 499.00", "refund, REJECTED", "every time, 50% of them, for 1 min"]
    ]


def test_a_form_shows_all_that_is_wrong_each_at_its_field_and_keeps_what_was_typed(visitor):
    answer = fill(
        visitor,
        visitor.see("/scenarios/rule"),
        outcome="insuficient",
        method="upi",
        vpa="nobody",
        times="0",
        probability="2",
        ttl_seconds="soon",
    )
    page = visitor.parse(answer)
    assert answer.status_code == 422
    assert error(page, "outcome") == "UPI has no outcome 'insuficient'. Did you mean 'insufficient'?"
    assert error(page, "vpa") == "A UPI ID looks like name@bank."
    assert error(page, "times").startswith("A whole number from 1")
    assert {"probability", "ttl_seconds"} <= set(page.xpath("//*[@aria-invalid]/@name"))
    assert page.xpath("//details[@open]//input[@name='vpa']/@value") == ["nobody"]
    assert waiting(visitor.see("/scenarios")) == []


def test_an_outcome_that_the_method_does_not_have_is_refused_by_form_and_service(visitor, world):
    answer = fill(visitor, visitor.see("/scenarios/rule"), outcome="U30", method="netbanking")
    assert "Net banking has no outcome 'U30'." in error(visitor.parse(answer), "outcome")
    with pytest.raises(Invalid, match="Did you mean 'upi'"):
        world.add_rule("U30", match={"method": "up"})


def test_the_form_offers_the_outcomes_of_its_stage(visitor):
    for stage in ("auth", "capture", "ipn", "refund"):
        page = visitor.see(f"/scenarios/rule?stage={stage}")
        assert page.xpath("//datalist/option/@value") == list(outcomes_of(Stage(stage)))


def test_rules_are_told_in_words_and_can_be_dropped(visitor, world):
    world.add_rule("Z9", match={"method": "upi"})
    world.add_rule("ZM", times=None, probability=0.5, ttl_seconds=7200)
    page = visitor.see("/scenarios")
    assert waiting(page) == [
        ["method upi", "issuer, Z9", "once"],
        ["every payment", "issuer, ZM", "every time, 50% of them, for 2 h"],
    ]
    assert visitor.press(page, "Drop").status_code == 303
    assert waiting(visitor.see("/scenarios")) == [waiting(page)[1]]
    assert visitor.press(page, "Drop all 2").status_code == 303
    assert waiting(visitor.see("/scenarios")) == []


def test_a_rule_that_is_gone_cannot_be_dropped_again(visitor, world):
    world.add_rule("Z9")
    page = visitor.see("/scenarios")
    visitor.press(page, "Drop")
    assert visitor.press(page, "Drop").status_code == 404


def test_a_rule_without_the_form_token_is_refused(visitor):
    answer = fill(visitor, visitor.see("/scenarios/rule"), outcome="failure", form_token="made up")
    assert answer.status_code == 403
    assert html.fromstring(answer.text).xpath("//h1")
