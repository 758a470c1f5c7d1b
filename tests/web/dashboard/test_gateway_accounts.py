"""Accounts at gateways as forms: switched, sent elsewhere, with new credentials that nobody reads back, and tested."""

from dataclasses import replace as replace_provider

import pytest
from msgspec.structs import replace

from mockpay.domain.payments.gateway_accounts import Timeouts
from mockpay.kernel.http.calls import HttpReply
from mockpay.services.gateways import faults
from mockpay.store import gateway_accounts
from tests.factories import World, on_sqlite
from tests.services.gateways.stubs import pay, rules, set_rules
from tests.web.dashboard.test_gateway_faults import press
from tests.web.visitor import Visitor, text

PAGE = "/gateway-accounts"
NEW = {
    "credentials.key_id": "rzp_test_of_my_own",
    "credentials.key_secret": "a-secret-of-my-own",
    "credentials.webhook_secret": "another-secret-of-mine",
}


@pytest.fixture
def world(runtime):
    world = World.new(runtime)
    set_rules(world, rules("razorpay"))
    return world


@pytest.fixture
def visitor(world):
    return Visitor(world.runtime, world.seller_id)


def account(world, gateway="razorpay"):
    with world.read() as sandbox:
        return gateway_accounts.find(sandbox, gateway)


def save(visitor, gateway="razorpay", **typed):
    """What the form of a gateway is answered."""
    return press(visitor, visitor.see(PAGE), f"save-{gateway}", **{"enabled": "yes", "issued": "", **typed})


def errors_of(page, gateway="razorpay"):
    """Each sentence by the name of the field that it stands at."""
    found = {}
    for field in page.xpath(f"//section[@data-testid='account-{gateway}']//input[@aria-invalid='true']"):
        [sentence] = page.xpath(f"//*[@id='{field.get('aria-describedby')}']")
        found[field.get("name")] = text(sentence)
    return found


@on_sqlite
def test_a_gateway_is_switched_off_and_on_and_payments_follow(world, visitor):
    assert save(visitor, enabled="").status_code == 303
    assert not account(world).enabled
    assert pay(world).gateway == "simulator"
    page = visitor.see(PAGE)
    assert page.xpath("//input[@data-testid='enabled-razorpay']/@checked") == []
    assert save(visitor).status_code == 303
    assert pay(world, world.order("O-2")).gateway == "razorpay"


@on_sqlite
def test_all_of_a_form_is_saved_said_and_only_of_its_gateway(world, visitor):
    answer = save(visitor, endpoint=" http://127.0.0.1:9000/razorpay ", connect="1", read="2.5", total="8", **NEW)
    assert answer.headers["Location"].endswith("/gateway-accounts?saved=razorpay#gateway-razorpay")
    stored = account(world)
    assert (stored.endpoint, stored.timeouts) == (
        "http://127.0.0.1:9000/razorpay",
        Timeouts(connect=1, read=2.5, total=8),
    )
    assert dict(stored.credentials) == {name.removeprefix("credentials."): text for name, text in NEW.items()}
    assert account(world, "payu") == gateway_accounts.GatewayAccount(gateway="payu")
    saved = visitor.see(f"{PAGE}?saved=razorpay")
    assert "Saved: the next call is made so." in text(saved.xpath("//section[@data-testid='account-razorpay']")[0])
    assert "Saved" not in text(visitor.see(f"{PAGE}?saved=nobody").xpath("//main")[0])
    values = {
        each.get("name"): each.get("value") for each in saved.xpath("//section[@data-testid='account-razorpay']//input")
    }
    assert (values["endpoint"], values["connect"], values["read"], values["total"]) == (
        "http://127.0.0.1:9000/razorpay",
        "1",
        "2.5",
        "8",
    )


@on_sqlite
def test_credentials_are_written_once_and_no_page_has_them(world, visitor):
    save(visitor, **NEW)
    page = visitor.see(PAGE)
    assert [secret for secret in NEW.values() if secret in text(page)] == []
    assert all(secret not in visitor.client.get(visitor.home + PAGE).text for secret in NEW.values())
    assert "Now ••••_own, yours; empty leaves it." in text(page)
    assert "Now ••••" in text(page.xpath("//section[@data-testid='account-payu']")[0])
    before = account(world).credentials
    save(visitor, endpoint="http://127.0.0.1:9000")
    assert account(world).credentials == before
    # A refused form does not show again what was typed as a secret.
    refused = save(visitor, **{**NEW, "credentials.key_id": "with blank"})
    assert refused.status_code == 422
    assert [secret for secret in [*NEW.values(), "with blank"] if secret in refused.text] == []
    assert account(world).credentials == before


@on_sqlite
def test_issued_credentials_come_back_where_that_is_ticked(world, visitor):
    assert visitor.see(PAGE).xpath("//input[@data-testid='issued-razorpay']") == []
    save(visitor, **NEW)
    save(visitor, issued="yes")
    assert dict(account(world).credentials) == {}
    assert account(world).former[0]["key_id"] == "rzp_test_of_my_own"
    save(visitor, issued="yes", **NEW)
    assert account(world).credentials["key_id"] == "rzp_test_of_my_own"


@on_sqlite
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_saved(world, visitor, subtests):
    seconds = "A number of seconds, from 0.05 to 25."
    cases = {
        "connect": ({"connect": "10.5"}, "A number of seconds, from 0.05 to 10."),
        "read": ({"read": "soon"}, seconds),
        "total": ({"total": ""}, seconds),
        "endpoint": ({"endpoint": "http://payments.example"}, "payments.example"),
        "credentials.key_secret": ({"credentials.key_id": "rzp_test_alone"}, "'key_secret' must be 1 to 256"),
    }
    for field, (typed, sentence) in cases.items():
        with subtests.test(field=field):
            answer = save(visitor, enabled="", **typed)
            assert answer.status_code == 422
            page = visitor.parse(answer)
            assert list(errors_of(page)) == [field]
            assert sentence in errors_of(page)[field]
            assert page.xpath("//*[@role='alert']")
            assert page.xpath("//input[@data-testid='enabled-razorpay']/@checked") == []
            kept = {name: value for name, value in typed.items() if not name.startswith("credentials.")}
            shown = {
                name: page.xpath(f"//section[@data-testid='account-razorpay']//input[@name='{name}']/@value")[0]
                for name in kept
            }
            assert shown == kept
            assert errors_of(page, "payu") == {}
            assert account(world) == gateway_accounts.GatewayAccount(gateway="razorpay")
    page = visitor.parse(save(visitor, endpoint="x", connect="x"))
    assert list(errors_of(page)) == ["endpoint", "connect"]
    assert page.xpath("//input[@autofocus]/@name") == ["endpoint"]


def test_odd_texts_are_refused_at_their_fields(world, visitor, subtests):
    for field, odd in (
        ("endpoint", "http://127.0.0.1/\0"),
        ("endpoint", "\0"),
        ("credentials.key_id", "a\0b"),
        ("read", "\0"),
    ):
        with subtests.test(field=field, odd=odd):
            answer = save(visitor, **{**(NEW if field in NEW else {}), field: odd})
            assert answer.status_code == 422
            assert field in errors_of(visitor.parse(answer))


TRIED = {
    "razorpay": "GET http://razorpay.invalid/v1/orders",
    "payu": "POST http://payu.invalid/merchant/postservice.php",
    "stripe": "GET http://stripe.invalid/v1/payment_intents/",
}


@on_sqlite
def test_a_connection_test_says_what_it_tried_and_what_came_of_it(world, visitor, subtests):
    for gateway, tried in TRIED.items():
        with subtests.test(gateway=gateway):
            page = visitor.parse(press(visitor, visitor.see(PAGE), f"check-{gateway}"))
            said = checked(page, gateway)
            assert "Works It can be reached and takes the credentials." in said
            assert tried in said
            assert "HTTP " in said
            assert len(page.xpath("//*[starts-with(@data-testid, 'checked-')]")) == 1


@on_sqlite
def test_a_connection_test_with_credentials_that_a_gateway_does_not_know_says_so(runtime, world, subtests):
    for gateway in TRIED:
        with subtests.test(gateway=gateway):
            provider = replace_provider(runtime.providers[gateway], acquirer=STRANGERS[gateway])
            elsewhere = replace(runtime, providers={**runtime.providers, gateway: provider})
            other = Visitor(elsewhere, world.seller_id)
            said = checked(other.parse(press(other, other.see(PAGE), f"check-{gateway}")), gateway)
            assert "Does not work Refused." in said


def checked(page, gateway):
    return text(page.xpath(f"//*[@data-testid='checked-{gateway}']")[0])


def stranger(status, body):
    return lambda _runtime, _seller_id, _call: HttpReply(status, {}, body)


#: How each answers whom it does not know.
STRANGERS = {
    "razorpay": stranger(401, b'{"error":{"code":"BAD_REQUEST_ERROR","description":"Authentication failed"}}'),
    "payu": stranger(200, b'{"status":0,"msg":"Invalid Hash."}'),
    "stripe": stranger(401, b'{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}'),
}


@on_sqlite
def test_a_connection_test_meets_an_outage(world, visitor):
    with world.transaction() as sandbox:
        faults.switch_off(sandbox, "stripe")
    page = visitor.parse(press(visitor, visitor.see(PAGE), "check-stripe"))
    said = text(page.xpath("//*[@data-testid='checked-stripe']")[0])
    assert "Does not work" in said
    assert "HTTP" not in said


@on_sqlite
def test_what_is_no_gateway_has_no_form(world, visitor):
    for name in ("simulator", "amazonpay", "nobody"):
        for path in (f"{PAGE}/{name}", f"{PAGE}/{name}/check"):
            token = visitor.see(PAGE).xpath("//input[@name='form_token']/@value")[0]
            assert visitor.client.post(visitor.home + path, data={"form_token": token}).status_code == 404
