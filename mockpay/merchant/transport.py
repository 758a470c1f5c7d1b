"""The merchant side's HTTP: a requests session, as a real shop would use, and the signing certificates behind it."""

from __future__ import annotations

import time
from collections.abc import Callable, Container
from urllib.parse import urlsplit

import requests

from mockpay.kernel.http.calls import HttpCall, HttpReply, Sender, Unreachable
from mockpay.wire.amazonpay.sns import SnsError, certificate_key, check_certificate_url, check_subscribe_url


class RequestsSender:
    """
    Sends calls by one requests session, never following redirects.

    Args:
        use_environment: Whether the environment's proxies and CA bundles count; a shop beside
            its sandbox calls it directly, whatever proxy is named.
    """

    def __init__(self, *, use_environment: bool = True) -> None:
        self._session = requests.Session()
        self._session.trust_env = use_environment

    def send(self, call: HttpCall) -> HttpReply:
        """
        Send a call; its time-out bounds the connection and each wait for data.

        Raises:
            Unreachable: no answer came back.
        """
        start = time.perf_counter()
        try:
            reply = self._session.request(
                call.method,
                call.url,
                data=call.body,
                headers=dict(call.headers),
                timeout=call.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(f"No answer from {urlsplit(call.url).hostname}.") from error
        latency_ms = int((time.perf_counter() - start) * 1000)
        return HttpReply(reply.status_code, dict(reply.headers), reply.content, latency_ms)


#: Gives the certificate (PEM) that a SigningCertURL leads to.
FetchCertificate = Callable[[str], bytes]

#: Amazon signs with one at a time; more than a few are somebody's game.
_CACHE_SIZE = 16


class Certificates:
    """
    Fetches signing certificates and keeps the good ones, and confirms subscriptions; safe for threads.

    Args:
        sender: The way out; a real shop's must verify TLS, for nothing else vouches.
        base_url: Where the URL's path is asked for instead of its own host: a sandbox serves
            the path under any name.
        trusted_urls: URLs that are trusted beside Amazon's, compared exactly, and asked as they are.
    """

    def __init__(
        self, sender: Sender, *, base_url: Callable[[], str] | None = None, trusted_urls: Container[str] = ()
    ) -> None:
        self._sender, self._base_url, self._trusted_urls = sender, base_url, trusted_urls
        self._cache: dict[str, bytes] = {}

    def __call__(self, url: str) -> bytes:
        """
        The certificate at a URL.

        Raises:
            SnsError: the URL is not trusted, or leads to no certificate of Amazon SNS.
            Unreachable: no answer came back, or an error that may pass (5xx).
        """
        check_certificate_url(url, self._trusted_urls)
        pem = self._cache.get(url)
        if pem is not None:
            return pem
        pem = self._fetch(url)
        # Only what is good is kept: a bad answer must not stand in the way of the next one.
        certificate_key(pem)
        if len(self._cache) < _CACHE_SIZE:
            self._cache[url] = pem
        return pem

    def confirm(self, subscribe_url: str) -> None:
        """
        Visit a SubscribeURL, so that notifications come.

        Raises:
            SnsError: the URL is not Amazon's, or it refuses.
            Unreachable: no answer came back, or an error that may pass (5xx).
        """
        check_subscribe_url(subscribe_url)
        self._get(subscribe_url, "The subscription", "The subscription was refused", "notification.subscribe_url")

    def _fetch(self, url: str) -> bytes:
        missing = "There is no signing certificate"
        return self._get(url, "The signing certificate", missing, "notification.certificate").body

    def _get(self, url: str, noun: str, refused: str, code: str) -> HttpReply:
        """
        The answer of an address, asked once more where an error may pass.

        Raises:
            SnsError: the `code`, with the text of `refused`: it refuses.
            Unreachable: no answer came back, or an error that may pass (5xx).
        """
        call = HttpCall("GET", self._own_url(url))
        reply = self._sender.send(call)
        if reply.status >= 500:
            reply = self._sender.send(call)
        if reply.status >= 500:
            raise Unreachable(f"{noun} was answered with HTTP {reply.status}.")
        if reply.status != 200:
            raise SnsError(f"{refused}: HTTP {reply.status}.", code=code)
        return reply

    def _own_url(self, url: str) -> str:
        if self._base_url is None or url in self._trusted_urls:
            return url
        return self._base_url().rstrip("/") + urlsplit(url)._replace(scheme="", netloc="").geturl()
