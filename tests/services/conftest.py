"""Worlds of several files."""

import pytest

from tests.services.ledger import top_up
from tests.services.reloads import switch_on


@pytest.fixture
def asha(world):
    """A world in which Asha has 600.00 and a balance that is filled by 1,000.00 below 500.00."""
    top_up(world, 600_00)
    switch_on(world)
    return world
