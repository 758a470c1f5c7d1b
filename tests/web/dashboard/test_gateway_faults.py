"""The fault page: one switch for each gateway, faults and what is left of them, breakers, rules and a dry run."""

from mockpay.domain.payments.routing import Routing, RoutingRule, Target, When
from mockpay.services.gateways import routing
from mockpay.store import gateway_faults
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import pay, rules, set_rules
from tests.web.visitor import Visitor, text

PAGE = "/gateway-faults"


def visitor_of(runtime):
    world = World.new(runtime)
    set_rules(world, rules("razorpay", "simulator", name="cards", when=When(methods=("card",), min_amount="1.00")))
    return world, Visitor(world.runtime, world.seller_id)


def panel(page, gateway="razorpay"):
    return page.xpath(f"//section[@data-testid='gateway-{gateway}']")[0]


def press(visitor, page, testid, **typed):
    [button] = page.xpath(f"//button[@data-testid='{testid}']")
    form = next(button.iterancestors("form"))
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    return visitor.client.post(button.get("formaction") or form.get("action"), data={**fields, **typed})


def stored(world):
    with world.read() as sandbox:
        return [
            (rule.fault, rule.operation, rule.times, rule.probability) for rule in gateway_faults.of_seller(sandbox)
        ]


@on_sqlite
def test_a_gateway_that_is_switched_off_is_down_for_ten_minutes_and_comes_back(runtime):
    world, visitor = visitor_of(runtime)
    page = visitor.see(PAGE)
    assert "Up" in text(panel(page))
    assert press(visitor, page, "switch-razorpay").status_code == 303
    page = visitor.see(PAGE)
    assert "Down" in text(panel(page))
    assert "10:00 left" in text(panel(page))
    attempt = pay(world)
    assert attempt.gateway == "simulator"
    world.advance(599)
    page = visitor.see(PAGE)
    assert "0:01 left" in text(panel(page))
    world.advance(1)
    assert "Up" in text(panel(visitor.see(PAGE)))
    press(visitor, visitor.see(PAGE), "switch-razorpay")
    world.advance(300)
    press(visitor, page, "switch-razorpay")
    assert "Up" in text(panel(visitor.see(PAGE)))
    assert stored(world) == []


@on_sqlite
def test_the_breaker_closes_under_ones_eyes_once_the_gateway_is_on_again(runtime):
    world, visitor = visitor_of(runtime)
    press(visitor, visitor.see(PAGE), "switch-razorpay")
    for number in (1, 2):
        pay(world, world.order(f"O-{number}"))
    page = visitor.see(PAGE)
    assert "5 technical failures counted; one charge probes in 30 s" in text(panel(page))
    assert "Open" in [text(chip) for chip in panel(page).xpath(".//span[contains(@class, 'chip')]")]
    press(visitor, page, "switch-razorpay")
    assert visitor.news(page)["version"] != page.xpath("//body/@data-version")[0]
    world.advance(30)
    page = visitor.see(PAGE)
    assert "the next charge probes" in text(panel(page))
    assert pay(world, world.order("O-3")).gateway == "razorpay"
    assert visitor.news(page)["version"] != page.xpath("//body/@data-version")[0]
    assert "Closed" in text(panel(visitor.see(PAGE)))


@on_sqlite
def test_any_fault_is_added_shown_with_what_is_left_and_removed(runtime):
    world, visitor = visitor_of(runtime)
    page = visitor.see(PAGE)
    typed = {"fault": "latency", "operation": "CHARGE", "times": "2", "probability": "0.5", "seconds": "90"}
    assert press(visitor, page, "add-fault-razorpay", **typed, latency_ms="700").status_code == 303
    assert press(visitor, page, "add-fault-razorpay", fault="http_503").status_code == 303
    shown = [text(line) for line in panel(visitor.see(PAGE)).xpath("(.//ul)[1]/li/span")]
    assert shown == [
        "Answers late by 700 mscharge, 50 % of them; 2 more calls, 1:30 left",
        "HTTP 503, not executedany call; until it is removed",
    ]
    [first] = [rule.fault_id for rule in _rules(world) if rule.times == 2]
    press(visitor, visitor.see(PAGE), f"remove-fault-{first}")
    assert stored(world) == [("http_503", None, None, 1.0)]


def _rules(world):
    with world.read() as sandbox:
        return gateway_faults.of_seller(sandbox)


@on_sqlite
def test_a_fault_that_cannot_be_is_told_beside_its_field(runtime, subtests):
    world, visitor = visitor_of(runtime)
    page = visitor.see(PAGE)
    for field, typed in (
        ("times", "0"),
        ("probability", "2"),
        ("seconds", "soon"),
        ("latency_ms", "-1"),
        ("fault", "x"),
    ):
        with subtests.test(field=field):
            answer = press(visitor, page, "add-fault-razorpay", **{"fault": "refuse", field: typed})
            assert answer.status_code == 422
            assert visitor.parse(answer).xpath(f"//p[@id='f-{field}-error']")
    assert stored(world) == []
    for path in ("/razorpay/explode", "/nobody/off"):
        assert visitor.client.post(f"{visitor.home}{PAGE}{path}", data=_token(page)).status_code == 404


def _token(page):
    return {"form_token": page.xpath("(//input[@name='form_token'])[1]/@value")[0]}


@on_sqlite
def test_a_breaker_is_forced_and_left_alone(runtime):
    world, visitor = visitor_of(runtime)
    press(visitor, visitor.see(PAGE), "force-razorpay-open")
    page = visitor.see(PAGE)
    assert "forced open" in text(panel(page))
    assert page.xpath("//button[@data-testid='force-razorpay-open']") == []
    assert pay(world).gateway == "simulator"
    press(visitor, page, "force-razorpay-auto")
    assert "forced" not in text(panel(visitor.see(PAGE)))


@on_sqlite
def test_rules_are_shown_in_words_and_tried_without_a_payment(runtime):
    world, visitor = visitor_of(runtime)
    page = visitor.see(PAGE)
    [rule] = [text(line) for line in page.xpath("//section[@aria-labelledby='rules']//ul/li")]
    assert rule == "1. cards razorpay, simulatormethods card; min amount 1.00; priority"
    decided = visitor.see(f"{PAGE}?amount=499.00&method=card&network=Visa")
    assert text(decided.xpath("//div[@data-testid='decision']")[0]) == (
        "razorpay: Rule 1: cards, in the rule’s own order razorpay; simulator. Asked: razorpay, then simulator."
    ).replace("order razorpay", "orderrazorpay")
    other = visitor.see(f"{PAGE}?amount=499.00&method=upi&gateway=")
    assert "simulator: No rule fits" in text(other.xpath("//div[@data-testid='decision']")[0])
    for query, field in (("amount=x&method=card", "amount"), ("amount=1&method=cash", "method")):
        wrong = visitor.see(f"{PAGE}?{query}", status=422)
        assert wrong.xpath(f"//p[@id='f-{field}-error']")
    with world.transaction() as sandbox:
        weighted = RoutingRule(targets=(Target("razorpay", 7), Target("simulator", 3)), enabled=False)
        routing.set_rules(sandbox, Routing(rules=(weighted,)))
    shown = text(visitor.see(PAGE).xpath("//section[@aria-labelledby='rules']//ul/li")[0])
    assert shown == "1. razorpay (7), simulator (3)every payment; priorityOff"


@on_sqlite
def test_the_switch_leaves_every_other_fault(runtime):
    world, visitor = visitor_of(runtime)
    page = visitor.see(PAGE)
    press(visitor, page, "add-fault-razorpay", fault="refuse", operation="REFUND")
    press(visitor, page, "add-fault-razorpay", fault="latency", times="3")
    press(visitor, visitor.see(PAGE), "switch-razorpay")
    assert len(stored(world)) == 3
    press(visitor, visitor.see(PAGE), "switch-razorpay")
    assert stored(world) == [("refuse", "REFUND", None, 1.0), ("latency", None, 3, 1.0)]
