"""A seller's software at the front door, in an application without a port."""

from contextlib import contextmanager

import pytest

from mockpay.app import create_app, runtime_of
from mockpay.services.sellers import accounts
from mockpay.services.sellers.accounts import NewSeller
from mockpay.settings import Settings
from tests.control.worlds import keys_folder
from tests.factories import NOON, FakeRealClock, RecordingSender
from tests.providers.razorpay.software import Software

WEBHOOK = "http://127.0.0.1:9/webhook"


@pytest.fixture(scope="session")
def razorpay_app(tmp_path_factory):
    """One application for all tests; its outgoing calls are recorded."""
    with opened(str(tmp_path_factory.mktemp("front") / "m.db")) as app_and_sender:
        yield app_and_sender


@contextmanager
def opened(database_url):
    """An application, and what records its outgoing calls."""
    sender = RecordingSender()
    settings = Settings(port=0, database_url=database_url, keys_dir=keys_folder())
    app = create_app(settings, real_clock=FakeRealClock(NOON), sender=sender)
    yield app, sender
    for engine in (runtime_of(app).engine, runtime_of(app).writer):
        engine.dispose()


def _new(razorpay_app):
    app, sender = razorpay_app
    seller = accounts.create(runtime_of(app), NewSeller(ipn_url=WEBHOOK))
    fields = {"seller_id": seller.seller_id, "credentials": accounts.credentials(runtime_of(app), seller)}
    software = Software(app, sender, fields)
    software.control("PUT", "/clock", {"mode": "frozen", "now": "2026-11-21T12:00:00Z"})
    return software


@pytest.fixture
def software(razorpay_app):
    """A new seller's, whose clock stands; nothing has been sent, and the books are right in the end."""
    razorpay_app[1].sent.clear()
    razorpay_app[1].answers = []
    software = _new(razorpay_app)
    yield software
    assert software.violations() == []


@pytest.fixture
def other_software(razorpay_app):
    """Another seller's."""
    return _new(razorpay_app)
