"""What a path or a parameter holds may become a header, a redirect, a query of the database: never a 500."""

from itertools import product
from urllib.parse import quote

import pytest

from mockpay.app import create_dashboard, create_shop
from mockpay.web import guard
from tests.control.test_fuzz import known_names
from tests.control.worlds import Api, make_app

HOSTILE = ("a%0d%0aX-Injected:1", "%00", "%ff%ed%a0%80", "%e2%82%b9", "a" * 3000)
#: Parameters that lead somewhere, or are looked for.
PARAMETERS = ("next", "seller", "cursor", "q", "state", "order_id", "challenge", "saved", "match", "format", "action")
FORM = "&".join(f"{name}=a%0d%0aX-Injected:1%ed%a0%80%e2%82%b9" for name in PARAMETERS)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    api = Api(make_app(tmp_path_factory.mktemp("hostile")))
    api.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    return api


def rules(api):
    """Every address of the sandbox, its dashboard and its shop."""
    app = api.client.application
    apps = (app, create_dashboard(api.runtime), create_shop(app, api.runtime))
    return {rule.rule: rule for made in apps for rule in made.url_map.iter_rules() if "/wait" not in rule.rule}.values()


def addresses(rule, names):
    """A rule's address with one hostile part each, and with hostile parameters."""
    right = {name: names.get(name, "x") for name in rule.arguments}
    for name, part in product(rule.arguments, HOSTILE):
        yield fill(rule, {**right, name: part})
    for part in HOSTILE[:4]:
        yield fill(rule, right) + "?" + "&".join(f"{name}={part}" for name in PARAMETERS)


def fill(rule, parts):
    """The address as it is sent, its parts already encoded."""
    marked = {name: f"~{number}~" for number, name in enumerate(parts)}
    address = rule.rule
    for name in parts:
        for converter in ("", "path:", "int:"):
            address = address.replace(f"<{converter}{name}>", marked[name])
    for name, part in parts.items():
        address = address.replace(marked[name], part)
    return address


def test_no_address_is_hostile_enough_for_a_500(api):
    order = api.new_seller().open_order()
    names = {**{name: quote(str(value)) for name, value in known_names(api).items()}, "token": order.page_token}
    api.client.set_cookie(guard._PAGE_COOKIE, "nonce", path="/")
    form = f"{FORM}&form_token={guard._mac(api.runtime, 'form', 'nonce')}"
    bodies = {"GET": {}, "POST": {"data": form, "content_type": "application/x-www-form-urlencoded"}}
    broken = []
    for rule, (method, body) in product(rules(api), bodies.items()):
        for address in addresses(rule, names) if method in rule.methods else ():
            answer = api.client.open(address, method=method, **body)
            injected = "X-Injected" in answer.headers
            if answer.status_code >= 500 or injected:
                broken.append((method, address, answer.status_code))
    assert broken == []


def test_signing_out_by_a_link_at_a_seller_who_is_not_there_is_not_found(api):
    for seller_id, status in (("a%0ab", 404), ("NOSUCH", 404), (api.new_seller().seller_id, 303)):
        assert api.client.get(f"/account/{seller_id}/sign-out").status_code == status
