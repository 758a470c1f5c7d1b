"""Certificates are fetched once per URL, only from where they are trusted."""

import pytest

from mockpay.kernel.http.calls import HttpReply, Unreachable
from mockpay.merchant.transport import Certificates
from mockpay.wire.amazonpay.sns import SnsError
from tests.merchant.posted import CERTIFICATE, URL


class Shelf:
    """A host that answers with what stands next on the shelf, the certificate at last."""

    def __init__(self, *replies):
        self.replies = list(replies)
        self.urls = []

    def send(self, call):
        self.urls.append(call.url)
        return self.replies.pop(0) if self.replies else HttpReply(200, {}, CERTIFICATE)


def test_a_certificate_is_fetched_once_per_url():
    shelf = Shelf()
    fetch = Certificates(shelf)
    other = URL.replace("0000", "1111")
    assert [fetch(URL), fetch(URL), fetch(other), fetch(URL)] == [CERTIFICATE] * 4
    assert shelf.urls == [URL, other]


def test_a_sandbox_is_asked_for_the_path_only():
    shelf = Shelf()
    Certificates(shelf, base_url=lambda: "http://127.0.0.1:8420/")(URL)
    assert shelf.urls == ["http://127.0.0.1:8420/SimpleNotificationService-0000000000000000000000.pem"]


def test_a_url_that_is_trusted_by_name_is_asked_as_it_is():
    shelf, url = Shelf(), "http://10.0.0.1/x.pem"
    Certificates(shelf, base_url=lambda: "http://127.0.0.1:8420", trusted_urls=[url])(url)
    assert shelf.urls == [url]


@pytest.mark.parametrize("url", ["http://127.0.0.1/x.pem", "https://sns.evil.example/x.pem", ""])
def test_no_other_url_is_ever_asked(url):
    shelf = Shelf()
    with pytest.raises(SnsError):
        Certificates(shelf)(url)
    assert shelf.urls == []


def test_a_bad_answer_is_not_kept(subtests):
    for reply, error in [
        (HttpReply(404, {}, b"none"), SnsError),
        (HttpReply(302, {"Location": "https://evil.example"}, b""), SnsError),
        (HttpReply(200, {}, b"<html>"), SnsError),
    ]:
        with subtests.test(reply=reply, error=error):
            fetch = Certificates(Shelf(reply))
            with pytest.raises(error):
                fetch(URL)
            assert fetch(URL) == CERTIFICATE


def test_the_cache_is_bounded():
    shelf = Shelf()
    fetch = Certificates(shelf)
    urls = [URL.replace("0000", f"{n:04d}") for n in range(40)]
    for url in urls:
        fetch(url)
    shelf.urls.clear()
    for url in urls:
        fetch(url)
    assert shelf.urls == urls[16:]


def test_a_download_that_fails_once_is_tried_once_more_and_no_oftener():
    failing = HttpReply(503, {}, b"")
    shelf = Shelf(failing)
    assert Certificates(shelf)(URL) == CERTIFICATE
    assert len(shelf.urls) == 2
    shelf = Shelf(failing, failing)
    with pytest.raises(Unreachable):
        Certificates(shelf)(URL)
    assert len(shelf.urls) == 2


SUBSCRIBE_URL = "https://sns.ap-south-1.amazonaws.com/?Action=ConfirmSubscription&Token=t-1"


def test_a_subscription_is_confirmed_at_the_sandbox_with_its_whole_query():
    shelf = Shelf()
    Certificates(shelf, base_url=lambda: "http://127.0.0.1:8420/").confirm(SUBSCRIBE_URL)
    assert shelf.urls == ["http://127.0.0.1:8420/?Action=ConfirmSubscription&Token=t-1"]


def test_a_subscription_that_cannot_be_confirmed_says_whether_it_may_pass(subtests):
    for status, error in [(400, SnsError), (503, Unreachable)]:
        with subtests.test(status=status):
            answer = HttpReply(status, {}, b"")
            with pytest.raises(error):
                Certificates(Shelf(answer, answer)).confirm(SUBSCRIBE_URL)
    shelf = Shelf()
    with pytest.raises(SnsError):
        Certificates(shelf).confirm("https://evil.example/?Action=ConfirmSubscription")
    assert shelf.urls == []
