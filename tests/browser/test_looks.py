"""The annotator's pages as they are seen: at three widths, by day and by night, from either side.

The pictures stay with the test's files, to be looked at.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WIDER, Complaints, Site, let_in, violations
from tests.browser.seat import make_project
from tests.browser.test_asking import FULL

LOOKS = [(width, scheme) for width in (1440, 768, 375) for scheme in ("light", "dark")]

# Words that do not fit what they stand on, an A that is not on the left of, or above, its B, and words of
# another direction whose last sign stands before them.
WRONG = """() => {
  const wrong = [];
  const shown = (part) => part.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  for (const part of document.querySelectorAll("button, .button, summary, .segments label, .chip, .badge"))
    if (shown(part) && part.scrollWidth > part.clientWidth + 1) wrong.push(`cut off: ${part.textContent}`);
  for (const names of [["#text-a", "#text-b"], [".for-a", ".for-b"]]) {
    const [a, b] = names.map((name) => document.querySelector(name)?.getBoundingClientRect());
    if (a && b && a.right > b.left && a.bottom > b.top) wrong.push(`${names[0]} is not before ${names[1]}`);
  }
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const left = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
  };
  while (words.nextNode()) {
    const node = words.currentNode;
    const end = node.data.trimEnd().length - 1;
    if (!/^[^\u0600-\u06ff]*[a-z][?.!]$/i.test(node.data.trimEnd())) continue;
    const [before, mark] = [left(node, end - 1), left(node, end)];
    if (mark.top === before.top && mark.left < before.left) wrong.push(`ends where it begins: ${node.data}`);
  }
  return wrong;
}"""


# Of the session: tests taken over from another worker may come between those of a module.
@pytest.fixture(scope="session")
def seat(site: Site, browser: Browser) -> Iterator[Page]:
    """Somebody who is asked for much, has judged a pair, told the lead of another, and begun to answer."""
    project = make_project(site.data, "lois", **FULL)
    context = browser.new_context()
    page = context.new_page()
    let_in(page, site, "lois@example.org")
    page.goto(site.address(f"{project}/judge"))
    answer(page)
    page.get_by_role("button", name="Tie", exact=True).last.click()
    expect(page.locator("#today")).to_contain_text("1 today")
    page.get_by_role("link", name="Flag").click()
    page.get_by_label("Something else").check()
    page.get_by_label("Message").fill("Both speak of geese.")
    page.get_by_role("button", name="Send to the lead").click()
    answer(page)
    expect(page.get_by_text("Draft saved")).to_be_visible()
    yield page
    context.close()


def answer(page: Page) -> None:
    """What must be answered, and a failure tag."""
    page.keyboard.press("t")
    # By keyboard: what is entered may move what stands below under the pointer.
    page.get_by_label("Wordy").first.press(" ")
    page.get_by_label("Fairly").press(" ")
    page.get_by_label("Why?").fill("Because it is right.")
    page.wait_for_timeout(300)


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("path", ["judge", "history", "numbers", "limits", "judge/flags", "guideline"])
def test_a_page_looks_right(
    path: str, language: str, seat: Page, site: Site, tmp_path: Path, complaints: Complaints
) -> None:
    complaints.listen(seat)
    seat.context.add_cookies([{"name": "language", "value": language, "url": site.url}])
    seat.goto(site.address(f"/p/of-lois/{path}"))
    expect(seat.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
    found = []
    for width, scheme in LOOKS:
        seat.set_viewport_size({"width": width, "height": 900})
        seat.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        # Where the verdict lies over nothing.
        seat.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
        seat.screenshot(path=tmp_path / f"{path.replace('/', '-')}-{language}-{width}-{scheme}.png")
        wrong = [
            *violations(seat, scheme),
            *seat.evaluate(WRONG),
            *(["wider"] if seat.evaluate(WIDER) else []),
        ]
        found += [f"{width} px, {scheme}: {one}" for one in wrong]
    assert found == []
