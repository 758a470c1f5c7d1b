"""Requests that nobody thought of: never a 500, always the shape that the document promises."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mockpay.web.control.routes import ENDPOINTS
from tests.control.rooms import Api, make_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SELLER = "A1FUZZ"
# `wait` would wait.
OPERATIONS = [(e.method, f"/_mockpay{e.path}") for e in ENDPOINTS if not e.path.endswith("/wait")]


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    api = Api(make_app(tmp_path_factory.mktemp("fuzz")))
    yield api, schemathesis.openapi.from_wsgi("/_mockpay/openapi.json", api.client.application)
    api.runtime.engine.dispose()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_any_request_gets_a_documented_answer(document, method, path):
    api, schema = document
    if api.get(f"/sellers/{SELLER}").status_code == 404:
        room = api.new_seller(seller_id=SELLER)
        room.pay(room.open_order("A-1"))

    @given(case=schema[path][method].as_strategy())
    @settings(max_examples=12, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def check(case):
        if "seller_id" in (case.path_parameters or {}):
            case.path_parameters["seller_id"] = SELLER
        case.call_and_validate(checks=CHECKS)

    check()
