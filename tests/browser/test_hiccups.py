"""A verdict outlives the network, the server and whoever else signs in here, and counts once."""

import re
from pathlib import Path

from playwright.sync_api import Route, expect

from tests.browser.conftest import Complaints, Site, intercept, let_in, serving, sign_in, wrong_with
from tests.browser.seat import LISTEN, PASSWORD, PHONE, OpenPage, judgments, make_project


def test_a_verdict_survives_a_restart_of_the_server(
    tmp_path: Path, open_page: OpenPage, complaints: Complaints
) -> None:
    """At a desk and on a phone."""
    pages = {"otis": open_page(), "phoebe": open_page(**PHONE)}
    with serving(tmp_path, "serve", "--workers", "1") as site:
        for name, page in pages.items():
            project = make_project(tmp_path, name)
            let_in(page, site, f"{name}@example.org")
            page.goto(site.address(f"{project}/judge"))
            page.wait_for_timeout(300)
    for page in pages.values():
        page.evaluate(LISTEN)
        page.locator("#verdict-b").click()
        expect(page.get_by_text("Not saved yet.")).to_be_visible()
        expect(page.locator("#verdict-b")).to_have_attribute("aria-pressed", "true")
        complaints.clear()  # the browser and htmx tell of the lost request
        assert wrong_with(page) == []
    with serving(tmp_path, "serve", "--workers", "1", port=int(site.url.rpartition(":")[2])):
        for name, page in pages.items():
            expect(page.get_by_text("Saved: the verdict that had to wait")).to_be_visible(timeout=20_000)
            expect(page.locator("#today")).to_contain_text("1")
            said = page.evaluate("() => window.said.map((words) => words.split(/[.:]/)[0])")
            assert said == ["Not saved yet", "Saved"], "each once, however often it was tried"
            assert len(judgments(tmp_path, f"/p/of-{name}")) == 1
            page.wait_for_timeout(300)
            page.locator("#verdict-a").click()
            expect(page.locator("#today")).to_contain_text("2")
            assert len(judgments(tmp_path, f"/p/of-{name}")) == 2
    complaints.clear()


def lose(route: Route) -> None:
    """The server does it, and the answer is lost."""
    if route.request.method == "POST":
        route.fetch()
        route.abort()
    else:
        route.continue_()


def test_a_verdict_waits_for_its_own_account(site: Site, open_page: OpenPage, complaints: Complaints) -> None:
    """Through a reload, a sign-out and somebody else at the same browser."""
    project, page = make_project(site.data, "wanda"), open_page()
    make_project(site.data, "willi")
    page.on("dialog", lambda dialog: dialog.accept())
    let_in(page, site, "wanda@example.org")
    page.goto(site.address(f"{project}/judge"))
    intercept(
        page, "**/judge", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.evaluate(LISTEN)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => window.said.length === 2")
    said = page.evaluate("() => window.said.map((words) => words.split('.')[0]).sort()")
    assert said == ["A is better", "Not saved yet"], "another verdict waits in its place"
    page.goto(site.address(f"{project}/history"))
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    # Signed out before the network is back: the page tries again by itself.
    page.context.clear_cookies(name="tiebreak")
    page.unroute("**/judge")
    let_in(page, site, "willi@example.org")
    page.goto(site.address("/"))
    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    assert judgments(site.data, project) == []
    page.evaluate("document.querySelector('.site-tools form[action$=sign-out]').requestSubmit()")
    expect(page).to_have_url(re.compile("/sign-in"))
    sign_in(page, site, "wanda@example.org", PASSWORD)
    expect(page.get_by_text("Saved: the verdict that had to wait")).to_be_visible()
    assert len(judgments(site.data, project)) == 1
    complaints.clear()


def test_a_lost_answer_and_a_change_of_mind(site: Site, open_page: OpenPage, complaints: Complaints) -> None:
    """Recorded once; the second thought is offered as a change."""
    project, page = make_project(site.data, "petra"), open_page()
    let_in(page, site, "petra@example.org")
    page.goto(site.address(f"{project}/judge"))
    page.wait_for_timeout(300)
    page.context.set_offline(True)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("Taken back before it was sent.")).to_be_visible()
    expect(page.locator("[aria-pressed]")).to_have_count(0)
    page.context.set_offline(False)
    # However often the first thought is sent again.
    intercept(
        page,
        "**/judge",
        lambda it: lose(it) if "outcome=b" in (it.request.post_data or "") else it.continue_(),
    )
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.keyboard.press("z")
    expect(page.get_by_text("The server may have your verdict already")).to_be_visible()
    expect(page.get_by_text("nothing was saved")).to_be_hidden()
    expect(page.locator("#verdict-b")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("You judged this pair already: B is better.")).to_be_visible()
    expect(page.locator("#verdict-a")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_text("Your judgment stays as it was.")).to_be_visible()
    assert len(judgments(site.data, project)) == 1
    complaints.clear()
