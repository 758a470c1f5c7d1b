"""What hosted pages tell a tester, on a phone: short, and nothing that one copies is broken."""

from tests.pages.gallery import PAYMENT
from tests.pages.watch import PHONE

#: How many lines each note has, its padding and border left out.
_LINES = """() => [...document.querySelectorAll(".note")].map((note) => {
  const style = getComputedStyle(note);
  const inside = note.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  return Math.round(inside / parseFloat(style.lineHeight));
})"""
#: Amounts and addresses of which parts stand on two lines.
_BROKEN = """() => {
  const broken = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (const found of node.data.matchAll(/₹[0-9,.]*[0-9]|[A-Za-z0-9.]+@[A-Za-z.]*[a-z]/g)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(found[0]);
    }
  }
  return broken;
}"""


def test_a_note_has_three_lines_at_most_and_no_amount_or_address_is_broken(open_page, gallery, watch, subtests):
    watch.expects(400, 404, 422)
    page = open_page(viewport=PHONE)
    for name in PAYMENT:
        with subtests.test(name):
            page.goto(gallery.url(name))
            assert [lines for lines in page.evaluate(_LINES) if lines > 3] == []
            for more in page.locator("details").all():
                more.evaluate("(more) => { more.open = true; }")
            assert page.evaluate(_BROKEN) == []
