"""The judging page's content: the pair in hand, and what stands around it."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.annotation import statements
from app.annotation.claim import annotator_of, claim_next
from app.annotation.pair import Shown, show
from app.models import Assignment, AssignmentState, Comparison, Project, now, opaque_id
from app.permissions import Access


@dataclass(frozen=True)
class Desk:
    """What one annotator has before them; without a pair there is nothing left for now.

    ``submission_id`` is this pair's, made before the verdict, so that a verdict sent twice counts
    once. ``undo`` is the assignment handled last, where it is known.
    """

    project: Project
    shown: Shown | None
    submission_id: str
    criteria: list[Any]
    judged: int
    today: int
    elsewhere: int
    undo: str | None

    @property
    def can_undo(self) -> bool:
        """Whether anything was judged or skipped that could come back."""
        return bool(self.undo or self.judged)


def sit_down(session: Session, access: Access, annotator: Any = None, *, undo: str | None = None) -> Desk:
    """Claim what comes next and lay it out; ``annotator`` is the asker's row where it is known already."""
    project, annotator = access.project, annotator or annotator_of(session, access)
    assigned = claim_next(session, access, annotator)
    return Desk(
        project=project,
        shown=show(session, assigned) if assigned else None,
        submission_id=opaque_id(),
        criteria=criteria_of(session, project) if assigned else [],
        judged=annotator.judged,
        today=annotator.judged_today if annotator.today == now().date() else 0,
        elsewhere=0 if assigned else _open_elsewhere(session, project, annotator.id),
        undo=undo,
    )


def criteria_of(session: Session, project: Project) -> list[Any]:
    """The criteria asked for in a project, in their order."""
    return statements.CRITERIA.all(session, project_id=project.id)


def _open_elsewhere(session: Session, project: Project, annotator_id: int) -> int:
    """Comparisons in other people's hands, which may come back."""
    found = session.exec(
        select(sa.func.count())
        .select_from(Assignment)
        .join(Comparison, col(Comparison.id) == Assignment.comparison_id)
        .where(
            Assignment.state == AssignmentState.OPEN,
            Comparison.project_id == project.id,
            Assignment.annotator_id != annotator_id,
        )
    )
    return found.one()
