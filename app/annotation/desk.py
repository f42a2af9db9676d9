"""The judging page's content: the pair in hand, and what stands around it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from werkzeug.datastructures import MultiDict

from app.annotation import drafts, statements
from app.annotation.asked import live_rubric
from app.annotation.claim import NotYetError, annotator_of, claim_next, rests
from app.annotation.judge import Submitted, Told
from app.annotation.pair import Shown, show
from app.annotation.reading import Reading, reading_of
from app.models import (
    Assignment,
    AssignmentState,
    Comparison,
    Decline,
    Project,
    Prompt,
    now,
    opaque_id,
)
from app.permissions import Access
from app.rubric import Rubric


class News(StrEnum):
    """What of the guideline somebody has not read."""

    ALL = "all"
    CHANGES = "changes"


@dataclass(frozen=True)
class Desk:
    """What one annotator has before them; without a pair there is nothing left for now.

    ``submission_id`` is this pair's, made before the verdict, so that a verdict sent twice counts
    once. ``undo`` is the assignment handled last, where it is known. ``told`` is what they are told of
    a gold comparison they just missed, ``told_of`` their judgment of it, ``held`` what comes before the
    next pair, ``news`` what they have not read yet: the guideline, or its newest version.
    """

    project: Project
    reading: Reading
    shown: Shown | None
    submission_id: str
    rubric: Rubric
    rubric_version: int | None
    judged: int
    today: int
    elsewhere: int
    undo: str | None
    # What they entered for this pair already, and how often it was saved.
    entered: MultiDict[str, str] = field(default_factory=MultiDict)
    draft: int = 0
    told: Told | None = None
    told_of: str = ""
    held: str = ""
    news: News | None = None
    # Whether the verdict that Undo would take back stays: they know the right one, or the models.
    final: bool = False
    # Whether they were given as many sensitive pairs today as the project allows.
    rests: bool = False

    @property
    def can_undo(self) -> bool:
        """Whether anything was judged or skipped that could come back."""
        return not self.final and bool(self.undo or self.judged)


def sit_down(
    session: Session, access: Access, after: Submitted | None = None, *, undo: str | None = None
) -> Desk:
    """Claim what comes next and lay it out, with what is known already ``after`` a judgment."""
    project = access.project
    annotator = after.annotator if after else annotator_of(session, access)
    held = ""
    try:
        assigned = claim_next(session, access, annotator, hands_free=bool(after and after.hands_free))
    except NotYetError as problem:
        assigned, held = None, problem.detail
    reading = reading_of(access)
    version, rubric = after.asks if after else live_rubric(session, project)
    return Desk(
        project=project,
        reading=reading,
        shown=show(session, access, assigned, reading) if assigned else None,
        submission_id=opaque_id(),
        rubric=rubric,
        rubric_version=version,
        judged=annotator.judged,
        today=annotator.judged_today if annotator.today == now().date() else 0,
        elsewhere=0 if assigned or held else _open_elsewhere(session, project, annotator.id),
        undo=undo,
        entered=drafts.read(session, assigned.id) if assigned and assigned.draft else MultiDict(),
        draft=assigned.draft if assigned else 0,
        told=after.missed if after else None,
        told_of=after.submission_id if after else "",
        held=held,
        news=_news(annotator),
        final=bool(after.missed) if after else _stays(session, annotator, undo),
        rests=rests(project, annotator),
    )


def _stays(session: Session, annotator: Any, undo: str | None) -> bool:
    last = statements.LAST_JUDGED.first(session, annotator_id=annotator.id)
    return last is not None and undo in (None, last.uid) and bool(last.told_at or last.revealed_at)


def _news(annotator: Any) -> News | None:
    if not annotator.guideline_news:
        return None
    return News.CHANGES if annotator.guideline_read else News.ALL


def _open_elsewhere(session: Session, project: Project, annotator_id: int) -> int:
    """Comparisons in other people's hands that may come back to this annotator.

    None that they had themselves, none of a category that they declined, and no gold one, which is
    everybody's at any time.
    """
    mine = aliased(Assignment)
    had = select(mine.id).where(
        mine.comparison_id == Comparison.id,
        mine.annotator_id == annotator_id,
        mine.state != AssignmentState.RELEASED,
    )
    declined = select(Decline.category).where(
        Decline.annotator_id == annotator_id,
        Decline.category == sa.func.coalesce(col(Prompt.category), ""),
    )
    found = session.exec(
        select(sa.func.count(sa.distinct(col(Comparison.id))))
        .select_from(Assignment)
        .join(Comparison, col(Comparison.id) == Assignment.comparison_id)
        .join(Prompt, col(Prompt.id) == Comparison.prompt_id)
        .where(
            Assignment.state == AssignmentState.OPEN,
            Assignment.annotator_id != annotator_id,
            Comparison.project_id == project.id,
            col(Comparison.gold).is_(None),
            ~had.exists(),
            ~declined.exists(),
        )
    )
    return found.one()
