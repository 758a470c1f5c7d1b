"""Net banking on a phone: the list, the bank's own site, and every way back from it."""

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def choose_magic(buyer, page, name):
    buyer.press("method-netbanking")
    page.get_by_text("Banks that answer by themselves").click()
    page.get_by_role("radio", name=name).check()
    buyer.press("pay")


def test_the_list_narrows_while_typing_and_the_button_names_the_bank(buyer, page):
    buyer.buy().press("method-netbanking")
    page.get_by_label("Find your bank").fill("indian")
    expect(page.get_by_role("radio")).to_have_count(2)
    page.get_by_role("radio", name="Indian Overseas Bank").check()
    expect(page.get_by_test_id("pay")).to_have_text("Pay ₹499.00 at Indian Overseas Bank")
    assert_accessible(page)


def test_no_bank_chosen_is_explained_at_the_list(buyer, page, watch):
    watch.expects(422)
    buyer.buy().press("method-netbanking").press("pay")
    expect(page.get_by_role("alert")).to_have_text("Choose your bank.")
    expect(page.get_by_role("group", name="Your bank")).to_have_accessible_description("Choose your bank.")
    assert_accessible(page)


def test_a_closed_bank_window_times_out_while_the_page_waits(buyer, page, shop):
    buyer.buy().go_to_bank("HDFC Bank").press("bank-close").waits()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve at HDFC Bank")
    assert_accessible(page)
    shop.seller.advance(seconds=601)
    buyer.reads_status("FAILURE").press("retry").pay_from_balance("rich").reads_status("SUCCESS")


def test_the_bank_is_paid_by_keyboard_alone(buyer, page):
    buyer.buy().press("method-netbanking")
    page.get_by_role("radio", name="State Bank of India").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_label("User ID").focus()
    page.keyboard.type("test\ttest")
    page.keyboard.press("Enter")
    buyer.sees("bank-success").focus()
    page.keyboard.press("Enter")
    buyer.reads_status("SUCCESS")
