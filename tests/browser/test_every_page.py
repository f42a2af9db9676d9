"""Every page, in each form that somebody sees: no barrier, no console error, nothing wider than a phone."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app import create_app
from app.snapshots.commands import snapshot
from scripts import translations
from tests.browser.conftest import (
    NARROWEST,
    WIDER,
    Complaints,
    Site,
    let_in,
    violations,
    wrong_with,
)
from tests.conftest import make_settings

# Who looks at each page, by endpoint: v(isitor), a(nnotator), l(ead), A(dmin); of several who see the same,
# or no more than another, one does. Names in braces are found once by the fixture `names`.
PAGES = {
    "projects.index": ("/", "vlA"),
    "accounts.sign_in": ("/sign-in", "v"),
    "accounts.invitation": ("/invitations/{invitation}", "va"),
    "accounts.choose_password": ("/password/{password}", "v"),
    "accounts.settings": ("/account", "a"),
    "accounts.my_tokens": ("/account/tokens", "l"),
    "accounts.everybody": ("/people", "A"),
    "accounts.site_audit": ("/people/audit", "A"),
    "styleguide.show": ("/styleguide", "v"),
    "projects.new": ("/projects/new", "l"),
    "projects.show": ("/p/demo/", "val"),
    "projects.settings": ("/p/demo/settings", "l"),
    "projects.people": ("/p/demo/members", "l"),
    "projects.group_page": ("/p/demo/groups", "l"),
    "asking.rubric": ("/p/demo/rubric", "l"),
    "examples.page": ("/p/demo/programs", "l"),
    "review.page": ("/p/demo/review", "l"),
    "webhooks.page": ("/p/demo/webhooks", "l"),
    "webhooks.show": ("/p/demo/webhooks/{webhook}", "l"),
    "projects.audit_page": ("/p/demo/audit", "l"),
    "asking.guideline": ("/p/demo/guideline", "l"),
    "asking.edit_guideline": ("/p/demo/guideline/edit", "l"),
    "imports.page": ("/p/demo/import", "l"),
    "joblist.show": ("/p/demo/jobs", "l"),
    "joblist.job": ("/p/demo/jobs/{job}", "l"),
    "pairing.page": ("/p/demo/pair?seed=1", "l"),
    "learning.begin": ("/p/demo/begin", "a"),
    "learning.overview": ("/p/demo/learning", "l"),
    "annotation.limits": ("/p/demo/limits", "a"),
    "quality.numbers": ("/p/demo/numbers", "a"),
    "annotation.judge": ("/p/demo/judge", "a"),
    "annotation.past": ("/p/demo/history", "a"),
    "flags.write": ("/p/demo/judge/flag?assignment={pair}", "a"),
    "flags.mine": ("/p/demo/judge/flags", "a"),
    "flags.show": ("/p/demo/flags", "l"),
    "annotation.reconsider": ("/p/demo/history/{judgment}", "a"),
    "leaderboard.show": ("/p/demo/leaderboard", "v"),
    "leaderboard.matrix": ("/p/demo/leaderboard/matrix", "v"),
    "leaderboard.model": ("/p/demo/leaderboard/models/{model}", "l"),
    "leaderboard.comparison": ("/p/demo/leaderboard/models/{model}/comparisons/{comparison}", "l"),
    "leaderboard.head_to_head": ("/p/demo/leaderboard/models/{model}/{other}", "l"),
    "leaderboard.history": ("/p/demo/leaderboard/over-time", "v"),
    "leaderboard.biases": ("/p/demo/leaderboard/bias", "l"),
    "leaderboard.firmness": ("/p/demo/leaderboard/robustness", "l"),
    "quality.show": ("/p/demo/quality", "l"),
    "exports.page": ("/p/demo/export", "l"),
    "snapshots.show": ("/p/demo/snapshots", "l"),
    "snapshots.new": ("/p/demo/snapshots/new", "l"),
    "snapshots.one": ("/p/demo/snapshots/first-v2", "l"),
    "snapshots.changes": ("/p/demo/snapshots/first-v2/changes?since=first-v1", "l"),
}
MORE = {  # the same pages, seen otherwise
    "sliced leaderboard": ("/p/demo/leaderboard?by=category", "l"),
    "nothing judged yet": ("/p/demo/history", "A"),
    "nothing in the archive": ("/?archived=1", "l"),
}
NO_PAGE = {
    "learning.practise": "met by newcomers alone, in their own journey",
    "static": "files, met by every page that uses them",
    "health.healthz": "for machines",
    "health.readyz": "for machines",
    "health.metrics": "for machines",
    "exports.download": "a file, downloaded in the journey",
    "exports.finished": "a part of the export page",
    "joblist.refused_rows": "a file",
    "quality.download": "a file",
    "snapshots.file": "a file",
    "snapshots.whole": "a file",
    "annotation.image": "one image, opened where reading is tested",
    "leaderboard.download": "a file",
    "leaderboard.download_bias": "a file",
    "leaderboard.download_model": "a file",
    "leaderboard.download_pair": "a file",
    "leaderboard.download_matrix": "a file",
    "leaderboard.download_history": "a file",
    "accounts.welcome": "only there before the first account, where the journey begins",
}
PEOPLE = {"v": "", "a": "annotator@example.org", "l": "lead@example.org", "A": "admin@example.org"}


def test_every_page_is_in_the_list(app: Flask) -> None:
    """A new page joins the list, or says why not; the API's answers are no pages."""
    there = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    pages = {name for name in there if not name.startswith("api.")}
    assert pages == PAGES.keys() | NO_PAGE.keys()


@dataclass
class Seat:
    """One person's browser page, kept from test to test, and what it complained of."""

    context: BrowserContext
    page: Page
    complaints: Complaints = field(default_factory=Complaints)


# Of the session: tests taken over from another worker may come between those of a module.
@pytest.fixture(scope="session")
def seats(browser: Browser, demo: Site) -> Iterator[Callable[[str], Seat]]:
    """A seat for each kind of person, signed in once."""
    taken: dict[str, Seat] = {}

    def seat(who: str) -> Seat:
        if who not in taken:
            context = browser.new_context()
            taken[who] = Seat(context, context.new_page())
            taken[who].complaints.listen(taken[who].page)
            if PEOPLE[who]:
                let_in(taken[who].page, demo, PEOPLE[who])
        return taken[who]

    yield seat
    for one in taken.values():
        one.context.close()


@pytest.fixture(scope="session")
def names(
    seats: Callable[[str], Seat], demo: Site, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What addresses of pages are made of: an invitation, a password link, a job, a judgment, two models …

    Two versions of a snapshot are made as well.
    """
    with create_app(make_settings(demo.data)).app_context():
        for _version in "12":
            assert CliRunner().invoke(snapshot, ["demo", "--name", "first"]).exit_code == 0
    admin, lead, annotator = (seats(who).page for who in "Ala")
    admin.goto(demo.address("/people"))
    admin.get_by_role("button", name="Make invitation links").click()
    invitation = _shown(admin, "/invitations/")
    admin.get_by_role("row", name="researcher@").get_by_role("button", name="Password link").click()
    password = _shown(admin, "/password/")
    annotator.goto(demo.address("/p/demo/judge"))
    annotator.get_by_role("button", name="Tie", exact=True).last.click()
    expect(annotator.get_by_role("button", name="Undo")).to_be_enabled()
    pair = annotator.locator("[data-pair] input[name=assignment_id]").input_value()
    annotator.goto(demo.address("/p/demo/history"))
    judgment = _last_part(annotator, "main a[href*='/history/']")[0]
    lead.goto(demo.address("/p/demo/leaderboard"))
    model, other, *_ = _last_part(lead, "tbody a[href*='/leaderboard/models/']")
    lead.goto(demo.address(f"/p/demo/leaderboard/models/{model}/{other}"))
    comparison = lead.locator("#comparisons details code").last.text_content()
    lead.goto(demo.address("/p/demo/webhooks"))
    lead.get_by_label("Address").fill("https://example.org/hook")
    lead.get_by_role("button", name="Add the webhook").click()
    expect(lead.get_by_text("Nothing sent yet")).to_be_visible()
    webhook = lead.url.split("/")[-1]
    job = _try_an_import(lead, demo, tmp_path_factory.mktemp("import") / "responses.jsonl")
    return {
        "invitation": invitation,
        "password": password,
        "judgment": judgment,
        "pair": pair,
        "model": model,
        "comparison": comparison,
        "other": other,
        "job": job,
        "webhook": webhook,
    }


def _shown(page: Page, before: str) -> str:
    text = page.locator("code", has_text=before).inner_text()
    return text.split(before)[1]


def _last_part(page: Page, links: str) -> list[str]:
    return [link.get_attribute("href").split("/")[-1] for link in page.locator(links).all()]  # type: ignore[union-attr]


def _try_an_import(lead: Page, demo: Site, file: Path) -> str:
    rows = [{"prompt": "One?", "model": "Heron", "response": "Yes."}, {"prompt": "", "model": 7}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    lead.goto(demo.address("/p/demo/import"))
    lead.get_by_label("Files").set_input_files(file)
    lead.get_by_label("Only try it").check()
    lead.get_by_role("button", name="Import").click()
    expect(lead.locator("dt", has_text="Would be added")).to_be_visible(timeout=20_000)
    return lead.url.split("/")[-1]


VISITS = [
    pytest.param(path, who, id=f"{name}-{PEOPLE[who].split('@')[0] or 'visitor'}")
    for name, (path, everybody) in (PAGES | MORE).items()
    for who in everybody
]


@pytest.mark.parametrize(("path", "who"), VISITS)
def test_page(path: str, who: str, seats: Callable[[str], Seat], names: dict[str, str], demo: Site) -> None:
    seat = seats(who)
    seat.complaints.clear()
    answer = seat.page.goto(demo.address(path.format(**names)))
    assert answer is not None
    assert answer.status == 200
    assert urls(answer.url) == urls(demo.address(path.format(**names))), "sent elsewhere"
    assert wrong_with(seat.page) == []
    assert wrong_in_arabic(seat, answer.url) == []
    assert seat.complaints == []


# What is marked as English is so by intent: the prompts of the demo, a snapshot's card, a job's error.
WITHOUT_ENGLISH = """() => {
    document.querySelectorAll("main [lang=en]").forEach(element => element.remove())
    return document.body.innerText
}"""
# Sentences that the catalogue has in Arabic, so that no page has them in English.
ENGLISH = [
    text
    for message in translations.catalogue("ar")
    if isinstance(text := message.id, str) and text.count(" ") > 2 and "%" not in text and "<" not in text
]


def wrong_in_arabic(seat: Seat, address: str) -> list[str]:
    """What hinders somebody who reads from right to left."""
    seat.context.add_cookies([{"name": "language", "value": "ar", "url": address}])
    seat.page.goto(address)
    expect(seat.page.locator("html")).to_have_attribute("dir", "rtl")
    found = [f"Arabic, {barrier}" for barrier in violations(seat.page)]
    for width in (1440, NARROWEST):
        seat.page.set_viewport_size({"width": width, "height": 900})
        found += [f"Arabic, wider than {width} px"] if seat.page.evaluate(WIDER) else []
    if not address.endswith("/styleguide"):
        shown = seat.page.evaluate(WITHOUT_ENGLISH)
        found += [f"Arabic, but says: {text}" for text in ENGLISH if text in shown]
    seat.context.clear_cookies(name="language")
    return found


def urls(address: str) -> str:
    return address.rstrip("/")


@pytest.mark.parametrize(("who", "path", "status"), [("v", "/nowhere", 404), ("a", "/p/demo/settings", 403)])
def test_refusals_are_pages_too(
    who: str, path: str, status: int, seats: Callable[[str], Seat], demo: Site
) -> None:
    page = seats(who).page
    answer = page.goto(demo.address(path))
    assert answer is not None
    assert answer.status == status
    assert wrong_with(page) == []


def test_a_refused_form_says_where(seats: Callable[[str], Seat], demo: Site) -> None:
    page = seats("l").page
    page.goto(demo.address("/projects/new"))
    page.get_by_label("Name", exact=True).fill("Demo")
    page.get_by_label("Short name").fill("demo")
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_label("Short name")).to_have_attribute("aria-invalid", "true")
    assert wrong_with(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_theme_stays(theme: str, seats: Callable[[str], Seat], demo: Site) -> None:
    """Against the system's own, from the first byte of the next page."""
    seat = seats("l")
    seat.page.emulate_media(color_scheme="dark" if theme == "light" else "light")
    seat.page.goto(demo.address("/account"))
    while seat.page.locator("html").get_attribute("data-theme") != theme:
        seat.page.get_by_role("button", name=re.compile("Colours")).click()
    seat.page.goto(demo.address("/p/demo/"))
    expect(seat.page.locator("html")).to_have_attribute("data-theme", theme)
    expect(seat.page.locator("html")).to_have_css("color-scheme", theme)
    assert wrong_with(seat.page) == []
    seat.context.clear_cookies(name="theme")


def test_the_demo_has_enough_for_what_asks_most(seats: Callable[[str], Seat], demo: Site) -> None:
    page = seats("l").page
    for path in ("quality", "leaderboard/robustness"):
        page.goto(demo.address(f"/p/demo/{path}"))
        expect(page.get_by_role("table").first).to_be_visible()
        expect(page.get_by_text("Not enough data")).to_have_count(0)


def test_a_phone_and_a_tablet_show_whole_rows(seats: Callable[[str], Seat], demo: Site) -> None:
    page = seats("l").page
    # Spanish has the longest headings.
    for width, language, path, shown in (
        (NARROWEST, "en", "leaderboard", "tbody td, .whisker"),
        (NARROWEST, "en", "rubric", "tbody :is(.input, [type=checkbox], button)"),
        (NARROWEST, "en", "members", "tbody :is(th, td, select, button)"),
        (NARROWEST, "en", "audit", "tbody td"),
        (NARROWEST, "en", "quality", ":is(th, td, small):visible"),
        (768, "es", "leaderboard", "th, td, .whisker"),
        (768, "es", "quality", ":is(th, td, small):visible"),
    ):
        page.context.add_cookies([{"name": "language", "value": language, "url": demo.url}])
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(demo.address(f"/p/demo/{path}"))
        parts = page.locator(".table").locator(shown)
        expect(parts).not_to_have_count(0)
        outside = parts.evaluate_all(
            "(parts) => parts.map((part) => [part.textContent, part, part.closest('.table-wrap')])"
            ".map(([text, ...both]) => [text, ...both.map((one) => one.getBoundingClientRect())])"
            ".map(([text, box, around]) => [text, around.left - box.left, box.right - around.right])"
            # Less than half a pixel is how widths are rounded.
            ".filter(([, left, right]) => left > 0.5 || right > 0.5)"
        )
        assert not outside, (path, width)
    page.context.clear_cookies(name="language")
