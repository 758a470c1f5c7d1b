"""
A browser for the tests of the pages, and a shop to buy from.

A page fails its test by itself: when it asks any host but this machine, writes an error to
the console, or breaks in a script.  A test that expects a refusal says so: `watch.expects(400)`.
"""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.form_browser import DemoShop
from tests.pages.buyer import Buyer
from tests.pages.gallery import Gallery
from tests.pages.watch import PHONE, WIDE, Watch

_BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
#: Only this machine has an address; whatever else a page asks for is not found.
_ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """The Chromium of this machine; a missing one is a failure, `make test` leaves by name."""
    named = (os.environ.get("MOCKPAY_CHROMIUM"), *_BROWSERS)
    found = next((path for name in named if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"No Chromium here: set MOCKPAY_CHROMIUM or install {_BROWSERS[0]}.")
    expect.set_options(timeout=15_000)
    return {"executable_path": found, "args": [*_FLAGS, _ALONE]}


@pytest.fixture
def watch():
    """What the pages of this test must not do."""
    watch = Watch()
    yield watch
    watch.check()


@pytest.fixture
def open_page(browser, watch):
    """Open a page in a browser context of its own, e.g. `open_page(viewport=..., locale=...)`."""
    contexts = []

    def make(**options):
        context = browser.new_context(**{"viewport": PHONE, "reduced_motion": "reduce"} | options)
        contexts.append(context)
        context.set_default_timeout(15_000)
        watch.over(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def phone(browser):
    """The browser of a phone; it keeps style and fonts from test to test, and nothing else."""
    context = browser.new_context(viewport=PHONE, reduced_motion="reduce")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(phone, watch):
    """A phone, of somebody who was nowhere yet."""
    stop = watch.over(phone)
    yield phone.new_page()
    for one in phone.pages:
        one.close()
    phone.clear_cookies()
    stop()


@pytest.fixture
def wide_page(open_page):
    """A desktop screen."""
    return open_page(viewport=WIDE)


@pytest.fixture
def shop(mockpay_server):
    """The demo shop, its seller's world emptied and its clock standing still."""
    return DemoShop.opened(mockpay_server)


@pytest.fixture
def buyer(page, shop):
    """Somebody with a phone who is about to buy the bell for ₹499.00."""
    return Buyer(page, shop)


@pytest.fixture(scope="session")
def gallery():
    """Every page there is, in a sandbox that no test changes."""
    with Gallery() as gallery:
        yield gallery


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where screenshots go: into docs/img with MOCKPAY_SHOTS set, else away."""
    if os.environ.get("MOCKPAY_SHOTS"):
        return Path(__file__).parents[2] / "docs" / "img"
    return tmp_path_factory.mktemp("img")
