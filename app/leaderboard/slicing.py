"""By what a project's judgments can be sliced: kinds of slices, and the values that have any."""

from dataclasses import dataclass
from typing import Any, get_args

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col

from app.errors import Invalid
from app.exports.choices import unknown
from app.leaderboard.forms import SliceBy, StandingsQuery
from app.leaderboard.memory import remembered
from app.models import Annotator, Project, Tally
from app.prepared import table

SLICES = [by for by in get_args(SliceBy) if by]
# Fewer are added up at every change.
MANY_JUDGMENTS = 10_000
# More values are not named where one was wrong.
NAMED_VALUES = 20


@dataclass(frozen=True)
class _Found:
    """The values of each kind of slice, the largest first, and what they were found at."""

    structure: int
    votes: int
    values: dict[str, list[str]]

    def named(self) -> set[tuple[str, str]]:
        return {(by, value) for by, values in self.values.items() for value in values}


def known(session: Session, project: Project) -> dict[str, list[str]]:
    """By what the judgments can be sliced, and the values that have any, the largest first."""
    return remembered(session, project, "slices", lambda before: _find(session, project, before)).values


def check(session: Session, project: Project, query: StandingsQuery) -> None:
    """Raises Invalid for a slice that the project neither has nor could have: a slip would look like none."""
    there = known(session, project).get(query.by, [])
    if not query.value or query.value in there:
        return
    for said in unknown(session, project, query.by, [query.value]):
        named = there[:NAMED_VALUES] + ["…"] * (len(there) > NAMED_VALUES)
        choose = _("Choose one of: %(expected)s.", expected=", ".join(named)) if named else ""
        raise Invalid.at("value", f"{said} {choose}".strip())


def _find(session: Session, project: Project, before: _Found | None) -> _Found:
    """All counts are added up to see which are the largest; of many, anew when they are a quarter more."""
    judged = sa.select(sa.func.sum(col(Annotator.judged))).where(col(Annotator.project_id) == project.id)
    votes = int(session.scalar(judged) or 0)
    if (
        before
        and before.structure == project.revision
        and MANY_JUDGMENTS < before.votes / 1.25 < votes < before.votes * 1.25
        and before.named() == {tuple(row) for row in session.execute(_with_judgments(project))}
    ):
        return before
    by, value, total = col(Tally.slice_by), col(Tally.slice_value), sa.func.sum(col(Tally.n))
    found = (
        sa.select(by, value)
        .where(col(Tally.project_id) == project.id, by.in_(SLICES))
        .group_by(by, value)
        .having(total > 0)
        .order_by(total.desc(), value)
    )
    values: dict[str, list[str]] = {name: [] for name in SLICES}
    for name, one in session.execute(found):
        values[name].append(one)
    return _Found(project.revision, votes, {name: some for name, some in values.items() if some})


def _with_judgments(project: Project) -> sa.Select[tuple[str, str]]:
    """The slices that have any, found from value to value by the key."""
    counts = table(Tally).c

    def least(by: Any, *more: Any) -> Any:
        here = counts.project_id == project.id, counts.slice_by == by, *more
        return sa.select(sa.func.min(counts.slice_value)).where(*here).scalar_subquery()

    firsts = (sa.select(sa.literal(by).label("by"), least(by).label("value")) for by in SLICES)
    found = sa.select(*sa.union_all(*firsts).subquery().c).cte("found", recursive=True)
    after = sa.select(found.c.by, least(found.c.by, counts.slice_value > found.c.value).label("value"))
    found = found.union_all(after.where(found.c.value.is_not(None)))
    here = counts.project_id == project.id, counts.slice_by == found.c.by, counts.slice_value == found.c.value
    any_left = sa.select(sa.literal(1)).where(*here, counts.n > 0).exists()
    return sa.select(found.c.by, found.c.value).where(found.c.value.is_not(None), any_left)
