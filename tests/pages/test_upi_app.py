"""The other way to pay by UPI: scan or open, and answer in the simulated app."""

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def type_pin(page, pin):
    page.get_by_label("UPI PIN").fill(pin)
    page.get_by_test_id("upi-approve").click()


def test_the_app_approves_without_a_upi_id_and_the_shop_gets_its_money(buyer, page):
    buyer.buy().press("method-upi").open_the_app()
    assert_accessible(page)
    type_pin(page, "2580")
    buyer.reads_status("SUCCESS").go_back_to_the_shop().finds_verified("SUCCESS")
    buyer.finds_listed("Closed", "UpfrontChargeSuccess")


def test_a_pin_of_three_digits_is_explained_at_its_field(buyer, page, watch):
    watch.expects(422)
    buyer.buy().ask("asha@okhdfc").open_the_app()
    type_pin(page, "123")
    field = page.get_by_label("UPI PIN")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("A UPI PIN has 4 or 6 digits.")
    expect(field).to_be_focused()
    assert_accessible(page)
