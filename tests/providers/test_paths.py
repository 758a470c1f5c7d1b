"""What answers a request by its method and path."""

import re

from mockpay.providers import paths

ROWS = tuple(
    (verb, re.compile(path), name)
    for verb, path, name in (
        ("GET", "/v1/orders", "list"),
        ("POST", "/v1/orders", "create"),
        ("GET", f"/v1/orders/{paths.ID}/items/{paths.ID}", "item"),
    )
)


def test_method_and_whole_path_decide_and_names_are_decoded():
    assert paths.find(ROWS, "POST", "/v1/orders") == ("create", [])
    assert paths.find(ROWS, "GET", "/v1/orders/order%5F1/items/a%2Fb") == ("item", ["order_1", "a/b"])


def test_nothing_answers_another_method_or_path():
    for method, path in (
        ("PUT", "/v1/orders"),
        ("GET", "/v1/orders/"),
        ("GET", "/x/v1/orders"),
        ("GET", "/v1/orders//items/1"),
    ):
        assert paths.find(ROWS, method, path) == (None, [])
