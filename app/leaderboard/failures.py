"""Which failures people found in a model's responses, beside those of all models."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from app.asking import rubrics
from app.leaderboard import memory, reading
from app.leaderboard.forms import StandingsQuery
from app.models import Comparison, Judgment, Model, Project
from app.rubric import FailureTag

# Tags are read from the judgments themselves; older ones tell little of what fails now.
LATEST = 20_000


@dataclass(frozen=True)
class Failure:
    """One kind of failure: in how many judgments of a model it was marked, and in what share of them.

    `usual`: the share for the responses of all models.
    """

    tag: FailureTag
    times: int
    share: float
    usual: float

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        numbers = {"times": self.times, "share": self.share, "usual": self.usual}
        return {"tag": self.tag.key, "severity": self.tag.severity.value, **numbers}


@dataclass(frozen=True)
class Failures:
    """The failures of a model, the most frequent first, in so many judgments of it.

    `part`: only the project's latest judgments were read. `asked`: whether anybody could mark one.
    """

    judgments: int
    part: bool
    asked: bool
    found: tuple[Failure, ...]


@dataclass(frozen=True)
class _Counts:
    """By model: judgments, and how many of them have each tag."""

    judgments: dict[int, int]
    tags: dict[tuple[int, str], int]
    read: int


def of_model(session: Session, project: Project, query: StandingsQuery, model: Model) -> Failures:
    """What failed in a model's responses where the query looks."""
    where = query.model_copy(update={"method": "bt", "ties": "half"})
    counts = memory.remembered(
        session, project, ("failures", where), lambda _: _count(session, project, where)
    )
    known = rubrics.tags(session, project)
    mine, everybody = counts.judgments.get(model.id or 0, 0), sum(counts.judgments.values())
    totals: dict[str, int] = {}
    for (_, key), times in counts.tags.items():
        totals[key] = totals.get(key, 0) + times
    found = [
        Failure(known.get(key) or FailureTag(key=key, name=key), times, times / mine, totals[key] / everybody)
        for (model_id, key), times in counts.tags.items()
        if model_id == model.id
    ]
    return Failures(
        judgments=mine,
        part=counts.read == LATEST,
        asked=bool(known or totals),
        found=tuple(sorted(found, key=lambda one: (-one.times, one.tag.name))),
    )


def _count(session: Session, project: Project, query: StandingsQuery) -> _Counts:
    # The latest first, and what is asked among them: looking for the rare would read them all.
    newest = (
        sa.select(col(Judgment.id))
        .where(col(Judgment.project_id) == project.id)
        .order_by(col(Judgment.created_at).desc(), col(Judgment.id).desc())
        .limit(LATEST)
        .subquery()
    )
    here = (*reading.counts(project), *reading.asked(project, query))
    judgments: dict[int, int] = {}
    tags: dict[tuple[int, str], int] = {}
    for side, model_id in zip("ab", reading.PAIR, strict=True):
        joined = sa.join(Judgment, newest, col(Judgment.id) == newest.c.id).join(
            Comparison, col(Judgment.comparison_id) == col(Comparison.id)
        )
        seen = sa.select(model_id, sa.func.count()).select_from(joined).where(*here).group_by(model_id)
        for one, n in session.execute(seen):
            judgments[one] = judgments.get(one, 0) + n
        tag = _each(session, side)
        marked = (
            sa.select(model_id, tag.c.value, sa.func.count())
            .select_from(joined.join(tag, sa.true()))
            .where(*here, col(Judgment.tags).is_not(None))
            .group_by(model_id, tag.c.value)
        )
        for one, key, n in session.execute(marked):
            tags[one, key] = tags.get((one, key), 0) + n
    read = session.scalar(sa.select(sa.func.count()).select_from(newest))
    return _Counts(judgments, tags, int(read or 0))


def _each(session: Session, side: str) -> Any:
    """The tags of one side of a judgment, as rows."""
    if session.get_bind().dialect.name == "sqlite":
        rows = sa.func.json_each(col(Judgment.tags), f"$.{side}")
    else:
        rows = sa.func.json_array_elements_text(col(Judgment.tags)[side])
    return rows.table_valued(sa.column("value", sa.String), name=f"tag_{side}")
