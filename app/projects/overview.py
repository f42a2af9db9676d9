"""What there is in a project, and what its lead does next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col

from app.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    Guideline,
    Membership,
    Model,
    Project,
    Prompt,
    Role,
    Slot,
    Tally,
)
from app.words import UNKNOWN_PROMPT


@dataclass(frozen=True)
class Counts:
    """A project in numbers. ``waiting`` and ``open`` count judgments asked for, not comparisons.

    Of those that are waited for, so many as are ``open`` are in somebody's hands; gold is in neither.
    ``textless`` prompts are known from votes only, and are none of ``prompts``; ``promptless`` votes came
    without even the name of theirs.
    """

    prompts: int
    textless: int
    promptless: int
    models: int
    comparisons: int
    waiting: int
    open: int
    judgments: int
    simulated: int
    members: int
    annotators: int
    guidelines: int


def counts(session: Session, project: Project) -> Counts:
    """The numbers, in one query."""
    people_who_judge = (Role.LEAD, Role.REVIEWER, Role.ANNOTATOR)
    here = {
        "prompts": _count(Prompt, project),
        "textless": _count(Prompt, project, col(Prompt.messages).is_(None)),
        "promptless": _count(
            Prompt, project, col(Prompt.messages).is_(None), col(Prompt.key).like(f"{UNKNOWN_PROMPT}%")
        ),
        "models": _count(Model, project),
        "comparisons": _count(Comparison, project),
        "free": _sum(Slot, project, col(Slot.wanted) - col(Slot.taken), col(Slot.taken) < col(Slot.wanted)),
        "open": sa.select(sa.func.count())
        .select_from(Assignment)
        .join(Annotator, col(Annotator.id) == Assignment.annotator_id)
        .join(Comparison, col(Comparison.id) == Assignment.comparison_id)
        .where(
            col(Annotator.project_id) == project.id,
            col(Assignment.state) == AssignmentState.OPEN,
            col(Comparison.gold).is_(None),
        ),
        "judgments": _sum(Annotator, project, col(Annotator.judged)),
        "simulated": _sum(Annotator, project, col(Annotator.judged), col(Annotator.simulated).is_(True)),
        "members": _count(Membership, project),
        "annotators": _count(Membership, project, col(Membership.role).in_(people_who_judge)),
        "guidelines": _count(Guideline, project),
    }
    row = session.execute(sa.select(*(query.scalar_subquery().label(name) for name, query in here.items())))
    found = dict(row.mappings().one())
    found["waiting"] = found.pop("free") + found["open"]
    textless = found["textless"] - found["promptless"]
    return Counts(**{**found, "prompts": found["prompts"] - found["textless"], "textless": textless})


def slices(session: Session, project: Project) -> dict[str, int]:
    """How many categories and languages something was judged in; none of those without."""
    values = sa.func.count(sa.distinct(col(Tally.slice_value)))
    wanted = col(Tally.slice_by).in_(("category", "language"))
    query = sa.select(col(Tally.slice_by), values).where(col(Tally.project_id) == project.id, wanted)
    return dict(session.execute(query.group_by(col(Tally.slice_by))).all())


def _count(table: Any, project: Project, *conditions: sa.ColumnElement[bool]) -> Any:
    here = col(table.project_id) == project.id
    return sa.select(sa.func.count()).select_from(table).where(here, *conditions)


def _sum(table: Any, project: Project, value: Any, *conditions: sa.ColumnElement[bool]) -> Any:
    here = col(table.project_id) == project.id
    return sa.select(sa.func.coalesce(sa.func.sum(value), 0)).where(here, *conditions)


@dataclass(frozen=True)
class Step:
    """One thing to do on the way from an empty project to its data; ``path`` is below the project's."""

    title: str
    hint: str
    path: str
    done: bool


def steps(there: Counts) -> list[Step]:
    """The way, in order."""
    return [
        Step(
            _("Import responses"), _("What each model answered to each prompt."), "import", there.models > 0
        ),
        Step(
            _("Write the guideline"),
            _("What makes an answer better here."),
            "guideline",
            there.guidelines > 0,
        ),
        Step(_("Queue comparisons"), _("Pairs of responses for judgment."), "pair", there.comparisons > 0),
        Step(_("Invite people"), _("A link is all they need."), "members", there.annotators > 1),
        Step(_("Judge"), _("Which of two answers is better?"), "judge", there.judgments > 0),
        Step(_("Read the leaderboard"), _("With what it cannot tell yet."), "leaderboard", False),
        Step(_("Export the preferences"), _("Files that trainers load."), "export", False),
    ]


def judgments_by_project(session: Session, projects: Iterable[Project]) -> dict[int, tuple[int, int]]:
    """How many live judgments each of these has, and how many of them are simulated."""
    here = col(Annotator.project_id).in_([project.id for project in projects])
    simulated = sa.case((col(Annotator.simulated), Annotator.judged), else_=0)
    query = sa.select(col(Annotator.project_id), sa.func.sum(Annotator.judged), sa.func.sum(simulated))
    rows = session.execute(query.where(here).group_by(col(Annotator.project_id)))
    return {project_id: (every, made_up) for project_id, every, made_up in rows}
