"""The seller's forms on a phone."""

from playwright.sync_api import expect

from tests.pages.accessibility import assert_accessible


def test_a_setting_is_changed_on_a_phone_and_an_error_stands_at_its_field(page, shop, watch):
    watch.expects(422)
    page.goto(f"{shop.ui}/seller")
    page.get_by_text("Scenarios and risk").click()
    field = page.get_by_label("risk_review_seconds")
    field.fill("never")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("alert")).to_have_text("Nothing was saved: see below.")
    expect(field).to_have_value("never")
    expect(field).to_have_accessible_description("A whole number from 0 to 31536000.")
    assert_accessible(page)
    field.fill("20")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    assert shop.seller.control("GET", "")["settings"]["risk_review_seconds"] == 20
    shop.seller.control("PATCH", "", {"settings": {"risk_review_seconds": 10}})
