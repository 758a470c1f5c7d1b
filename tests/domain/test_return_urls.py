"""Entries of a seller's allow list, and what a browser may be sent to."""

import pytest

from mockpay.domain.return_urls import check_return_url_entry, mismatch, return_url_allowed
from mockpay.kernel.errors import Invalid


def test_names_below_localhost_are_one_label_longer_than_it():
    below = ("http://*.localhost:*",)
    assert return_url_allowed("http://a.localhost:3000/x", below)
    assert not return_url_allowed("http://localhost/x", below)
    assert not return_url_allowed("http://alocalhost/x", below)


def test_a_host_that_no_resolver_takes_is_refused():
    for host in ("a..example", "ü..example", "x" * 64 + ".example"):
        with pytest.raises(Invalid) as refused:
            check_return_url_entry(f"https://{host}/back")
        assert refused.value.detail["field"] == "return_urls"
        assert mismatch(f"https://{host}/back", ("https://a.example/*",)) == "its host or port is none"
