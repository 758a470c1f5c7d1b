"""The OpenAPI document describes everything, and its examples are calls that were made."""

import json

import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockpay.web.control import field_words, openapi
from mockpay.web.control.routes import ENDPOINTS
from tests.control import examples

DOCUMENT = json.loads(openapi.document(ENDPOINTS))
OPERATIONS = {operation["operationId"]: operation for item in DOCUMENT["paths"].values() for operation in item.values()}
STORED = json.loads(openapi.EXAMPLES.read_text("utf-8"))


def test_the_document_is_one_by_the_published_rules_of_openapi():
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_every_operation_parameter_and_body_is_described():
    tags = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for name, operation in OPERATIONS.items():
        assert operation["summary"].endswith((".", '."')), name
        assert len(operation["description"]) > 15, name
        assert set(operation["tags"]) <= tags, name
        assert operation.get("requestBody", {}).get("description", "a body"), name
        for parameter in operation["parameters"]:
            assert parameter["description"], (name, parameter["name"])


def test_every_schema_and_every_field_is_described():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema["description"], name
        for field, rules in schema.get("properties", {}).items():
            assert rules["description"], (name, field)


def test_no_description_is_of_what_is_not_there():
    schemas = DOCUMENT["components"]["schemas"]
    fields = {field for schema in schemas.values() for field in schema.get("properties", {})}
    assert field_words.FIELDS.keys() <= fields
    for own in field_words.OWN:
        struct, field = own.split(".")
        rules = schemas[struct]["properties"][field]
        assert rules["description"] == field_words.OWN[own], own
    parameters = {(p["in"], p["name"]) for operation in OPERATIONS.values() for p in operation["parameters"]}
    assert {("path", name) for name in field_words.PATH} | {("query", name) for name in field_words.QUERY} <= parameters
    assert {endpoint.chapter for endpoint in ENDPOINTS} == field_words.CHAPTERS.keys()


def test_states_and_their_like_are_enumerations():
    schemas = DOCUMENT["components"]["schemas"]
    for struct, field, kind in (
        ("OrderSummary", "state", "OrderState"),
        ("AttemptSummary", "state", "AttemptState"),
        ("RefundSummary", "state", "RefundState"),
        ("NotificationSummary", "state", "DeliveryState"),
        ("StageDecision", "source", "Source"),
        ("TimelineEntry", "actor", "Actor"),
        ("SavedMethodSummary", "status", "MethodStatus"),
        ("RiskOverride", "decision", "Verdict"),
    ):
        assert schemas[struct]["properties"][field]["$ref"].endswith(f"/{kind}")
        assert schemas[kind]["enum"]


def fits(value, schema):
    whole = {**schema, "components": DOCUMENT["components"]}
    errors = [error.message for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(value)]
    assert errors == []


def test_every_example_fits_its_schema(subtests):
    assert STORED.keys() == OPERATIONS.keys()
    for endpoint in ENDPOINTS:
        operation = OPERATIONS[endpoint.name]
        with subtests.test(operation=endpoint.name):
            for parameter in operation["parameters"]:
                if "example" in parameter:
                    fits(parameter["example"], parameter["schema"])
                assert parameter["in"] != "path" or parameter["example"]
            if endpoint.body is not None and "body" in STORED[endpoint.name]:
                [content] = operation["requestBody"]["content"].values()
                fits(content["example"], content["schema"])
                msgspec.convert(content["example"], endpoint.body)
            if endpoint.response is not None:
                content = operation["responses"][str(endpoint.status)]["content"]["application/json"]
                fits(content["example"], content["schema"])


def shape(value):
    """Names and types, without the values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return type(value).__name__


def test_the_calls_of_the_examples_are_answered_in_the_same_shape(subtests):
    """After a change of the API: `python -m tests.control.examples`."""
    played = examples.recorded()
    for name, example in played.items():
        with subtests.test(operation=name):
            assert shape(STORED[name]) == shape(example)
            assert STORED[name].get("body") == example.get("body") or "ipn_url" in example["body"]


@pytest.mark.parametrize("secret", ["4111111111111111", "an-example-of-a-secret-key"])
def test_no_answer_of_the_examples_has_what_a_log_must_not_have(secret):
    told = {name: example["answer"] for name, example in STORED.items() if secret in json.dumps(example.get("answer"))}
    # The seller's own page has the secret key.
    assert told.keys() <= {"create_seller", "get_seller", "patch_seller", "reset_seller"}
