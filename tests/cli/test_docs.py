"""The generated pages say what the code does."""

from pathlib import Path

from mockpay.commands.docs import pages
from mockpay.domain.scenarios.resolution import TABLE
from mockpay.web.control.routes import ENDPOINTS

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_fresh(subtests):
    """After a change of the code: `mockpay docs`."""
    for name in sorted(pages()):
        with subtests.test(name=name):
            assert (ROOT / name).read_text("utf-8") == pages()[name]


def test_the_pages_leave_no_row_and_no_endpoint_out():
    written = pages()
    assert all(f"| `{row.equals}` |" in written["docs/scenarios.md"] for row in TABLE)
    for endpoint in ENDPOINTS:
        assert f"### `{endpoint.method} {endpoint.path}`" in written["docs/control-api.md"]
