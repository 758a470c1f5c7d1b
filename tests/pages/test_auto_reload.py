"""Auto-reload on a phone: set up by a code, watched as it reloads, pauses at a limit, gives up, and comes back."""

import pytest
from playwright.sync_api import expect

from tests.journeys.account_buyer import code_for
from tests.pages.accessibility import assert_accessible
from tests.pages.account_holder import AccountHolder

ASHA = "asha@example.com"
GOOD, REFUSED = "4718609108204366", "4100280000080001"


class Reloader(AccountHolder):
    """Asha at her auto-reload."""

    def opens(self):
        self.account("auto-reload")
        return self.sees("reload-state")

    def reads_state(self, state):
        expect(self.opens()).to_have_attribute("data-state", state)
        assert_accessible(self.page)
        return self

    def switches_on(self, **typed):
        self.opens()
        for name, value in typed.items():
            self.page.locator(f"[name={name}]").fill(value)
        self.sees("reload-agree").check()
        self.press("reload-save")
        assert_accessible(self.page)
        return self.confirm(code_for(self.shop, ASHA))

    def pays(self, amount):
        self.buy(amount).press("method-wallet")
        self.page.get_by_label("E-mail").fill(ASHA)
        self.press("wallet-show").press("pay").sees("payment-status")
        self.shop.seller.advance(seconds=0)
        return self

    def reads_balance(self, amount):
        self.opens()
        expect(self.sees("reload-balance")).to_have_text(amount)
        return self


@pytest.fixture
def asha(page, shop):
    shop.seller.freeze("2026-11-21T12:00:00Z")
    shop.seller.save_method(ASHA, "card", number=GOOD, expiry="08/29", name="Asha Rao")
    shop.seller.control("POST", f"/buyers/{ASHA}/wallet/adjust", {"amount": "600.00"})
    holder = AccountHolder(page, shop).account("")
    page.get_by_label("E-mail").fill(ASHA)
    holder.press("sign-in").confirm(code_for(shop, ASHA)).sees("sign-out")
    return Reloader(page, shop)


def test_it_reloads_pauses_at_a_cap_and_goes_on_in_the_next_month(asha, shop):
    asha.reads_state("OFF").switches_on(cap_month="1500").reads_state("ON")
    asha.pays("200.00").reads_balance("₹1,400.00").reads_state("ON")
    shop.seller.advance(seconds=300)
    asha.pays("1000.00").reads_balance("₹400.00").reads_state("PAUSED_CAP")
    expect(asha.sees("reload-waits")).to_have_text(
        "Your limit of a month is reached. It goes on at 01 Dec 2026, 00:00:00 IST."
    )
    shop.seller.advance(to="2026-11-30T18:30:00Z")
    asha.reads_balance("₹1,400.00").reads_state("ON")


def test_it_switches_itself_off_after_three_failures_and_comes_back(asha, shop, page):
    refused = shop.seller.save_method(ASHA, "card", number=REFUSED, expiry="08/29", name="Asha Rao")["token"]
    shop.seller.auto_reload(ASHA, threshold="500.00", amount="1000.00", token=refused)
    asha.pays("200.00").reads_state("BACKOFF")
    for seconds in (300, 1_800):
        shop.seller.advance(seconds=seconds)
    asha.reads_state("DISABLED_FAILURES")
    expect(page.locator("[data-run]")).to_have_count(3)
    page.get_by_label("From").select_option(label="HDFC Bank Visa •••• 4366")
    asha.sees("reload-agree").check()
    asha.press("reload-save").confirm(code_for(shop, ASHA))
    expect(page.get_by_text("Auto-reload is on, with these settings.")).to_be_visible()
    shop.seller.advance(seconds=0)
    asha.reads_balance("₹1,400.00").reads_state("ON")
