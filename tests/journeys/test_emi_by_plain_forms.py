"""EMI as a program pays by it: plans to the paisa, refusals at their fields, and what is told."""

import pytest

from tests.journeys.account_buyer import EMI_CARD, AccountBuyer

AMOUNT = "10000.00"
ORDER = {"seller_order_id": "o-1", "redirect_url": "http://127.0.0.1:1/back"}
TYPED = {"number": EMI_CARD, "expiry": "08/29", "cvv": "123", "name": "Asha Menon"}


@pytest.fixture
def buyer():
    return AccountBuyer()


def told(buyer):
    """The facts on the result page."""
    rows = buyer.page.xpath("//dl[contains(@class, 'rows')]/div")
    return {row.xpath("string(dt)"): row.xpath("string(dd)") for row in rows}


def plans(buyer):
    """The page's plans, by months."""
    rows = buyer.page.xpath("//*[@data-testid='emi-plans']//label")
    return {row.xpath("string(input/@value)"): " ".join(row.text_content().split()) for row in rows}


def wrong_fields(buyer):
    assert buyer.answer.status_code == 422
    return [one.get("name") for one in buyer.page.xpath("//input[@aria-invalid='true']")]


def test_a_card_of_the_bank_pays_in_instalments(buyer, shop):
    buyer.buys(shop, amount=AMOUNT).pays_by_emi("6")
    assert buyer.reads("payment-status") == "SUCCESS"
    facts = told(buyer)
    assert facts["Amount"] == "₹10,000.00"
    assert facts["Paid by EMI"] == "Mastercard •••• 0000"
    assert facts["EMI plan"] == "6 months at 16 %, HDFC Bank"
    assert facts["Instalments"] == "6 × ₹1,745.30"
    assert "No-cost discount" not in facts
    (attempt,) = shop.order()["attempts"]
    assert (attempt["method"], attempt["state"], attempt["eci"]) == ("emi", "CAPTURED", "02")
    assert buyer.follows("return-to-seller").sees("shop-order-state").get("data-state") == "PAID"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_no_cost_emi_takes_the_interest_off_first(buyer, shop):
    buyer.buys(shop, amount=AMOUNT).pays_by_emi("12", no_cost="yes")
    facts = told(buyer)
    assert facts["No-cost discount"] == "₹815.33"
    assert facts["Instalments"] == "12 × ₹833.33"
    # The order is still paid in full; what is taken off is between bank and seller.
    assert (facts["Amount"], shop.order()["amount"]) == ("₹10,000.00", AMOUNT)


def test_the_plans_are_those_of_the_chosen_bank_to_the_paisa(buyer, shop):
    buyer.buys(shop, amount=AMOUNT).follows("method-emi")
    shown = plans(buyer)
    assert list(shown) == ["3", "6", "9", "12", "18", "24"]
    # Facts, section 1.6.
    assert shown["3"].startswith("3 months ₹3,422.61 a month 16 %: ₹267.83 interest,")
    assert "₹1,751.12 interest" in shown["24"]
    assert "No-cost: ₹1,666.67 a month, ₹450.56 off" in shown["6"]
    buyer.presses("emi-show", bank="SCBL")
    assert list(plans(buyer)) == ["3", "6", "9", "12"]
    assert "11.88 %" in plans(buyer)["3"]


def test_choosing_another_bank_carries_nothing_of_the_card(buyer, shop):
    buyer.buys(shop, amount=AMOUNT).follows("method-emi")
    (form,) = buyer.page.xpath("//main//form[@method='get']")
    assert set(form.inputs.keys()) == {"bank"}


def test_a_card_of_another_bank_is_refused_at_its_field(buyer, shop):
    buyer.buys(shop, amount=AMOUNT).follows("method-emi").presses("emi-show", bank="ICIC")
    buyer.presses("pay", tenure="6", **TYPED)
    assert wrong_fields(buyer) == ["number"]
    assert "This plan is for credit cards of ICICI Bank." in buyer.page.text_content()
    # The bank and the plan stay chosen, the number stays typed; the CVV does not come back.
    assert buyer.page.xpath("//select/option[@selected]/@value") == ["ICIC"]
    assert buyer.page.xpath("//input[@name='tenure'][@checked]/@value") == ["6"]
    for name, value in (("number", EMI_CARD), ("cvv", "")):
        assert buyer.page.xpath("//input[@name=$name]/@value", name=name) == [value]
    assert shop.order()["attempts"] == []


def test_below_the_smallest_plan_the_tile_says_so(buyer, shop):
    buyer.buys(shop)
    tile = buyer.sees("method-emi")
    assert (tile.get("aria-disabled"), tile.get("href")) == ("true", None)
    assert "EMI begins at ₹1,000.00." in tile.text_content()
    buyer.goes_to(f"{buyer.url}emi")
    assert buyer.misses("pay")
    assert "EMI begins at ₹1,000.00." in buyer.page.text_content()
    buyer.posts("emi", bank="HDFC", tenure="6", **TYPED)
    assert buyer.answer.status_code == 422
    assert "EMI begins at ₹1,000.00." in buyer.page.text_content()
    assert shop.order()["attempts"] == []


def test_a_bank_that_lends_more_only_keeps_its_place_and_says_from_where(buyer, shop):
    buyer.buys(shop, amount="1200.00").follows("method-emi")
    (option,) = buyer.page.xpath("//option[@value='ICIC']")
    assert option.get("disabled") is not None
    assert option.text == "ICICI Bank, from ₹1,500.00"
    buyer.posts("emi", bank="ICIC", tenure="3", **TYPED)
    assert "This plan begins at ₹1,500.00." in buyer.page.xpath("string(//fieldset)")


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({}, "Choose a plan."),
        ({"tenure": "7"}, "There is no EMI plan of 7 months at this bank."),
        ({"tenure": "²"}, "There is no EMI plan of 0 months at this bank."),
        ({"tenure": "6", "bank": "NOPE"}, "There is no EMI plan of 6 months at this bank."),
    ],
)
def test_without_a_plan_of_the_bank_nothing_is_tried(buyer, shop, typed, says):
    buyer.buys(shop, amount=AMOUNT)
    buyer.posts("emi", **({"bank": "HDFC"} | TYPED | typed))
    assert buyer.answer.status_code == 422
    fieldset = buyer.page.xpath("//fieldset")[0]
    assert fieldset.get("aria-describedby") == "f-tenure-error"
    assert says in fieldset.text_content()
    assert buyer.page.xpath("string(//input[@name='cvv']/@value)") == ""
    assert buyer.page.xpath("string(//input[@name='expiry']/@value)") == "08/29"
    assert shop.order()["attempts"] == []


def test_a_payment_nobody_has_confirmed_names_its_instalments(buyer, shop):
    buyer.buys(shop, amount="1700.68").pays_by_emi("3")
    buyer.sees("payment-waiting")
    assert "Mastercard •••• 0000, 3 × ₹582.08, sent to pay" in " ".join(buyer.page.text_content().split())


def test_the_dashboard_names_the_plan(buyer, shop):
    buyer.buys(shop, amount=AMOUNT).pays_by_emi("6")
    buyer.goes_to(f"{shop.ui}/orders/{shop.order()['order_id']}")
    page = buyer.page.text_content()
    assert "EMI chosen" in page
    assert "6 × ₹1,745.30, 6 months at 16 %, HDFC Bank" in page


def test_a_seller_may_switch_emi_off(buyer, mockpay_seller, mockpay_client):
    mockpay_seller.control("PATCH", "/methods", {"methods": {"emi": {"enabled": False}}})
    buyer.opens(mockpay_client, amount=AMOUNT, **ORDER)
    assert "EMI is switched off by the seller." in buyer.reads("method-emi")
    buyer.posts("emi", bank="HDFC", tenure="6", **TYPED)
    assert buyer.answer.status_code == 422
    assert mockpay_seller.orders()[0]["state"] == "CREATED"
