"""Cards as a program pays by them; what was typed of number and CVV is nowhere afterwards."""

import json
from pathlib import Path

import pytest
import requests

from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.journeys.form_browser import DemoShop, FormBrowser

NO_FUNDS = "4100 2800 0008 0001"
#: Good by its digits, on no list of test cards.
LIKE_A_REAL_ONE = "4539 5787 6362 1486"
ORDER = {"seller_order_id": "o-1", "redirect_url": "http://127.0.0.1:1/back"}


def why(buyer):
    reason = buyer.sees("payment-reason")
    return reason.get("data-reason"), reason.get("data-code")


def error_at(buyer, name):
    said = field(buyer, name).get("aria-describedby")
    return " ".join(buyer.page.xpath("string(//*[@id=$id])", id=said).split())


def field(buyer, name):
    return buyer.page.xpath("//input[@name=$name]", name=name)[0]


@pytest.mark.parametrize(
    ("number", "cvv"),
    [
        ("4100 2800 0000 1007", "123"),
        ("5500-6700-0000-1002", "123"),
        ("6527658900001005", "123"),
        ("340256000401007", "1234"),
        ("36082800091007", "123"),
    ],
)
def test_a_card_of_every_network_pays(buyer, shop, number, cvv):
    buyer.buys(shop).pays_by_card(number, cvv=cvv)
    assert buyer.reads("payment-status") == "SUCCESS"
    assert number[-4:] in buyer.page.text_content()
    buyer.follows("return-to-seller")
    assert buyer.sees("shop-order-state").get("data-state") == "PAID"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_a_declined_card_is_followed_by_upi(buyer, shop):
    buyer.buys(shop).pays_by_card(NO_FUNDS)
    assert why(buyer) == ("insufficient_funds", "51")
    buyer.follows("retry").asks("success@mockpay")
    assert buyer.reads("payment-status") == "SUCCESS"
    assert [one["method"] for one in shop.order()["attempts"]] == ["card", "upi"]


def test_the_cvv_000_is_wrong_on_any_card(buyer, shop):
    buyer.buys(shop).pays_by_card(cvv="000")
    assert why(buyer) == ("incorrect_cvv", "N7")


def test_the_amount_decides_for_a_good_card(buyer, shop):
    buyer.buys(shop, amount="1700.51").pays_by_card()
    assert why(buyer) == ("insufficient_funds", "51")
    assert "The amount 1700.51 asked for this answer." in buyer.page.text_content()


def test_the_card_that_decided_is_named_by_its_last_digits(buyer, shop):
    buyer.buys(shop).pays_by_card(NO_FUNDS)
    assert "The card …0001 asked for this answer." in buyer.page.text_content()
    buyer.goes_to(f"{shop.ui}/orders")
    assert "card …0001" in buyer.page.text_content()


@pytest.mark.parametrize(
    ("typed", "wrong", "sentence"),
    [
        ({"number": ""}, "number", "Type the number of the card."),
        ({"number": "4242 4242 4242 4241"}, "number", "its last digit, the check digit, does not fit."),
        ({"number": "9999 9999 9999 9995"}, "number", "No card network has numbers that begin with 9999."),
        ({"number": "6011 0009 9013 9424"}, "number", "Discover, JCB or UnionPay cards are not taken here."),
        ({"number": "42424"}, "number", "A card number has 12 to 19 digits; this one has 5."),
        ({"number": "4242 4242 4242 424x"}, "number", "A card number consists of digits."),
        ({"expiry": ""}, "expiry", "Type until when the card is good, like 08/29."),
        ({"expiry": "13/29"}, "expiry", "The expiry is a month and a year, like 08/29."),
        ({"expiry": "08/19"}, "expiry", "This card has expired."),
        ({"cvv": ""}, "cvv", "Type the CVV, 3 digits printed on the card."),
        ({"cvv": "12"}, "cvv", "The CVV has 3 digits."),
        ({"name": "  "}, "name", "Type the name as it is on the card."),
        ({"name": "नमस्ते"}, "name", "A name on a card has up to 26 letters from A to Z"),
    ],
)
def test_an_error_stands_at_its_field_and_all_but_the_cvv_stays_typed(buyer, shop, typed, wrong, sentence):
    buyer.buys(shop).pays_by_card(**typed)
    assert buyer.answer.status_code == 422
    marked = buyer.page.xpath("//input[@aria-invalid='true']")
    assert [one.get("name") for one in marked] == [wrong]
    assert sentence in error_at(buyer, wrong)
    shown = {"number": "4100 2800 0000 1007", "expiry": "08/29", "name": "Asha Menon"} | typed | {"cvv": ""}
    assert {name: field(buyer, name).get("value") for name in shown} == shown
    assert shop.order()["attempts"] == []


def test_all_errors_of_a_form_are_told_at_once_each_in_its_own_words(buyer, shop):
    buyer.buys(shop).pays_by_card(number="4242 4242 4242 4241", expiry="13/29", cvv="1", name="")
    marked = [one.get("name") for one in buyer.page.xpath("//input[@aria-invalid='true']")]
    assert marked == ["number", "expiry", "cvv", "name"]
    assert len({error_at(buyer, name) for name in marked}) == 4
    assert [one.get("name") for one in buyer.page.xpath("//input[@autofocus]")] == ["number"]
    assert "4 fields are not right yet." in buyer.page.xpath("string(//*[@role='alert'])")
    assert (field(buyer, "number").get("value"), field(buyer, "cvv").get("value")) == ("4242 4242 4242 4241", "")
    assert buyer.page.xpath("string(//output)") == "Visa"


def test_a_card_that_may_be_real_is_refused_and_never_sent_back(buyer, shop):
    digits = LIKE_A_REAL_ONE.replace(" ", "")
    buyer.buys(shop).pays_by_card(LIKE_A_REAL_ONE, name=digits)
    assert buyer.answer.status_code == 422
    assert "never type a real card" in buyer.page.text_content()
    assert digits not in buyer.answer.text
    assert LIKE_A_REAL_ONE not in buyer.answer.text
    assert shop.order()["attempts"] == []


def test_a_form_that_is_sent_twice_pays_once(buyer, shop):
    card = {"number": "4100280000001007", "expiry": "08/29", "cvv": "123", "name": "A"}
    form = buyer.buys(shop).follows("method-card").page
    buyer.presses("pay", **card)
    buyer.page, buyer.answer.url = form, buyer.url.replace("/3ds", "/card")
    buyer.presses("pay", **card).confirms_at_issuer()
    assert buyer.reads("payment-status") == "SUCCESS"
    assert len(shop.order()["attempts"]) == 1


def test_a_network_that_the_seller_switched_off_is_refused_on_the_page(buyer, mockpay_seller, mockpay_client):
    mockpay_seller.control("PATCH", "/methods", {"card_networks": {"RuPay": False}})
    buyer.opens(mockpay_client, **ORDER).pays_by_card("6527658900001005")
    assert buyer.answer.status_code == 422
    assert "RuPay cards are not taken" in buyer.page.text_content()
    buyer.presses("pay", number="4100280000001007", expiry="08/29", cvv="123", name="Asha")
    buyer.confirms_at_issuer()
    assert buyer.reads("payment-status") == "SUCCESS"


def test_no_card_number_is_left_in_database_journal_pages_or_api(tmp_path, capfd):
    real, good, bad = (one.replace(" ", "") for one in (LIKE_A_REAL_ONE, "4100280000001007", NO_FUNDS))
    settings = Settings(port=0, database_url=str(tmp_path / "x.db"), keys_dir=tmp_path / "keys")
    seen = []
    with LiveServer(settings) as server:
        shop, buyer = DemoShop.opened(server), FormBrowser()
        for number in (real, bad, good):
            buyer.buys(shop).pays_by_card(number, cvv="987")
            seen.append(buyer.answer.text)
            order = shop.order()
            seen.append(json.dumps(order))
            seen.append(requests.get(f"{shop.ui}/orders/{order['order_id']}").text)
        seen.append(json.dumps(shop.seller.control("GET", "/journal")))
        seen.append(requests.get(f"{shop.ui}/journal").text)
        kept = b"".join(file.read_bytes() for file in Path(tmp_path).glob("*.db*"))
    told = capfd.readouterr()
    for number in (real, bad, good):
        assert not any(number in text for text in seen)
        assert number not in told.out + told.err
        assert number.encode() not in kept
