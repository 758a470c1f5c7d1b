"""The way that the caller's own environment would have taken."""

import pytest

from mockpay.kernel.errors import Unusable
from mockpay.reach.upstream import Proxy, Upstream

BASIC = "Basic YW5uOnBAc3M="  # ann:p@ss


def test_the_environment_names_the_proxies(subtests):
    for environ, secure, plain in [
        ({}, None, None),
        ({"HTTPS_PROXY": ""}, None, None),
        ({"HTTPS_PROXY": "http://proxy.test:3128"}, Proxy("proxy.test", 3128), None),
        ({"http_proxy": "proxy.test:3128"}, None, Proxy("proxy.test", 3128)),
        ({"https_proxy": "http://low.test", "HTTPS_PROXY": "http://up.test"}, Proxy("low.test", 80), None),
        ({"ALL_PROXY": "http://all.test:1"}, Proxy("all.test", 1), Proxy("all.test", 1)),
        (
            {"all_proxy": "http://all.test:1", "http_proxy": "http://plain.test:2"},
            Proxy("all.test", 1),
            Proxy("plain.test", 2),
        ),
        ({"HTTPS_PROXY": "https://proxy.test"}, Proxy("proxy.test", 443, tls=True), None),
        ({"HTTPS_PROXY": "http://ann:p%40ss@proxy.test:8"}, Proxy("proxy.test", 8, authorization=BASIC), None),
    ]:
        with subtests.test(environ=environ, secure=secure, plain=plain):
            upstream = Upstream.from_env(environ)
            assert (upstream.secure, upstream.plain) == (secure, plain)


@pytest.mark.parametrize("url", ["socks5://proxy.test:1080", "http://proxy.test:port"])
def test_a_proxy_that_nothing_can_be_passed_on_to_is_named(url):
    with pytest.raises(Unusable, match="HTTPS_PROXY names no http or https proxy"):
        Upstream.from_env({"https_proxy": url})


def test_no_proxy_says_where_to_go_directly(subtests):
    for no_proxy, host, direct in [
        ("", "example.test", False),
        ("*", "example.test", True),
        ("example.test", "example.test", True),
        ("other.test, Example.test", "example.test", True),
        ("example.test", "www.example.test", True),
        (".example.test", "www.example.test", True),
        ("*.example.test", "www.example.test", True),
        ("example.test", "badexample.test", False),
        ("example.test:443", "example.test", True),
        ("example.test:80", "example.test", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("::1", "::1", True),
        (",,", "example.test", False),
    ]:
        with subtests.test(no_proxy=no_proxy, host=host, direct=direct):
            proxy = Proxy("proxy.test", 3128)
            upstream = Upstream(secure=proxy, no_proxy=no_proxy)
            assert upstream.proxy_for(host, 443, secure=True) == (None if direct else proxy)
