"""What happened to those who judge, counted by day and without names."""

from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from app import adding
from app.adding import Kept
from app.models import Annotator, AnnotatorKind, Care, CareCount, Project, now

# What the lead's counts look back on.
DAYS = 30
# A count of fewer, or among fewer, would say who.
FEWEST = 5

_KEPT = Kept(CareCount, "n")


def add(session: Session, project: Project, what: Care) -> None:
    """One more of these today."""
    adding.add(session, (_KEPT, [(project.id, now().date(), what, 1)]))


def lately(session: Session, project: Project) -> dict[Care, int | None]:
    """What happened in the last days, for the lead: None where it is too little to be told."""
    since = now().date() - timedelta(days=DAYS)
    found = (
        sa.select(col(CareCount.what), sa.func.sum(CareCount.n))
        .where(col(CareCount.project_id) == project.id, col(CareCount.day) > since)
        .group_by(col(CareCount.what))
    )
    if not _many(session, project):
        return dict.fromkeys(Care)
    told = {what: int(n) for what, n in session.execute(found) if n >= FEWEST}
    return {what: told.get(what) for what in Care}


def _many(session: Session, project: Project) -> bool:
    """Whether enough people judge that a count names none of them."""
    people = sa.select(sa.func.count()).where(
        col(Annotator.project_id) == project.id, col(Annotator.kind) == AnnotatorKind.HUMAN
    )
    return int(session.execute(people).scalar_one()) >= FEWEST
