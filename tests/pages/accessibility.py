"""What axe finds on a page that would keep somebody out."""

from axe_playwright_python.sync_playwright import Axe

_GRAVE = {"serious", "critical"}
_AXE = Axe().axe_script
#: Half a megabyte of script: a page that is looked at again has it already.
_LOOK = """() => window.axe && axe.run({resultTypes: ["violations"]}).then((all) => all.violations)"""


def assert_accessible(page):
    """
    No violation of impact serious or critical.

    Raises:
        AssertionError: naming each rule, its help text and the first element it is about.
    """
    found = page.evaluate(_LOOK)
    if found is None:
        page.evaluate(_AXE)
        found = page.evaluate(_LOOK)
    grave = [f"{one['id']}: {one['help']} {one['nodes'][0]['html']}" for one in found if one["impact"] in _GRAVE]
    assert not grave, f"{page.url}\n" + "\n".join(grave)
