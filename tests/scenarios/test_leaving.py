"""What the browser does with a result where the redirect stage was told to misbehave."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from msgspec.structs import replace

from mockpay.app import template_folder
from mockpay.providers.amazonpay import provider as amazonpay
from mockpay.web import checkout, errors
from tests.factories import RETURN_URL
from tests.scenarios.ways_back import verified, way_back


@pytest.fixture
def leaving(world):
    """Leave the hosted page; where the browser goes and what it is shown."""
    app = Flask("mockpay", template_folder=str(template_folder(Path(checkout.__file__).parents[2])))
    runtime = replace(world.runtime, providers={"amazonpay": amazonpay})
    errors.register(app, runtime)
    app.register_blueprint(checkout.blueprint(runtime))
    client = app.test_client()
    return lambda order: client.get(f"/pay/{order.page_token}/return")


def paid(world, amount):
    order = world.order(amount=amount)
    world.pay(order, "asha@okbank")
    world.advance(10)
    assert world.states(order) == ("PAID", "CAPTURED")
    return order


def test_a_duplicated_result_is_brought_back_twice(world, leaving, post):
    order = paid(world, "1703.05")
    answer = leaving(order)
    assert answer.status_code == 302
    assert [call.url for call in post.sent] == [answer.headers["Location"]]
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert verified(world, {name: value for name, (value,) in query.items()}).outcome == "SUCCESS"


def test_a_delayed_result_is_brought_back_five_seconds_later(world, leaving, post):
    order = paid(world, "1703.06")
    held = leaving(order)
    assert (held.status_code, "Location" in held.headers) == (200, False)
    world.advance(4.999)
    assert "Location" not in leaving(order).headers
    world.advance(0.001)
    assert leaving(order).headers["Location"].startswith(RETURN_URL)
    assert post.sent == []


def test_a_browser_that_never_returns_leaves_a_paid_order(world, leaving, post):
    order = paid(world, "1703.07")
    for _ in range(2):
        closed = leaving(order)
        assert (closed.status_code, "Location" in closed.headers) == (200, False)
    assert post.sent == []
    assert way_back(world, order)["status"] == "SUCCESS"


def test_an_innocent_amount_of_the_band_comes_back_at_once(world, leaving, post):
    order = paid(world, "1703.00")
    assert leaving(order).status_code == 302
    assert post.sent == []
