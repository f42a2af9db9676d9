"""Doing the work of a whole day: places marked, drafts, tabs and devices, hiccups, flags."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlmodel import Session, select

from app import create_app, db
from app.accounts import people
from app.accounts.forms import AccountIn
from app.errors import checked
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.models import Judgment, Project, Role
from app.pairing.forms import PairingIn
from app.pairing.pairs import queue_pairs
from app.projects import lifecycle
from app.projects.forms import ProjectFile
from tests.browser.conftest import Complaints, Site, serving, sign_in, wrong_with
from tests.conftest import make_settings

PASSWORD = "eleven geese over the lake"
PHONE = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
ASKED = {"tags": "usual", "spans": True, "criteria": "usual", "rationale": "optional"}
RESPONSES = (
    "A goose is a **water bird**, and it *never* flies.",
    "Geese fly in a V.\n\n- They honk\n- They moult, x < y & `code`",
)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with nothing in it yet."""
    with serving(tmp_path_factory.mktemp("doing"), "serve", "--workers", "1") as site:
        yield site


def make_project(data: Path, annotator: str, **rubric: Any) -> str:
    """A project of one annotator and one lead, with six comparisons queued; returns its address."""
    app = create_app(make_settings(data))
    engine = app.extensions["engine"]
    members = [
        {"email": f"{annotator}@example.org", "role": Role.ANNOTATOR},
        {"email": f"lead-{annotator}@example.org", "role": Role.LEAD},
    ]
    with app.app_context(), db.transaction(engine) as session:
        for member in members:
            account = {"email": member["email"], "name": member["email"].split("@")[0].title()}
            people.add(session, checked(AccountIn, account | {"password": PASSWORD}), by=None)
        form = {"slug": f"of-{annotator}", "name": f"Of {annotator.title()}", "members": members}
        project = lifecycle.create(session, checked(ProjectFile, form | {"rubric": rubric}), by=None)
    file = data / f"{annotator}.jsonl"
    rows = [
        {"prompt": f"What is a goose, number {n}?", "model": model, "response": f"{said}\n\nNumber {n}."}
        for n in range(6)
        for model, said in zip(("zephyr-one", "quartz-two"), RESPONSES, strict=True)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_files(engine, project, [File(file, file.name)], ImportIn(), by=None, max_row_mb=1)
    queue_pairs(engine, project, PairingIn(seed=1), by=None)
    engine.dispose()
    return f"/p/of-{annotator}"


def judgments(data: Path, project: str = "") -> list[Judgment]:
    """The live ones, of all projects or of this one, oldest first."""
    engine = create_app(make_settings(data)).extensions["engine"]
    with Session(engine) as session:
        found = select(Judgment).where(Judgment.retired_at == None).order_by(Judgment.id)  # type: ignore[arg-type] # noqa: E711
        if project:
            found = found.join(Project).where(Project.slug == project.removeprefix("/p/"))
        rows = list(session.exec(found))
    engine.dispose()
    return rows


def choose_words(page: Page, words: str) -> str:
    """Select words of a response as a mouse or a finger would; returns the response's letter."""
    return str(
        page.evaluate(
            """(words) => {
              for (const side of ["a", "b"]) {
                const text = document.getElementById(`text-${side}`);
                const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                  const node = walker.currentNode;
                  const start = node.data.indexOf(words);
                  if (start < 0) continue;
                  getSelection().setBaseAndExtent(node, start, node, start + words.length);
                  return side;
                }
              }
            }""",
            words,
        )
    )


def marked(page: Page) -> list[str]:
    """What is painted as marked."""
    return list(page.evaluate("() => [...(CSS.highlights.get('marked') ?? [])].map(String)"))


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_a_faulty_place_is_marked_kept_and_shown_again(
    look: dict[str, Any], site: Site, open_page: OpenPage
) -> None:
    name = "mara" if look else "mark"
    project, page = make_project(site.data, name, **ASKED), open_page(**look)
    sign_in(page, site, f"{name}@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    side = choose_words(page, "water bird")
    button = page.get_by_role("button", name="Mark this place")
    if look:
        button.tap()
    else:
        page.keyboard.press("m")
    marker = page.get_by_role("dialog", name="What is wrong here?")
    expect(marker).to_contain_text("water bird")
    marker.get_by_role("radio", name="Factual error").check(force=True)
    marker.get_by_label("Note").fill("It is a bird, yes.")
    marker.get_by_label("Note").press("Enter")
    expect(marker).to_be_hidden()
    assert marked(page) == ["water bird"]
    listed = page.locator(f"[data-marked={side}] li")
    expect(listed).to_contain_text("“water bird” Factual error It is a bird, yes.")

    # By the keyboard alone: the words are typed instead of chosen.
    page.keyboard.press("n" if side == "a" else "m")
    marker.get_by_label("Which words?").fill("they HONK")
    marker.get_by_role("button", name="Mark", exact=True).click()
    assert marked(page) == ["water bird", "They honk"]
    assert wrong_with(page) == []
    page.set_viewport_size(look.get("viewport", {"width": 1280, "height": 800}))
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Both bad").click()
    expect(page.locator("#today")).to_contain_text("1")
    assert marked(page) == []
    spans = judgments(site.data)[-1].spans or []
    assert sorted((span["quote"], span["tag"]) for span in spans) == [
        ("They honk", None),
        ("water bird", "factual_error"),
    ]

    page.goto(site.address(f"{project}/history"))
    expect(page.locator("tbody q").first).to_be_visible()
    page.get_by_role("link", name="Change").click()
    expect(page.locator("[data-marked] li")).to_have_count(2)
    assert sorted(marked(page)) == ["They honk", "water bird"]
    page.get_by_role("button", name="Remove this mark").last.click()
    expect(page.locator("[data-marked] li")).to_have_count(1)
    page.get_by_role("button", name="Both bad").click()
    expect(page.get_by_text("Your judgment was changed.")).to_be_visible()
    [span] = judgments(site.data)[-1].spans or []
    assert span in spans


def say_why(page: Page, words: str) -> None:
    """Type a reason and wait until the page says that it is kept."""
    page.get_by_label("Why?").fill(words)
    expect(page.get_by_text("Draft saved")).to_be_visible()


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_a_draft_survives_a_reload_a_sign_out_and_another_device(
    look: dict[str, Any], site: Site, open_page: OpenPage
) -> None:
    name = "dana" if look else "dean"
    project, page = make_project(site.data, name, **ASKED), open_page(**look)
    sign_in(page, site, f"{name}@example.org", PASSWORD)
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
    sign_in(elsewhere, site, f"{name}@example.org", PASSWORD)
    elsewhere.goto(site.address(f"{project}/judge"))
    is_there(elsewhere)
    elsewhere.get_by_role("button", name="A is better").click()
    expect(elsewhere.locator("#today")).to_contain_text("1")
    expect(elsewhere.get_by_label("Why?")).to_have_value("")
    assert judgments(site.data)[-1].rationale == "It says where to look."


def test_leaving_at_once_loses_no_draft(site: Site, open_page: OpenPage) -> None:
    """By a reload and by a sign-out, before the page has had the time to save it."""
    project, page = make_project(site.data, "hasty", **ASKED), open_page()
    sign_in(page, site, "hasty@example.org", PASSWORD)
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
    sign_in(elsewhere, site, "hasty@example.org", PASSWORD)
    elsewhere.goto(site.address(f"{project}/judge"))
    expect(elsewhere.get_by_label("Why?")).to_have_value("Before signing out.")


def test_a_draft_that_arrived_without_its_answer_is_not_another(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "lost", **ASKED), open_page()
    sign_in(page, site, "lost@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    why, held = page.get_by_label("Why?"), []

    def hold(route: Route) -> None:
        held.append(route.fetch())

    page.route("**/judge/draft", hold)
    with page.expect_request("**/judge/draft"):
        why.fill("Sent.")
    why.fill("Sent, and more.")
    page.unroute("**/judge/draft")
    page.reload()
    expect(why).to_have_value("Sent, and more.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.get_by_text("Something else was entered for this pair")).to_be_hidden()


def test_the_keys_of_the_view_menu_act(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "vera"), open_page()
    sign_in(page, site, "vera@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    for key, name in (("e", "together"), ("d", "differences")):
        with page.expect_response("**/view"):
            page.keyboard.press(key)
        page.reload()
        expect(page.locator(f"[name={name}]")).to_be_checked()


def test_a_rubric_that_requires_much_can_be_saved_and_edited(site: Site, open_page: OpenPage) -> None:
    """Its preview shows fields that must be filled in, but not by the lead."""
    project, page = make_project(site.data, "rhea"), open_page()
    sign_in(page, site, "lead-rhea@example.org", PASSWORD)
    page.goto(site.address(f"{project}/rubric"))
    page.get_by_role("group", name="Why?").get_by_label("Always").check(force=True)
    expect(page.locator("#sample-rationale")).to_be_visible()
    page.get_by_role("button", name="Save the rubric").click()
    expect(page.get_by_text("Saved. It is asked from the next pair on.")).to_be_visible()
    expect(page.locator("#sample-rationale")).to_be_visible()
    page.get_by_role("group", name="How sure they are").get_by_label("Always").check(force=True)
    page.get_by_role("button", name="Save the rubric").click()
    expect(page.get_by_role("group", name="How sure they are").get_by_label("Always")).to_be_checked()
    expect(page.get_by_text("Saved. It is asked from the next pair on.")).to_be_visible()


def test_the_list_of_keys_says_what_each_does(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "kay", **ASKED), open_page()
    sign_in(page, site, "kay@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    page.keyboard.press("?")
    said = page.get_by_role("dialog").locator("dd").all_inner_texts()
    expected = {
        "Mark the words that differ": 1,
        "What is wrong with response A?": 1,
        "Mark a place in response B": 1,
        "A is better": 1,
        "Why?": 1,
    }
    assert {words: said.count(words) for words in expected} == expected


def test_a_draft_that_comes_after_its_verdict_is_no_error(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "lena", **ASKED), open_page()
    sign_in(page, site, "lena@example.org", PASSWORD)
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
    assert judgments(site.data)[-1].rationale == "It was quick."
    expect(page.get_by_label("Why?")).to_have_value("")


def test_two_tabs_lose_nothing(site: Site, open_page: OpenPage, complaints: Complaints) -> None:
    project, first = make_project(site.data, "tilda", **ASKED), open_page()
    sign_in(first, site, "tilda@example.org", PASSWORD)
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
    assert [(row.rationale) for row in judgments(site.data)][-1] == "Second, and last."
    complaints.clear()  # an older tab's draft is a 409 in the console


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_a_verdict_survives_a_restart_of_the_server(
    look: dict[str, Any], tmp_path: Path, open_page: OpenPage, complaints: Complaints
) -> None:
    page = open_page(**look)
    with serving(tmp_path, "serve", "--workers", "1") as site:
        project = make_project(tmp_path, "otis")
        sign_in(page, site, "otis@example.org", PASSWORD)
        page.goto(site.address(f"{project}/judge"))
        page.wait_for_timeout(300)
    page.locator("#verdict-b").click()
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    expect(page.locator("#verdict-b")).to_have_attribute("aria-pressed", "true")
    complaints.clear()  # the browser and htmx tell of the lost request
    assert wrong_with(page) == []
    with serving(tmp_path, "serve", "--workers", "1", port=int(site.url.rpartition(":")[2])):
        expect(page.get_by_text("Saved: the verdict that had to wait")).to_be_visible(timeout=20_000)
        expect(page.locator("#today")).to_contain_text("1")
        assert len(judgments(tmp_path)) == 1
        page.wait_for_timeout(300)
        page.locator("#verdict-a").click()
        expect(page.locator("#today")).to_contain_text("2")
    assert len(judgments(tmp_path)) == 2
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
    sign_in(page, site, "wanda@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    page.route(
        "**/judge", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.goto(site.address(f"{project}/history"))
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.unroute("**/judge")
    sign_out = "document.querySelector('.site-tools form[action$=sign-out]')"
    page.context.clear_cookies(name="tiebreak")
    sign_in(page, site, "willi@example.org", PASSWORD)
    page.goto(site.address("/"))
    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    assert judgments(site.data, project) == []
    page.evaluate(f"{sign_out}.requestSubmit()")
    sign_in(page, site, "wanda@example.org", PASSWORD)
    expect(page.get_by_text("Saved: the verdict that had to wait")).to_be_visible()
    assert len(judgments(site.data, project)) == 1
    complaints.clear()


def test_a_lost_answer_and_a_change_of_mind(site: Site, open_page: OpenPage, complaints: Complaints) -> None:
    """Recorded once; the second thought is offered as a change."""
    project, page = make_project(site.data, "petra"), open_page()
    sign_in(page, site, "petra@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    page.route("**/judge", lose)
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    page.unroute("**/judge")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("You judged this pair already: B is better.")).to_be_visible()
    expect(page.locator("#verdict-a")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_text("Your judgment stays as it was.")).to_be_visible()
    assert len(judgments(site.data, project)) == 1
    complaints.clear()


@pytest.mark.parametrize(
    "look", [{}, PHONE, {"java_script_enabled": False}], ids=["desk", "phone", "no script"]
)
def test_a_pair_is_flagged_to_the_lead_and_answered(
    look: dict[str, Any], site: Site, open_page: OpenPage
) -> None:
    name = {"desk": "faye", "phone": "finn", "no script": "fred"}[
        "desk" if not look else "phone" if "viewport" in look else "no script"
    ]
    scripted = look.get("java_script_enabled", True)
    project, page = make_project(site.data, name, **ASKED), open_page(**look)
    sign_in(page, site, f"{name}@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
    if scripted:
        say_why(page, "Begun before.")
    if not look:
        page.keyboard.press("Escape")
    if look:
        page.get_by_role("link", name="Flag").click()
    else:
        page.keyboard.press("f")
    page.get_by_label("It tells which model wrote it").check()
    page.get_by_label("Message").fill("It says: I am Zephyr.")
    if scripted:
        assert wrong_with(page) == []
        page.set_viewport_size(look.get("viewport", {"width": 1280, "height": 800}))
    page.get_by_role("button", name="Send to the lead").click()
    expect(page.get_by_text("Your lead has it now")).to_be_visible()
    if scripted:
        expect(page.get_by_label("Why?")).to_have_value("Begun before.")

    lead = open_page()
    sign_in(lead, site, f"lead-{name}@example.org", PASSWORD)
    lead.goto(site.address(f"{project}/flags"))
    lead.get_by_text("The pair, as it was shown").click()
    expect(lead.get_by_text("What is a goose")).to_be_visible()
    assert wrong_with(lead) == []
    lead.get_by_label("Answer").fill("Thank you. Skip it.")
    lead.get_by_label("Take this pair out of the queue").check()
    lead.get_by_role("button", name="Answer and close").click()
    expect(lead.get_by_text("Nothing open")).to_be_visible()

    page.reload()
    page.get_by_role("link", name="Your lead has answered a flag of yours.").click()
    expect(page.get_by_text("Thank you. Skip it.")).to_be_visible()
    if scripted:
        assert wrong_with(page) == []


def test_arrows_walk_along_a_scale_of_degrees(site: Site, open_page: OpenPage) -> None:
    project, page = make_project(site.data, "grada", points=7), open_page()
    sign_in(page, site, "grada@example.org", PASSWORD)
    page.goto(site.address(f"{project}/judge"))
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
