"""Saved methods as a program keeps them and pays with them; nobody else can."""

import pytest
from sqlalchemy import select

from mockpay.domain.methods.cards import restore_card
from mockpay.services import buyers
from mockpay.store.unit_of_work import read, transaction
from mockpay.vault import saved_methods, vault_table
from mockpay.vault.rules import consent
from mockpay.vault.vault_table import cryptograms
from tests.journeys.account_buyer import POOR, RICH, AccountBuyer

CARD = "HDFC Bank Visa •••• 1007"


@pytest.fixture
def buyer():
    return AccountBuyer()


@pytest.fixture
def signed_in(buyer, shop):
    return buyer.has_signed_in(shop)


@pytest.fixture
def owner(signed_in, shop):
    """Somebody who has saved a card."""
    return signed_in.saves_a_card(shop)


def attempts(shop):
    return [(one["method"], one["state"]) for one in shop.order()["attempts"]]


def tokens(shop, email=RICH):
    with read(shop.server.runtime, shop.seller.seller_id) as sandbox:
        owner = buyers.by_email(sandbox, email).buyer_id
        return [one.token for one in saved_methods.listed(sandbox, owner)]


def test_a_saved_card_pays_again_with_one_press_and_the_banks_yes(owner, shop):
    assert owner.reads("payment-status") == "SUCCESS"
    owner.buys(shop)
    assert CARD in owner.reads("method-saved")
    fields = set(owner.page.xpath("//form[@method='post']//input/@name"))
    assert fields.isdisjoint({"number", "cvv", "expiry"})
    owner.presses("pay-saved").confirms_at_issuer()
    assert owner.reads("payment-status") == "SUCCESS"
    assert "Visa •••• 1007" in owner.page.text_content()
    assert attempts(shop) == [("card", "CAPTURED")]
    assert owner.follows("return-to-seller").sees("shop-order-state").get("data-state") == "PAID"
    assert shop.seller.control("GET", "/audit") == {"ok": True, "violations": []}


def test_every_use_of_a_card_has_a_cryptogram_that_is_used_up(owner, shop):
    owner.buys(shop).pays_with_saved()
    with read(shop.server.runtime, shop.seller.seller_id) as sandbox:
        mine = cryptograms.c.seller_id == sandbox.seller_id
        used = sandbox.connection.execute(select(cryptograms.c.used_at).where(mine)).scalars().all()
    assert len(used) == 1
    assert used[0] is not None


def test_the_box_is_never_ticked_beforehand_and_without_it_nothing_is_saved(signed_in, shop):
    signed_in.buys(shop).follows("method-card")
    (box,) = signed_in.page.xpath("//input[@name='save']")
    assert (box.get("type"), box.get("checked")) == ("checkbox", None)
    label = " ".join(box.getparent().text_content().split())
    assert label.startswith("Save this payment method for faster payments to this seller.")
    assert label.endswith("You can remove it at any time.")
    card = {"number": "4100280000001007", "expiry": "08/29", "cvv": "123", "name": "Asha"}
    signed_in.presses("pay", **card).confirms_at_issuer()
    assert signed_in.reads("payment-status") == "SUCCESS"
    assert tokens(shop) == []
    assert signed_in.buys(shop).misses("method-saved")


@pytest.mark.parametrize("said", ["no", "false", "0", ""])
def test_only_a_yes_is_a_yes(signed_in, shop, said):
    signed_in.buys(shop).types_card(save=said).confirms_at_issuer()
    assert signed_in.reads("payment-status") == "SUCCESS"
    assert tokens(shop) == []


def test_a_tick_survives_an_error_of_the_form(signed_in, shop):
    signed_in.buys(shop).types_card(cvv="1", save="yes")
    assert signed_in.answer.status_code == 422
    assert signed_in.page.xpath("//input[@name='save']/@checked") == ["checked"]


def test_a_guest_is_asked_to_sign_in_and_can_save_nothing(buyer, shop):
    buyer.buys(shop).follows("method-card")
    assert buyer.page.xpath("//input[@name='save']") == []
    typed = {"number": "4100280000001007", "expiry": "08/29", "cvv": "123", "name": "Asha"}
    buyer.posts("card", save="yes", **typed)
    buyer.confirms_at_issuer()
    assert buyer.reads("payment-status") == "SUCCESS"
    assert tokens(shop) == []


def test_what_was_declined_is_not_saved(signed_in, shop):
    signed_in.buys(shop).types_card("4100 2800 0008 0001", save="yes").confirms_at_issuer()
    assert signed_in.reads("payment-status") == "FAILURE"
    assert tokens(shop) == []


def agreed(shop):
    """Versions of the texts that the buyer of the newest order has agreed to."""
    with read(shop.server.runtime, shop.seller.seller_id) as sandbox:
        saved = saved_methods.listed(sandbox, buyers.by_email(sandbox, RICH).buyer_id)
        return [vault_table.find_consent(sandbox, method.consent_id).text_version for method in saved]


def test_a_upi_id_is_saved_masked_and_pays_again(signed_in, shop):
    signed_in.buys(shop).follows("method-upi")
    assert "Save this UPI ID for faster payments" in signed_in.page.text_content()
    signed_in.presses("pay", vpa="success@mockpay", save="yes")
    assert signed_in.reads("payment-status") == "SUCCESS"
    assert agreed(shop) == ["upi-1"]
    assert list(signed_in.saved(shop)) == ["su****@mockpay"]
    assert shop.order()["attempts"][-1]["saved_token"] is None
    signed_in.buys(shop).pays_with_saved()
    assert signed_in.reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("upi", "CAPTURED")]
    assert [shop.order()["attempts"][-1]["saved_token"]] == tokens(shop)


def test_a_bank_is_saved_and_asked_again(signed_in, shop):
    signed_in.buys(shop).follows("method-netbanking")
    assert "Save this bank for faster payments" in signed_in.page.text_content()
    signed_in.presses("pay", bank="HDFC", save="yes")
    signed_in.logs_in().presses("bank-success")
    assert signed_in.reads("payment-status") == "SUCCESS"
    assert agreed(shop) == ["netbanking-1"]
    signed_in.buys(shop).pays_with_saved().logs_in().presses("bank-failure")
    assert signed_in.reads("payment-status") == "FAILURE"
    assert list(signed_in.saved(shop)) == ["HDFC Bank"]


def test_a_card_that_paid_by_emi_is_saved_too(signed_in, shop):
    signed_in.buys(shop, amount="4999.00").pays_by_emi(save="yes")
    assert list(signed_in.saved(shop)) == ["HDFC Bank Mastercard •••• 0000"]


def test_the_same_card_is_saved_once(owner, shop):
    owner.saves_a_card(shop)
    assert list(owner.saved(shop)) == [CARD]


def test_the_default_is_chosen_and_the_last_one_used_comes_next(owner, shop):
    owner.buys(shop).follows("method-upi").presses("pay", vpa="success@mockpay", save="yes")
    owner.buys(shop)
    (form,) = owner.page.xpath("//form[@data-testid='method-saved']")
    assert [radio.get("value") for radio in form.xpath(".//input[@type='radio'][@name='token']")] == tokens(shop)
    assert owner.page.xpath("//input[@name='token'][@checked]/@value") == [tokens(shop)[0]]


def test_anothers_token_is_refused_like_one_that_nobody_has(owner, shop, mockpay_server):
    (theirs,) = tokens(shop)
    elsewhere = mockpay_server.new_seller()
    with transaction(mockpay_server.runtime, elsewhere.seller_id) as sandbox:
        stranger = buyers.ensure(sandbox, RICH).buyer_id
        card = restore_card("4100280000001007", "08/29")
        foreign = saved_methods.save(sandbox, stranger, card, consent(sandbox.now, "127.0.0.1")).token
    other = AccountBuyer().has_signed_in(shop, POOR)
    said = []
    for token in (theirs, foreign, "tok_" + "0" * 22, "x" * 300):
        other.buys(shop).posts("saved", token=token)
        assert other.answer.status_code == 404
        said.append(other.page.xpath("string(//div[@class='outcome'])"))
        assert attempts(shop) == []
        other.account(shop).posts(
            "methods",
            action="delete",
            token=token,
            form_token=other.page.xpath("//input[@name='form_token']/@value")[0],
        )
        assert other.answer.status_code == 404
        said.append(other.page.xpath("string(//div[@class='outcome'])"))
    assert len(set(said)) == 2
    assert tokens(shop) == [theirs]


def test_nothing_chosen_is_told_at_the_list(owner, shop):
    owner.buys(shop).posts("saved", token="")
    assert owner.answer.status_code == 422
    fieldset = owner.page.xpath("//fieldset")[0]
    assert fieldset.get("aria-describedby") == "f-token-error"
    assert "Choose one of your saved methods." in fieldset.text_content()


def test_a_suspended_method_keeps_its_place_and_cannot_pay(owner, shop):
    (token,) = tokens(shop)
    owner.buys(shop)
    with transaction(shop.server.runtime, shop.seller.seller_id) as sandbox:
        who = buyers.by_email(sandbox, RICH).buyer_id
        saved_methods.suspend(sandbox, who, token)
    owner.presses("pay-saved")
    assert owner.answer.status_code == 422
    assert "This saved method is suspended." in owner.page.text_content()
    (choice,) = owner.page.xpath("//input[@name='token']")
    assert choice.get("disabled") is not None
    assert "Suspended by the bank for now" in choice.getparent().text_content()
    assert attempts(shop) == []
    with transaction(shop.server.runtime, shop.seller.seller_id) as sandbox:
        saved_methods.resume(sandbox, who, token)
    owner.goes_to(owner.url).presses("pay").confirms_at_issuer()
    assert owner.reads("payment-status") == "SUCCESS"


def test_a_card_past_its_expiry_is_not_offered(owner, shop):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2029-09-01T00:00:00Z"})
    owner.buys(shop)
    assert owner.misses("method-saved")
    owner.goes_to(f"{owner.url}saved")
    assert "Expired" in owner.page.text_content()


def test_a_guest_is_led_to_the_sign_in_and_back_to_what_is_saved(owner, shop):
    guest = AccountBuyer().buys(shop)
    here = guest.url
    guest.goes_to(f"{here}saved")
    assert guest.heading == "Sign in"
    guest.presses("sign-in", email=RICH).presses("otp-submit", otp="123456")
    assert guest.url == f"{here}saved"
    guest.presses("pay").confirms_at_issuer()
    assert guest.reads("payment-status") == "SUCCESS"


def test_a_form_that_is_sent_twice_pays_once(owner, shop):
    page = owner.buys(shop).page
    owner.presses("pay-saved").confirms_at_issuer()
    owner.page = page
    owner.presses("pay-saved")
    assert owner.reads("payment-status") == "SUCCESS"
    assert attempts(shop) == [("card", "CAPTURED")]


def test_no_page_ever_shows_the_number_again(owner, shop):
    seen = [owner.buys(shop).answer.text, owner.goes_to(f"{owner.url}saved").answer.text]
    seen.append(owner.presses("pay").confirms_at_issuer().answer.text)
    seen.append(owner.account(shop).answer.text)
    assert not any("4100280000001007" in text for text in seen)
