"""Learning, care and own numbers in a real browser: a newcomer's way, a break, a page of one's own."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.models import Role
from tests.browser.conftest import Site, asked_before_leaving, let_in, wrong_with
from tests.browser.seat import fill

SETTINGS = {
    "training": True,
    "test_size": 2,
    "test_attempts": 1,
    "warning": "Some of this is grim.",
    "may_decline": True,
    "break_minutes": 5,
    "shows_gold": True,
}
NEWCOMERS = ("nia", "ned", "nell")


# Of the session: tests taken over from another worker may come between those of a module.
@pytest.fixture(scope="session")
def school(site: Site) -> Site:
    """A project with four gold comparisons and six others, a lead and newcomers."""
    rows = (
        {
            "prompt": f"Question {n}",
            "category": "war" if n == 4 else "kitchen",
            "model_a": "Heron",
            "response_a": f"Right {n}",
            "model_b": "Moth",
            "response_b": f"Wrong {n}",
        }
        | ({"gold": "a"} if n < 4 else {})
        for n in range(10)
    )
    members = {"lead": Role.LEAD} | dict.fromkeys(NEWCOMERS, Role.ANNOTATOR)
    guideline = "# Ties\n\nCall a tie when both are good."
    fill(site.data, "birds", members, rows, pairs=False, guideline=guideline, settings=SETTINGS)
    return site


def judge(page: Page, verdict: str) -> None:
    """Prefer the right or the wrong response, wherever it is shown."""
    right_is_a = "Right" in page.locator("#text-a").inner_text()
    a = right_is_a == (verdict == "right")
    page.keyboard.press("ArrowLeft" if a else "ArrowRight")


def come_live(open_page: Callable[..., Page], school: Site, page: Page, name: str) -> None:
    """Read the warning, and be let in by the lead."""
    let_in(page, school, f"{name}@example.org")
    page.goto(school.address("/p/birds/judge"))
    page.get_by_role("button", name="I have read this").click()
    lead = open_page()
    let_in(lead, school, "lead@example.org")
    lead.goto(school.address("/p/birds/learning"))
    lead.get_by_role("button", name=f"Let in {name.title()}").click()
    expect(lead.get_by_text("They judge live now.")).to_be_visible()


def test_a_newcomers_way(school: Site, open_page: Callable[..., Page]) -> None:
    lead = open_page()
    let_in(lead, school, "lead@example.org")
    lead.goto(school.address("/p/birds/learning"))
    expect(lead.get_by_text("nobody who is new gets as far as judging")).to_be_visible()
    uses = lead.get_by_role("combobox")
    for place, use in enumerate(("training", "training", "test", "test")):
        uses.nth(place).select_option(use)
        lead.get_by_role("textbox").nth(place).fill(f"Because it is right, {place}.")
    lead.get_by_role("button", name="Save").click()
    expect(lead.get_by_text("4 gold comparisons changed.")).to_be_visible()
    assert wrong_with(lead) == []

    nia = open_page()
    let_in(nia, school, "nia@example.org")
    nia.goto(school.address("/p/birds/judge"))
    expect(nia.get_by_role("heading", name="Before you begin")).to_be_visible()
    expect(nia.get_by_text("Some of this is grim.")).to_be_visible()
    assert wrong_with(nia) == []
    nia.get_by_role("button", name="I have read this").click()
    nia.get_by_role("link", name="Begin").click()
    judge(nia, "right")
    expect(nia.get_by_text("Yes:")).to_be_visible()
    expect(nia.get_by_text("Because it is right, 0.")).to_be_visible()
    assert wrong_with(nia) == []
    nia.keyboard.press("ArrowRight")
    judge(nia, "wrong")
    expect(nia.get_by_text("Not quite:")).to_be_visible()
    nia.get_by_role("link", name="Go on").click()
    nia.get_by_role("button", name="Take the test").click()
    for done in range(2):
        expect(nia.get_by_text(f"Test: {done} of 2")).to_be_visible()
        judge(nia, "right")
    expect(nia.get_by_text("You had 2 of 2 right")).to_be_visible()
    assert wrong_with(nia) == []
    nia.get_by_role("link", name="Judge", exact=True).last.click()
    expect(nia.get_by_role("button", name="A is better")).to_be_visible()


def test_limits_time_and_a_break(school: Site, open_page: Callable[..., Page]) -> None:
    """The clock is the test's own."""
    ned = open_page()
    ned.clock.install()
    come_live(open_page, school, ned, "ned")
    ned.goto(school.address("/p/birds/limits"))
    ned.get_by_label("war").check()
    ned.get_by_role("button", name="Save").click()
    assert wrong_with(ned) == []
    ned.goto(school.address("/p/birds/judge"))
    notice = ned.get_by_text("A short break does eyes and judgment good")
    for _ in range(4):
        ned.clock.fast_forward(100_000)  # a minute of it counts
        ned.keyboard.press("Shift")
    expect(notice).to_be_hidden()
    ned.clock.fast_forward(60_000)
    ned.keyboard.press("Shift")
    expect(notice).to_be_hidden()
    judge(ned, "right")
    expect(ned.locator("#today")).to_contain_text("1 today")
    expect(notice).to_be_visible()
    assert wrong_with(ned) == []
    ned.get_by_role("button", name="Not now").click()
    expect(notice).to_be_hidden()
    expect(ned.locator("[data-start]")).to_be_focused()
    expect(ned.get_by_text("Enjoy your break.")).to_be_hidden()
    notice.locator("xpath=ancestor::form").evaluate("form => { form.hidden = false }")
    ned.get_by_role("button", name="Take a break").click()
    expect(ned.get_by_text("Enjoy your break.")).to_be_visible()
    ned.get_by_role("link", name=re.compile("Your numbers")).click()
    expect(ned.get_by_role("heading", name="Your numbers")).to_be_visible()
    expect(ned.locator(".stat", has_text="Active time today").locator("dd").first).to_have_text("5 min")
    assert wrong_with(ned) == []


def test_what_is_new_in_the_guideline(school: Site, open_page: Callable[..., Page]) -> None:
    lead, nell = open_page(), open_page()
    come_live(open_page, school, nell, "nell")
    nell.goto(school.address("/p/birds/guideline"))
    nell.get_by_role("button", name="I have read it").click()
    let_in(lead, school, "lead@example.org")
    lead.goto(school.address("/p/birds/guideline/edit"))
    lead.get_by_role("textbox").fill("# Ties\n\nCall a tie when both are equally good.")
    assert asked_before_leaving(lead)
    lead.get_by_role("button", name="Publish version 2").click()
    nell.goto(school.address("/p/birds/judge"))
    nell.set_viewport_size({"width": 375, "height": 200})
    nell.get_by_role("link", name="See what is new").click()
    drawer = nell.locator("#drawer")
    expect(nell.locator("#drawer-content")).to_be_focused()
    expect(drawer.get_by_role("button", name="Close")).to_be_in_viewport(ratio=1)
    expect(drawer.get_by_role("heading", name="What changed since version 1")).to_be_visible()
    expect(drawer.locator("ins")).to_have_text("equally ")
    drawer.get_by_role("button", name="I have read it").click()
    expect(nell.get_by_text("something you have not read")).to_be_hidden()
