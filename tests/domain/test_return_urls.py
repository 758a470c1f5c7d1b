"""Entries of a seller's allow list, and what a browser may be sent to."""

import pytest

from mockpay.domain.return_urls import check_return_url_entry, mismatch, return_url_allowed
from mockpay.kernel.errors import Invalid


def test_names_below_localhost_are_one_label_longer_than_it():
    below = ("http://*.localhost:*",)
    assert return_url_allowed("http://a.localhost:3000/x", below)
    assert not return_url_allowed("http://localhost/x", below)
    assert not return_url_allowed("http://alocalhost/x", below)


def test_a_name_below_localhost_may_have_any_port_too():
    entry = ("http://App.localhost:*",)
    check_return_url_entry(*entry)
    for url in ("http://app.localhost:3000/back", "http://app.localhost/"):
        assert mismatch(url, entry) is None
    for url, part in (
        ("http://a.app.localhost:3000/back", "host"),
        ("http://localhost:3000/back", "host"),
        ("https://app.localhost:3000/back", "scheme"),
    ):
        assert mismatch(url, entry) == f"its {part} is not that of {entry[0]}"
    for wrong in ("app.localhost:*", "http://evil@app.localhost:*", "http://app..localhost:*"):
        with pytest.raises(Invalid):
            check_return_url_entry(wrong)
    with pytest.raises(Invalid) as refused:
        check_return_url_entry("app.localhost:*")
    assert refused.value.detail["nearest"] == "http://app.localhost:*"


def test_a_host_that_no_resolver_takes_is_refused():
    for host in ("a..example", "ü..example", "x" * 64 + ".example"):
        with pytest.raises(Invalid) as refused:
            check_return_url_entry(f"https://{host}/back")
        assert refused.value.detail["field"] == "return_urls"
        assert mismatch(f"https://{host}/back", ("https://a.example/*",)) == "its host or port is none"
