"""Judgments, and the counts kept of them, read from the database as numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app import tallies
from app.leaderboard.forms import StandingsQuery
from app.models import (
    Annotator,
    AnnotatorKind,
    Comparison,
    Judgment,
    Model,
    Outcome,
    Project,
    Prompt,
    Tally,
    row_id,
)
from app.models.base import UTCDateTime
from app.prepared import table
from ranking import Cells
from ranking import Outcome as Code

# In the order of the codes, as the columns of cells are.
CODES = {
    Outcome.A.value: int(Code.A),
    Outcome.B.value: int(Code.B),
    Outcome.TIE.value: int(Code.TIE),
    Outcome.BOTH_BAD.value: int(Code.BOTH_BAD),
}
# A judgment in numbers.
PAIR = col(Comparison.model_a_id), col(Comparison.model_b_id)
OUTCOME = sa.case(CODES, value=sa.type_coerce(col(Judgment.outcome), sa.String))
# The order judgments were made in.
_PLACE = col(Judgment.created_at), col(Judgment.id)
# So many at once, so that no number of judgments needs more memory.
A_PART = 50_000

Integers = NDArray[np.int64]


def models(session: Session, project: Project) -> tuple[list[str], Integers]:
    """A project's models: names, and ids ascending, by code."""
    found = sa.select(col(Model.id), col(Model.name)).where(col(Model.project_id) == project.id)
    rows = session.execute(found.order_by(col(Model.id))).all()
    return [name for _, name in rows], np.array([model_id for model_id, _ in rows], np.int64)


def columns(session: Session, statement: Any, width: int) -> Integers:
    """A query of integers as (width, n)."""
    values = chain.from_iterable(session.execute(statement))
    return np.fromiter(values, np.int64).reshape(-1, width).T


# Counts

_one, _other = table(Model).alias(), table(Model).alias()
_pairs = _one.join(_other, sa.and_(_one.c.project_id == _other.c.project_id, _one.c.id < _other.c.id))


def tallied(
    session: Session,
    project: Project,
    codes: Integers,
    by: str = "",
    value: str = "",
    *,
    count: str = "n",
    clusters: Sequence[int] | None = None,
) -> Cells:
    """The kept counts of one slice, or of all, over all time; of one shown order, "straight" or "swapped".

    ``clusters`` are some of annotators; None is all.
    """
    # Both kinds of annotators together are all there are.
    parts = [(by, value)] if by else [("kind", kind.value) for kind in AnnotatorKind]
    found = (_of_clusters(project, *part, count, clusters) for part in parts)
    return cells(codes, columns(session, sa.union_all(*found), 3 + len(CODES)))


def _of_clusters(
    project: Project, by: str, value: str, count: str, clusters: Sequence[int] | None
) -> "sa.Select[*tuple[int, ...]]":
    counts = table(Tally)
    names, numbers = _numbers(counts, count)
    here = (counts.c.project_id == project.id, counts.c.slice_by == by, counts.c.slice_value == value)
    if clusters is None:
        return sa.select(*names, *numbers).where(*here, counts.c[count] > 0).group_by(*names)
    # From each pair of models the key leads to a cluster's counts, and no others are read. An inner join
    # SQLite would turn around, and read them all.
    names = [_one.c.id, _other.c.id, counts.c.cluster]
    these = (counts.c.model_a_id == _one.c.id, counts.c.model_b_id == _other.c.id)
    wanted = sa.and_(*here, *these, counts.c.cluster.in_(clusters))
    found = sa.select(*names, *numbers).select_from(_pairs.outerjoin(counts, wanted))
    found = found.where(_one.c.project_id == project.id).group_by(*names)
    return found.having(sa.func.sum(counts.c[count]) > 0)


def within(
    session: Session, project: Project, by: str, since: date | None, until: date | None
) -> dict[str, Cells]:
    """Each value's judgments of some days, counted now: it costs as much as there are of them."""
    counts = tallies.between(session, row_id(project), by, *period(since, until)).subquery()
    names, numbers = _numbers(counts)
    value = counts.c.slice_value
    found = sa.select(value, *names, *numbers).group_by(value, *names).order_by(value)
    _, codes = models(session, project)
    by_value = groupby(session.execute(found), key=lambda row: row[0])
    return {one: cells(codes, np.array([row[1:] for row in rows], np.int64).T) for one, rows in by_value}


def nothing(n_models: int) -> Cells:
    """The counts of no judgments."""
    none = np.zeros(0, np.intp)
    return Cells(none, none, np.zeros((len(CODES), 0)), n_models, none)


def _numbers(counts: Any, count: str = "n") -> tuple[list[Any], list[Any]]:
    """What a count is of, and how often each outcome: rows are what costs here, not columns."""
    names = [counts.c[name] for name in ("model_a_id", "model_b_id", "cluster")]
    outcome = sa.type_coerce(counts.c.outcome, sa.String)
    return names, [sa.func.sum(sa.case((outcome == one, counts.c[count]), else_=0)) for one in CODES]


def cells(codes: Integers, found: Integers) -> Cells:
    """Of rows (a, b, cluster, how often each outcome of CODES)."""
    a, b, cluster, *numbers = found
    left, right = np.searchsorted(codes, a), np.searchsorted(codes, b)
    return Cells(_narrow(left), _narrow(right), _narrow(np.array(numbers)), len(codes), _narrow(cluster))


def _narrow(numbers: Integers) -> NDArray[np.integer[Any]]:
    """In the smallest type that holds them: they are kept, and there may be a million."""
    return numbers.astype(np.min_scalar_type(numbers.max(initial=0)))


# Judgments


# What makes a judgment count in its project, the same as for the kept tallies.
COUNTING = (
    col(Judgment.retired_at).is_(None),
    col(Comparison.gold).is_(None),
    col(Comparison.model_a_id) != col(Comparison.model_b_id),
)


def counts(project: Project) -> tuple[Any, ...]:
    """The same, and that it is the project's."""
    return col(Judgment.project_id) == project.id, *COUNTING


def period(since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
    """Whole days, UTC, both ends included, as moments: from the first on, before the second."""
    return (
        None if since is None else datetime.combine(since, time(), UTC),
        None if until is None else datetime.combine(until + timedelta(days=1), time(), UTC),
    )


def asked(project: Project, query: StandingsQuery) -> list[Any]:
    """Which judgments a question is about, whether they count or not."""
    since, until = period(query.since, query.until)
    made = col(Judgment.created_at)
    found = [made >= since] if since else []
    found += [made < until] if until else []
    if query.value:
        found.append(_in_slice(project, query))
    return found


def _in_slice(project: Project, query: StandingsQuery) -> Any:
    if query.by == "criterion":
        return _said_of(query.value).is_not(None)
    if query.by in ("category", "language"):
        prompts = sa.select(col(Prompt.id)).where(col(Prompt.project_id) == project.id)
        return col(Comparison.prompt_id).in_(prompts.where(getattr(Prompt, query.by) == query.value))
    people = sa.select(col(Annotator.id)).where(col(Annotator.project_id) == project.id)
    belongs = {"kind": col(Annotator.kind), "group": col(Annotator.group_name)}[query.by]
    return col(Judgment.annotator_id).in_(people.where(belongs == query.value))


def _said_of(criterion: str) -> Any:
    return col(Judgment.criteria)[criterion].as_string()


def verdict(query: StandingsQuery) -> Any:
    """What is asked of each judgment: the verdict on a criterion, or the whole."""
    if query.value and query.by == "criterion":
        return _said_of(query.value)
    return sa.type_coerce(col(Judgment.outcome), sa.String)


@dataclass(frozen=True, eq=False)
class Judgments:
    """(n,) columns, in the order made; ``outcome`` is -1 where a judgment does not count for the question."""

    id: Integers
    a: Integers
    b: Integers
    outcome: Integers
    retired: NDArray[np.bool_]


def in_time(
    session: Session, project: Project, query: StandingsQuery, after: int | None = None
) -> Iterator[Judgments]:
    """A project's judgments of the days asked for, retired ones too, part by part; all or those after one."""
    retired = col(Judgment.retired_at).is_not(None)
    said = verdict(query)
    counted = sa.and_(*counts(project), *asked(project, query))
    if query.ties == "drop":
        counted = sa.and_(counted, said != Outcome.TIE.value)
    wanted = (
        col(Judgment.id),
        *PAIR,
        sa.case((counted, sa.case(CODES, value=said, else_=-1)), else_=-1),
        sa.case((retired, 1), else_=0),
    )
    days = query.model_copy(update={"value": ""})
    found = (
        sa.select(*wanted)
        .join_from(Judgment, Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .where(col(Judgment.project_id) == project.id, *asked(project, days))
        .order_by(*_PLACE)
        .execution_options(yield_per=A_PART)
    )
    if after is not None:
        found = found.where(later_than(session, after))
    _, codes = models(session, project)
    for rows in session.execute(found).partitions():
        ids, a, b, outcomes, gone = np.fromiter(chain.from_iterable(rows), np.int64).reshape(len(rows), -1).T
        yield Judgments(ids, np.searchsorted(codes, a), np.searchsorted(codes, b), outcomes, gone > 0)


def later_than(session: Session, judgment_id: int) -> "sa.ColumnElement[bool]":
    """Which judgments were made after one."""
    made = session.scalar(sa.select(col(Judgment.created_at)).where(col(Judgment.id) == judgment_id))
    return sa.tuple_(*_PLACE) > sa.tuple_(sa.literal(made, UTCDateTime()), judgment_id)
