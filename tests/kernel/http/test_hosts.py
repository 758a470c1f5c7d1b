"""Where outgoing calls may go: loopback always, other hosts by name."""

import pytest

from mockpay.kernel.errors import Forbidden, Invalid
from mockpay.kernel.http.calls import Unreachable
from mockpay.kernel.http.hosts import OutgoingHosts

LOOPBACK = OutgoingHosts()


def test_loopback_may_always_be_called(subtests):
    for url in [
        "http://127.0.0.1/",
        "http://127.0.0.1:8420/a?b=c",
        "https://localhost/x",
        "http://[::1]/",
        "http://LOCALHOST:1/",
        "http://127.9.9.9/",
        "http://shop.localhost:8080/",
    ]:
        with subtests.test(url=url):
            assert LOOPBACK.check(url)


def test_any_other_host_is_refused_on_save(subtests):
    for url in [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://2130706433.example/",
        "https://[2001:db8::1]/",
    ]:
        with subtests.test(url=url):
            with pytest.raises(Forbidden) as refused:
                LOOPBACK.check(url)
            assert refused.value.code == "outgoing.host"


def test_what_is_no_plain_url_is_refused_on_save(subtests):
    for url in [
        "",
        "127.0.0.1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http://user@127.0.0.1/",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1\\@example.com/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "//127.0.0.1/",
        "http://127.0.0.1/\x7f",
    ]:
        with subtests.test(url=url):
            with pytest.raises(Invalid) as refused:
                LOOPBACK.check(url)
            assert refused.value.code == "url.invalid"


def test_hosts_are_allowed_by_name_or_all_by_a_star():
    named = OutgoingHosts.parse(" Hooks.Example.com , ,other.test")
    assert named.check("https://hooks.example.COM/ipn") == "hooks.example.com"
    with pytest.raises(Forbidden):
        named.check("https://example.com/ipn")
    assert OutgoingHosts.parse("*").check("https://example.com/") == "example.com"


def test_a_name_that_leads_away_from_loopback_is_refused_when_it_is_called():
    with pytest.raises(Forbidden) as refused:
        LOOPBACK.addresses("203.0.113.7", 80)
    assert refused.value.code == "outgoing.host"


def test_a_name_that_leads_nowhere_is_unreachable():
    for host in ("no-such-host.invalid", "x" * 64, "a..b"):
        with pytest.raises(Unreachable):
            OutgoingHosts.parse("*").addresses(host, 80)


def test_a_name_of_this_machines_leads_to_it_whatever_a_resolver_knows():
    for name in ("localhost", "app.localhost", "a.b.localhost"):
        assert LOOPBACK.addresses(name, 80) == ["127.0.0.1", "::1"]
