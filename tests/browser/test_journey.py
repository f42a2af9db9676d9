"""From an empty database to a training set, as people go; and what must not go wrong on the way."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Download, Page, Route, expect
from werkzeug.serving import make_server

from app.models import Role
from tests.browser.conftest import Complaints, Site, intercept, let_in, sign_in, wrong_with
from tests.browser.seat import PASSWORD, fill

MODELS = ("zephyr-one", "quartz-two", "ember-three")
PROMPTS = 12

OpenPage = Callable[..., Page]


def test_the_first_page_of_a_new_site(app: Flask, open_page: OpenPage) -> None:
    page = open_page()
    # From this process, because nobody may have an account yet, and others make them on the site.
    server = make_server("127.0.0.1", 0, app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    page.goto(f"http://127.0.0.1:{server.port}/welcome")
    expect(page.get_by_role("heading", name="Welcome to Tiebreak")).to_be_visible()
    assert wrong_with(page) == []
    server.shutdown()


ROWS = [
    {"prompt": f"What is {n} times seven?", "model": model, "response": f"Way {way}: it is **{7 * n}**."}
    for n in range(PROMPTS)
    for way, model in enumerate(MODELS)
]


@pytest.fixture
def responses(tmp_path: Path) -> Path:
    """A file of responses, in which no model is named but where models are told."""
    path = tmp_path / "responses.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def queue(site: Site) -> Callable[[str], str]:
    """Makes a project of somebody's own with a full queue; returns the address of its pages."""
    return lambda name: site.address(fill(site.data, f"of-{name}", {name: Role.REVIEWER}, ROWS))


@dataclass
class Desk:
    """The page of somebody who judges, and how they act on it."""

    page: Page

    def pair(self) -> str:
        """Which assignment lies on the desk."""
        return self.page.locator("[data-pair] input[name=assignment_id]").input_value()

    def act(self, how: Callable[[], None]) -> None:
        """Do something that brings another pair, and look at it before going on."""
        before = self.pair()
        self.page.wait_for_timeout(300)  # as judging.js asks of everybody
        assert not any(name in self.page.content() for name in MODELS), "judging is blind"
        how()
        still = self.page.locator(f"[data-pair] input[name=assignment_id][value='{before}']")
        expect(still).to_have_count(0)

    def key(self, key: str) -> None:
        self.act(lambda: self.page.keyboard.press(key))

    def click(self, name: str) -> None:
        self.act(lambda: self.page.get_by_role("button", name=name).click())


def test_from_responses_to_a_training_set(site: Site, open_page: OpenPage, responses: Path) -> None:
    site.command(*("user", "add", "lena@example.org", "--role", "member", "--password-stdin"), stdin=PASSWORD)
    page = open_page(viewport={"width": 1280, "height": 800})
    sign_in(page, site, "lena@example.org", PASSWORD)
    make_project(page)
    bring_responses(page, responses)
    queue_pairs(page)
    judge_ten(page)
    change_an_earlier_one(page)

    page.get_by_role("link", name="Leaderboard").click()
    expect(page.get_by_text(f"{len(MODELS)} models · 10 judgments by 1 person")).to_be_visible()
    for model in MODELS:
        expect(page.get_by_role("rowheader", name=model)).to_be_visible()

    page.get_by_role("link", name="Export").click()
    page.wait_for_load_state()  # until then nothing listens to the form
    rows = download(page, "judgments", "judgment_id")
    assert len(rows) == stat(page, "Rows")
    assert sum(row["retired_at"] is None for row in rows) == counted(page, r"([\d,]+) judgments of") == 10
    rows = download(page, "trl", "chosen")
    assert len(rows) == stat(page, "Rows")
    for row in rows:
        assert [turn["role"] for turn in row["prompt"] + row["chosen"] + row["rejected"]] == [
            *("user", "assistant", "assistant")
        ]
        assert row["chosen"] != row["rejected"]
    expect(page.locator("#receipts tbody tr")).to_have_count(2)  # without a reload


def make_project(page: Page) -> None:
    page.get_by_role("link", name="New project").first.click()
    page.get_by_label("Name", exact=True).fill("Times tables")
    page.get_by_label("Short name").fill("tables")
    page.get_by_role("button", name="Create the project").click()
    expect(page.get_by_role("heading", name="Times tables")).to_be_visible()


def bring_responses(page: Page, file: Path) -> None:
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Files").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=20_000)
    assert stat(page, "Added") == PROMPTS * len(MODELS)
    assert stat(page, "Refused") == 0


def queue_pairs(page: Page) -> None:
    page.get_by_role("main").get_by_role("link", name="Queue comparisons").click()
    page.get_by_role("button", name="See what this queues").click()
    page.get_by_role("button", name="Queue 36 comparisons").click()
    expect(page.get_by_text("Done", exact=True)).to_be_visible(timeout=20_000)
    assert stat(page, "Queued") == 36
    assert wrong_with(page) == []
    page.set_viewport_size({"width": 1280, "height": 800})


def judge_ten(page: Page) -> None:
    """Keys and mouse, with a pair skipped and a slip undone."""
    page.locator("#main").get_by_role("link", name="Judge", exact=True).click()
    desk = Desk(page)
    desk.key("ArrowLeft")
    desk.key("ArrowRight")
    desk.key("ArrowDown")
    desk.key("ArrowUp")
    desk.click("A is better")
    desk.click("B is better")
    desk.click("Tie")
    desk.click("Both bad")
    page.keyboard.press("s")
    desk.key("4")
    slip = desk.pair()
    desk.key("1")
    desk.key("z")
    assert desk.pair() == slip, "undoing brings the pair back"
    desk.key("4")
    desk.click("A is better")
    expect(page.locator("#today")).to_contain_text("10")


def change_an_earlier_one(page: Page) -> None:
    page.get_by_role("link", name="History").click()
    verdicts = page.locator("tbody tr td:nth-child(3)")
    expect(verdicts).to_have_count(10)
    expect(verdicts.nth(9)).to_have_text("A is better")
    page.get_by_role("link", name=re.compile("Change")).nth(9).click()
    expect(page.get_by_role("button", name="A is better")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="B is better").click()
    expect(page.get_by_text("Your judgment was changed.")).to_be_visible()
    expect(verdicts).to_have_count(10)
    expect(verdicts.filter(has_text="changed")).to_have_text("B is better changed")


def download(page: Page, form: str, key: str) -> list[dict[str, object]]:
    """The rows of an export, once its preview shows them with this key."""
    page.get_by_label("Format").select_option(form)
    expect(page.locator("#preview pre").first).to_contain_text(key)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    rows = read(waiting.value)
    # Beside the button, put there with the preview.
    expect(page.locator("#rows-left")).to_have_text(f"{len(rows)} rows")
    return rows


def read(file: Download) -> list[dict[str, object]]:
    assert file.failure() is None
    return [json.loads(line) for line in file.path().read_text().splitlines()]


def counted(page: Page, pattern: str) -> int:
    found = re.search(pattern, page.get_by_role("main").inner_text())
    assert found, pattern
    return int(found[1].replace(",", ""))


def stat(page: Page, name: str) -> int:
    label = page.locator("dt", has_text=re.compile(f"^{name}$"))
    return int(page.locator(".stat", has=label).locator("dd").first.inner_text().replace(",", ""))


def judged(page: Page, project: str) -> list[str]:
    """The verdicts in the history."""
    page.goto(f"{project}/history")
    return page.locator("tbody tr td:nth-child(3)").all_inner_texts()


def test_a_double_click_judges_one_pair(site: Site, open_page: OpenPage, queue: Callable[[str], str]) -> None:
    project, page = queue("dora"), open_page()
    let_in(page, site, "dora@example.org")
    page.goto(f"{project}/judge")
    Desk(page).act(lambda: page.get_by_role("button", name="A is better").dblclick())
    page.wait_for_timeout(400)
    expect(page.locator("#today")).to_contain_text("1")
    assert judged(page, project) == ["A is better"]


def test_without_javascript(site: Site, open_page: OpenPage, queue: Callable[[str], str]) -> None:
    project, page = queue("nora"), open_page(java_script_enabled=False)
    sign_in(page, site, "nora@example.org", PASSWORD)
    page.get_by_role("link", name="Judge").first.click()
    desk = Desk(page)
    desk.click("A is better")
    desk.click("Tie")
    desk.click("Undo")
    desk.click("Both bad")
    page.locator("summary", has_text="Skip").click()
    desk.click("Not my subject")
    page.get_by_role("link", name="History").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Leaderboard").click()
    expect(page.get_by_text("2 judgments by 1 person")).to_be_visible()
    assert page.url == f"{project}/leaderboard"


def lose_question(route: Route) -> None:
    """The network fails before the server hears of it."""
    route.abort()


def lose_answer(route: Route) -> None:
    """The server records it, and the network fails on the way back."""
    route.fetch()
    route.abort()


@pytest.mark.parametrize(("name", "lose"), [("quinn", lose_question), ("anselm", lose_answer)])
def test_a_verdict_survives_the_network(
    name: str,
    lose: Callable[[Route], None],
    site: Site,
    open_page: OpenPage,
    queue: Callable[[str], str],
    complaints: Complaints,
) -> None:
    project, page = queue(name), open_page()
    let_in(page, site, f"{name}@example.org")
    page.goto(f"{project}/judge")
    intercept(page, "**/judge", lose)
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Not saved yet.")).to_be_visible()
    expect(page.locator("#verdict-b")).to_have_attribute("aria-pressed", "true")
    complaints.clear()  # the browser and htmx told of the lost request

    page.unroute("**/judge")
    Desk(page).click("Send again")
    expect(page.get_by_text("Not saved yet.")).to_be_hidden()
    assert judged(page, project) == ["B is better"]
