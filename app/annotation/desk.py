"""The judging page's content: the pair in hand, and what stands around it."""

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import Session, col, select
from werkzeug.datastructures import MultiDict

from app.annotation import drafts
from app.annotation.asked import live_rubric
from app.annotation.claim import NotYetError, annotator_of, claim_next, rests
from app.annotation.judge import Submitted, Told
from app.annotation.pair import Shown, show
from app.annotation.reading import Reading, reading_of
from app.models import Assignment, AssignmentState, Comparison, Project, now, opaque_id
from app.permissions import Access
from app.rubric import Rubric


@dataclass(frozen=True)
class Desk:
    """What one annotator has before them; without a pair there is nothing left for now.

    ``submission_id`` is this pair's, made before the verdict, so that a verdict sent twice counts
    once. ``undo`` is the assignment handled last, where it is known. ``told`` is what they are told of
    a gold comparison they just missed, ``held`` what comes before the next pair, ``news`` that the
    guideline has a version they have not read.
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
    held: str = ""
    news: bool = False
    # Whether they were given as many sensitive pairs today as the project allows.
    rests: bool = False

    @property
    def can_undo(self) -> bool:
        """Whether anything was judged or skipped that could come back."""
        return bool(self.undo or self.judged)


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
        held=held,
        news=bool(annotator.guideline_news),
        rests=rests(project, annotator),
    )


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
