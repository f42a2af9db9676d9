"""A project's standings: kept tallies in, ratings with intervals out, remembered until a vote changes."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from threading import Lock
from typing import Any, TypeVar, cast, get_args

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app.leaderboard.forms import SliceBy, StandingsQuery
from app.leaderboard.ranked import Standings, rank_cells, rank_votes, with_slices
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Model, Outcome, Project, Prompt, Tally
from ranking import Cells
from ranking import Outcome as Code

CODES = {
    Outcome.A: int(Code.A),
    Outcome.B: int(Code.B),
    Outcome.TIE: int(Code.TIE),
    Outcome.BOTH_BAD: int(Code.BOTH_BAD),
}
# A judgment in numbers.
PAIR = col(Comparison.model_a_id), col(Comparison.model_b_id)
OUTCOME = sa.case(CODES, value=col(Judgment.outcome))
SLICES = [by for by in get_args(SliceBy) if by]
REMEMBERED = 256

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Headline:
    """What stands above a leaderboard. Simulated annotators are counted apart from people."""

    people: int
    judges: int
    simulated: int
    updated_at: datetime | None


class _Memory:
    """The last answer to each question, in this process; the oldest are forgotten."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._answers: OrderedDict[object, tuple[int, Any]] = OrderedDict()

    def get(self, question: object) -> tuple[int, Any]:
        """(revision, answer); the answer to nothing is older than any."""
        with self._lock:
            if question in self._answers:
                self._answers.move_to_end(question)
            return self._answers.get(question, (-1, None))

    def put(self, question: object, revision: int, answer: Any) -> None:
        with self._lock:
            self._answers[question] = (revision, answer)
            self._answers.move_to_end(question)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()


_memory = _Memory()
# For measuring what a process that has just started has to do.
forget = _memory.clear


def revision(session: Session, project: Project) -> int:
    """A number that grows with every change a leaderboard could show."""
    changes = sa.select(sa.func.coalesce(sa.func.sum(col(Annotator.changes)), 0))
    found = session.scalar(changes.where(col(Annotator.project_id) == project.id))
    return project.revision + int(found or 0)


def remembered(session: Session, project: Project, question: object, make: Callable[[Any], Answer]) -> Answer:
    """The answer of this revision, or a new one made from the last (None at first)."""
    now = revision(session, project)
    key = (session.get_bind().engine.url, project.id, question)
    then, answer = _memory.get(key)
    if then != now:
        answer = make(answer)
        _memory.put(key, now, answer)
    return cast(Answer, answer)


def load(session: Session, project: Project, query: StandingsQuery) -> Standings:
    """The standings the query asks for (of the whole project where it names no one slice)."""
    if not query.value and query.by:
        query = query.model_copy(update={"by": ""})
    return remembered(session, project, query, lambda before: _rank(session, project, query, before))


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
    values = slices(session, project).get(query.by, [])
    parts = load_slices(session, project, query, values)
    return {("", ""): found, **{(query.by, value): part for value, part in parts.items()}}


def as_object(session: Session, project: Project, query: StandingsQuery) -> dict[str, Any]:
    """What the API, the download and ``leaderboard --json`` give."""
    (_, first), *rest = load_parts(session, project, query).items()
    if query.value:
        return {**first.as_object(), "by": query.by, "value": query.value}
    if query.by:
        return with_slices(first, query.by, {value: found for (_, value), found in rest})
    return first.as_object()


def slices(session: Session, project: Project) -> dict[str, list[str]]:
    """By what the judgments can be sliced, and the values that have any, the largest first."""
    return remembered(session, project, "slices", lambda _: _slices(session, project))


def headline(session: Session, project: Project) -> Headline:
    """Who judged, and when last."""
    return remembered(session, project, "headline", lambda _: _headline(session, project))


def uids(session: Session, project: Project) -> dict[str, str]:
    """Each model's id in addresses, by its name."""
    return remembered(session, project, "uids", lambda _: _uids(session, project))


def _uids(session: Session, project: Project) -> dict[str, str]:
    found = sa.select(col(Model.name), col(Model.uid)).where(col(Model.project_id) == project.id)
    return dict(session.execute(found).all())


def _slices(session: Session, project: Project) -> dict[str, list[str]]:
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
    return {name: known for name, known in values.items() if known}


def _headline(session: Session, project: Project) -> Headline:
    kind = sa.case((col(Annotator.simulated), "simulated"), else_=sa.cast(col(Annotator.kind), sa.String))
    found = (
        sa.select(kind, sa.func.count())
        .where(col(Annotator.project_id) == project.id, col(Annotator.judged) > 0)
        .group_by(kind)
    )
    counts: dict[str, int] = dict(session.execute(found).all())
    last = sa.select(col(Judgment.created_at)).where(col(Judgment.project_id) == project.id)
    return Headline(
        people=counts.get(AnnotatorKind.HUMAN.value, 0),
        judges=counts.get(AnnotatorKind.MODEL.value, 0),
        simulated=counts.get("simulated", 0),
        updated_at=session.scalar(last.order_by(col(Judgment.id).desc()).limit(1)),
    )


def models(session: Session, project: Project) -> tuple[list[str], NDArray[np.int64]]:
    """A project's models: names, and ids ascending, by code."""
    found = sa.select(col(Model.id), col(Model.name)).where(col(Model.project_id) == project.id)
    rows = session.execute(found.order_by(col(Model.id))).all()
    return [name for _, name in rows], np.array([model_id for model_id, _ in rows], np.int64)


def cells(session: Session, project: Project, by: str = "", value: str = "") -> Cells:
    """Tallies of one slice. The database turns the outcomes into columns: rows are what costs here."""
    _, codes = models(session, project)
    names = col(Tally.model_a_id), col(Tally.model_b_id), col(Tally.cluster)
    outcomes = [sa.case((col(Tally.outcome) == outcome, col(Tally.n)), else_=0) for outcome in CODES]
    found = (
        sa.select(*names, *map(sa.func.sum, outcomes))
        .where(
            col(Tally.project_id) == project.id,
            col(Tally.slice_by) == by,
            col(Tally.slice_value) == value,
            col(Tally.n) > 0,
        )
        .group_by(*names)
    )
    a, b, cluster, *numbers = columns(session, found, len(names) + len(CODES))
    outcome = np.repeat(list(CODES.values()), len(a))
    left, right = (np.tile(np.searchsorted(codes, ids), len(CODES)) for ids in (a, b))
    count = np.concatenate(numbers).astype(np.float64)
    present = count > 0
    arrays = (left[present], right[present], outcome[present], count[present])
    return Cells(*arrays, len(codes), np.tile(cluster, len(CODES))[present])


def votes(
    session: Session, project: Project, query: StandingsQuery
) -> tuple[list[str], NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Live judgments in the order they were made: the models' names, and (n,) columns of codes."""
    found = (
        sa.select(*PAIR, OUTCOME)
        .join_from(Judgment, Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .where(*counts(project))
        .order_by(col(Judgment.id))
    )
    if query.value and query.by == "kind":
        found = found.join(Annotator, col(Judgment.annotator_id) == col(Annotator.id))
        found = found.where(col(Annotator.kind) == query.value)
    elif query.value:
        found = found.join(Prompt, col(Comparison.prompt_id) == col(Prompt.id))
        found = found.where(getattr(Prompt, query.by) == query.value)
    names, codes = models(session, project)
    a, b, outcome = columns(session, found, 3)
    return names, np.searchsorted(codes, a), np.searchsorted(codes, b), outcome


def counts(project: Project) -> tuple[Any, ...]:
    """What makes a judgment count, the same as for the kept tallies."""
    return (
        col(Judgment.project_id) == project.id,
        col(Judgment.retired_at).is_(None),
        col(Comparison.gold).is_(None),
        col(Comparison.model_a_id) != col(Comparison.model_b_id),
    )


def columns(session: Session, statement: Any, width: int) -> NDArray[np.int64]:
    """A query of integers as (width, n)."""
    values = chain.from_iterable(session.execute(statement))
    return np.fromiter(values, np.int64).reshape(-1, width).T


def _rank(session: Session, project: Project, query: StandingsQuery, before: Standings | None) -> Standings:
    if query.method == "elo":
        return rank_votes(*votes(session, project, query), query.parameters())
    names, _ = models(session, project)
    start = before.fit.theta if before and before.fit and before.models == tuple(names) else None
    return rank_cells(names, cells(session, project, query.by, query.value), query.parameters(), start)
