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


#: Method, path below a seller, what is sent; then the field, words of the sentence, and the nearest right value.
TOLD = (
    (
        "PATCH",
        "",
        {"settings": {"otp_threshold": 100}},
        "otp_threshold",
        'text such as "5000.00"; 100 was given',
        "100.00",
    ),
    ("PATCH", "", {"settings": {"refund_delay_seconds": "6h"}}, "refund_delay_seconds", "from 0 to 31536000", "21600"),
    ("PATCH", "", {"settings": {"max_attempts": "5"}}, "max_attempts", "a whole number from 1 to 100", "5"),
    ("PATCH", "", {"settings": {"max_attempts": 101}}, "max_attempts", "a whole number from 1 to 100; 101", None),
    ("PATCH", "", {"settings": {"magic_amounts": "off"}}, "magic_amounts", "true or false", "false"),
    ("PATCH", "", {"settings": {"otp_treshold": "1"}}, "otp_treshold", "no setting 'otp_treshold'", "otp_threshold"),
    ("PATCH", "", {"settings": {"capture": "manuel"}}, "capture", "one of auto, manual", "manual"),
    ("PATCH", "", {"settings": {"throttling": "sandbax"}}, "throttling", "off, production, sandbox", "sandbox"),
    ("PATCH", "", {"settings": {"ipn_profile": "slow"}}, "ipn_profile", "fast", None),
    ("PATCH", "", {"settings": {"otp_always_methods": ["upl"]}}, "otp_always_methods", "card, emi", "upi"),
    ("PATCH", "", {"settings": {"risk_rules": {"VEL_VP": "off"}}}, "risk_rules", "no risk rule 'VEL_VP'", "VEL_VPA"),
    ("PATCH", "", {"settings": {"default_outcomes": {"isuer": "x"}}}, "default_outcomes", "'isuer'", "issuer"),
    ("PATCH", "", {"settings": {"default_outcomes": {"issuer": "froze"}}}, "default_outcomes", "'froze'", "frozen"),
    ("PATCH", "", {"return_url": ["http://localhost/"]}, "return_url", "no field 'return_url'", "return_urls"),
    ("PATCH", "", {"return_urls": "http://localhost/"}, "return_urls", "a list of which each is text", None),
    ("PUT", "/clock", {"mode": "stopped"}, "mode", "one of frozen, running", None),
    ("PUT", "/clock", {"mode": "runing"}, "mode", "one of frozen, running", "running"),
    ("POST", "/clock/advance", {"hours": 6}, "hours", "one of seconds, timeout, to, until", None),
    ("POST", "/clock/advance", {"second": 6}, "second", "one of seconds, timeout, to, until", "seconds"),
    ("POST", "/clock/advance", {"seconds": "6h"}, "seconds", "a number from 0 to 315360000", "21600"),
    ("POST", "/clock/advance", {"until": "ilde"}, "until", "one of idle, next", "idle"),
    ("POST", "/scenarios", {"stage": "issuer"}, "outcome", "'outcome' is missing", None),
    ("POST", "/risk/force", {"decision": "MAYBE"}, "decision", "ALLOW, CHALLENGE, DECLINE, REVIEW", None),
    ("POST", "/risk/force", {"decision": "ALOW"}, "decision", "'ALOW' is no decision", "ALLOW"),
    ("POST", "/risk/force", {"decision": "ALLOW", "match": {"metod": "upi"}}, "match.metod", "metod", "method"),
    ("POST", "/risk/force", {"decision": "ALLOW", "match": {"method": "uppi"}}, "match.method", "uppi", "upi"),
    ("POST", "/risk/dry-run", {"amount": "1.00", "planned": "revew"}, "planned", "challenge, decline", "review"),
    ("PATCH", "/methods", {"banks": {"SBIN": {"enable": True}}}, "banks.enable", "down, enabled", "enabled"),
    ("GET", "/orders?method=paypal", None, "method", "card, emi, netbanking, upi, wallet", None),
    ("GET", "/orders?state=PAYED", None, "state", "PAID", "PAID"),
    ("GET", "/orders?metod=upi", None, "metod", "no parameter 'metod'", "method"),
    ("GET", "/orders?limit=many", None, "limit", "a whole number from 1 to 200", None),
    ("GET", "/refunds?state=PENDING,XYZ", None, "state", "PENDING", None),
    ("GET", "/notifications?type=refunds", None, "type", "payment, refund", "refund"),
    ("GET", "/inbox?too=x", None, "too", "no parameter 'too'", "to"),
)


def test_what_can_never_fit_is_told_with_field_form_and_nearest_word(world, subtests):
    for method, path, sent, field, words, nearest in TOLD:
        with subtests.test(path=path, sent=sent):
            answer = world.call(method, path, sent)
            is_problem(answer, 422)
            assert (answer.json["field"], answer.json.get("nearest")) == (field, nearest)
            assert words in answer.json["detail"]
            assert "allowed" not in answer.json or nearest is None or nearest in answer.json["allowed"]


def test_capitals_of_a_listed_word_do_not_matter(world):
    world.freeze()
    refund = world.refund(world.paid_order())
    assert world.post(f"/refunds/{refund}/decline", {"reason": "rejected"}).json["reason_code"] == "REJECTED"
    assert world.put("/clock", {"mode": "FROZEN"}).json["mode"] == "frozen"
    assert world.post("/clock/advance", {"until": "Next"}).status_code == 200
    settings = {
        "capture": "Manual",
        "throttling": "OFF",
        "otp_always_methods": ["UPI"],
        "risk_rules": {"vel_vpa": "off"},
    }
    told = world.call("PATCH", "", {"settings": settings}).json["settings"]
    assert (told["capture"], told["throttling"]) == ("manual", "off")
    assert (told["otp_always_methods"], told["risk_rules"]) == (["upi"], {"VEL_VPA": "off"})
    for query in ("orders?state=paid&method=UPI", "refunds?state=declined"):
        assert len(world.get(f"/{query}").json["items"]) == 1
    assert world.get("/notifications?type=Payment").status_code == 200


def test_a_problem_without_a_list_has_no_empty_members(world):
    assert not {"field", "allowed", "nearest"} & world.get("/orders/none").json.keys()
