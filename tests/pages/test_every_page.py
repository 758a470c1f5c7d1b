"""What holds for every page there is, seen from outside, without a browser."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
from lxml import html

from tests.pages.answers import BACK
from tests.pages.gallery import ISSUER, NAMES, PAYMENT, STATUS

FRAMED = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'"
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_FRAMES = {"threeds": ["acs"], "threeds-method": ["acs-method"]}
#: Attributes that make a browser fetch, follow or send something.
_ADDRESSES = ("src", "href", "action", "formaction", "poster", "srcset", "data", "data-poll")


@pytest.fixture(scope="session")
def seen(gallery):
    """Fetch a page of the gallery."""
    return gallery.fetch


def test_every_page_carries_the_policy_and_nothing_weaker(seen):
    for name in NAMES:
        headers = seen(name).headers
        assert headers["Content-Security-Policy"] == (FRAMED if name in ISSUER else POLICY), name
        assert headers["Content-Type"] == "text/html; charset=utf-8", name
        assert headers["X-Content-Type-Options"] == "nosniff", name
        if name in PAYMENT:
            assert headers["Cache-Control"] == "no-store", name


def test_no_page_has_script_or_style_of_its_own(seen):
    for name in NAMES:
        page = html.fromstring(seen(name).text)
        assert page.xpath("//script[not(@src)]") == [], name
        assert page.xpath("//style | //base | //object | //embed") == [], name
        # The card's issuer has its pages in one, sent there by a form; no other page has a frame.
        assert page.xpath("//iframe/@name") == _FRAMES.get(name, []), name
        assert page.xpath("//iframe/@src | //iframe/@srcdoc") == [], name
        assert [element.tag for element in page.iter() if "style" in element.attrib] == [], name
        assert page.xpath("//@*[starts-with(name(), 'on')]") == [], name
        assert not re.search(r"javascript:", html.tostring(page, encoding="unicode"), re.IGNORECASE), name


def test_no_page_names_another_host(seen):
    for name in NAMES:
        answer = seen(name)
        own = urlsplit(answer.url).netloc
        for element in html.fromstring(answer.text).iter():
            for attribute in _ADDRESSES:
                target = element.get(attribute)
                if target == BACK and name == "way-back":
                    assert element.tag == "form", "this page is there to post to the seller"
                elif target and not target.startswith("upi://"):
                    assert urlsplit(urljoin(answer.url, target)).netloc == own, (name, target)


def test_no_style_or_script_of_ours_names_another_host_and_a_browser_keeps_each(seen):
    fetched = set()
    for name in NAMES:
        answer = seen(name)
        page = html.fromstring(answer.text)
        fetched |= {urljoin(answer.url, one) for one in page.xpath("//link/@href | //script/@src")}
    assert len(fetched) >= 7
    for address in fetched:
        answer = requests.get(address, timeout=30)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000"
        assert re.search(r"\?v=\w+$", address), address
        foreign = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", answer.text))
        # The name of a language is no address.
        assert foreign <= {"http://www.w3.org"}, address


def test_every_page_says_test_and_what_it_is(seen):
    for name in NAMES:
        page = html.fromstring(seen(name).text)
        assert page.get("lang") == "en-IN", name
        assert "TEST" in page.xpath("string(//body)"), name
        assert len(page.xpath("//h1")) == 1, name
        assert len(page.xpath("//main[@id='main']")) == 1, name
        assert page.xpath("string(//title)").strip(), name


def test_every_field_of_every_page_has_a_label(seen):
    for name in NAMES:
        page = html.fromstring(seen(name).text)
        for field in page.xpath("//input[not(@type='hidden')] | //select | //textarea"):
            labelled = field.get("aria-label") or field.xpath("ancestor::label")
            assert labelled or page.xpath("//label[@for=$id]", id=field.get("id")), (name, html.tostring(field))


HOOKS = [
    ("choose", "seller-name"),
    ("choose", "method-upi method-card method-netbanking method-wallet order-amount cancel-payment"),
    ("card", "pay order-amount seller-name cancel-payment"),
    ("netbanking", "pay order-amount seller-name cancel-payment"),
    ("wallet", "pay wallet-balance order-amount seller-name cancel-payment"),
    ("choose", "method-emi account-sign-in"),
    ("choose-saved", "method-saved pay-saved method-upi method-card order-amount seller-name cancel-payment"),
    ("saved", "pay order-amount seller-name cancel-payment"),
    ("emi", "pay emi-plans emi-show order-amount seller-name cancel-payment"),
    ("account-sign-in", "sign-in"),
    ("account-code", "otp-submit otp-resend otp-cancel"),
    ("account-wallet", "wallet-balance wallet-money wallet-gifts wallet-on-hold wallet-may-add wallet-may-spend"),
    ("account-wallet", "wallet-order wallet-filter wallet-entries wallet-csv"),
    ("account-wallet-entry", "entry-amount entry-balance entry-order"),
    ("bank-login", "bank-login order-amount"),
    ("bank", "bank-success bank-failure bank-pending bank-cancel bank-close order-amount"),
    ("waiting-bank", "payment-waiting bank-link"),
    ("upi", "upi-vpa upi-qr upi-intent upi-app-link pay order-amount seller-name"),
    ("upi-app", "upi-approve upi-decline"),
    ("waiting", "payment-waiting"),
    ("waiting-pending", "payment-waiting return-to-seller"),
    ("waiting-unknown", "payment-waiting return-to-seller"),
    ("otp", "otp-submit otp-resend otp-cancel order-amount seller-name"),
    ("otp-expired", "otp-submit otp-resend otp-cancel otp-error"),
    ("threeds", "threeds-continue order-amount seller-name cancel-payment"),
    ("acs", "acs-submit acs-cancel acs-resend order-amount"),
    ("acs-wrong", "acs-submit acs-cancel acs-resend acs-notice"),
    ("waiting-review", "payment-waiting return-to-seller"),
    ("success", "payment-status payment-reason return-to-seller"),
    ("failed", "payment-status payment-reason retry return-to-seller"),
    ("failed-for-good", "payment-status payment-reason return-to-seller"),
    ("cancelled", "payment-status payment-reason return-to-seller"),
    ("expired", "payment-status payment-reason return-to-seller"),
]


def test_the_hooks_that_programs_rely_on_are_there_once(seen):
    for name, hooks in HOOKS:
        page = html.fromstring(seen(name).text)
        for hook in hooks.split():
            assert len(page.xpath("//*[@data-testid=$hook]", hook=hook)) == 1, (name, hook)


def test_the_fields_that_programs_fill_have_their_names(seen):
    upi, app = (html.fromstring(seen(name).text) for name in ("upi", "upi-app"))
    assert upi.xpath("//input[@data-testid='upi-vpa']/@name") == ["vpa"]
    assert upi.xpath("//*[@data-testid='upi-intent']/@href")[0].startswith("upi://pay?")
    assert app.xpath("//form//input[@name='pin']/@type") == ["password"]
    values = app.xpath("//button[@name='action']/@value")
    assert set(values) == {"approve", "decline", "ignore", "late"}
    for name, fields in (
        ("card", {"number", "expiry", "cvv", "name"}),
        ("netbanking", {"bank"}),
        ("choose-saved", {"token"}),
        ("card-saving", {"save"}),
        ("wallet", {"email"}),
        ("emi", {"bank", "tenure", "no_cost", "number", "expiry", "cvv", "name"}),
        ("account-sign-in", {"email"}),
        ("account-code", {"otp"}),
        ("otp", {"otp"}),
        ("threeds", {"creq", "threeDSSessionData"}),
        ("acs", {"otp"}),
    ):
        page = html.fromstring(seen(name).text)
        assert fields <= set(page.xpath("//form[@method='post']//input/@name")), name


def test_the_result_page_tells_its_status(seen):
    for name, status in [
        ("success", "SUCCESS"),
        ("failed", "FAILURE"),
        ("failed-for-good", "FAILURE"),
        ("cancelled", "CANCELLED"),
        ("expired", "FAILURE"),
    ]:
        page = html.fromstring(seen(name).text)
        shown = page.xpath("//*[@data-testid='payment-status']")[0]
        assert (shown.text_content(), shown.get("data-status")) == (status, status)


def test_a_browser_knows_which_field_of_a_card_is_which(seen):
    page = html.fromstring(seen("card").text)
    purposes = {field.get("name"): field.get("autocomplete") for field in page.xpath("//main//input")}
    card = {"number": "cc-number", "expiry": "cc-exp", "cvv": "cc-csc", "name": "cc-name"}
    assert {name: purposes[name] for name in card} == card


def test_the_code_and_the_link_to_an_app_name_payee_amount_and_order(seen):
    page = html.fromstring(seen("upi").text)
    code = page.xpath("//*[@data-testid='upi-qr']")[0]
    assert "QR code to pay ₹499.00 to Nilgiri Cycle Works by UPI" in html.tostring(code, encoding="unicode")
    link = urlsplit(page.xpath("//*[@data-testid='upi-intent']/@href")[0])
    asked = dict(parse_qsl(link.query))
    assert (link.scheme, link.netloc) == ("upi", "pay")
    assert (asked["am"], asked["cu"], asked["pn"]) == ("499.00", "INR", "Nilgiri Cycle Works")
    assert asked["tn"]


def test_every_error_is_tied_to_its_field_and_the_first_one_has_the_focus(seen):
    for name in (name for name, status in STATUS.items() if status in {400, 409, 422}):
        page = html.fromstring(seen(name).text)
        errors = page.xpath("//*[@id][contains(@class, 'field-error') or @class='wrong']")
        for error in errors:
            fields = page.xpath("//*[@aria-describedby=$error]", error=error.get("id"))
            # A button that came too late is gone.
            assert fields or error.get("role") == "alert", (name, error.get("id"))
            assert error.text_content().strip(), name
            assert all(field.get("aria-invalid") or field.tag in {"fieldset", "button"} for field in fields), name
        invalid = page.xpath("//*[@aria-invalid='true']")
        if invalid:
            assert "autofocus" in invalid[0].attrib, name
            assert re.match("Error: |Not saved: |Not made: ", page.xpath("string(//title)").strip()), name
            assert [name for field in invalid if field.get("type") == "password" and field.get("value")] == [], name


def test_enter_presses_the_button_that_a_form_is_for(seen):
    """A browser presses the first of a form's buttons, wherever it stands."""
    for name, hook in (("otp", "otp-submit"), ("account-code", "otp-submit"), ("upi-app", "upi-approve")):
        page = html.fromstring(seen(name).text)
        (meant,) = page.xpath("//button[@data-testid=$hook]", hook=hook)
        first = next(meant.iterancestors("form")).xpath(".//button[@type='submit']")[0]
        assert (first.get("name"), first.get("value")) == (meant.get("name"), meant.get("value")), name


def test_a_one_time_code_is_offered_by_the_phone_and_typed_on_digits(seen):
    for name in ("otp", "account-code", "acs"):
        (field,) = html.fromstring(seen(name).text).xpath("//input[@name='otp']")
        assert (field.get("autocomplete"), field.get("inputmode")) == ("one-time-code", "numeric"), name


def test_every_template_has_its_page_here(seen):
    """But for the page of a method that has none of its own; tests/web/test_new_method.py looks at that."""
    folder = Path(__file__).parents[2] / "templates"
    templates = {str(file.relative_to(folder)) for file in folder.rglob("[!_]*.html")} - {"base.html"}
    assert templates - {seen(name).headers["Template"] for name in NAMES} == {"checkout/generic.html"}


def test_only_a_payment_that_can_still_be_paid_offers_another_try(seen):
    for name in ("success", "failed-for-good", "cancelled", "expired", "waiting-unknown"):
        assert html.fromstring(seen(name).text).xpath("//*[@data-testid='retry']") == [], name
