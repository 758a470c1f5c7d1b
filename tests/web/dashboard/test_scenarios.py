"""The scenario table and the rules."""

from mockpay.domain.scenarios.resolution import TABLE
from tests.web.visitor import text


def test_the_scenario_page_shows_every_row_of_the_table_once(visitor):
    values = [text(one) for one in visitor.see("/scenarios").xpath("//code[starts-with(@id, 'row-')]")]
    assert sorted(values) == sorted(row.equals for row in TABLE)


def test_rules_are_told_in_words_and_can_be_deleted(visitor, world):
    world.add_rule("Z9", match={"method": "upi"})
    world.add_rule("ZM", times=None, probability=0.5, ttl_seconds=7200)
    page = visitor.see("/scenarios")
    told = [
        [text(cell) for cell in row.xpath("./td")[1:4]]
        for row in page.xpath("//section[@aria-labelledby='rules']//tbody/tr")
    ]
    assert told == [
        ["method upi", "issuer, Z9", "once"],
        ["every payment", "issuer, ZM", "every time, 50% of them, for 2 h"],
    ]
    answer = visitor.press(page, "Delete")
    assert answer.status_code == 303
    left = visitor.see("/scenarios").xpath("//section[@aria-labelledby='rules']//tbody/tr")
    assert [text(row.xpath("./td")[2]) for row in left] == ["issuer, ZM"]


def test_a_rule_that_is_gone_cannot_be_deleted_again(visitor, world):
    world.add_rule("Z9")
    page = visitor.see("/scenarios")
    visitor.press(page, "Delete")
    assert visitor.press(page, "Delete").status_code == 404
