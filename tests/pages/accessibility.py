"""What axe finds on a page that would keep somebody out or slow somebody down."""

from axe_playwright_python.sync_playwright import Axe

_AXE = Axe().axe_script
#: Rules that a dark page can break where the light one keeps them, and that larger text can.  No style of ours has other
#: colours for larger text, so that both at once can break no more.
OF_COLOUR = ("color-contrast", "link-in-text-block")
OF_SIZE = ("scrollable-region-focusable", "target-size")
#: Half a megabyte of script: a page that is looked at again has it already.  No rule of ours needs the style sheets.
_LOOK = """(rules) => window.axe && axe.run({resultTypes: ["violations"], preload: false, ...(rules
    ? {runOnly: rules} : {rules: {"target-size": {enabled: true}}})}).then((all) => all.violations)"""


def assert_accessible(page, rules=None):
    """
    No violation of any impact, of all rules or of these.

    Raises:
        AssertionError: naming each rule, its help text and the first element it is about.
    """
    violations = page.evaluate(_LOOK, rules)
    if violations is None:
        page.evaluate(_AXE)
        violations = page.evaluate(_LOOK, rules)
    lines = [f"{rule['id']}: {rule['help']} {rule['nodes'][0]['html']}" for rule in violations]
    assert not lines, f"{page.url}\n" + "\n".join(lines)
