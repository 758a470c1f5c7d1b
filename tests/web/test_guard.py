"""How long a browser that knew the admin token may use the dashboard."""

import pytest
from flask import Flask, Response
from msgspec.structs import replace

from mockpay.web import guard

TOKEN = "the-admin-token"


@pytest.fixture
def runtime(runtime):
    return with_token(runtime, TOKEN)


def with_token(runtime, token):
    return replace(runtime, settings=replace(runtime.settings, admin_token=token))


def session_of(runtime):
    answer = Response()
    with Flask(__name__).test_request_context():
        assert guard.sign_in(runtime, TOKEN, answer)
    return answer.headers["Set-Cookie"]


def signed_in(runtime, cookie):
    with Flask(__name__).test_request_context(headers={"Cookie": cookie.partition(";")[0]}):
        return guard.signed_in(runtime)


def test_a_session_ends_after_twelve_hours_and_a_copy_of_its_cookie_too(runtime, real_clock):
    cookie = session_of(runtime)
    assert "Max-Age=43200;" in cookie
    real_clock.move(12 * 3600 * 1000 - 1)
    assert signed_in(runtime, cookie)
    real_clock.move(1)
    assert not signed_in(runtime, cookie)


def test_a_session_does_not_outlive_the_token_that_it_was_given_for(runtime):
    cookie = session_of(runtime)
    assert signed_in(runtime, cookie)
    assert not signed_in(with_token(runtime, f"{TOKEN}-2"), cookie)
