"""The seller page."""

import base64
import subprocess

from cryptography.hazmat.primitives import serialization

from mockpay.domain.sellers import Settings
from mockpay.services import subscriptions
from tests.factories import IPN_URL, NOON, World
from tests.web.visitor import Visitor, text


def test_the_seller_page_keeps_the_secret_behind_a_fold(visitor, world):
    with world.read() as sandbox:
        secret = sandbox.seller.secret_key
    page = visitor.see("/seller")
    folded = "".join(one.text_content() for one in page.xpath("//details"))
    assert folded.count(secret) == page.text_content().count(secret) == 2


def test_the_seller_page_explains_every_setting_once(visitor):
    shown = visitor.see("/seller").xpath(
        "//section[@aria-labelledby='settings']//*[self::input or self::select or self::textarea]"
    )
    fields = {field.get("name"): field for field in shown if field.get("name") != "form_token"}
    assert sorted(fields) == sorted(Settings.__struct_fields__)
    assert len(shown) == len(fields) + 1
    assert all(field.get("aria-describedby") for field in fields.values())


def test_the_lines_for_a_shell_can_be_run(visitor, world, keys):
    lines = visitor.see("/seller").xpath("//pre[@id='exports']")[0].text_content()
    told = subprocess.run(
        ["sh", "-c", f'{lines}\necho "$AMAZONPAY_SELLER_ID $AMAZONPAY_PUBLIC_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    )
    seller_id, key = told.stdout.split()
    assert seller_id == world.seller_id
    found = serialization.load_der_public_key(base64.b64decode(key))
    assert found == keys.private["amazonpay_private.pem"].public_key()


def save(visitor, **typed):
    """Send all that the page's forms have, with this typed."""
    page = visitor.see("/seller")
    forms = page.xpath("//form[@class='settings']")
    values = {name: value or "" for form in forms for name, value in form.form_values()}
    assert set(typed) <= set(values)
    return visitor.client.post(forms[0].get("action"), data=values | typed)


def error(page, name):
    field = page.xpath("//*[@name=$name]", name=name)[0]
    assert field.get("aria-invalid") == "true"
    assert not field.xpath("ancestor::details[not(@open)]")
    return text(page.get_element_by_id(field.get("aria-describedby")))


def stored(world):
    with world.read() as sandbox:
        return sandbox.seller


def test_a_form_sent_back_as_it_is_changes_nothing(visitor, world):
    before = stored(world)
    answer = save(visitor)
    assert (answer.status_code, answer.location) == (303, f"{visitor.home}/seller?saved=yes")
    assert stored(world) == before


def test_settings_of_every_kind_can_be_changed(visitor, world):
    answer = save(
        visitor,
        max_attempts="3",
        magic_amounts="off",
        capture="manual",
        otp_threshold="100.00",
        otp_always_methods="card, upi",
        default_outcomes="issuer: 54\r\nredirect: delayed",
        risk_rules="RISK_HIGHEST: off",
        ipn_profile="amazon",
    )
    assert answer.status_code == 303, text(visitor.parse(answer))
    settings = stored(world).settings
    assert (settings.max_attempts, settings.magic_amounts, settings.capture) == (3, False, "manual")
    assert (settings.otp_threshold, settings.otp_always_methods) == ("100.00", ("card", "upi"))
    assert settings.default_outcomes == {"issuer": "iso:54", "redirect": "delayed"}
    assert (settings.risk_rules, settings.ipn_profile) == ({"RISK_HIGHEST": "off"}, "amazon")
    assert text(visitor.see("/seller?saved=yes").xpath("//*[@role='status']")[0]) == "Saved."


def test_name_and_addresses_can_be_changed_and_taken_away(visitor, world):
    urls = "http://localhost:*\r\nshop://pay/back"
    save(visitor, name="Nilgiri", return_urls=urls, ipn_url="http://127.0.0.1:9/ipn")
    seller = stored(world)
    assert (seller.name, seller.ipn_url) == ("Nilgiri", "http://127.0.0.1:9/ipn")
    assert seller.return_urls == ("http://localhost:*", "shop://pay/back")
    save(visitor, ipn_url="")
    assert stored(world).ipn_url is None


def test_each_error_stands_at_its_field_what_was_typed_stays_and_nothing_is_saved(visitor, world):
    before = stored(world)
    answer = save(
        visitor,
        name="\x07",
        return_urls="http://localhost:*\r\nnonsense",
        ipn_url="https://example.com/ipn",
        max_attempts="0",
        otp_ttl_seconds="soon",
        otp_threshold="lots",
        default_outcomes="issuer: insuficient",
        risk_rules="RISK_LOWEST: off",
        refund_delay_seconds="1",
    )
    page = visitor.parse(answer)
    assert answer.status_code == 422
    assert error(page, "max_attempts") == "A whole number from 1 to 100."
    assert error(page, "otp_ttl_seconds") == "A whole number from 1 to 86400."
    assert error(page, "otp_threshold") == "An amount, such as 5000.00."
    assert error(page, "return_urls") == (
        "'nonsense' cannot be a return URL: it has no scheme. Write it as https://nonsense/*."
    )
    assert "example.com" in error(page, "ipn_url")
    assert "Did you mean 'insufficient'?" in error(page, "default_outcomes")
    assert error(page, "risk_rules")
    assert error(page, "name")
    assert "aria-invalid" not in page.xpath("//input[@name='refund_delay_seconds']")[0].attrib
    assert page.xpath("//input[@name='refund_delay_seconds' or @name='max_attempts']/@value") == ["0", "1"]
    assert page.xpath("//main//*[@role='alert']")
    assert stored(world) == before


def test_a_change_without_the_form_token_is_refused(visitor, world):
    answer = visitor.client.post(f"{visitor.home}/seller", data={"name": "Theirs"})
    assert answer.status_code == 403
    assert stored(world).name != "Theirs"


def test_a_test_notification_is_one_button_and_leads_to_its_page(runtime):
    world = World.new(runtime, ipn_url=IPN_URL)
    visitor = Visitor(runtime, world.seller_id)
    answer = visitor.press(visitor.see("/seller"), "Send a test notification")
    assert answer.status_code == 303
    page = visitor.parse(visitor.client.get(answer.headers["Location"]))
    assert text(page.xpath("//h1")[0]) == "Delivered at the first try"
    assert "Test Completed, ₹1.00" in page.text_content()
    listed = visitor.see("/notifications?type=test")
    assert "no order" in listed.xpath("//tbody")[0].text_content()


def test_without_an_address_the_button_says_why_not(visitor):
    answer = visitor.press(visitor.see("/seller"), "Send a test notification")
    assert (answer.status_code, "no address for notifications" in answer.text) == (409, True)


def test_the_seller_page_says_whether_the_subscription_is_confirmed(runtime):
    world = World.new(runtime, ipn_url=IPN_URL, ipn_profile="sns")
    visitor = Visitor(runtime, world.seller_id)
    assert "not confirmed" in text(visitor.see("/seller").xpath("//*[@data-testid='subscription']")[0])
    listed = visitor.see("/notifications").xpath("//tbody/tr")[0]
    assert "Subscription to confirm" in listed.text_content()
    with world.transaction() as sandbox:
        subscriptions.confirm(sandbox, subscriptions.token_of(sandbox))
    assert text(visitor.see("/seller").xpath("//*[@data-testid='subscription']")[0]) == "Subscription confirmed."
    plain = Visitor(runtime, World.new(runtime, ipn_url=IPN_URL).seller_id)
    assert not plain.see("/seller").xpath("//*[@data-testid='subscription']")


def test_the_clock_is_set_and_returned_to_real_time(visitor, world, real_clock):
    page = visitor.see("/seller")
    assert "It shows the real time." in text(page)
    assert visitor.press(page, "set", to="2026-11-21T19:30").status_code == 303
    assert world.now() == NOON + 2 * 3_600_000
    page = visitor.see("/seller")
    assert "It is 2 h ahead of real time." in text(page)
    assert visitor.press(page, "set", to="").status_code == 422
    real_clock.move(60_000)
    assert visitor.press(page, "real").status_code == 303
    assert world.now() == NOON + 60_000


def test_a_page_that_is_not_there_keeps_the_menu(visitor):
    page = visitor.see("/orders/S04-0000000-0000000", 404)
    assert page.xpath("//nav[@aria-label='Dashboard']")
