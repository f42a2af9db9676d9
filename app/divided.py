"""Kept counts of each comparison's live judgments by outcome: an index of them knows who is divided.

Every change of a judgment changes them in the same transaction, by additions, so that two who judge at
once both count. ``rebuild`` and ``differences`` count again from the judgments themselves.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from app.adding import Kept, Row
from app.models import Comparison, Judgment, Outcome, VoteCount
from app.models.judgment import DIVIDED
from app.prepared import table

_counts, _judgments, _comparisons = table(VoteCount), table(Judgment), table(Comparison)


class Difference(NamedTuple):
    """A count that is not what the judgments say."""

    pair_id: str
    outcome: Outcome
    kept: int
    counted: int


KEPT = Kept(VoteCount, *Outcome)


def rows(project_id: int, deltas: Mapping[tuple[int, Outcome], int]) -> list[Row]:
    """Rows to add to the kept counts, of deltas by (comparison's id, outcome), in the same order always."""
    return KEPT.rows(
        ((comparison_id, project_id), outcome, delta)
        for (comparison_id, outcome), delta in sorted(deltas.items())
    )


def only(comparisons: "sa.Select[*tuple[Any, ...]]", project_id: int) -> "sa.Select[*tuple[Any, ...]]":
    """Of a query of comparisons, those of a project whose live judgments are not all the same."""
    # Joined, and the project asked of the counts alone: else SQLite looks at every comparison it has.
    joined = _counts.join(_comparisons, _counts.c.comparison_id == _comparisons.c.id)
    return comparisons.select_from(joined).where(_counts.c.project_id == project_id, sa.text(DIVIDED))


def rebuild(session: Session, project_id: int) -> None:
    """Replace a project's counts by a new count of its judgments."""
    if session.get_bind().dialect.name == "postgresql":
        # Judgments under way either are counted below or add themselves afterwards.
        session.execute(sa.text("LOCK TABLE vote_counts IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(sa.delete(VoteCount).where(_counts.c.project_id == project_id))
    sums = [sa.func.sum(sa.case((_judgments.c.outcome == outcome, 1), else_=0)) for outcome in Outcome]
    comparison = _judgments.c.comparison_id
    rows = sa.select(comparison, sa.literal(project_id), *sums).where(*_live(project_id)).group_by(comparison)
    session.execute(sa.insert(VoteCount).from_select(["comparison_id", "project_id", *Outcome], rows))


def differences(session: Session, project_id: int) -> list[Difference]:
    """The counts that are not what the judgments say; both are read in one statement."""
    outcome = sa.cast(_judgments.c.outcome, sa.String)
    none = sa.literal(0)
    kept = [
        sa.select(
            _counts.c.comparison_id.label("id"),
            sa.literal(one.value).label("outcome"),
            _counts.c[one].label("kept"),
            none.label("counted"),
        ).where(_counts.c.project_id == project_id)
        for one in Outcome
    ]
    counted = sa.select(_judgments.c.comparison_id, outcome, none, none + 1).where(*_live(project_id))
    both = sa.union_all(*kept, counted).subquery()
    sums = sa.func.sum(both.c.kept), sa.func.sum(both.c.counted)
    key = (_comparisons.c.pair_id, both.c.outcome)
    found = (
        sa.select(*key, *sums)
        .join(both, both.c.id == _comparisons.c.id)
        .group_by(*key)
        .having(sums[0] != sums[1])
        .order_by(*key)
    )
    return [Difference(row[0], Outcome(row[1]), int(row[2]), int(row[3])) for row in session.execute(found)]


def _live(project_id: int) -> "tuple[sa.ColumnElement[bool], ...]":
    return _judgments.c.project_id == project_id, _judgments.c.retired_at.is_(None)
