"""A buyer's wallet on the dashboard: what it shows, and a form for each thing that a tester may set."""

import pytest

from mockpay.services.wallet.overview import overview
from tests.services.ledger import ASHA, RICH, by_balance
from tests.web.visitor import text


def opened(visitor, email=ASHA, status=200):
    return visitor.see(f"/buyers/{email}/wallet", status)


def press(visitor, button, **typed):
    answer = visitor.press(opened(visitor), button, **typed)
    return answer.status_code, visitor.parse(answer) if answer.status_code != 303 else None


def has(world, email=ASHA):
    with world.read() as sandbox:
        return overview(sandbox, email)


def test_a_form_adjusts_money_and_gifts(visitor, world):
    assert press(visitor, "Adjust", amount="500.00", kind="money")[0] == 303
    assert press(visitor, "Adjust", amount="20", kind="gift", note="Welcome")[0] == 303
    assert press(visitor, "Adjust", amount="-100.50", kind="money")[0] == 303
    figures = has(world).figures
    assert (figures.money.minor, figures.gifts.minor) == (399_50, 20_00)
    rows = opened(visitor).xpath("//tr[@data-entry]")
    assert [text(row.xpath(".//td[3]")[0]) for row in rows] == ["−₹100.50₹419.50", "+₹20.00₹520.00", "+₹500.00₹500.00"]
    postings = dict(zip(rows[1].xpath(".//dl/dt/text()"), rows[1].xpath(".//dl/dd/text()"), strict=True))
    assert postings["WALLET_GIFT"] == "+₹20.00, then ₹20.00"


def test_forms_set_profile_status_and_limits(visitor, world):
    assert press(visitor, "Save profile", profile="MIN")[0] == 303
    assert press(visitor, "Save status", status="FROZEN")[0] == 303
    assert press(visitor, "Save limits", balance_cap="", monthly_spend_cap="50.00")[0] == 303
    profile = has(world).profile
    assert (profile.profile, profile.status) == ("MIN", "FROZEN")
    assert (profile.limits.balance_cap, profile.limits.monthly_spend_cap) == (10_000_00, 50_00)
    page = opened(visitor)
    assert text(page.xpath("//*[@data-testid='wallet-status']")[0]) == "Minimum KYC, frozen"
    assert page.xpath("//input[@name='monthly_spend_cap']/@value") == ["50.00"]
    assert press(visitor, "Save limits", monthly_spend_cap="")[0] == 303
    assert has(world).profile.limits.monthly_spend_cap == 10_000_00


@pytest.mark.parametrize(
    ("button", "typed", "field", "status"),
    [
        ("Adjust", {"amount": "1.001", "kind": "money"}, "amount", 422),
        ("Adjust", {"amount": "", "kind": "money"}, "amount", 422),
        ("Adjust", {"amount": "0", "kind": "money"}, "amount", 422),
        ("Adjust", {"amount": "-5", "kind": "money"}, "adjust", 409),
        ("Adjust", {"amount": "200000.01", "kind": "money"}, "amount", 409),
        ("Adjust", {"amount": "5", "kind": "cash"}, "kind", 422),
        ("Save profile", {"profile": "HALF"}, "profile", 422),
        ("Save status", {"status": "gone"}, "status", 422),
        ("Save limits", {"yearly_load_cap": "much"}, "yearly_load_cap", 422),
    ],
)
def test_what_cannot_be_saved_is_told_and_changes_nothing(visitor, world, button, typed, field, status):
    code, page = press(visitor, button, **typed)
    assert code == status
    assert "Nothing was saved" in page.text_content()
    if field != "adjust":
        assert page.xpath("string(//p[@id=$id])", id=f"f-{field}-error").strip()
    assert has(world).figures.balance.minor == 0
    assert has(world).profile.profile == "FULL"


def test_a_payments_journals_lead_to_its_order_and_the_order_to_the_wallet(visitor, world):
    order = world.order("PAID")
    by_balance(world, order, RICH)
    page = opened(visitor, RICH)
    assert page.xpath("//tr[@data-type='HOLD']//a[@class='order-link']/@href")[0].endswith(order.order_id)
    link = visitor.see_order(order).xpath("//a[@data-testid='buyer-wallet']/@href")[0]
    answer = visitor.client.get(link)
    assert answer.status_code == 303
    assert text(visitor.see(answer.location).xpath("//h1")[0]) == f"Wallet of {RICH}"


def test_the_sellers_page_opens_the_wallet_of_an_email(visitor):
    form = visitor.see("/seller").xpath("//button[@data-testid='open-wallet']/ancestor::form")[0]
    answer = visitor.client.get(form.get("action"), query_string={"buyer": ASHA.upper()})
    assert answer.status_code == 303
    assert text(visitor.see(answer.location).xpath("//h1")[0]) == f"Wallet of {ASHA}"
    assert visitor.client.get(form.get("action"), query_string={"buyer": "nobody"}).status_code == 404
    assert visitor.client.get(f"{visitor.home}/buyers/nobody/wallet").status_code == 404


def test_a_change_without_the_form_token_is_refused(visitor, world):
    answer = visitor.client.post(f"{visitor.home}/buyers/{ASHA}/wallet/adjust", data={"amount": "5", "kind": "money"})
    assert answer.status_code == 403
    assert has(world).figures.balance.minor == 0
