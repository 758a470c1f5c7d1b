"""
mockpay for merchants' own tests: sandboxes to start or to attach to, their sellers, and a pytest plugin.

Nothing heavy is imported before a sandbox is used: pytest loads this in every run of everybody who has mockpay
installed.
"""

from mockpay.testing.control import ControlError, NoAnswer
from mockpay.testing.plugin import (
    mockpay_client,
    mockpay_seller,
    mockpay_server,
    pytest_addoption,
    pytest_configure_node,
    pytest_runtest_makereport,
    pytest_unconfigure,
)
from mockpay.testing.seller import TestSeller
from mockpay.testing.servers import LiveServer, Sandbox, ServerProcess

__all__ = [
    "ControlError",
    "LiveServer",
    "NoAnswer",
    "Sandbox",
    "ServerProcess",
    "TestSeller",
    "mockpay_client",
    "mockpay_seller",
    "mockpay_server",
    "pytest_addoption",
    "pytest_configure_node",
    "pytest_runtest_makereport",
    "pytest_unconfigure",
]
