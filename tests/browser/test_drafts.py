"""What is entered for a pair outlives a reload, a sign-out, another tab and another device."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Complaints, Site, intercept, let_in, sign_in, wrong_with
from tests.browser.seat import (
    ASKED,
    PASSWORD,
    PHONE,
    OpenPage,
    choose_words,
    judgments,
    make_project,
    marked,
    say_why,
)


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_a_draft_survives_a_reload_a_sign_out_and_another_device(
    look: dict[str, Any], site: Site, open_page: OpenPage
) -> None:
    name = "dana" if look else "dean"
    project, page = make_project(site.data, name, **ASKED), open_page(**look)
    let_in(page, site, f"{name}@example.org")
    page.goto(site.address(f"{project}/judge"))
    choose_words(page, "water bird")
    page.get_by_role("button", name="Mark this place").click()
    page.get_by_role("button", name="Mark", exact=True).click()
    page.locator("input[name='criterion:accuracy'][value=b]").check(force=True)
    say_why(page, "It says where to look.")

    def is_there(seen: Page) -> None:
        expect(seen.get_by_label("Why?")).to_have_value("It says where to look.")
        expect(seen.locator("input[name='criterion:accuracy'][value=b]")).to_be_checked()
        assert marked(seen) == ["water bird"]

    page.reload()
    is_there(page)
    # What was typed last is sent as the page is left.
    page.get_by_label("Why?").fill("It says where to look, and how.")
    page.goto(site.address(f"{project}/history"))
    page.locator(".site-tools .menu summary", has_text=name.title()).click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, site, f"{name}@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    expect(page.get_by_label("Why?")).to_have_value("It says where to look, and how.")
    say_why(page, "It says where to look.")
    elsewhere = open_page()
    let_in(elsewhere, site, f"{name}@example.org")
    elsewhere.goto(site.address(f"{project}/judge"))
    is_there(elsewhere)
    elsewhere.get_by_role("button", name="A is better").click()
    expect(elsewhere.locator("#today")).to_contain_text("1")
    expect(elsewhere.get_by_label("Why?")).to_have_value("")
    assert judgments(site.data, project)[-1].rationale == "It says where to look."


def test_leaving_at_once_loses_no_draft(site: Site, open_page: OpenPage) -> None:
    """By a reload and by a sign-out, before the page has had the time to save it."""
    project, page = make_project(site.data, "hasty", **ASKED), open_page()
    let_in(page, site, "hasty@example.org")
    page.goto(site.address(f"{project}/judge"))
    why = page.get_by_label("Why?")
    say_why(page, "One.")
    for words in ("One and two.", "One, two and three."):
        why.fill(words)
        page.reload()
        expect(why).to_have_value(words)
        expect(page.get_by_text("Draft saved")).to_be_visible()
        expect(page.get_by_text("Something else was entered for this pair")).to_be_hidden()
    why.fill("Before signing out.")
    page.evaluate("document.querySelector('.site-tools form[action$=sign-out]').requestSubmit()")
    expect(page).to_have_url(re.compile("/sign-in"))
    elsewhere = open_page()
    let_in(elsewhere, site, "hasty@example.org")
    elsewhere.goto(site.address(f"{project}/judge"))
    expect(elsewhere.get_by_label("Why?")).to_have_value("Before signing out.")


def test_a_draft_that_arrived_without_its_answer_is_not_another(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "lost", **ASKED), open_page()
    let_in(page, site, "lost@example.org")
    page.goto(site.address(f"{project}/judge"))
    why, held = page.get_by_label("Why?"), []

    def hold(route: Route) -> None:
        held.append(route.fetch())

    intercept(page, "**/judge/draft", hold)
    with page.expect_request("**/judge/draft"):
        why.fill("Sent.")
    why.fill("Sent, and more.")
    page.unroute("**/judge/draft")
    page.reload()
    expect(why).to_have_value("Sent, and more.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.get_by_text("Something else was entered for this pair")).to_be_hidden()


def test_only_what_is_there_is_said_to_be_saved(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "slow", **ASKED), open_page()
    let_in(page, site, "slow@example.org")
    page.goto(site.address(f"{project}/judge"))
    why, held = page.get_by_label("Why?"), []
    intercept(page, "**/judge/draft", lambda route: held.append(route))
    with page.expect_request("**/judge/draft"):
        why.fill("One.")
    why.fill("One and two.")
    with page.expect_request("**/judge/draft"):
        held[0].continue_()
    expect(page.get_by_text("Draft saved")).to_be_hidden()
    held[1].continue_()
    expect(page.get_by_text("Draft saved")).to_be_visible()


def test_a_draft_that_comes_after_its_verdict_is_no_error(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "lotte", **ASKED), open_page()
    let_in(page, site, "lotte@example.org")
    held: list[Route] = []
    page.route("**/judge/draft", lambda route: held.append(route))
    page.goto(site.address(f"{project}/judge"))
    with page.expect_request("**/judge/draft"):
        page.get_by_label("Why?").fill("It was quick.")
    page.get_by_role("button", name="A is better").click()
    expect(page.locator("#today")).to_contain_text("1")
    with page.expect_response("**/judge/draft") as late:
        held[0].continue_()
    assert late.value.status == 204
    assert judgments(site.data, project)[-1].rationale == "It was quick."
    expect(page.get_by_label("Why?")).to_have_value("")


def test_two_tabs_lose_nothing(site: Site, open_page: OpenPage, complaints: Complaints) -> None:
    project, first = make_project(site.data, "tilda", **ASKED), open_page()
    let_in(first, site, "tilda@example.org")
    first.goto(site.address(f"{project}/judge"))
    second = first.context.new_page()
    second.goto(site.address(f"{project}/judge"))
    pair = "[data-pair] input[name=assignment_id]"
    assert first.locator(pair).input_value() == second.locator(pair).input_value()

    # Both write: the one that is later is told of the other, and chooses.
    say_why(first, "First.")
    second.get_by_label("Why?").fill("Second.")
    notice = second.get_by_text("Something else was entered for this pair")
    expect(notice).to_be_visible()
    assert wrong_with(second) == []
    second.get_by_role("button", name="Keep what is here").click()
    expect(second.get_by_text("Draft saved")).to_be_visible()
    expect(notice).to_be_hidden()
    first.get_by_label("Why?").fill("First again.")
    first.get_by_role("button", name="Show that").click()
    expect(first.get_by_label("Why?")).to_have_value("Second.")

    # Both judge: the later verdict is offered as a change.
    first.wait_for_timeout(300)
    first.get_by_role("button", name="A is better").click()
    expect(first.locator("#today")).to_contain_text("1")
    second.get_by_label("Why?").fill("Second, and last.")
    second.get_by_role("button", name="B is better").click()
    expect(second.get_by_text("You judged this pair already: A is better.")).to_be_visible()
    expect(second.get_by_label("Why?")).to_have_value("Second, and last.")
    assert wrong_with(second) == []
    second.get_by_role("button", name="B is better").click()
    expect(second.get_by_text("Your judgment was changed.")).to_be_visible()
    assert [(row.rationale) for row in judgments(site.data, project)][-1] == "Second, and last."
    complaints.clear()  # an older tab's draft is a 409 in the console
