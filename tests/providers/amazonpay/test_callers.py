"""Who is believed by the operations of the MWS family, and from when to when."""

from urllib.parse import quote

import pytest

from tests.providers.amazonpay.http_client import assert_xml_error, short_id
from tests.providers.amazonpay.shop import assert_nobodys_journal_says, stamp


def test_another_sellers_id_is_refused_however_it_looks(shop, mockpay_server):
    other = mockpay_server.new_seller()

    for seller_id in (other.seller_id, "A1NOBODY", shop.seller.seller_id.lower()):
        error = assert_xml_error(shop.call("GetServiceStatus", SellerId=seller_id), 401, "UnauthorizedAccess")
        assert error["Message"] == f'The SellerId "{seller_id}" is not the caller\'s.'
    assert other.control("GET", "/journal")["items"] == []


def test_an_unknown_access_key_and_a_wrong_secret_are_refused(shop):
    unknown = shop.with_credentials(access_key="AKIDNOBODYKNOWS").call("GetServiceStatus")
    assert_xml_error(unknown, 403, "InvalidAccessKeyId")
    assert_nobodys_journal_says(shop.server, "seller.not_found", "AKIDNOBODYKNOWS")

    wrong = shop.with_credentials(secret_key="not-the-secret-of-this-seller").call("GetServiceStatus")
    assert_xml_error(wrong, 403, "SignatureDoesNotMatch")
    entry = shop.assert_nothing_was_left_behind("signature.invalid", "not-the-secret")
    assert entry["kind"] == "amazonpay.GetServiceStatus"
    assert entry["facts"]["fields"] == [
        "AWSAccessKeyId",
        "Action",
        "SellerId",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("Action=GetServiceStatus", "Action=ListOrderReference"),
        ("SellerId=", "sellerId="),
        ("Timestamp=2", "Timestamp=1"),
        ("&SignatureVersion=2", ""),
        ("&SignatureMethod=", "&X="),
        ("Signature=", "Signature=x"),
        ("&Signature=", "&extra=1&Signature="),
    ],
)
def test_a_call_changed_after_signing_is_refused(shop, change):
    form = shop.signed("GetServiceStatus")
    assert change[0] in form

    assert_xml_error(shop.send(form.replace(*change)), 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("signature", ["", "x", "%00", "A" * 4000, "%F0%9F%92%B0", "é"], ids=short_id)
def test_a_signature_that_is_none_is_refused(shop, signature):
    form = shop.signed("GetServiceStatus").rpartition("&Signature=")[0]

    unsigned = shop.send(form)
    assert_xml_error(unsigned, 401, "MissingAuthenticationToken")
    reply = shop.send(f"{form}&Signature={quote(signature, safe='%')}")
    code = "SignatureDoesNotMatch" if signature else "MissingAuthenticationToken"
    assert_xml_error(reply, 403 if signature else 401, code)


@pytest.mark.parametrize("seconds", [-1000, 1000, -(10**8)])
def test_a_timestamp_that_is_not_fresh_is_refused(shop, seconds):
    reply = shop.call("GetServiceStatus", Timestamp=stamp(seconds))

    assert "real clock" not in assert_xml_error(reply, 400, "RequestExpired")["Message"]
    assert shop.journal()[0]["outcome"] == "request.expired"


def test_a_timestamp_is_fresh_by_the_sellers_clock_too(shop):
    shop.seller.control("PUT", "/clock", {"mode": "frozen", "now": "2030-01-01T00:00:00Z"})

    assert shop.call("GetServiceStatus", Timestamp="2030-01-01T00:15:00Z").status == 200
    assert shop.call("GetServiceStatus", Timestamp="2030-01-01T00:15:00.001Z").status == 400
    assert shop.call("GetServiceStatus").status == 200


def test_a_timestamp_may_have_any_form_that_clients_write(shop):
    now = stamp(0)
    for text in (now, now.replace("Z", "z"), now[:19] + "Z", now[:19] + "+0000"):
        assert shop.call("GetServiceStatus", Timestamp=text).status == 200


def test_freshness_can_be_switched_off(shop):
    shop.seller.control("PATCH", "", {"settings": {"freshness_seconds": 0}})

    assert shop.call("GetServiceStatus", Timestamp="1999-12-31T23:59:59Z").status == 200


@pytest.mark.parametrize("text", ["now", "2026", "1795294910", "2026-02-30T00:00:00Z", "x" * 999], ids=short_id)
def test_a_timestamp_that_is_no_time_is_refused(shop, text):
    reply = shop.call("GetServiceStatus", Timestamp=text)

    assert_xml_error(reply, 400, "InvalidParameterValue")


def test_the_services_status_needs_no_seller_id(shop):
    assert shop.call("GetServiceStatus", SellerId="").status == 200


@pytest.mark.parametrize(
    ("missing", "status", "code"),
    [
        ("SellerId", 400, "InvalidParameterValue"),
        ("Action", 400, "InvalidParameterValue"),
        ("Timestamp", 400, "InvalidParameterValue"),
        ("AWSAccessKeyId", 401, "MissingAuthenticationToken"),
    ],
)
def test_a_missing_parameter_is_named(shop, missing, status, code):
    form = "ListOrderReference" if missing != "Action" else ""
    reply = shop.call(form, **({} if missing == "Action" else {missing: ""}))

    assert missing in assert_xml_error(reply, status, code)["Message"]
