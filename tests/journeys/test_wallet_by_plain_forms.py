"""A buyer's own wallet as a program uses it: balance, limits, history with filters, and one entry."""

import csv
import io

import pytest

from tests.journeys.account_buyer import AccountBuyer

ASHA = "asha@example.com"
MINKYC = "minkyc@buyers.mockpay.test"


def adjust(shop, amount, email=ASHA, **more):
    return shop.seller.control("POST", f"/buyers/{email}/wallet/adjust", {"amount": amount, **more})["entry_id"]


@pytest.fixture
def owner(shop):
    """Asha got 1,000.00 and a gift of 50.00, and paid 499.00 from both."""
    adjust(shop, "1000.00")
    adjust(shop, "50.00", kind="gift", note="=Welcome")
    buyer = AccountBuyer().has_signed_in(shop, ASHA)
    buyer.buys(shop, amount="499.00").follows("method-wallet").presses("pay", email=ASHA)
    return buyer.account(shop).follows("wallet-link")


def titles(buyer):
    return [row.xpath("string(.//b)").strip() for row in buyer.page.xpath("//li[@data-entry]")]


def amounts(buyer):
    """The change of each entry and the balance after it."""
    return [
        tuple(part.text_content() for part in row.xpath(".//span[@class='entry-amount']/*"))
        for row in buyer.page.xpath("//li[@data-entry]")
    ]


def test_the_wallet_shows_what_there_is_and_how_it_came(owner):
    assert owner.heading == "Your balance"
    seen = {name: owner.reads(f"wallet-{name}") for name in ("balance", "money", "gifts", "on-hold")}
    assert seen == {"balance": "₹551.00", "money": "₹551.00", "gifts": "₹0.00", "on-hold": "₹0.00"}
    assert titles(owner) == ["Payment taken by the seller", "Payment", "Gift", "Adjustment"]
    assert amounts(owner) == [
        ("₹0.00", "₹551.00"),
        ("−₹499.00", "₹551.00"),
        ("+₹50.00", "₹1,050.00"),
        ("+₹1,000.00", "₹1,000.00"),
    ]
    table = owner.page.xpath("//figure//tbody//td[2]")
    assert [cell.text for cell in table] == ["₹551.00", "₹551.00", "₹1,050.00", "₹1,000.00"]


def test_the_limits_say_what_is_left_and_from_when(shop):
    buyer = AccountBuyer().has_signed_in(shop, MINKYC).account(shop, "wallet")
    assert (buyer.reads("wallet-may-add"), buyer.reads("wallet-may-spend")) == ("₹500.00", "₹9,500.00")
    rows = {row[0].text_content(): " ".join(row[1].text_content().split()) for row in buyer.page.xpath("//dl/div")}
    assert rows["Left below the cap"] == "₹500.00"
    assert rows["Left to spend this month"].startswith("₹10,000.00 in full again on 1 ")
    assert titles(buyer) == []
    assert buyer.sees("wallet-empty") is not None
    frozen = AccountBuyer().has_signed_in(shop, "frozen@buyers.mockpay.test").account(shop, "wallet")
    assert "This balance is frozen" in frozen.page.text_content()
    assert frozen.reads("wallet-may-spend") == "₹0.00"


def test_history_is_filtered_by_what_direction_day_and_order(owner, shop):
    order = shop.order()
    for typed, expected in [
        ({"type": "HOLD"}, ["Payment"]),
        ({"direction": "CREDIT"}, ["Gift", "Adjustment"]),
        ({"direction": "DEBIT", "type": "ADJUST"}, []),
        ({"order": order["order_id"]}, ["Payment taken by the seller", "Payment"]),
        ({"order": order["seller_order_id"], "type": "CAPTURE"}, ["Payment taken by the seller"]),
        ({"order": "nobody's"}, []),
        ({"until": "2020-01-01"}, []),
        ({"since": "2020-01-01", "until": "2098-12-31", "type": "ADJUST"}, ["Gift", "Adjustment"]),
    ]:
        owner.account(shop, "wallet").presses("wallet-filter", **typed)
        assert (owner.answer.status_code, titles(owner)) == (200, expected), typed


def test_a_day_is_an_indian_one_and_counts_whole(shop):
    """18:30 UTC is midnight in India."""
    buyer = AccountBuyer().has_signed_in(shop, ASHA)
    for moment in ("2030-05-04T18:29:59Z", "2030-05-04T18:30:00Z", "2030-05-05T18:29:59Z", "2030-05-05T18:30:00Z"):
        shop.seller.freeze(moment)
        adjust(shop, "1.00", note=moment)
    found = buyer.account(shop, "wallet?since=2030-05-05&until=2030-05-05")
    assert [after for _, after in amounts(found)] == ["₹3.00", "₹2.00"]


def test_what_cannot_be_filtered_by_is_refused_at_its_field(owner, shop):
    for query, field, words in [
        ("since=2026-12-02&until=2026-12-01", "until", "The last day lies before the first."),
        ("since=yesterday", "since", "A day looks like 2026-11-21."),
        ("until=1969-01-01", "until", "A day looks like 2026-11-21."),
        ("since=20261121T10", "since", "A day looks like 2026-11-21."),
        ("type=PAYMENT", "type", "Choose one of the list."),
        ("direction=UP", "direction", "Choose one of the list."),
    ]:
        owner.account(shop, f"wallet?{query}")
        assert (owner.answer.status_code, titles(owner)) == (422, []), query
        assert owner.page.xpath("string(//p[@id=$id])", id=f"f-{field}-error").strip() == words
        assert owner.page.xpath("//*[@name=$name and @aria-invalid='true']", name=field)
    assert owner.account(shop, "wallet?cursor=nonsense").url.endswith("/wallet")


def test_older_entries_are_pages_that_keep_the_filter(owner, shop):
    for number in range(60):
        adjust(shop, f"{number + 1}.00")
    seen, buyer = [], owner.account(shop, "wallet?type=ADJUST")
    while True:
        seen += [change for change, _ in amounts(buyer)]
        if buyer.misses("wallet-older"):
            break
        buyer.follows("wallet-older")
    assert seen == [*(f"+₹{number + 1}.00" for number in reversed(range(60))), "+₹50.00", "+₹1,000.00"]
    assert len(titles(buyer.follows("wallet-newest"))) == 25


def test_the_file_has_what_is_filtered_and_no_formula(owner, shop):
    owner.account(shop, "wallet?type=ADJUST").follows("wallet-csv")
    assert owner.answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in owner.answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(owner.answer.text)))
    assert [(row["type"], row["amount"], row["note"]) for row in rows] == [
        ("ADJUST", "50.00", "'=Welcome"),
        ("ADJUST", "1000.00", ""),
    ]


def test_an_entry_has_its_journal_its_order_and_its_refund(owner, shop):
    order = shop.order()
    shop.seller.client().refund(order["order_id"], "R-1", "100.00")
    shop.seller.advance(seconds=60)
    owner.account(shop, "wallet")
    assert titles(owner)[0] == "Refund"
    (refund,) = owner.page.xpath("//li[@data-type='REFUND']//a/@href")
    owner.goes_to(f"{shop.server.url}{refund}")
    assert (owner.heading, owner.reads("entry-amount")) == ("Refund", "+₹100.00")
    assert order["seller_order_id"] in owner.reads("entry-order")
    assert owner.reads("entry-refund").startswith("R-1 Completed")
    booked = {row.get("data-account"): row[1].text for row in owner.page.xpath("//tr[@data-account]")}
    assert booked == {"MERCHANT_PAYABLE": "−₹100.00", "WALLET_MONEY": "+₹50.00", "WALLET_GIFT": "+₹50.00"}
    assert [link.text for link in owner.page.xpath("//section[@aria-labelledby='related']//a")] == [
        "Payment",
        "Payment taken by the seller",
    ]


def test_an_entry_and_its_reversal_lead_to_each_other(owner, shop):
    entry = adjust(shop, "5.00")
    shop.seller.control("POST", f"/buyers/{ASHA}/wallet/entries/{entry}/reverse")
    owner.account(shop, f"wallet/entries/{entry}")
    (there,) = owner.page.xpath("//dt[text()='Reversed by']/following-sibling::dd/a/@href")
    owner.goes_to(f"{shop.server.url}{there}")
    assert owner.heading == "Reversal"
    assert owner.page.xpath("//dt[text()='Reverses']/following-sibling::dd/a/@href")[0].endswith(f"/{entry}")


def test_a_wallet_is_its_owners_alone(owner, shop):
    (mine, *_) = owner.page.xpath("//li[@data-entry]//a/@href")
    other = AccountBuyer().has_signed_in(shop)
    assert other.goes_to(f"{shop.server.url}{mine}").answer.status_code == 404
    assert titles(other.account(shop, "wallet")) == []
    for path in ("wallet", "wallet/entries.csv", "wallet/entries/1"):
        guest = AccountBuyer().account(shop, path)
        assert guest.heading == "Sign in"
        assert f"next=%2Faccount%2F{shop.seller.seller_id}%2Fwallet" in guest.url
    for number in ("0", "x", "9" * 40):
        assert owner.account(shop, f"wallet/entries/{number}").answer.status_code == 404


def test_money_is_added_on_the_pages_of_any_payment(shop):
    buyer = AccountBuyer().has_signed_in(shop, ASHA).account(shop, "wallet")
    buyer.presses("wallet-add", amount="500.00")
    assert buyer.reads("seller-name") == "Wallet balance"
    assert (buyer.misses("method-wallet"), buyer.misses("method-emi")) == (True, True)
    buyer.asks("success@mockpay")
    assert buyer.reads("payment-reason") == "Your balance has the money."
    assert "seller gets" not in buyer.page.text_content()
    buyer.follows("return-to-seller")
    assert (buyer.heading, buyer.reads("wallet-balance")) == ("Your balance", "₹500.00")
    assert (titles(buyer), amounts(buyer)) == (["Money added"], [("+₹500.00", "₹500.00")])


def test_a_payment_that_adds_money_tells_of_no_seller_however_it_ends(shop):
    buyer = AccountBuyer().has_signed_in(shop, ASHA).account(shop, "wallet")
    buyer.presses("wallet-add", amount="500.00").presses("cancel-payment")
    assert buyer.reads("payment-reason") == "No money was taken."
    assert "no seller takes part" in buyer.page.text_content()
    buyer.account(shop, "wallet").presses("wallet-add", amount="500.00").asks("success@mockpay")
    here = buyer.url
    [order] = shop.seller.orders(state="PAID")
    for amount, words in (("200.00", "Your balance has the money, less ₹200.00 that came back."), (None, "sent back.")):
        shop.seller.refund_order(order["order_id"], amount)
        shop.seller.advance(until="idle")
        assert buyer.goes_to(here).reads("payment-reason").endswith(words)


def test_what_cannot_be_added_is_told_at_its_field_and_stays_typed(shop):
    buyer = AccountBuyer().has_signed_in(shop, MINKYC).account(shop, "wallet")
    for typed, sentence in (
        ("0.99", "At least ₹1.00 can be added."),
        ("500.01", "This balance may not hold more than ₹10,000.00; ₹500.00 can be added."),
        ("five", "The amount must look like 1.00: digits, at most two after the point."),
    ):
        buyer.presses("wallet-add", amount=typed)
        assert buyer.answer.status_code == 422
        assert buyer.page.xpath("string(//p[@id='f-amount-error'])").strip() == sentence
        assert buyer.sees("wallet-amount").get("value") == typed
    assert shop.seller.orders() == []


def test_an_entry_tells_what_of_added_money_went_back(shop):
    order = shop.seller.top_up(ASHA, "500.00", "upi", vpa="success@mockpay")
    shop.seller.refund_order(order["order_id"], "200.00", reference="BACK-1")
    buyer = AccountBuyer().has_signed_in(shop, ASHA).account(shop, "wallet?type=TOPUP_REFUND")
    assert (titles(buyer), amounts(buyer)) == (["Refund of added money"], [("−₹200.00", "₹300.00")])
    (entry,) = buyer.page.xpath("//li[@data-entry]//a/@href")
    buyer.goes_to(f"{shop.server.url}{entry}")
    assert buyer.reads("entry-refund").startswith("BACK-1 Pending")
    booked = {row.get("data-account"): row[1].text for row in buyer.page.xpath("//tr[@data-account]")}
    assert booked == {"WALLET_MONEY": "−₹200.00", "GATEWAY_CLEARING": "+₹200.00"}
