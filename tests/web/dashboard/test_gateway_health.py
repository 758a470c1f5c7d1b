"""The health page: figures and a chart for each gateway, and alerts that are acknowledged and clear."""

from mockpay.domain.payments.breaker import Force
from mockpay.domain.payments.gateways import Result
from mockpay.store import gateway_breakers
from tests.factories import on_sqlite
from tests.services.gateways.stubs import OP, K, Stub, pay, routed_world
from tests.web.visitor import Visitor, text

PAGE = "/gateway-health"


def figures(page):
    """The rows of the first gateway's table."""
    rows = page.xpath("(//table[contains(@class, 'figures')])[last()]/tbody/tr")
    return {text(row[0]): [text(cell) for cell in row[1:]] for row in rows}


def alerts(page):
    return [text(line) for line in page.xpath("//ul[@data-testid='alerts']/li//b")]


@on_sqlite
def test_figures_chart_and_table_say_the_same(runtime):
    declined = Result(K.DECLINED, "51")
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.APPROVED, declined, K.REJECTED]}))
    visitor = Visitor(world.runtime, world.seller_id)
    for number in (1, 2, 3):
        pay(world, world.order(f"O-{number}"))
    page = visitor.see(PAGE)
    rows = figures(page)
    assert rows["Charges"] == ["3", "3", "3"]
    assert rows["Success"] == rows["Declined"] == rows["Technical failure"] == ["33.3 %"] * 3
    assert rows["95 % within"] == ["–"] * 3
    assert len(page.xpath("//svg[contains(@class, 'chart-bars')]/rect")) == 3
    [last] = page.xpath("//details/table/tbody/tr[last()]")
    assert [text(cell) for cell in last] == ["17:25", "1", "1", "1"]
    assert alerts(page) == []
    assert [text(link) for link in page.xpath("//h3/../following-sibling::ul[1]//a")] == [
        "Declined",
        "Payment could not be named",
    ]


@on_sqlite
def test_an_alert_is_acknowledged_by_its_button_and_clears_with_the_clock(runtime):
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [K.NO_ANSWER]}))
    visitor = Visitor(world.runtime, world.seller_id)
    pay(world)
    page = visitor.see(PAGE)
    assert alerts(page) == ["More than 2 % of charges are not answered: 100 %"]
    version = visitor.news(page)["version"]
    assert version == page.xpath("//body/@data-version")[0]
    assert visitor.press(page, "Acknowledge").status_code == 303
    assert visitor.news(page)["version"] != version
    seen = visitor.see(PAGE)
    assert "Seen" in text(seen.xpath("//ul[@data-testid='alerts']")[0])
    assert seen.xpath("//button[normalize-space()='Acknowledge']") == []
    world.advance(300)
    over = visitor.see(PAGE)
    assert alerts(over) == []
    assert "Over: 1" in text(over)


@on_sqlite
def test_the_page_changes_with_a_breaker_and_with_time(runtime):
    world = routed_world(runtime, Stub("first"))
    visitor = Visitor(world.runtime, world.seller_id)
    empty = visitor.see(PAGE)
    assert "No gateway was called" in text(empty)
    pay(world)
    page = visitor.see(PAGE)
    versions = [visitor.news(page)["version"]]
    with world.transaction() as sandbox:
        gateway_breakers.save_force(sandbox, "first", Force.OPEN)
    versions.append(visitor.news(page)["version"])
    assert "Forced open" in text(visitor.see(PAGE))
    world.advance(60)
    versions.append(visitor.news(page)["version"])
    assert len(set(versions)) == 3
