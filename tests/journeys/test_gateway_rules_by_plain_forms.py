"""Which gateway takes the shop's payments by cost, hour and success rate, from processPayment to the captured card."""

import pytest

from tests.journeys.form_browser import FormBrowser

NO_FUNDS = "4100 2800 0008 0001"
BOTH = [{"gateway": "razorpay"}, {"gateway": "stripe"}]


@pytest.fixture
def route(shop):
    """Sets the shop's rules, and takes them away at the end."""
    yield lambda *rules, **more: shop.seller.control("PUT", "/routing", {"rules": rules, **more})
    shop.seller.control("PUT", "/routing", {})


def pay(shop, number=None, amount="", status="SUCCESS"):
    """Buy the bell by card; the attempt, whose order the shop has booked."""
    buyer = FormBrowser().buys(shop, amount=amount).pays_by_card(*([number] if number else []))
    assert buyer.reads("payment-status") == status
    buyer.follows("return-to-seller")
    assert buyer.sees("shop-order-state").get("data-state") == {"SUCCESS": "PAID"}.get(status, "FAILED")
    [attempt] = shop.order()["attempts"]
    return attempt


def scores(attempt):
    return {each["gateway"]: each["score"] for each in attempt["routing"]["candidates"]}


def test_the_cheaper_gateway_takes_a_payment(shop, route):
    costs = {"razorpay": {"basis_points": 200}, "stripe": {"basis_points": 100, "fixed": "5.00"}}
    route({"targets": BOTH, "strategy": "LEAST_COST"}, costs=costs)
    small, large = pay(shop), pay(shop, amount="2000.00")
    assert (small["gateway"], scores(small)) == ("razorpay", {"razorpay": 9.98, "stripe": 9.99})
    assert (large["gateway"], scores(large)) == ("stripe", {"stripe": 25.0, "razorpay": 40.0})


def test_another_gateway_takes_payments_at_night_by_the_sellers_clock(shop, route):
    night = {"name": "night", "when": {"from_hour": 22, "to_hour": 6}, "targets": [{"gateway": "stripe"}]}
    route(night, {"name": "day", "targets": [{"gateway": "razorpay"}]})
    taken = []
    for moment in ("2026-11-20T21:59:59", "2026-11-20T22:00:00", "2026-11-21T05:59:59", "2026-11-21T06:00:00"):
        shop.seller.freeze(f"{moment}+05:30")
        attempt = pay(shop)
        taken.append((attempt["gateway"], attempt["routing"]["rule"]))
    day, dark = ("razorpay", "rule 2: day"), ("stripe", "rule 1: night")
    assert taken == [day, dark, dark, day]


def test_the_gateway_with_the_better_success_rate_takes_a_payment(shop, route):
    route({"targets": BOTH, "strategy": "BEST_RATE"}, window=2)
    assert pay(shop, NO_FUNDS, status="FAILURE")["gateway"] == "razorpay"
    # Of Stripe nothing is known yet, so it is tried.
    assert pay(shop)["gateway"] == "stripe"
    best = pay(shop)
    assert (best["gateway"], scores(best)) == ("stripe", {"stripe": 1.0, "razorpay": 0.0})
    pay(shop, NO_FUNDS, status="FAILURE")
    half = pay(shop, NO_FUNDS, status="FAILURE")
    assert (half["gateway"], scores(half)["stripe"]) == ("stripe", 0.5)
    # Its last two were declined: now neither is better, and the first of the rule is asked.
    last = pay(shop)
    assert (last["gateway"], scores(last)) == ("razorpay", {"razorpay": 0.0, "stripe": 0.0})
