"""The dashboard alone, over a world of the payment core."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.web.visitor import Visitor


@pytest.fixture
def database_kind():
    """Pages have nothing to do with the database's kind."""
    return "sqlite"


@pytest.fixture
def visitor(runtime, world):
    return Visitor(runtime, world.seller_id)


@pytest.fixture
def visitor_with_token(runtime, world):
    guarded = replace(runtime, settings=replace(runtime.settings, admin_token="let me in"))
    return Visitor(guarded, world.seller_id)
