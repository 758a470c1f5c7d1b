"""Who may talk to the control API and the dashboard."""

import re

import pytest

CLOCK = "/sellers/A1MOCKPAYSELLER/clock"
FREEZE = {"mode": "frozen"}
TOKEN = "the-admin-token"


def mode(api, **options):
    return api.get(CLOCK, **options).json["mode"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8420", "127.0.0.1:1", "127.8.8.8", "[::1]:8420", "LOCALHOST"])
def test_loopback_is_an_own_host_at_any_port(api, host):
    assert api.get(CLOCK, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8420",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "2130706433",
        "127.1",
        "a@localhost",
        "",
        "[",
        "localhost:port",
    ],
)
@pytest.mark.parametrize("path", [CLOCK, "/../openapi.json"])
def test_a_foreign_host_gets_nothing(api, host, path):
    address = f"/_mockpay/v1{path}".replace("/v1/..", "")
    answer = api.client.get(address, headers={"Host": host})
    assert answer.status_code in {400, 403}
    assert b"openapi" not in answer.data
    assert b"running" not in answer.data


def test_the_refusal_of_a_foreign_host_is_a_problem(api):
    answer = api.get(CLOCK, headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "host.foreign"


def test_forwarded_headers_open_no_door(api):
    headers = {"Host": "evil.example", "X-Forwarded-Host": "localhost", "X-Forwarded-For": "::1"}
    assert api.get(CLOCK, headers=headers).status_code == 403


def test_a_foreign_peer_is_not_looked_at(api):
    away = {"REMOTE_ADDR": "203.0.113.9"}
    assert api.get(CLOCK, environ_overrides=away).status_code == 200


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "http://localhost:3000", "https://localhost.evil.example", ""]
)
def test_a_foreign_origin_changes_nothing(api, origin):
    answer = api.call("PUT", CLOCK, FREEZE, headers={"Origin": origin})
    assert (answer.status_code, answer.json["code"]) == (403, "origin.foreign")
    assert mode(api) == "running"


def test_a_page_of_our_own_may_ask(api):
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert api.get(CLOCK, headers=headers).status_code == 200


def test_a_cross_site_request_is_refused(api):
    answer = api.get(CLOCK, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json["code"]) == (403, "origin.foreign")


def test_each_public_url_is_an_own_host_and_origin(make_api):
    api = make_api(public_urls=("http://localhost:8420", "http://one:8420", "https://two.test"))
    for host, origin in (("one:8420", "http://one:8420"), ("two.test", "https://two.test"), ("two.test:443", None)):
        headers = {"Host": host} | ({"Origin": origin} if origin else {})
        assert api.get(CLOCK, headers=headers).status_code == 200, host
    for host in ("one:8421", "two.test:80", "three:8420"):
        assert api.get(CLOCK, headers={"Host": host}).status_code == 403, host
    assert api.get(CLOCK, headers={"Host": "one:8420", "Origin": "http://three:8420"}).status_code == 403


def test_health_answers_to_any_host(api):
    answer = api.client.get("/_mockpay/health", headers={"Host": "whoever:1", "Origin": "http://evil.test"})
    assert answer.json["status"] == "ok"


def test_the_public_url_is_an_own_host_and_origin(make_api):
    api = make_api(public_urls=("https://pay.example.test:8443",))
    told = {"Host": "pay.example.test:8443", "Origin": "https://pay.example.test:8443"}
    assert api.get(CLOCK, headers=told).status_code == 200
    for host, status in (("other.example.test", 403), ("pay.example.test:8444", 403), ("pay.example.test", 200)):
        assert api.get(CLOCK, headers={**told, "Host": host}).status_code == status, host


def test_the_bound_address_is_an_own_host(make_api):
    api = make_api(host="192.0.2.7", admin_token=TOKEN)
    headers = {"Host": "192.0.2.7:8420", "Authorization": f"Bearer {TOKEN}"}
    assert api.get(CLOCK, headers=headers).status_code == 200
    assert api.get(CLOCK, headers={**headers, "Host": "192.0.2.8"}).status_code == 403


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer ü"]
)
def test_without_the_token_nothing_is_told_or_done(make_api, given):
    api = make_api(admin_token=TOKEN)
    headers = {} if given is None else {"Authorization": given}
    for method, path, body in (
        ("GET", CLOCK, None),
        ("PUT", CLOCK, FREEZE),
        ("GET", "/sellers", None),
        ("POST", "/sellers", {}),
        ("GET", "/journal", None),
        ("GET", "/public-key", None),
    ):
        answer = api.call(method, path, body, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (401, "token.required"), path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert mode(api, headers={"Authorization": f"bearer {TOKEN}"}) == "running"


def test_a_probe_needs_no_token(make_api):
    api = make_api(admin_token=TOKEN)
    told = api.client.get("/_mockpay/health").json
    assert told == {"status": "ok", "version": told["version"], "database": "sqlite"}


def sign_in(client, token, onward=""):
    page = client.get(f"/_mockpay/ui/sign-in?next={onward}").text
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page).group(1)
    form = {"form_token": found, "token": token, "next": onward}
    return client.post("/_mockpay/ui/sign-in", data=form)


def test_the_dashboard_asks_for_the_token_once(make_api):
    client = make_api(admin_token=TOKEN).client
    orders = "/_mockpay/ui/sellers/A1MOCKPAYSELLER/orders"
    led = client.get(orders)
    assert led.status_code == 303
    assert led.headers["Location"].startswith("/_mockpay/ui/sign-in?next=%2F_mockpay%2Fui")

    answer = sign_in(client, TOKEN, orders)
    assert (answer.status_code, answer.headers["Location"]) == (303, orders)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if "session" in c)
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert client.get(orders).status_code == 200


def test_a_wrong_token_opens_nothing(make_api):
    client = make_api(admin_token=TOKEN).client
    assert sign_in(client, "wrong").status_code == 403
    assert client.get("/_mockpay/ui/sellers/A1MOCKPAYSELLER/orders").status_code == 303


def test_a_made_up_session_opens_nothing(make_api):
    client = make_api(admin_token=TOKEN).client
    for value in ("9999999999999.abc", "1.x", ".", "९९९.x"):
        client.set_cookie("mockpay_session", value, path="/_mockpay/ui")
        answer = client.get("/_mockpay/ui/sellers/A1MOCKPAYSELLER/orders")
        assert answer.status_code == 303, value


@pytest.mark.parametrize("onward", ["https://evil.example", "//evil.example", "/_mockpay/ui//e", "/x"])
def test_the_way_on_after_signing_in_stays_here(make_api, onward):
    answer = sign_in(make_api(admin_token=TOKEN).client, TOKEN, onward)
    assert answer.headers["Location"] == "/_mockpay/ui"


def test_a_form_without_its_token_does_nothing(make_api):
    api = make_api()
    address = "/_mockpay/ui/sellers/A1MOCKPAYSELLER/clock"
    for form in ({"act": "freeze"}, {"act": "freeze", "form_token": "0" * 64}):
        assert api.client.post(address, data=form).status_code == 403
    assert mode(api) == "running"


def test_a_token_of_another_browser_does_nothing(make_api):
    api = make_api()
    other = api.client.application.test_client()
    page = other.get("/_mockpay/ui/sellers/A1MOCKPAYSELLER/orders").text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page).group(1)
    api.client.get("/_mockpay/ui/sellers/A1MOCKPAYSELLER/orders")
    form = {"act": "freeze", "form_token": token}
    answer = api.client.post("/_mockpay/ui/sellers/A1MOCKPAYSELLER/clock", data=form)
    assert answer.status_code == 403
    assert mode(api) == "running"
