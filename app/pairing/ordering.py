"""Which waiting comparisons come first where a project asks first what teaches most.

Only the front of the queue is chosen; everything else keeps its random place behind it, so that
nothing waits for ever. Places count among comparisons that are taken equally often, and gold ones
have their own rule: neither overlap nor gold is held up by the choice.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app import audit, db
from app.leaderboard import memory, reading, standings
from app.leaderboard.forms import StandingsQuery
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
    """Untaken comparisons, how many of them now come first, and how many went back among the others."""

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
        waiting, chosen = _chosen(session, project)
        before = {row.comparison_id: row.pair_id for row in session.execute(_in_front(project))}
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


def _chosen(session: Session, project: Project) -> tuple[int, list[int]]:
    """How many comparisons nobody has taken, and those to come first, in order."""
    if project.selection != Selection.INFORMATIVE:
        return 0, []
    ids, a, b = reading.columns(session, _waiting(project), 3)
    fitted = standings.load(session, project, StandingsQuery()).fit
    if fitted is None or not len(ids):
        return 0, []
    _, codes = reading.models(session, project)
    pair = np.searchsorted(codes, a), np.searchsorted(codes, b)
    # A seed that changes with each choice and makes it repeatable.
    seed = memory.revision(session, project)
    chosen = choose_comparisons(score_pairs(fitted), *pair, FRONT, seed=seed)
    return len(ids), ids[chosen].tolist()


def _waiting(project: Project) -> Any:
    comparison = table(Comparison).c
    return (
        sa.select(comparison.id, comparison.model_a_id, comparison.model_b_id)
        .join(table(Slot), table(Slot).c.comparison_id == comparison.id)
        .where(*_untaken(project), comparison.gold.is_(None), comparison.model_a_id != comparison.model_b_id)
    )


def _untaken(project: Project) -> "tuple[sa.ColumnElement[bool], ...]":
    slot = table(Slot).c
    # Written out for the partial index.
    return slot.project_id == project.id, slot.taken == 0, sa.text("slots.taken < slots.wanted")  # type: ignore[return-value]


def _in_front(project: Project) -> Any:
    """Once taken, a comparison keeps its place for its further judgments, unless the order is random."""
    slot, comparison = table(Slot), table(Comparison)
    those = _untaken(project)
    if project.selection == Selection.RANDOM:
        those = (slot.c.project_id == project.id,)
    return (
        sa.select(slot.c.comparison_id, comparison.c.pair_id)
        .join(comparison, slot.c.comparison_id == comparison.c.id)
        .where(*those, slot.c.position < 0)
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
