"""Health, public key and the OpenAPI document."""

import json

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from mockpay import __version__
from mockpay.web.control.routes import ENDPOINTS

DATABASES = ["sqlite", "postgresql"]


@pytest.fixture
def document(api):
    return api.client.get("/_mockpay/openapi.json").json


def test_health_tells_version_and_database(api):
    kind = "postgresql" if "postgresql" in api.runtime.settings.database_url else "sqlite"
    expected = {"status": "ok", "version": __version__, "database": kind}
    assert api.client.get("/_mockpay/health").json == expected


def test_the_public_key_is_pem_or_one_line_for_an_sdk(api):
    pem = api.get("/public-key")
    line = api.get("/public-key?format=sdk").text
    assert pem.content_type.startswith("text/plain")
    key = load_pem_public_key(pem.data)
    assert "\n" not in line
    import base64

    assert load_der_public_key(base64.b64decode(line)).public_numbers() == key.public_numbers()
    private = api.runtime.keys.private["amazonpay_private.pem"]
    assert private.public_key().public_numbers() == key.public_numbers()


def test_another_spelling_of_the_key_is_refused(api):
    assert api.get("/public-key?format=jwk").status_code == 422


def test_the_document_is_openapi_3_1_and_its_references_lead_somewhere(document):
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= set(document["components"]["schemas"])
    assert len(names) > 20


def test_the_document_tells_every_route_and_no_other(api, document):
    told = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    routed = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in api.client.application.url_map.iter_rules()
        if rule.endpoint.startswith("control.") and not rule.rule.endswith("openapi.json")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert told == routed


def test_operations_have_names_of_their_own():
    names = [endpoint.name for endpoint in ENDPOINTS]
    assert len(names) == len(set(names))


def test_settings_are_described_by_their_own_words(document):
    described = document["components"]["schemas"]["Settings"]["properties"]
    assert all(one["description"] for one in described.values())


def test_answers_have_exactly_the_fields_that_the_document_promises(document, world):
    world.freeze()
    order = world.paid_order()
    schemas = document["components"]["schemas"]
    for plain, name in (
        (world.get("").json, "SellerDetail"),
        (world.get("/clock").json, "ClockState"),
        (world.get("/orders").json["items"][0], "OrderSummary"),
        (world.get(f"/orders/{order.order_id}").json, "OrderDetail"),
        (world.get("/audit").json, "AuditReport"),
    ):
        assert set(plain) == set(schemas[name]["properties"]), name
