"""What a seller may be called, where buyers may be sent, and what can be set."""

import pytest

from mockpay.domain.return_urls import LOOPBACK_RETURNS, check_return_url_entry, mismatch, return_url_allowed
from mockpay.domain.sellers import Settings, check_names, settings
from mockpay.kernel.errors import Invalid

SHOP = "https://shop.example.in/return"


def test_a_url_that_an_entry_means_is_allowed(subtests):
    for entry, url in [
        (SHOP, SHOP),
        (SHOP, "https://SHOP.Example.IN/return"),
        (SHOP, "HTTPS://shop.example.in/return"),
        (SHOP, "https://shop.example.in:443/return"),
        ("https://shop.example.in:443/return", SHOP),
        ("http://shop.example.in:80/", "http://shop.example.in"),
        ("https://shop.example.in", "https://shop.example.in/"),
        (SHOP, SHOP + "?order=1&x=%20y"),
        (SHOP + "?a=1", SHOP + "?a=1"),
        ("https://shop.example.in/r*", SHOP),
        ("https://shop.example.in/*", "https://shop.example.in/any/depth?x=1"),
        ("https://shop.example.in/*", "https://shop.example.in"),
        ("https://shop.example.in:8443/return", "https://shop.example.in:8443/return"),
        ("https://shop.example.in/a%20b", "https://shop.example.in/a%20b"),
        ("https://shop.example.in/..a/b..", "https://shop.example.in/..a/b.."),
        ("shopapp://pay/return", "shopapp://pay/return?status=1"),
        ("shopapp://pay/*", "SHOPAPP://PAY/return"),
        ("http://[::1]:8000/return", "http://[::1]:8000/return"),
        ("http://127.0.0.1:*", "http://127.0.0.1/"),
        ("http://127.0.0.1:*", "http://127.0.0.1:5000/any/path?x=y"),
        ("http://localhost:*", "http://localhost:65535/r"),
        ("http://localhost:*", "http://LocalHost/r"),
    ]:
        with subtests.test(entry=entry, url=url):
            assert return_url_allowed(url, ("https://other.example/x", entry))


def test_a_url_that_no_entry_means_is_refused(subtests):
    for entry, url in [
        (SHOP, "http://shop.example.in/return"),
        (SHOP, "https://shop.example.in:8443/return"),
        (SHOP, "https://shop.example.in:0/return"),
        (SHOP, "https://shop.example.in/Return"),
        (SHOP, "https://shop.example.in/return/"),
        (SHOP, "https://shop.example.in/returned"),
        (SHOP, "https://shop.example.in/"),
        (SHOP, "https://www.shop.example.in/return"),
        (SHOP, "https://shop.example.in.evil.test/return"),
        (SHOP, "https://evilshop.example.in/return"),
        (SHOP + "?a=1", SHOP),
        (SHOP + "?a=1", SHOP + "?a=2"),
        (SHOP + "?a=1", SHOP + "?a=1&b=2"),
        ("https://shop.example.in/r*", "https://shop.example.in/x"),
        ("https://shop.example.in/pay/*", "https://shop.example.in/pay"),
        ("http://127.0.0.1:*", "https://127.0.0.1/"),
        ("http://127.0.0.1:*", "http://127.0.0.2/"),
        ("http://127.0.0.1:*", "http://localhost/"),
        ("http://localhost:*", "http://localhost.evil.test/"),
        ("shopapp://pay/return", "otherapp://pay/return"),
        ("shopapp://pay/return", "shopapp://pay2/return"),
    ]:
        with subtests.test(entry=entry, url=url):
            assert not return_url_allowed(url, (entry,))


def test_a_trick_is_refused_by_any_list_and_on_save(subtests):
    for url in [
        "",
        "/return",
        "//shop.example.in/return",
        "https:/shop.example.in/return",
        "https:shop.example.in/return",
        "https:///return",
        "https://",
        "https://user@shop.example.in/return",
        "https://user:pass@shop.example.in/return",
        "https://@shop.example.in/return",
        "https://shop.example.in@evil.test/return",
        "https://evil.test\\@shop.example.in/return",
        "https://shop.example.in\\return",
        "https:\\\\shop.example.in\\return",
        "https://shop.example.in/return#top",
        "https://shop.example.in/return#",
        "https://shop.example.in/./return",
        "https://shop.example.in/x/../return",
        "https://shop.example.in/x/..",
        "https://shop.example.in/%2e/return",
        "https://shop.example.in/x/%2e%2e/return",
        "https://shop.example.in/x/%2E%2e/return",
        "https://shop.example.in/x/.%2E/return",
        "https://shop.example.in/ret\nurn",
        "https://shop.example.in/return\r\nSet-Cookie: a=b",
        "https://shop.example.in/ret\turn",
        "https://shop.example.in/return\x00",
        "https://shop.example.in/return\x7f",
        "\x01https://shop.example.in/return",
        " https://shop.example.in/return",
        "https://shop.example.in/return ",
        "https://shop.example.in:x/return",
        "https://shop.example.in:99999/return",
        "https://[shop.example.in/return",
        "javascript:alert(1)",
        "javascript://shop.example.in/%0aalert(1)",
        "JavaScript://shop.example.in/return",
        "data://shop.example.in/return",
        "vbscript://shop.example.in/return",
        "file://shop.example.in/return",
        "blob:https://shop.example.in/return",
        "https://shop.example.in/return" + "a" * 2048,
    ]:
        with subtests.test(url=url):
            everything = ("https://shop.example.in/*", *LOOPBACK_RETURNS)
            assert not return_url_allowed(url, everything)
            with pytest.raises(Invalid) as refused:
                check_return_url_entry(url)
            assert refused.value.code == "return_url.invalid"


@pytest.mark.parametrize("entry", ["https://*.example.in/return", "https://shop*", "https://shop.example.in:*/return"])
def test_an_entry_that_could_never_match_is_refused_on_save(entry):
    with pytest.raises(Invalid):
        check_return_url_entry(entry)


@pytest.mark.parametrize("entry", [*LOOPBACK_RETURNS, SHOP, "https://shop.example.in/*"])
def test_an_entry_that_can_match_may_be_saved(entry):
    check_return_url_entry(entry)


def test_an_entry_for_any_port_of_this_machine_may_be_of_either_scheme_and_name(subtests):
    for entry, url, fits in [
        ("https://localhost:*", "https://localhost:8443/r?a=b", True),
        ("https://localhost:*", "http://localhost:8443/r", False),
        ("http://[::1]:*", "http://[::1]:3000/r", True),
        ("http://[::1]:*", "http://127.0.0.1:3000/r", False),
        ("http://*.localhost:*", "http://shop.localhost:3000/r", True),
        ("https://*.localhost:*", "https://a.b.localhost/r", True),
        ("http://*.localhost:*", "http://localhost:3000/r", False),
        ("http://*.localhost:*", "http://evillocalhost/r", False),
        ("http://*.localhost:*", "http://a.localhost.evil.test/r", False),
    ]:
        with subtests.test(entry=entry, url=url):
            check_return_url_entry(entry)
            assert return_url_allowed(url, (entry,)) is fits


def test_a_refused_entry_names_what_is_wrong_and_the_right_form(subtests):
    for entry, why, nearest in [
        ("localhost:3000", "no scheme", "http://localhost:3000/*"),
        ("localhost:*", "no scheme", "http://localhost:*"),
        ("shop.example.in/return", "no scheme", "https://shop.example.in/return"),
        ("https://shop.example.in/return#top", "fragment", "https://shop.example.in/return"),
        ("https://user@shop.example.in/x", "user", "https://shop.example.in/x"),
        (" http://localhost:3000/x", "space", "http://localhost:3000/x"),
        ("http://localhost:3000/a/../b", "dot segment", "http://localhost:3000/*"),
        ("https://*.example.in/return", "'*'", "http://localhost:*"),
        ("javascript:alert(1)", "javascript", "http://localhost:*"),
        ("", "no scheme", "http://localhost:*"),
    ]:
        with subtests.test(entry=entry):
            with pytest.raises(Invalid) as refused:
                check_return_url_entry(entry)
            assert why in refused.value.message
            assert f"'{entry}'" in refused.value.message
            assert refused.value.detail["nearest"] == nearest
            check_return_url_entry(nearest)


def test_a_refused_url_names_the_first_part_that_differs_from_the_most_similar_entry(subtests):
    entries = ("https://shop.example.in/return", *LOOPBACK_RETURNS)
    for url, told in [
        ("https://localhost/r", "its scheme is not that of http://localhost:*"),
        ("http://[::1]/r", "its host is not that of http://127.0.0.1:*"),
        ("http://localhost/r#x", "it has a fragment (#)"),
        ("https://shop.example.in:8443/return", "its port is not that of https://shop.example.in/return"),
        ("https://shop.example.in/Return", "its path is not that of https://shop.example.in/return"),
        ("https://www.shop.example.in/return", "its host is not that of https://shop.example.in/return"),
        ("http://localhost:1/r", None),
    ]:
        with subtests.test(url=url):
            assert mismatch(url, entries) == told
    assert mismatch(SHOP, (SHOP + "?a=1",)) == f"its query is not that of {SHOP}?a=1"


def test_an_empty_list_allows_nothing():
    assert not return_url_allowed(SHOP, ())


# --- settings


def test_a_setting_takes_its_values(subtests):
    for name, value in [
        ("freshness_seconds", 0),
        ("order_expiry_seconds", 1),
        ("max_attempts", 100),
        ("upi_collect_enabled", False),
        ("upi_collect_seconds", 345_600),
        ("upi_answer_seconds", 0),
        ("upi_pending_seconds", 0),
        ("upi_payee_vpa", "shop@bank"),
        ("magic_amounts", False),
        ("default_outcomes", {"issuer": "failure"}),
        ("all_attempts_listed", True),
        ("send_seller_id", True),
        ("result_encoding", "node"),
        ("throttling", "sandbox"),
        ("throttling", "production"),
        ("otp_threshold", "0.5"),
        ("ipn_certificate_url", ""),
        ("ipn_certificate_url", "http://127.0.0.1:8420/x.pem"),
    ]:
        with subtests.test(name=name, value=value):
            made = settings({name: value})
            assert getattr(made, name) == value
            others = {key: getattr(made, key) for key in Settings.__struct_fields__ if key != name}
            assert others == {key: getattr(Settings(), key) for key in others}


def test_any_other_value_is_refused_and_named(subtests):
    for name, value in [
        ("colour", "red"),
        ("freshness_seconds", -1),
        ("freshness_seconds", "900"),
        ("freshness_seconds", True),
        ("freshness_seconds", 1.5),
        ("freshness_seconds", None),
        ("order_expiry_seconds", 0),
        ("order_expiry_seconds", 31_536_001),
        ("max_attempts", 0),
        ("max_attempts", 101),
        ("upi_collect_seconds", 0),
        ("upi_answer_seconds", 86_401),
        ("magic_amounts", 1),
        ("magic_amounts", "true"),
        ("upi_payee_vpa", "x" * 256),
        ("upi_payee_vpa", 5),
        ("default_outcomes", "failure"),
        ("default_outcomes", {"issuer": 1}),
        ("result_encoding", "latin"),
        ("result_encoding", ""),
        ("result_encoding", ["auto"]),
        ("otp_threshold", "1.000"),
        ("otp_threshold", "5000.00\n"),
        ("ipn_certificate_url", "http://shop.example/x\n"),
        ("otp_always_methods", ["CARD\n"]),
        ("throttling", {}),
        ("throttling", False),
    ]:
        with subtests.test(name=name, value=value):
            with pytest.raises(Invalid) as refused:
                settings({name: value})
            assert refused.value.code == "settings.invalid"
            assert refused.value.detail["field"] == name


def test_no_settings_are_the_defaults():
    assert settings({}) == Settings()
    assert (Settings().freshness_seconds, Settings().order_expiry_seconds) == (900, 900)
    assert (Settings().max_attempts, Settings().magic_amounts) == (5, True)


# --- names

GOOD = {
    "seller_id": "A1MOCKPAYSELLER",
    "access_key": "AKIDMOCKPAYDEFAULT",
    "secret_key": "a secret with spaces",
    "name": "दुकान",
}


def test_good_names_are_taken():
    check_names(**GOOD)


def test_other_names_are_refused_and_named(subtests):
    for field, value in [
        ("seller_id", ""),
        ("seller_id", "lower"),
        ("seller_id", "A/1"),
        ("seller_id", "A" * 65),
        ("seller_id", "A1\n"),
        ("access_key", "abc"),
        ("access_key", "AK ID"),
        ("access_key", "A" * 129),
        ("access_key", "अआइई"),
        ("secret_key", "short"),
        ("secret_key", "eight\x00chars"),
        ("secret_key", "x" * 257),
        ("name", ""),
        ("name", "a\nb"),
        ("name", "x" * 101),
    ]:
        with subtests.test(field=field, value=value):
            with pytest.raises(Invalid) as refused:
                check_names(**{**GOOD, field: value})
            assert refused.value.detail == {"field": field}
