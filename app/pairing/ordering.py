"""Which waiting comparisons come first where a project asks first what teaches most.

Only the front of the queue is chosen; everything else keeps its random place behind it, so that
nothing waits for ever. Places count among comparisons that are taken equally often, so the next
round, in which each is judged once more, is ordered by the same rule when it begins; gold ones have
their own. Neither overlap nor gold is held up by the choice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app import audit, db
from app.leaderboard import memory, reading, standings
from app.models import Account, Comparison, Job, JobState, Project, Selection, Slot
from app.pairing.names import position
from app.prepared import table
from ranking.selection import choose_comparisons, score_pairs

# Enough for the busiest minute; the next choice knows more.
FRONT = 400
# Judgments (or other changes) after which what they taught is worth a new choice.
EVERY = 50


@dataclass(frozen=True)
class Reordered:
    """Comparisons looked at, how many now come first, and how many went back among the others."""

    waiting: int
    front: int
    returned: int

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


def reorder(engine: sa.Engine, project: Project, *, by: Account | None = None) -> Reordered:
    """Choose the front of the queue anew, or, where the order is random again, dissolve it.

    Reads without a lock, then moves at most twice FRONT places in one short transaction. Whatever is
    being claimed at that moment stays where it is.
    """
    with db.new_session(engine, write=False) as session:
        rounds = session.execute(_rounds(project)).scalars().all()
        waiting, chosen = _chosen(session, project, rounds)
        before = {row.comparison_id: row.pair_id for row in session.execute(_in_front(project, rounds))}
    places = {comparison_id: place - len(chosen) for place, comparison_id in enumerate(chosen)}
    returned = {one: position(name) for one, name in before.items() if one not in places}
    result = Reordered(waiting, len(places), len(returned))
    if places or returned:
        with db.transaction(engine) as session:
            _move(session, places | returned)
            subject = f"project:{project.slug}"
            audit.record(session, "queue.order", subject, by=by, project=project, detail=result.as_dict())
    return result


def state(session: Session, project: Project) -> dict[str, Any]:
    """What a choice depends on: judgments and settings so far, the comparisons there are, the rule."""
    newest = sa.select(sa.func.max(col(Comparison.id))).where(col(Comparison.project_id) == project.id)
    return {
        "selection": project.selection.value,
        "revision": memory.revision(session, project),
        "newest": session.scalar(newest),
    }


def is_due(session: Session, project: Project, last: Job | None) -> bool:
    """Whether there is reason to choose anew since the project's last job of this kind."""
    informative = project.selection == Selection.INFORMATIVE
    if last is None:
        return informative
    if last.state in (JobState.QUEUED, JobState.RUNNING):
        return False
    then, now = last.params, state(session, project)
    if now["selection"] != then["selection"]:
        return True
    changed = now["newest"] != then["newest"] or now["revision"] - then["revision"] >= EVERY
    return informative and changed


def _chosen(session: Session, project: Project, rounds: Sequence[int]) -> tuple[int, list[int]]:
    """How many comparisons were looked at, and those to come first, in order, round after round."""
    fitted = standings.fitted(session, project)
    if project.selection != Selection.INFORMATIVE or fitted is None:
        return 0, []
    scores = score_pairs(fitted)
    _, codes = reading.models(session, project)
    # A seed that changes from choice to choice and makes each repeatable.
    seed = round(fitted.matrix.judgments.sum() / 2)
    waiting = 0
    found: list[int] = []
    for taken in rounds:
        ids, a, b = reading.columns(session, _waiting(project, taken), 3)
        pair = np.searchsorted(codes, a), np.searchsorted(codes, b)
        found += ids[choose_comparisons(scores, *pair, FRONT - len(found), seed=seed)].tolist()
        waiting += len(ids)
        if len(found) == FRONT:
            break
    return waiting, found


def _rounds(project: Project) -> "sa.Select[tuple[int]]":
    """How often those are taken that are not yet taken as often as wanted: the least often come first."""
    # From one to the next by the index, where DISTINCT would read all of the queue.
    least = sa.select(sa.func.min(table(Slot).c.taken).label("taken")).where(*_free(project))
    found = least.cte("rounds", recursive=True)
    after = least.where(table(Slot).c.taken > found.c.taken).correlate(found).scalar_subquery()
    found = found.union_all(sa.select(after).where(found.c.taken.is_not(None)))
    return sa.select(found.c.taken).where(found.c.taken.is_not(None)).order_by(found.c.taken)


def _waiting(project: Project, taken: int) -> Any:
    slot, comparison = table(Slot).c, table(Comparison).c
    return (
        sa.select(comparison.id, comparison.model_a_id, comparison.model_b_id)
        .join(table(Slot), slot.comparison_id == comparison.id)
        .where(
            *_free(project),
            slot.taken == taken,
            comparison.gold.is_(None),
            comparison.model_a_id != comparison.model_b_id,
        )
    )


def _free(project: Project) -> "tuple[sa.ColumnElement[bool], ...]":
    # Written out for the partial index.
    return table(Slot).c.project_id == project.id, sa.text("slots.taken < slots.wanted")  # type: ignore[return-value]


def _in_front(project: Project, rounds: Sequence[int]) -> Any:
    """Those that were chosen before and wait still, whatever the round."""
    slot, comparison = table(Slot), table(Comparison)
    return (
        sa.select(slot.c.comparison_id, comparison.c.pair_id)
        .join(comparison, slot.c.comparison_id == comparison.c.id)
        .where(*_free(project), slot.c.taken.in_(rounds), slot.c.position < 0)
    )


def _move(session: Session, places: dict[int, int]) -> None:
    slot = table(Slot)
    # Never wait for a row that a claim holds: two that wait for each other would both fail.
    free = sa.select(slot.c.comparison_id).where(slot.c.comparison_id.in_(places))
    ids = session.execute(free.with_for_update(skip_locked=True)).scalars().all()
    there = slot.c.comparison_id == sa.bindparam("comparison")
    moved = sa.update(slot).where(there).values(position=sa.bindparam("place"))
    if ids:
        session.connection().execute(moved, [{"comparison": one, "place": places[one]} for one in ids])
