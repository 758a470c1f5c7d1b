"""
Who may talk to control API, dashboard, account pages and shop (contract section 3).

Against DNS rebinding the Host must be ours; against other sites the Origin must be our own;
a token where one is set.  The peer's address and X-Forwarded-* are never consulted.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from flask import Response, after_this_request, g, redirect, request

from mockpay.kernel import ids
from mockpay.kernel.clock import SECOND
from mockpay.kernel.errors import Forbidden
from mockpay.kernel.http.hosts import own_host
from mockpay.settings import Settings
from mockpay.store.unit_of_work import Runtime

#: The dashboard's address.
DASHBOARD = "/_mockpay/ui"
#: What a Prometheus scrapes.
METRICS = "/_mockpay/metrics"
#: The documentation pages, which are for anybody.
DOCS = "/_mockpay/docs"
#: Its sign-in page, for the admin token.
SIGN_IN = f"{DASHBOARD}/sign-in"
_SESSION_COOKIE = "mockpay_session"
_PAGE_COOKIE = "mockpay_page"
#: Where buyers' account pages are.
ACCOUNT = "/account"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_SESSION_SECONDS = 12 * 3600


def require_own_host(settings: Settings) -> None:
    """
    Refuse a request whose Host or Origin is foreign.

    Raises:
        Forbidden: code ``host.foreign`` or ``origin.foreign``.
    """
    host = request.environ.get("HTTP_HOST", "")
    if not own_host(settings, host):
        message = "This address answers only to its own name; MOCKPAY_PUBLIC_URL adds one."
        raise Forbidden(message, code="host.foreign")
    origin = request.headers.get("Origin")
    if origin is not None and not _same_origin(origin, host, settings.public_urls):
        raise Forbidden("Another site may not ask this.", code="origin.foreign")
    if request.headers.get("Sec-Fetch-Site", "").lower() == "cross-site":
        raise Forbidden("Another site may not ask this.", code="origin.foreign")


def _same_origin(origin: str, host: str, public_urls: Iterable[str]) -> bool:
    """Whether an Origin is our own; `null` and other ports are not."""
    own = {f"http://{host}".lower(), f"https://{host}".lower()}
    for url in public_urls:
        parts = urlsplit(url)
        own.add(f"{parts.scheme}://{parts.netloc}".lower())
    return origin.lower() in own


def require_control(runtime: Runtime) -> None:
    """
    The control API's rules for every request: own host, admin token.

    Raises:
        Forbidden: code ``host.foreign``, ``origin.foreign`` or ``token.required``.
    """
    require_own_host(runtime.settings)
    token = runtime.settings.admin_token
    if token is None:
        return
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not ids.same(credentials.strip(), token):
        message = "This needs 'Authorization: Bearer' with the server's MOCKPAY_ADMIN_TOKEN."
        raise Forbidden(message, code="token.required")


def require_page(runtime: Runtime) -> Response | None:
    """
    The dashboard's rules for every request: own host, a session, a form token on every POST.

    Returns:
        The redirect to the sign-in page where there is no session, else None.

    Raises:
        Forbidden: code ``host.foreign``, ``origin.foreign`` or ``form.token``.
    """
    require_own_host(runtime.settings)
    if not signed_in(runtime):
        onward = quote(request.full_path.rstrip("?"), safe="") if request.method == "GET" else ""
        return redirect(f"{SIGN_IN}?next={onward}", 303, Response)  # type: ignore[return-value]  # the class we gave
    if request.method not in _READS:
        check_form_token(runtime)
    return None


def require_account(runtime: Runtime) -> None:
    """
    The account pages' rules for every request: own host, a form token on every POST.

    Raises:
        Forbidden: code ``host.foreign``, ``origin.foreign`` or ``form.token``.
    """
    require_own_host(runtime.settings)
    if request.method not in _READS:
        check_form_token(runtime)


def signed_in(runtime: Runtime) -> bool:
    """Whether this browser may use the dashboard; always where no token is set."""
    if runtime.settings.admin_token is None:
        return True
    until, _, mac = request.cookies.get(_SESSION_COOKIE, "").partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 16):
        return False
    return int(until) > runtime.real_clock.now() and ids.same(mac, _mac(runtime, "in", until))


def is_tester(runtime: Runtime) -> bool:
    """Whether a page may show this browser what only the dashboard knows: under our own name, and signed in."""
    return own_host(runtime.settings, request.host) and signed_in(runtime)


def sign_in(runtime: Runtime, token: str, answer: Response) -> bool:
    """Give the browser its session where the token is right."""
    admin = runtime.settings.admin_token
    if admin is None or not ids.same(token, admin):
        return False
    until = str(runtime.real_clock.now() + _SESSION_SECONDS * SECOND)
    session = f"{until}.{_mac(runtime, 'in', until)}"
    # For all pages: those that refuse a payment tell a tester more.
    _set_cookie(answer, _SESSION_COOKIE, session, _SESSION_SECONDS, "/")
    return True


def sign_out(answer: Response) -> None:
    """Take the session away."""
    answer.delete_cookie(_SESSION_COOKIE, path="/")


def form_token(runtime: Runtime, path: str = DASHBOARD) -> str:
    """
    The token for this browser's forms; gives it the cookie that belongs to it, if need be.

    Args:
        path: Below which the forms are; each such place has a cookie of its own.
    """
    nonce = request.cookies.get(_PAGE_COOKIE) or g.get("page_nonce")
    if not nonce:
        nonce = g.page_nonce = ids.page_token()

        @after_this_request
        def remember(answer: Response) -> Response:
            _set_cookie(answer, _PAGE_COOKIE, g.page_nonce, None, path)
            return answer

    return _mac(runtime, "form", nonce)


def check_form_token(runtime: Runtime) -> None:
    """
    Refuse a form that was not made for this browser.

    Raises:
        Forbidden: code ``form.token``.
    """
    nonce = request.cookies.get(_PAGE_COOKIE, "")
    token = request.form.get("form_token", "")
    if not nonce or not ids.same(token, _mac(runtime, "form", nonce)):
        message = "This form is too old or another browser's. Load the page again."
        raise Forbidden(message, code="form.token")


def _mac(runtime: Runtime, purpose: str, value: str) -> str:
    """A MAC that every server of this keys folder makes alike, and no one else."""
    _, key = runtime.keyring.keys[-1]
    admin = runtime.settings.admin_token or ""
    return ids.digest(key.hex(), "guard", purpose, admin, value).hex()


def _set_cookie(answer: Response, name: str, value: str, seconds: int | None, path: str = DASHBOARD) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, path=path, httponly=True, samesite="Strict", secure=request.is_secure
    )
