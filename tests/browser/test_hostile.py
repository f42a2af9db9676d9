"""Whatever a model wrote: no script runs, no request leaves, and the page stays the reader's."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from app import create_app, db
from app.accounts import passwords, people
from app.accounts.forms import AccountIn
from app.errors import checked
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.models import Role
from app.projects import lifecycle
from app.projects.forms import ProjectFile
from tests.browser.conftest import Site, let_in
from tests.browser.hostile import LABELS, TEXTS
from tests.browser.test_journey import Desk
from tests.conftest import make_settings

PASSWORD = "eleven geese over the lake"
# Each as a message of its own, so that none swallows its neighbours.
A_SIDE = 4
PAIRS = -(-len(TEXTS) // (2 * A_SIDE))
WIDTHS = (1440, 375)
# Where the names, the texts and what was said of them are shown to others.
PAGES = ("/leaderboard", "/quality", "/export", "/history", "/members", "/settings", "/rubric", "/jobs")

# What is wrong with the page as it stands, whatever its texts would have it be.
WRONG = """() => {
  const wrong = [];
  const known = /^(class|dir|href|rel|target|start|tabindex|lang|data-show)$/;
  const leads = /^(https?:|mailto:|\\/p\\/hostile\\/)/;
  const foreign = "script style iframe object embed form input button svg img video audio link meta base";
  const box = (element) => element.getBoundingClientRect();
  const rounded = ({ width, height }) => [width, height].map(Math.round).join(" by ");
  if (window.wasPwned) wrong.push("a script ran");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the screen");
  if (document.activeElement?.closest(".prose")) wrong.push("a text took the focus");
  const [first, second] = [...document.querySelectorAll(".response")].map(box);
  if (rounded(first) !== rounded(second)) wrong.push(`responses of ${rounded(first)} and ${rounded(second)}`);
  for (const name of ["a", "tie", "both_bad", "b"]) {
    const { x, y, width, height } = box(document.getElementById(`verdict-${name}`));
    const there = document.elementFromPoint(x + width / 2, y + height / 2);
    if (there?.closest("button")?.id !== `verdict-${name}`) wrong.push(`the verdict ${name} is out of reach`);
  }
  for (const text of document.querySelectorAll("main .prose")) {
    const frame = box(text.closest(".response-body, .turns"));
    // The only thing of ours that stands within a text is what copies its code.
    for (const element of text.querySelectorAll(":not(button.copy, button.copy *)")) {
      for (const { name, value } of element.attributes) {
        const own = known.test(name) || !element.namespaceURI.endsWith("xhtml");
        if (!own) wrong.push(`an attribute ${name} on ${element.localName}`);
        if (name === "href" && !leads.test(value)) wrong.push(`a link to ${value}`);
      }
      if (foreign.split(" ").includes(element.localName)) wrong.push(`an element ${element.localName}`);
      if (!/static|relative/.test(getComputedStyle(element).position)) wrong.push("it floats");
    }
    const { left, right } = box(text);
    if (left < frame.left - 1 || right > frame.right + 1) wrong.push("a text leaves its frame");
  }
  return [...new Set(wrong)];
}"""

# What makes a page wider than the screen; what scrolls by itself does not.
TOO_WIDE = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const beyond = (element) => element.getBoundingClientRect().right > innerWidth;
  const elements = [...document.querySelectorAll("main *")].filter(beyond);
  return elements.filter((element) => !element.closest(".table-wrap, pre")).map(({ outerHTML }) => outerHTML);
}"""


@pytest.fixture
def project(site: Site, tmp_path: Path) -> str:
    """A project all of whose texts are hostile; returns its address."""
    app = create_app(make_settings(site.data))
    engine = app.extensions["engine"]
    member = {"email": "hope@example.org", "role": Role.LEAD}
    rubric = {
        "rationale": "optional",
        "better_answer": "optional",
        "criteria": [{"key": "c", "name": LABELS[0], "description": LABELS[1]}],
        "tags": [{"key": f"t{n}", "name": label} for n, label in enumerate(LABELS[:4])],
        "questions": [{"key": "q", "text": LABELS[2], "answered": "one", "options": LABELS[3:6]}],
    }
    with app.app_context(), db.transaction(engine) as session:
        account = {"email": member["email"], "name": LABELS[6], "password": PASSWORD}
        people.add(session, checked(AccountIn, account), passwords.digest(PASSWORD), by=None)
        form = {"slug": "hostile", "name": LABELS[7], "members": [member], "rubric": rubric}
        made = lifecycle.create(session, checked(ProjectFile, form), by=None)
    file = tmp_path / "hostile.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in map(row_of, range(PAIRS))))
    report = import_files(engine, made, [File(file, file.name)], ImportIn(), by=None, max_row_mb=1)
    assert (report.refused_rows, report.total("read")) == ([], PAIRS)
    engine.dispose()
    return site.address("/p/hostile")


def row_of(number: int) -> dict[str, object]:
    """One comparison: four texts a side, and others as its prompt."""

    def some(start: int) -> list[str]:
        return [TEXTS[n % len(TEXTS)] for n in range(start, start + A_SIDE)]

    first, second, asked = (some(2 * A_SIDE * number + add) for add in (0, A_SIDE, 47))
    return {
        "messages": [
            {"role": role, "content": text}
            for role, text in zip(("system", "user", "assistant", "user"), asked, strict=True)
        ],
        "model_a": LABELS[number % len(LABELS)],
        "response_a": [{"role": "assistant", "content": text} for text in first],
        "model_b": LABELS[(number + 1) % len(LABELS)],
        "response_b": [{"role": "assistant", "content": text} for text in second],
        "category": LABELS[(number + 2) % len(LABELS)],
        "tags": [LABELS[(number + 3) % len(LABELS)]],
    }


def test_hostile_texts_are_only_read(site: Site, project: str, open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 1440, "height": 900})
    page.add_init_script("window.pwned = () => { window.wasPwned = true };")
    left: list[str] = []
    page.on("request", lambda request: left.append(request.url) if astray(request, site) else None)
    page.on("dialog", lambda dialog: (left.append(dialog.message), dialog.dismiss()))
    let_in(page, site, "hope@example.org")
    page.goto(f"{project}/judge")
    for number in range(PAIRS):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(WRONG) == [], (number, width)
        if number < len(WIDTHS):
            say(page, TEXTS[number])
        Desk(page).key("ArrowLeft")
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    look_again(page, project)
    for path in ("", *PAGES):
        page.goto(project + path)
        assert page.evaluate(TOO_WIDE) == [], path
        assert not page.evaluate("() => window.wasPwned"), path
    assert left == []


def astray(request: Request, site: Site) -> bool:
    """Whether nobody asked for it."""
    return not re.match(rf"{re.escape(site.url)}/(p/hostile/|p/hostile$|static/|sign-in|$)", request.url)


def say(page: Page, text: str) -> None:
    """What a person writes is no less hostile."""
    for label in ("Why?", "Write a better answer"):
        page.get_by_label(label).fill(text)
    expect(page.locator("[data-draft-state]")).not_to_be_empty()
    page.keyboard.press("Escape")  # out of the field, so that the next key is a verdict


def look_again(page: Page, project: str) -> None:
    """At one's own judgments, with what one wrote beside them."""
    page.goto(f"{project}/history")
    changes = page.locator("tbody a[href*='/history/']")
    for address in [link.get_attribute("href") for link in changes.all()[:3]]:
        page.goto(project.removesuffix("/p/hostile") + str(address))
        assert page.evaluate(WRONG) == []
