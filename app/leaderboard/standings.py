"""A project's standings: kept tallies in, ratings with intervals out, remembered until a vote changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.asking import rubrics
from app.leaderboard import caveats, kept, reading, replay, shared_prompts, slicing, words
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.memory import remembered
from app.leaderboard.ranked import FEW_PROMPTS, Prompts, Standings, rank_cells, rank_elo, with_slices
from app.leaderboard.reading import Integers
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Model, Project
from ranking import Cells, Fit, WinMatrix


@dataclass(frozen=True)
class Headline:
    """What stands above a leaderboard: annotators of whose judgments any counts, and so not on gold alone.

    Simulated annotators are counted apart, by what they are taken for.
    """

    people: int
    judges: int
    simulated_people: int
    simulated_judges: int
    updated_at: datetime | None

    @property
    def simulated(self) -> int:
        """Annotators that are nobody."""
        return self.simulated_people + self.simulated_judges

    @property
    def real(self) -> int:
        """People and judge models."""
        return self.people + self.judges

    def of_kind(self, kind: str) -> tuple[int, int]:
        """How many annotators of a kind are real, and how many simulated."""
        if kind == AnnotatorKind.MODEL:
            return self.judges, self.simulated_judges
        return self.people, self.simulated_people

    def kinds(self) -> words.Counts:
        """The same by kind."""
        return {kind.value: self.of_kind(kind) for kind in AnnotatorKind}


def load(session: Session, project: Project, query: StandingsQuery) -> Standings:
    """The standings the query asks for (of the whole project where it names no one slice)."""
    if not query.value and query.by:
        query = query.model_copy(update={"by": ""})
    return remembered(session, project, query, lambda before: _told(session, project, query, before))


def load_slices(
    session: Session, project: Project, query: StandingsQuery, values: Sequence[str]
) -> dict[str, Standings]:
    """The standings of some values of ``query.by``."""
    return {value: load(session, project, query.model_copy(update={"value": value})) for value in values}


def load_parts(session: Session, project: Project, query: StandingsQuery) -> dict[tuple[str, str], Standings]:
    """All the query asks for by (by, value): the whole, or one slice, or the whole and each slice."""
    found = load(session, project, query)
    if query.value:
        return {(query.by, query.value): found}
    values = slicing.known(session, project).get(query.by, [])
    parts = load_slices(session, project, query, values)
    return {("", ""): found, **{(query.by, value): part for value, part in parts.items()}}


def as_object(session: Session, project: Project, query: StandingsQuery) -> dict[str, Any]:
    """What the API, the download and ``leaderboard --json`` give."""
    (_, first), *rest = load_parts(session, project, query).items()
    days = {name: day.isoformat() for name in ("since", "until") if (day := getattr(query, name))}
    if query.value:
        label = words.slice_value(query.value, query.by, called(session, project))
        return {**first.as_object(), **days, "by": query.by, "value": query.value, "label": label}
    if query.by:
        names = called(session, project)
        parts = {(value, words.slice_value(value, query.by, names)): found for (_, value), found in rest}
        return with_slices(first, query.by, parts) | days
    return first.as_object() | days


def fitted(session: Session, project: Project) -> Fit | None:
    """The ratings of the whole project, without what is said beside them to a reader; None without any."""
    return _rank(session, project, StandingsQuery(), None).fit


def headline(session: Session, project: Project) -> Headline:
    """Who judged, and when last."""
    return remembered(session, project, "headline", lambda _: _headline(session, project))


def called(session: Session, project: Project) -> words.Called:
    """What values of slices are called."""
    criteria = remembered(session, project, "criteria", lambda _: rubrics.criteria(session, project))
    return words.Called(headline(session, project).kinds(), criteria)


def simulated(session: Session, project: Project, query: StandingsQuery) -> tuple[str, ...]:
    """Said, whatever the view, where some or all judgments the query asks for are by simulated annotators."""
    head = headline(session, project)
    if not head.simulated:
        return ()
    if query.always and (query.by == "kind" or not query.value):
        real, made_up = head.of_kind(query.value) if query.value else (head.real, head.simulated)
        return caveats.simulated(real, made_up)
    asked = ("simulated", query.by, query.value, query.since, query.until)
    found = remembered(session, project, asked, lambda _: _who_judged(session, project, query))
    return caveats.simulated(*found)


def _who_judged(session: Session, project: Project, query: StandingsQuery) -> tuple[bool, bool]:
    """Whether anybody real, and whether anybody simulated, gave a judgment the query asks for."""
    found = (
        sa.select(sa.literal(1))
        .join_from(Judgment, Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Judgment.annotator_id) == col(Annotator.id))
        .where(*reading.counts(project), *reading.asked(project, query))
    )
    real, made_up = (
        session.scalar(found.where(col(Annotator.simulated).is_(flag)).limit(1)) is not None
        for flag in (False, True)
    )
    return real, made_up


def uids(session: Session, project: Project) -> dict[str, str]:
    """Each model's id in addresses, by its name."""
    return remembered(session, project, "uids", lambda _: _uids(session, project))


def _uids(session: Session, project: Project) -> dict[str, str]:
    found = sa.select(col(Model.name), col(Model.uid)).where(col(Model.project_id) == project.id)
    return dict(session.execute(found).all())


def _headline(session: Session, project: Project) -> Headline:
    groups = col(Annotator.kind), col(Annotator.simulated)
    # One that counts of each annotator. An EXISTS PostgreSQL would turn into a join, which reads them all,
    # and asked for the project of judgments SQLite would go through those of everybody.
    counted = (
        sa.select(sa.literal(1))
        .join_from(Judgment, Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .where(col(Judgment.annotator_id) == col(Annotator.id), *reading.COUNTING)
        .correlate(Annotator)
        .limit(1)
        .scalar_subquery()
    )
    # Whoever never judged is not looked for.
    judging = sa.case((col(Annotator.judged) > 0, counted))
    found = (
        sa.select(*groups, sa.func.count())
        .where(col(Annotator.project_id) == project.id, judging.is_not(None))
        .group_by(*groups)
    )
    counts = {(kind, simulated): int(n) for kind, simulated, n in session.execute(found)}
    last = sa.select(col(Judgment.created_at)).where(col(Judgment.project_id) == project.id)
    return Headline(
        people=counts.get((AnnotatorKind.HUMAN, False), 0),
        judges=counts.get((AnnotatorKind.MODEL, False), 0),
        simulated_people=counts.get((AnnotatorKind.HUMAN, True), 0),
        simulated_judges=counts.get((AnnotatorKind.MODEL, True), 0),
        updated_at=session.scalar(last.order_by(col(Judgment.created_at).desc()).limit(1)),
    )


def _told(session: Session, project: Project, query: StandingsQuery, before: Standings | None) -> Standings:
    """With a word where some of those who judged are nobody."""
    found = _rank(session, project, query, before)
    return replace(found, notes=(*simulated(session, project, query), *found.notes))


def _rank(session: Session, project: Project, query: StandingsQuery, before: Standings | None) -> Standings:
    names, codes = reading.models(session, project)
    cells = counted(session, project, query, codes)
    if query.method == "elo":
        return _rank_elo(session, project, query, cells)
    start = before.fit.theta if before and before.fit and before.models == tuple(names) else None

    def prompts(fitted: Fit) -> Prompts:
        found = shared_prompts.load(session, project, query, fitted, codes)
        if query.value and not (found.crossed and found.crossed.items >= FEW_PROMPTS):
            # A slice too small to tell is taken to be like the whole, where that tells.
            whole = load(session, project, query.model_copy(update={"by": "", "value": ""})).crossed
            return replace(found, number=whole.items, crossed=whole) if whole else found
        return found

    return rank_cells(names, cells, query.parameters(), start, prompts)


def counted(session: Session, project: Project, query: StandingsQuery, codes: Integers) -> Cells:
    """The judgments that a query asks for, counted by annotators; ``codes`` are the ids of the models."""
    if query.always:
        return kept.load(session, project, codes, query.by, query.value)
    # One reading for all slices of some days.
    period = query.by, query.since, query.until
    found = remembered(
        session, project, ("within", *period), lambda _: reading.within(session, project, *period)
    )
    return found.get(query.value) or reading.nothing(len(codes))


def _rank_elo(session: Session, project: Project, query: StandingsQuery, cells: Cells) -> Standings:
    run = replay.load(session, project, query)
    ratings = run.ratings()[-1] if run.marks else np.full(len(run.models), np.nan)
    spread = replay.spread(session, project, query, run)
    matrix = WinMatrix.from_cells(cells)
    return rank_elo(run.models, matrix, ratings, query.parameters(), k=replay.K, spread=spread, order="time")
