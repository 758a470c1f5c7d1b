"""The address of a static file changes with the file."""

import os

from mockpay.kernel.assets import versioned


def test_a_changed_file_has_another_address(tmp_path):
    style = tmp_path / "page.css"
    add_version = versioned(tmp_path)
    seen = set()
    for second in (1, 2, 2):
        style.write_text("body {}")
        os.utime(style, (second, second))
        values = {"filename": "page.css"}
        add_version("static", values)
        seen.add(values["v"])
    assert len(seen) == 2


def test_other_addresses_stay_as_they_are(tmp_path):
    values = {"token": "a"}
    versioned(tmp_path)("checkout.card", values)
    assert values == {"token": "a"}
