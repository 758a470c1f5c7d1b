"""Settings of the whole suite."""

import pytest


def pytest_collection_modifyitems(items):
    """Mark what needs a Chromium, so that `make test` can leave it out by name where there is none."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
