"""Elo kept up: judgments replayed in the order they were made, on from where the last replay ended.

A replay leaves marks along the way. The next one goes on from the last mark before which nothing
changed: no judgment was changed or withdrawn, and none came in late.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app.leaderboard import over_time, reading
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.memory import remembered
from app.leaderboard.over_time import MOST_MARKS, Trajectory
from app.leaderboard.ranked_votes import MAX_PERMUTED, elo_spread
from app.leaderboard.reading import Judgments
from app.models import Annotator, Judgment, Project
from ranking import elo
from ranking.bradley_terry import CENTER
from ranking.elo import EloState

K = 4.0


@dataclass(frozen=True, eq=False)
class Mark:
    """The state after a judgment: ``rows`` were made up to it in the project, ``retired`` of them since."""

    judgment_id: int
    rows: int
    retired: int
    state: EloState

    @property
    def votes(self) -> int:
        """How many judgments had counted."""
        return self.state.votes


@dataclass(frozen=True, eq=False)
class Replay:
    """The models by code, and a mark after every ``step`` judgments that count; the last is the end.

    ``structure`` is the project's revision when it was read: its models, prompts and groups.
    """

    models: tuple[str, ...]
    marks: tuple[Mark, ...]
    step: int
    structure: int

    @property
    def votes(self) -> int:
        """How many judgments count."""
        return self.marks[-1].votes if self.marks else 0

    def ratings(self) -> NDArray[np.float64]:
        """(marks, models), NaN before a model's first judgment."""
        found = np.full((len(self.marks), len(self.models)), np.nan)
        for row, mark in zip(found, self.marks, strict=True):
            played = np.flatnonzero(mark.state.played)
            row[played] = CENTER + mark.state.points[played]
        return found


def load(session: Session, project: Project, query: StandingsQuery) -> Replay:
    """The replay of what a query asks for; after a change only what came since is read."""
    asked = query.model_copy(update={"method": "elo", "ties": "drop" if query.ties == "drop" else "half"})
    return remembered(
        session, project, ("replay", asked), lambda then: _replay(session, project, asked, then)
    )


def trajectory(session: Session, project: Project, query: StandingsQuery) -> Trajectory:
    """How the ratings came about, caught up with the last judgment."""
    run = load(session, project, query)
    return over_time.trajectory(run.models, [mark.votes for mark in run.marks], run.ratings())


def spread(session: Session, project: Project, query: StandingsQuery, run: Replay) -> float:
    """How far another order of the judgments would move a rating; told anew when they are a quarter more."""
    question = ("spread", query.by, query.value, query.since, query.until, query.ties)

    def told(before: tuple[int, float] | None) -> tuple[int, float]:
        if before and before[0] <= run.votes <= 1.25 * before[0]:
            return before
        return run.votes, _spread(session, project, query, run) if run.votes <= MAX_PERMUTED else np.nan

    return remembered(session, project, question, told)[1]


def _spread(session: Session, project: Project, query: StandingsQuery, run: Replay) -> float:
    parts = list(reading.in_time(session, project, query))
    a, b, outcome = (
        np.concatenate([getattr(part, name)[part.outcome >= 0] for part in parts] or [[]])
        for name in ("a", "b", "outcome")
    )
    return elo_spread(a, b, outcome, len(run.models))


def _replay(session: Session, project: Project, query: StandingsQuery, before: Replay | None) -> Replay:
    names, _ = reading.models(session, project)
    marks = _still_true(session, project, query, before) if before else ()
    run = _Run(len(names), marks, before.step if before and marks else 1)
    for part in reading.in_time(session, project, query, marks[-1].judgment_id if marks else None):
        run.play(part)
    return Replay(tuple(names), tuple(run.end()), run.step, project.revision)


def _still_true(session: Session, project: Project, query: StandingsQuery, before: Replay) -> Sequence[Mark]:
    """The marks before which nothing changed."""
    # Some days are read whole; what a slice holds may change with prompts and groups.
    if not query.always or not before.marks or (query.value and before.structure != project.revision):
        return ()
    if not _changed(session, project, before.marks[-1]):
        return before.marks
    return before.marks[: bisect_left(before.marks, True, key=lambda mark: _changed(session, project, mark))]


def _changed(session: Session, project: Project, mark: Mark) -> bool:
    """Whether other judgments lie before a mark than when it was made, or more of them are retired.

    All judgments are the live ones, which annotators' rows count, and the retired; those before the
    mark are all but the few after it. Counted in one statement: judgments come in at any moment.
    """
    later = reading.later_than(session, mark.judgment_id)
    made = sa.select(sa.func.count()).where(col(Judgment.project_id) == project.id)
    retired = made.where(col(Judgment.retired_at).is_not(None))
    live = sa.select(sa.func.coalesce(sa.func.sum(col(Annotator.judged)), 0))
    numbers = (
        live.where(col(Annotator.project_id) == project.id),
        retired,
        made.where(later),
        retired.where(sa.not_(later)),
    )
    counted = session.execute(sa.select(*(number.scalar_subquery() for number in numbers))).one()
    alive, gone, after, gone_before = map(int, counted)
    return (alive + gone - after, gone_before) != (mark.rows, mark.retired)


class _Run:
    """A replay under way."""

    def __init__(self, n_models: int, marks: Sequence[Mark], step: int) -> None:
        self.n_models = n_models
        self.step = step
        self.marks = [mark for mark in marks if mark.votes % step == 0]
        self.last = marks[-1] if marks else Mark(0, 0, 0, EloState(np.zeros(0), np.zeros(0, np.intp), 0))

    def play(self, part: Judgments) -> None:
        """Rate one more part, a block from mark to mark at a time."""
        counting, gone = np.flatnonzero(part.outcome >= 0), np.cumsum(part.retired)
        before, done = self.last, 0
        while done < len(counting):
            block = counting[done : done + self.step - self.last.votes % self.step]
            last = int(block[-1])
            self.last = Mark(
                judgment_id=int(part.id[last]),
                rows=before.rows + last + 1,
                retired=before.retired + int(gone[last]),
                state=self._rate(part, block),
            )
            if self.last.votes % self.step == 0:
                self.marks.append(self.last)
                self._thin()
            done += len(block)
        rows, retired = before.rows + len(part.id), before.retired + int(gone[-1])
        self.last = replace(self.last, judgment_id=int(part.id[-1]), rows=rows, retired=retired)

    def end(self) -> list[Mark]:
        """The marks, where it ended last."""
        on_the_way = [mark for mark in self.marks if mark.votes < self.last.votes]
        return [*on_the_way, self.last] if self.last.votes else []

    def _rate(self, part: Judgments, rows: NDArray[np.intp]) -> EloState:
        votes = part.a[rows], part.b[rows], part.outcome[rows]
        return elo(*votes, self.n_models, k=K, start=self.last.state).state

    def _thin(self) -> None:
        while len(self.marks) > MOST_MARKS:
            self.step *= 2
            self.marks = [mark for mark in self.marks if mark.votes % self.step == 0]
