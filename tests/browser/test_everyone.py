"""The annotator's seat for everyone: in each language and direction, by keyboard, by ear, on phones."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, let_in, wrong_with
from tests.browser.seat import ASKED, LISTEN, PASSWORD, OpenPage, judgments, make_project

# In the languages that differ most from English: what is on the buttons, and the way the page is written.
WORDS = {
    "ar": {"dir": "rtl", "undo": "تراجع", "saved": "حُفظ.", "a": "A أفضل", "changed": "تم تغيير تقييمك."},
    "zh-Hans": {
        "dir": "ltr",
        "undo": "撤销",
        "saved": "已保存。",
        "a": "A 更好",
        "changed": "你的评判已更改。",
    },
}


def come_in(page: Page, site: Site, name: str) -> None:
    """Sign in whatever the language of the page is."""
    page.goto(site.address("/sign-in"))
    page.locator("#email").fill(f"{name}@example.org")
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    expect(page.locator("#password")).to_have_count(0)


def rest(page: Page) -> None:
    """As long as judging.js asks everybody to look at a pair."""
    page.wait_for_timeout(300)


def left_of(page: Page, one: str, other: str) -> bool:
    boxes = [page.locator(place).bounding_box() for place in (one, other)]
    assert all(boxes)
    return boxes[0]["x"] < boxes[1]["x"]  # type: ignore[index]


@pytest.mark.parametrize("language", list(WORDS))
def test_a_whole_session_in_another_language(language: str, site: Site, open_page: OpenPage) -> None:
    words, name = WORDS[language], f"ana-{language.lower()}"
    project, page = make_project(site.data, name), open_page()
    page.goto(site.address("/sign-in"))
    page.get_by_text("English", exact=True).first.click()
    page.locator(f"button[lang={language}]").click()
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("dir", words["dir"])
    assert wrong_with(page) == []

    come_in(page, site, name)
    page.goto(site.address(f"{project}/judge"))
    page.set_viewport_size({"width": 1280, "height": 800})
    assert left_of(page, "#text-a", "#text-b")
    assert left_of(page, "#verdict-a", "#verdict-b")
    on_the_left = page.locator("#text-a").inner_text().strip()
    rest(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#said")).to_contain_text(words["saved"])
    verdict = judgments(site.data, project)[-1]
    assert verdict.outcome == ("b" if verdict.swapped else "a")
    assert wrong_with(page) == []

    page.set_viewport_size({"width": 1280, "height": 800})
    rest(page)
    page.keyboard.press("z")
    expect(page.locator("#text-a")).to_have_text(on_the_left, use_inner_text=True)
    rest(page)
    page.keyboard.press("s")
    page.keyboard.press("1")
    expect(page.get_by_role("button", name=words["undo"])).to_be_enabled()
    rest(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#said")).to_contain_text(words["saved"])

    page.goto(site.address(f"{project}/history"))
    expect(page.locator("tbody")).to_contain_text(words["a"])
    assert wrong_with(page) == []
    page.locator("tbody a").first.click()
    expect(page.locator("#verdict-a")).to_have_attribute("aria-pressed", "true")
    assert wrong_with(page) == []
    page.locator("#verdict-b").click()
    expect(page.locator("#messages")).to_contain_text(words["changed"])


def test_the_language_goes_with_the_person_without_javascript(site: Site, open_page: OpenPage) -> None:
    make_project(site.data, "norma")
    page = open_page(java_script_enabled=False)
    come_in(page, site, "norma")
    page.locator(".site-tools .menu summary").last.click()
    page.locator("button[lang=ar]").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    elsewhere = open_page(locale="es-ES")
    come_in(elsewhere, site, "norma")
    expect(elsewhere.locator("html")).to_have_attribute("lang", "ar")


def test_who_does_not_see_the_next_pair_hears_of_it_and_goes_on_where_it_begins(
    site: Site, open_page: OpenPage
) -> None:
    project, page = make_project(site.data, "sofia"), open_page()
    let_in(page, site, "sofia@example.org")
    page.goto(site.address(f"{project}/judge"))
    region = page.locator("#said")
    expect(region).to_have_attribute("role", "status")
    expect(region).to_be_empty()
    kept = region.element_handle()
    page.evaluate(LISTEN)
    for number in range(1, 7):
        rest(page)
        page.locator("#verdict-tie").focus()
        page.keyboard.press("Enter")
        expect(region).to_have_text("Saved." if number < 6 else "Saved. All done")
        if number < 6:
            expect(page.get_by_role("heading", name=f"Pair {number + 1} of 6")).to_be_focused()
    # The region is the same one: one that is replaced is not read out.
    assert kept is not None
    assert kept.evaluate("region => region.isConnected")
    expect(page.get_by_role("link", name="Look again")).to_be_focused()
    assert page.evaluate("() => window.said") == ["Saved."] * 5 + ["Saved. All done"]
    with page.expect_response("**/view"):
        page.keyboard.press("d")
    page.keyboard.press("z")
    expect(page.locator("[data-verdict]")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("together", [False, True])
def test_whatever_has_the_focus_is_seen(width: int, together: bool, site: Site, open_page: OpenPage) -> None:
    name = f"fay-{width}-{together}".lower()
    project, page = make_project(site.data, name, **ASKED), open_page()
    page.set_viewport_size({"width": width, "height": 640})
    page.emulate_media(reduced_motion="reduce")
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    if together:
        with page.expect_response("**/view"):
            page.keyboard.press("e")
        page.goto(site.address(f"{project}/judge"))
    for key in "ty":
        page.keyboard.press(key)
    page.locator("main").focus()
    seen = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        place = page.evaluate(FOCUSED)
        if place is None or place["id"] in seen:
            break
        seen.add(place["id"])
        assert place["ring"], f"no ring around {place['html']}"
        assert place["uncovered"], f"nothing to be seen of {place['html']}"
    assert len(seen) > 40


# Of what has the focus: whether it is drawn so, and whether any of it can be seen.
FOCUSED = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  globalThis.numbers ??= new Map();
  if (!numbers.has(at)) numbers.set(at, numbers.size);
  const near = [at, at.parentElement, at.nextElementSibling].filter(Boolean);
  const drawn = near.map((part) => getComputedStyle(part));
  const box = (at.matches("[type=radio], [type=checkbox]") ? at.parentElement : at).getBoundingClientRect();
  const on = ([across, down]) => {
    const top = document.elementFromPoint(box.x + across * box.width, box.y + down * box.height);
    return top && top !== document.body && [at, at.parentElement].some((part) => part.contains(top));
  };
  return {
    id: numbers.get(at),
    html: at.outerHTML.slice(0, 120),
    ring: drawn.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0),
    uncovered: [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]].some(on),
  };
}"""


def test_the_first_tab_leads_past_the_header(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "tabea"), open_page()
    let_in(page, site, "tabea@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert not page.evaluate("() => document.querySelector('.site-header').contains(document.activeElement)")


def test_with_forced_colours_the_chosen_verdict_can_still_be_told(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "frida", criteria="usual"), open_page(forced_colors="active")
    let_in(page, site, "frida@example.org")
    page.goto(site.address(f"{project}/judge"))
    chosen, other = page.locator(".ask label").nth(0), page.locator(".ask label").nth(1)
    chosen.click()
    look = "label => (({backgroundColor, color}) => backgroundColor + color)(getComputedStyle(label))"
    assert chosen.evaluate(look) != other.evaluate(look)
