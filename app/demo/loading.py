"""Fills the demo project through the same verbs that a lead's pages use."""

import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from sqlmodel import Session, select

from app import db, web
from app.accounts import passwords, people
from app.accounts.forms import AccountIn
from app.annotation.claim import annotator_of
from app.annotation.readiness import read_guideline
from app.demo import simulation
from app.errors import checked
from app.imports.forms import ImportIn
from app.imports.importing import File, import_files
from app.learning import people as learners
from app.learning.forms import Decision
from app.models import Comparison, Model, Project, Prompt, Role, SiteRole
from app.permissions import Access
from app.projects import lifecycle, members
from app.projects.forms import ChangeIn, ProjectFile
from app.settings import Settings

FOLDER = Path(str(resources.files("app.demo")))
SLUG = "demo"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in to the demo."""

    name: str
    comes_to: str
    role: Role | None
    site_role: SiteRole = SiteRole.MEMBER


NEWCOMER = "newcomer@example.org"
FOR_NEWCOMERS = {
    "training": True,
    "test_size": 3,
    "may_decline": True,
    "break_minutes": 50,
    "shows_gold": True,
}

PEOPLE = {
    "admin@example.org": Person("Ada", "runs the site and may do everything", None, SiteRole.ADMIN),
    "lead@example.org": Person("Lena", "leads the demo project", Role.LEAD),
    "annotator@example.org": Person("Ann", "judges pairs", Role.ANNOTATOR),
    "reviewer@example.org": Person("Rui", "judges and reviews", Role.REVIEWER),
    NEWCOMER: Person("Nia", "is new: training and a test come first", Role.ANNOTATOR),
    "researcher@example.org": Person("Rosa", "downloads preferences", Role.RESEARCHER),
    "viewer@example.org": Person("Vera", "reads the leaderboard", Role.VIEWER),
}


def load(engine: sa.Engine, settings: Settings, tell: Callable[[str], None]) -> str:
    """Make the demo project unless there is one; returns its accounts' password."""
    kept = settings.data_dir / "demo_password"
    if _is_there(engine):
        return kept.read_text() if kept.exists() else "(set when the demo was made)"
    web.have_folder(settings)
    tell("Filling the demo project …")
    password = f"demo-{secrets.token_hex(4)}"
    content = yaml.safe_load((FOLDER / "project.yaml").read_text())
    gold = content.pop("gold")
    password_hash = passwords.digest(password)
    with db.transaction(engine) as session:
        project = _project(session, content, password, password_hash)
    _import(engine, project, gold)
    with db.transaction(engine) as session:
        _explain_gold(session, project, gold)
    count = simulation.simulate(engine, project, json.loads((FOLDER / "quality.json").read_text()))
    with db.transaction(engine) as session:
        _teach(session, project, gold)
    kept.write_text(password)
    kept.chmod(0o600)
    tell(f"{count:,} judgments were simulated, and are marked so.")
    return password


def _is_there(engine: sa.Engine) -> bool:
    with db.new_session(engine, write=False) as session:
        return session.exec(select(Project.id).where(Project.slug == SLUG)).first() is not None


def _project(session: Session, content: dict[str, Any], password: str, password_hash: str) -> Project:
    for email, person in PEOPLE.items():
        form = {"email": email, "name": person.name, "role": person.site_role, "password": password}
        people.add(session, checked(AccountIn, form), password_hash, by=None)
    content["guideline"] = (FOLDER / "guideline.md").read_text()
    content["members"] = [
        {"email": email, "role": person.role} for email, person in PEOPLE.items() if person.role is not None
    ]
    return lifecycle.create(session, checked(ProjectFile, content), by=None)


def _import(engine: sa.Engine, project: Project, gold: list[dict[str, Any]]) -> None:
    """The responses, and the gold pairs as the file of comparisons a lead would write."""
    responses = FOLDER / "responses.jsonl"
    rows = {row["prompt_id"]: row for row in map(json.loads, responses.read_text().splitlines())}
    with tempfile.TemporaryDirectory() as folder:
        comparisons = Path(folder) / "gold.jsonl"
        comparisons.write_text(
            "".join(json.dumps(_gold_row(rows[item["prompt_id"]], item)) + "\n" for item in gold)
        )
        files = [File(responses, responses.name), File(comparisons, comparisons.name)]
        import_files(engine, project, files, ImportIn(batch="Demo"), by=None, max_row_mb=1)


def _gold_row(row: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    asked = {
        name: row[name]
        for name in ("prompt", "messages", "prompt_id", "category", "language", "tags")
        if name in row
    }
    sides = {
        f"{what}_{side}": value
        for side in ("a", "b")
        for what, value in (
            ("model", item[f"model_{side}"]),
            ("response", row["responses"][item[f"model_{side}"]]),
        )
    }
    return asked | sides | {"gold": item["outcome"]}


def _teach(session: Session, project: Project, gold: list[dict[str, Any]]) -> None:
    """Whoever judges here already goes on, and has read the guideline; the newcomer learns first."""
    for comparison, item in _gold(session, project, gold):
        comparison.gold_use = item.get("use")
    there = session.get_one(Project, project.id)
    change = ChangeIn.model_validate(there).model_copy(update=FOR_NEWCOMERS)
    lifecycle.change(session, there, change, by=None)
    for account, membership, *_ in members.of(session, there):
        access = Access(there, account, membership.role)
        if access.can("judge") and account.email in PEOPLE and account.email != NEWCOMER:
            read_guideline(session, access, 1)
            learners.decide(session, there, annotator_of(session, access).uid, Decision.LET_IN, by=None)


def _explain_gold(session: Session, project: Project, gold: list[dict[str, Any]]) -> None:
    """Give each gold comparison its reason."""
    for comparison, item in _gold(session, project, gold):
        comparison.gold_reason = item["reason"]


def _gold(
    session: Session, project: Project, gold: list[dict[str, Any]]
) -> Iterator[tuple[Comparison, dict[str, Any]]]:
    """Each gold comparison with what the project's file says of it."""
    models = {row.name: row.id for row in session.exec(select(Model).where(Model.project_id == project.id))}
    for item in gold:
        prompt = session.exec(
            select(Prompt).where(Prompt.project_id == project.id, Prompt.key == item["prompt_id"])
        ).one()
        pair = {models[item["model_a"]], models[item["model_b"]]}
        found = select(Comparison).where(Comparison.prompt_id == prompt.id)
        yield next(row for row in session.exec(found) if {row.model_a_id, row.model_b_id} == pair), item
