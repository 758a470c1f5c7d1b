"""The dashboard of a server that was started with an admin token."""

import re
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mockpay.settings import Settings
from mockpay.testing import LiveServer
from tests.pages.accessibility import assert_accessible

TOKEN = "open-sesame-0123456789"


@pytest.fixture(scope="module")
def guarded():
    with tempfile.TemporaryDirectory(prefix="mockpay-guarded-") as folder:
        settings = Settings(
            port=0, database_url=str(Path(folder) / "mockpay.db"), keys_dir=Path(folder) / "keys", admin_token=TOKEN
        )
        with LiveServer(settings) as server:
            yield server


def test_the_dashboard_asks_for_the_token_once(page, guarded):
    page.goto(f"{guarded.url}/_mockpay/ui")
    assert_accessible(page)
    page.get_by_label("Admin token").fill(TOKEN)
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What happened?")
    page.get_by_role("button", name="+1 min").click()
    expect(page).to_have_url(re.compile("/orders"))


def test_a_wrong_token_is_told_at_its_field(page, guarded, watch):
    watch.expects(403)
    page.goto(f"{guarded.url}/_mockpay/ui")
    field = page.get_by_label("Admin token")
    field.fill("wrong")
    field.press("Enter")
    expect(field).to_have_accessible_description("This is not the token that the server was started with.")
    expect(field).to_have_value("")
    assert_accessible(page)
