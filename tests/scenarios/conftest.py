"""Scenarios have nothing to do with the database's kind."""

import pytest


@pytest.fixture
def database_kind():
    return "sqlite"
