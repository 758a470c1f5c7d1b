"""The page of an order says which gateway took each try and why, and shows every call."""

from mockpay.domain.methods.netbanking import NetBanking
from mockpay.domain.payments.gateways import Result
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import OP, VISA, K, Stub, pay, routed_world, rules, set_rules
from tests.web.visitor import Visitor, text


def panels(page):
    """Heading, rule, candidates and calls of each routed try."""
    found = page.xpath("//section[starts-with(@aria-labelledby, 'gateways-')]")
    return [
        (
            text(panel.xpath(".//h2")[0]),
            text(panel.xpath(".//div[@class='panel-head']/p")[0]),
            text(panel.xpath(".//p[@class='caption']")[0]),
            [text(line) for line in panel.xpath(".//summary")],
        )
        for panel in found
    ]


@on_sqlite
def test_both_gateways_and_why_the_first_did_not_take_it_are_told(runtime):
    refused = Result(K.REJECTED, "05", message="The key is wrong.", elsewhere=True)
    world = routed_world(runtime, Stub("first", answers={OP.CHARGE: [refused]}), Stub("second"))
    order = world.order()
    pay(world, order)
    page = Visitor(world.runtime, world.seller_id).see_order(order)
    assert panels(page) == [
        (
            "Gateway",
            "Rule 1, in the rule’s own order",
            "first; second",
            ["first: charge refused, The key is wrong.", "second: charge done"],
        )
    ]


@on_sqlite
def test_a_call_is_shown_with_request_and_answer_and_without_secrets(runtime):
    world = World.new(runtime)
    set_rules(world, rules("razorpay", "simulator", name="cards"))
    order = world.order()
    pay(world, order)
    page = Visitor(world.runtime, world.seller_id).see_order(order)
    [(_, rule, candidates, calls)] = panels(page)
    assert (rule, candidates) == ("Rule 1: cards, in the rule’s own order", "razorpay; simulator")
    assert [call.split(",")[0] for call in calls] == [
        "razorpay: prepare done",
        "razorpay: charge done",
        "razorpay: webhook done",
    ]
    shown = text(page.xpath("//section[@aria-labelledby='gateways-1']")[0])
    assert '"amount": 49900' in shown
    assert VISA not in shown


@on_sqlite
def test_what_left_a_gateway_out_is_told_and_each_try_has_its_own_panel(runtime):
    world = World.new(runtime)
    set_rules(world, rules("stripe"))
    order = world.order()
    world.add_rule("insufficient", match={"method": "card"})
    pay(world, order)
    world.pay_with(order, NetBanking("HDFC"))
    first, second = panels(Visitor(world.runtime, world.seller_id).see_order(order))
    assert (first[0], second[0]) == ("Gateway, try 1", "Gateway, try 2")
    assert second[2:] == ("stripe: left out (does not take netbanking); simulator (no other can take it)", [])


@on_sqlite
def test_without_rules_nothing_is_told_of_gateways(world):
    order = world.order()
    world.pay(order)
    assert panels(Visitor(world.runtime, world.seller_id).see_order(order)) == []
