"""In CI a test that is skipped, or that may fail, is a failure: `-p tests.nothing_left_out`."""

import pytest


def _failed(report):
    why = getattr(report, "wasxfail", None) or report.longrepr
    report.outcome, report.longrepr = "failed", f"CI leaves out no test: {why}"
    if hasattr(report, "wasxfail"):
        del report.wasxfail


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport():
    report = yield
    if report.skipped or hasattr(report, "wasxfail"):
        _failed(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report():
    report = yield
    if report.skipped:
        _failed(report)
    return report
