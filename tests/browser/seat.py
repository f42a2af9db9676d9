"""Projects for the browser's tests, most of one annotator and their lead, and what they do at its pairs."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from app import create_app, db
from app.accounts import passwords, people
from app.accounts.forms import AccountIn
from app.errors import checked
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.models import Judgment, Project, Role
from app.pairing.forms import PairingIn
from app.pairing.pairs import queue_pairs
from app.projects import lifecycle
from app.projects.forms import ProjectFile
from tests.conftest import make_settings

PASSWORD = "eleven geese over the lake"
PHONE = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
ASKED = {"tags": "usual", "spans": True, "criteria": "usual", "rationale": "optional"}
RESPONSES = (
    "A goose is a **water bird**, and it *never* flies.",
    "Geese fly in a V.\n\n- They honk\n- They moult, x < y & `code`",
)

# Keeps in window.said what is read out by itself: what is put into a live region, and each alert.
LISTEN = """() => {
  window.said = [];
  const live = "[role=status], [role=alert], [aria-live]";
  const whole = (node) => node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
  new MutationObserver((changes) => {
    const regions = new Set();
    for (const { target, addedNodes } of changes) {
      const region = whole(target)?.closest(live);
      if (region && addedNodes.length) regions.add(region);
      for (const node of addedNodes) {
        for (const alert of whole(node)?.querySelectorAll("[role=alert]") ?? []) regions.add(alert);
      }
    }
    for (const region of regions) {
      const words = region.textContent.trim().replace(/\\s+/g, " ");
      if (words && region.isConnected && region.checkVisibility()) window.said.push(words);
    }
  }).observe(document.body, { subtree: true, childList: true });
}"""

OpenPage = Callable[..., Page]


def fill(
    data: Path,
    slug: str,
    members: dict[str, Role],
    rows: Iterable[dict[str, object]],
    *,
    pairs: bool = True,
    **form: Any,
) -> str:
    """A project of these members, with these rows imported and their pairs queued; returns its address."""
    app = create_app(make_settings(data))
    engine = app.extensions["engine"]
    form = {
        "slug": slug,
        "name": slug.replace("-", " ").title(),
        "members": [{"email": f"{name}@example.org", "role": role} for name, role in members.items()],
        **form,
    }
    with app.app_context(), db.transaction(engine) as session:
        for name in members:
            account = {"email": f"{name}@example.org", "name": name.title(), "password": PASSWORD}
            people.add(session, checked(AccountIn, account), passwords.digest(PASSWORD), by=None)
        project = lifecycle.create(session, checked(ProjectFile, form), by=None)
    file = data / f"{slug}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_files(engine, project, [File(file, file.name)], ImportIn(), by=None, max_row_mb=1)
    if pairs:
        queue_pairs(engine, project, PairingIn(seed=1), by=None)
    engine.dispose()
    return f"/p/{slug}"


def make_project(data: Path, annotator: str, **rubric: Any) -> str:
    """A project of one annotator and one lead, with six comparisons queued; returns its address."""
    members = {annotator: Role.ANNOTATOR, f"lead-{annotator}": Role.LEAD}
    rows = (
        {"prompt": f"What is a goose, number {n}?", "model": model, "response": f"{said}\n\nNumber {n}."}
        for n in range(6)
        for model, said in zip(("zephyr-one", "quartz-two"), RESPONSES, strict=True)
    )
    return fill(data, f"of-{annotator}", members, rows, rubric=rubric)


def cover(data: Path, project: str) -> None:
    """Have every pair of this project covered as possibly harmful."""
    engine = create_app(make_settings(data)).extensions["engine"]
    with db.transaction(engine) as session:
        found = session.exec(select(Project).where(Project.slug == project.removeprefix("/p/"))).one()
        found.all_sensitive = True
        session.add(found)
    engine.dispose()


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


def say_why(page: Page, words: str) -> None:
    """Type a reason and wait until the page says that it is kept."""
    page.get_by_label("Why?").fill(words)
    expect(page.get_by_text("Draft saved")).to_be_visible()
