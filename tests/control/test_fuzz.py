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
from tests.control.worlds import Api, make_app

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# `wait` would wait.
OPERATIONS = [(e.method, f"/_mockpay{e.path}") for e in ENDPOINTS if not e.path.endswith("/wait")]


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    api = Api(make_app(tmp_path_factory.mktemp("fuzz")))
    yield api, schemathesis.openapi.from_wsgi("/_mockpay/openapi.json", api.client.application)
    api.runtime.engine.dispose()
    api.runtime.writer.dispose()


NOUNS = {"order": "order_id", "refund": "refund_id", "notification": "notification_id"}
SAVED = {"kind": "card", "number": "4111111111111111", "expiry": "08/29", "name": "Asha Rao"}


def known_names(api):
    """What a path may name, in a new world where something happened already."""
    # Nobody listens there: what is delivered fails at once.
    world = api.new_seller(ipn_url="http://127.0.0.1:9/ipn")
    world.freeze()
    world.refund(world.paid_order())
    newest = {noun: world.get(f"/{noun}s").json["items"][0] for noun in NOUNS}
    names = {name: newest[noun][name] for noun, name in NOUNS.items()}
    attempt = newest["order"]["attempt"]
    saved = world.post("/buyers/asha@example.com/methods", SAVED).json
    return {
        "seller_id": world.seller_id,
        **names,
        "attempt_id": attempt["attempt_id"],
        "buyer_id": saved["buyer_id"],
        "token": saved["token"],
    }


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_any_request_gets_a_documented_answer(document, method, path):
    api, schema = document
    names = known_names(api)

    @given(case=schema[path][method].as_strategy())
    @settings(max_examples=12, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def check(case):
        for name in case.path_parameters or {}:
            # Short made-up names stay, of anything but the seller.
            if name in names and (name == "seller_id" or len(case.path_parameters[name]) > 1):
                case.path_parameters[name] = names[name]
        case.call_and_validate(checks=CHECKS)

    check()
