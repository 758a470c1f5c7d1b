"""What axe finds on a page that would keep somebody out or slow somebody down."""

from axe_playwright_python.sync_playwright import Axe

_AXE = Axe().axe_script
#: Half a megabyte of script: a page that is looked at again has it already.
_LOOK = """() => window.axe && axe.run({resultTypes: ["violations"]}).then((all) => all.violations)"""


def assert_accessible(page):
    """
    No violation of any impact.

    Raises:
        AssertionError: naming each rule, its help text and the first element it is about.
    """
    violations = page.evaluate(_LOOK)
    if violations is None:
        page.evaluate(_AXE)
        violations = page.evaluate(_LOOK)
    lines = [f"{rule['id']}: {rule['help']} {rule['nodes'][0]['html']}" for rule in violations]
    assert not lines, f"{page.url}\n" + "\n".join(lines)
