"""Everything by keyboard, and a list that says how."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Site, intercept, let_in
from tests.browser.seat import ASKED, LISTEN, PHONE, OpenPage, cover, judgments, make_project


def test_the_keys_of_the_view_menu_act(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "vera"), open_page()
    let_in(page, site, "vera@example.org")
    page.goto(site.address(f"{project}/judge"))
    for key, name in (("e", "together"), ("d", "differences")):
        with page.expect_response("**/view"):
            page.keyboard.press(key)
        page.reload()
        expect(page.locator(f"[name={name}]")).to_be_checked()


def test_the_list_of_keys_says_what_each_does(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "kay", **ASKED), open_page()
    let_in(page, site, "kay@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("?")
    said = page.get_by_role("dialog").locator("dd").all_inner_texts()
    expected = {
        "Answer the questions: a digit chooses and leads on, Esc leaves": 1,
        "Fold or unfold the prompt": 1,
        "Mark the words that differ": 1,
        "What is wrong with response A? A digit chooses, arrows lead on.": 1,
        "Mark a place in response B": 1,
        "Skip this pair: a digit, or arrows and Enter, choose the reason, Esc goes back": 1,
        "A is better": 1,
        "Why?": 1,
        "Undo": 1,
    }
    assert {words: said.count(words) for words in expected} == expected
    assert "Not my language" not in said, "its key is another's until the list is open"
    keys = page.get_by_role("dialog").locator("kbd").all_inner_texts()
    assert {"←", "→", "↑", "↓"} <= set(keys)
    assert not any("Arrow" in key or key in ("Up", "Down") for key in keys)


def test_arrows_walk_along_a_scale_of_degrees(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "grada", points=7), open_page()
    let_in(page, site, "grada@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text(
        "← → Walk along the scale; Enter chooses", use_inner_text=True
    )
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#verdict-b-1")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#verdict-b-3")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    assert judgments(site.data, project) == []
    page.keyboard.press("Enter")
    expect(page.locator("#today")).to_contain_text("1 today")
    assert [one.strength for one in judgments(site.data, project)] == [2]


def test_a_reason_to_skip_has_no_key_until_the_list_is_open(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "skipper"), open_page()
    let_in(page, site, "skipper@example.org")
    page.goto(site.address(f"{project}/judge"))
    first = page.locator("[data-pair] [name=assignment_id]").input_value()
    page.wait_for_timeout(300)
    page.keyboard.press("5")
    page.keyboard.press("s")
    expect(page.locator("[data-pair] [name=assignment_id]")).to_have_value(first)
    page.keyboard.press("5")
    expect(page.locator("#said")).to_have_text("Skipped.")
    # Without knowing the digits: the arrows move, Escape gives the focus back, Enter chooses.
    second = page.locator("[data-pair] [name=assignment_id]").input_value()
    page.wait_for_timeout(300)
    page.keyboard.press("s")
    for key, reason in (
        ("", "Not my language"),
        ("ArrowUp", "Another reason"),
        ("ArrowRight", "Not my language"),
        ("ArrowDown", "Not my subject"),
    ):
        if key:
            page.keyboard.press(key)
        expect(page.get_by_role("button", name=reason)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Not my subject")).to_be_hidden()
    expect(page.locator(".menu.up summary")).to_be_focused()
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    expect(page.locator("[data-pair] [name=assignment_id]")).not_to_have_value(second)
    assert judgments(site.data, project) == []


@pytest.mark.parametrize(
    ("key", "code"),
    [("ل", "KeyG"), ("١", "Digit1"), ("؟", "Slash")],
    ids=["letter", "digit", "question mark"],
)
def test_keys_of_another_script_are_those_in_their_place(
    key: str, code: str, site: Site, open_page: OpenPage
) -> None:
    project, page = make_project(site.data, f"omar-{code.lower()}"), open_page()
    let_in(page, site, f"omar-{code.lower()}@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.wait_for_timeout(300)
    page.evaluate(
        "(how) => document.body.dispatchEvent(new KeyboardEvent('keydown', how))",
        {"key": key, "code": code, "bubbles": True, "cancelable": True},
    )
    place, words = {
        "KeyG": ("#drawer", "Guideline"),
        "Digit1": ("#today", "1 today"),
        "Slash": ("#keys", "A is better"),
    }[code]
    expect(page.locator(place)).to_contain_text(words)


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_whoever_judged_is_where_the_next_pair_begins(
    look: dict[str, Any], site: Site, open_page: OpenPage
) -> None:
    name = "toni" if look else "tara"
    project, page = make_project(site.data, name), open_page(**look)
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.wait_for_timeout(300)
    if look:
        page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
        page.get_by_role("button", name="Tie").tap()
    else:
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()
    expect(page.locator(".prompt")).to_be_in_viewport(ratio=1)
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="Pair 3 of 6")).to_be_focused()
    page.wait_for_timeout(300)
    page.keyboard.press("z")
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()


def test_what_is_open_beside_the_pair_has_the_keys(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "paula", **ASKED), open_page()
    let_in(page, site, "paula@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.wait_for_timeout(300)
    page.keyboard.press("f")
    expect(page.get_by_label("The prompt or a response is broken")).to_be_focused()
    page.keyboard.type("Part 3 is cut, yes")
    expect(page.get_by_label("It tells which model wrote it")).to_be_focused()
    expect(page.get_by_label("It tells which model wrote it")).to_be_checked()
    page.locator("#drawer-title").click()
    page.keyboard.type("1pr")
    expect(page.get_by_label("The prompt or a response is broken")).to_be_checked()
    expect(page.locator(".prompt")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    expect(page.locator("#drawer-content")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("1")
    page.keyboard.press("g")
    expect(page.locator("#drawer")).to_be_hidden()
    assert judgments(site.data, project) == []
    page.keyboard.press("1")
    expect(page.locator("#today")).to_contain_text("1 today")


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
def test_a_covered_pair_has_no_verdict_until_it_is_opened(
    scripted: bool, site: Site, open_page: OpenPage
) -> None:
    name = "vivi" if scripted else "vito"
    project, page = make_project(site.data, name, **ASKED), open_page(java_script_enabled=scripted)
    cover(site.data, project)
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    verdict = page.get_by_role("button", name="A is better")
    expect(verdict).to_be_hidden()
    bar = page.locator(".verdict").bounding_box()
    expect(page.locator(".menu.up summary", has_text="Skip")).to_be_visible()
    expect(page.get_by_role("link", name="Flag")).to_be_visible()
    if scripted:
        page.wait_for_timeout(300)
        for key in ("1", "ArrowLeft", "ArrowDown", "r", "t", "m", "Enter"):
            page.keyboard.press(key)
        expect(page.locator(".veil [role=status]")).to_contain_text("Open the warning first (v)")
        page.keyboard.press("s")
        expect(page.get_by_role("button", name="Not my language")).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        assert judgments(site.data, project) == []
        page.keyboard.press("v")
        expect(page.get_by_text("Cover it again")).to_be_visible()
        expect(page.get_by_text("Open it when you are ready")).to_be_hidden()
        page.keyboard.press("v")
        expect(verdict).to_be_hidden()
        page.keyboard.press("v")
        expect(verdict).to_be_visible()
        assert page.locator(".verdict").bounding_box() == bar, "nothing of it moves"
        page.keyboard.press("1")
        expect(page.locator("#today")).to_contain_text("1 today")
        expect(verdict).to_be_hidden()
    else:
        page.get_by_text("Open it", exact=True).click()
        expect(page.locator("kbd:visible")).to_have_count(0)
        expect(page.locator("[data-keys]")).to_be_hidden()
        verdict.click()
        expect(page.get_by_text("1 today")).to_be_visible()


def test_digits_are_shown_where_they_choose(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "digna", **ASKED), open_page()
    let_in(page, site, "digna@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("t")
    shown = page.locator("[data-tags][open] .chip").evaluate_all(
        "(chips) => chips.map((chip) => getComputedStyle(chip, '::after').content !== 'none')"
    )
    assert len(shown) > 9
    assert shown == [at < 10 for at in range(len(shown))]
    page.keyboard.press("0")
    expect(page.locator("[data-tags][open] .chip").nth(9).locator("input")).to_be_checked()
    assert page.locator("[data-tags][open] .chip").first.evaluate(
        "(chip) => parseFloat(getComputedStyle(chip, '::after').top) >= 0"
    ), "on its own tag, not on the one above"
    page.keyboard.press("9")
    expect(page.locator("[data-tags][open] .chip input").nth(8)).to_be_checked()


# Takes the verdict back at once when the next pair is there, and then once more.
AT_ONCE = """() => {
  const undo = () => document.querySelector("[formaction$='/undo']").click();
  const twice = () => {
    undo();
    document.addEventListener("htmx:afterSettle", undo, { once: true });
  };
  document.addEventListener("htmx:afterSettle", twice, { once: true });
}"""


def test_a_slip_is_taken_back_at_once_and_only_that_one(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "undine"), open_page()
    let_in(page, site, "undine@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()
    page.wait_for_timeout(300)
    page.evaluate(LISTEN)
    page.evaluate(AT_ONCE)
    page.keyboard.press("ArrowDown")
    expect(page.locator("#said")).to_have_text("Taken back.")
    page.wait_for_timeout(300)
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()
    assert page.evaluate("() => window.said") == ["Saved.", "Taken back."]
    # On a slow line the verdict is seen to be taken, and may be taken back before it has arrived.
    slow: list[Route] = []
    intercept(page, "**/judge", lambda route: slow.append(route))
    page.keyboard.press("ArrowDown")
    expect(page.locator("#verdict-tie")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-verdict]")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("z")
    slow.pop().continue_()
    page.wait_for_function("() => window.said.length === 4")
    expect(page.get_by_role("heading", name="Pair 2 of 6")).to_be_focused()
    expect(page.locator("[aria-pressed], [aria-busy]")).to_have_count(0)
    assert page.evaluate("() => window.said") == ["Saved.", "Taken back."] * 2
    assert len(judgments(site.data, project)) == 1
