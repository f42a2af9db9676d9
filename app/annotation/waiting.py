"""How much waits for one annotator: counted when their page opens, and from then on along with what they do.

A count for each verdict would cost more than the verdict.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import Session

from app.annotation import statements
from app.annotation.claim import annotator_of, gold_is_due
from app.annotation.statements import comparisons, has_room, prompts, slots
from app.models import Decline, Project
from app.permissions import Access
from app.prepared import table

# So many places are looked at; of a longer queue nobody needs to know how long it is.
MOST = 1000

_declines = table(Decline)


@dataclass(frozen=True)
class Left:
    """How many pairs are left, the one in hand included; ``more`` where only the nearest were counted."""

    pairs: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.pairs}{'+' if self.more else ''}"

    @classmethod
    def sent(cls, text: str) -> Self | None:
        """What the page was told, as it comes back with its form."""
        found = re.fullmatch(r"([0-9]{1,6})(\+?)", text)
        return cls(int(found[1]), bool(found[2])) if found else None

    def after(self, done: str) -> Self:
        """What is left when the next pair is in hand."""
        if self.more:
            return self
        return replace(self, pairs=max(self.pairs + (1 if done == "undone" else -1), 1))


def left(session: Session, access: Access) -> Left:
    """How many pairs the asker may expect, with those in hand."""
    project, annotator = access.project, annotator_of(session, access)
    had = statements.had(comparisons.c.id, annotator.id)
    looked_at, queued = _queued(session, project, annotator.id, had)
    gold = 0
    if project.gold_every:
        gold = min(_due(project.gold_every, annotator, queued), _gold(session, project, had))
    # An undo brings a pair back beside the one that was next.
    in_hand = len(statements.IN_HAND.all(session, annotator_id=annotator.id))
    return Left(in_hand + queued + gold, more=looked_at == MOST)


def _queued(
    session: Session, project: Project, annotator_id: int, had: "sa.ColumnElement[bool]"
) -> tuple[int, int]:
    """How many places of the queue were looked at, and how many of them this annotator may have."""
    nearest = (
        sa.select(slots.c.comparison_id)
        .where(slots.c.project_id == project.id, has_room)
        .order_by(slots.c.taken, slots.c.position, slots.c.comparison_id)
        .limit(MOST)
        .subquery()
    )
    declined = sa.exists(
        sa.select(1).where(
            _declines.c.annotator_id == annotator_id,
            _declines.c.category == sa.func.coalesce(prompts.c.category, ""),
        )
    )
    may_have = sa.and_(comparisons.c.gold.is_(None), ~had, ~declined)
    found = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.case((may_have, 1), else_=0)), 0))
        .select_from(nearest)
        .join(comparisons, comparisons.c.id == nearest.c.comparison_id)
        .join(prompts, prompts.c.id == comparisons.c.prompt_id)
    ).one()
    return found[0], found[1]


def _due(every: int, annotator: Any, others: int) -> int:
    """How many gold comparisons come among so many others, and right after them."""
    gold = met = 0
    while True:
        if gold_is_due(every, annotator.uid, annotator.judged + gold + met):
            gold += 1
        elif met == others:
            return gold
        else:
            met += 1


def _gold(session: Session, project: Project, had: "sa.ColumnElement[bool]") -> int:
    """How many gold comparisons this annotator may still meet among the others."""
    unmet = (
        sa.select(comparisons.c.id)
        .where(
            comparisons.c.project_id == project.id,
            sa.text("comparisons.gold IS NOT NULL AND comparisons.gold_use IS NULL"),
            ~had,
        )
        .limit(MOST)
    )
    return int(session.execute(sa.select(sa.func.count()).select_from(unmet.subquery())).scalar_one())
