"""What bad input gets: always a problem, never a 500."""

import re
from pathlib import Path

import msgspec
import pytest

from mockpay.kernel.errors import Conflict, Forbidden, Invalid, MockpayError, NotFound
from mockpay.web import problems

ROOT = Path(__file__).parents[2] / "mockpay"


def is_problem(answer, status):
    assert answer.status_code == status, answer.data
    assert answer.content_type == "application/problem+json"
    told = msgspec.json.decode(answer.data, type=problems.Problem)
    assert told.status == status
    assert told.type == f"urn:mockpay:{told.code}"
    assert told.title
    assert told.detail
    return told.code


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "json.malformed"),
        (b"\xff", 400, "json.malformed"),
        (b'{"name": "\xff"}', 400, "json.malformed"),
        (b'{"name": "\\ud800"}', 400, "json.malformed"),
        (b'{"name": NaN}', 400, "json.malformed"),
        (b'{"name": 5, "set', 400, "json.malformed"),
        (b'{"settings": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, 422, "input.invalid"),
        (b"[" * 100_000, 422, "input.invalid"),
        (b"[]", 422, "input.invalid"),
        (b"null", 422, "input.invalid"),
        (b'{"name": {}}', 422, "input.invalid"),
        (b'{"settings": {"max_attempts": 1e999}}', 422, "input.invalid"),
        (b'{"settings": {"max_attempts": 99999999999999999999999}}', 422, "settings.invalid"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(api, body, status, code):
    answer = api.call("POST", "/sellers", data=body, content_type="application/json")
    assert is_problem(answer, status) == code


def test_deep_json_where_anything_goes_is_refused(world):
    body = b'{"stage":"issuer","outcome":"x","match":' + b'{"a":' * 50_000 + b"}" * 50_001
    answer = world.call("POST", "/scenarios", data=body, content_type="application/json")
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_what_is_not_json_is_refused_by_its_name(api, kind):
    answer = api.call("POST", "/sellers", data=b'{"name": "x"}', content_type=kind)
    assert is_problem(answer, 415) == "json.media_type"


def test_a_body_above_one_megabyte_is_refused(api):
    body = b'{"name": "' + b"x" * 1_048_576 + b'"}'
    answer = api.call("POST", "/sellers", data=body, content_type="application/json")
    assert is_problem(answer, 413) == "http.413"


@pytest.mark.parametrize("path", ["/nope", "", "/sellers/A1/nope", "/sellers//orders", "/%00"])
def test_an_unknown_address_is_a_problem(api, path):
    is_problem(api.get(path), 404)


def test_the_root_of_the_api_is_a_problem_with_and_without_a_slash(api):
    for path in ("/_mockpay", "/_mockpay/"):
        is_problem(api.client.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/sellers"), ("PUT", "/sellers/A1"), ("GET", "/sellers/A1/reset")]
)
def test_a_wrong_method_is_a_problem_and_says_what_is_allowed(api, method, path):
    answer = api.call(method, path)
    assert is_problem(answer, 405) == "http.405"
    assert answer.headers["Allow"]


def test_a_trailing_slash_is_no_other_address(world):
    assert world.get("/clock/").status_code == 200


def test_answers_are_kept_by_nobody(api, world):
    for answer in (world.get(""), api.get("/sellers/A1NOBODY"), api.get("/public-key")):
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("value", ["A" * 5_000, "\x00", "🙂", "..%2f", "'--", "%ff"])
def test_odd_names_in_the_address_are_just_not_found(api, value):
    answer = api.get(f"/sellers/{value}")
    assert answer.status_code in {400, 404}
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("x", code="a.b"), 404),
        (Conflict("x"), 409),
        (Forbidden("x"), 403),
        (Invalid("x"), 422),
        (MockpayError("x"), 400),
        (Invalid("x", code="cursor.invalid"), 400),
        (Forbidden("x", code="token.required"), 401),
    ],
)
def test_the_table_knows_every_kind_of_error(error, status):
    assert problems.status_of(error) == status


def test_every_code_of_the_table_is_raised_somewhere():
    sources = "\n".join(path.read_text() for path in ROOT.rglob("*.py") if path.name != "problems.py")
    raised = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', sources))
    assert set(problems.STATUS) <= raised
