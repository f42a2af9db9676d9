"""What spares those who judge: a warning, declined categories, a daily limit, breaks.

The lead learns counts and never who. That is why nothing here leaves an audit event: an event has a name.
"""

from collections.abc import Sequence
from typing import Annotated

import sqlalchemy as sa
from pydantic import BaseModel, Field
from sqlmodel import Session, col, select

from app.annotation import care_counts, statements
from app.annotation.claim import annotator_of, give_back, own_id
from app.annotation.sensitive import is_sensitive
from app.models import Annotator, Care, Decline, Project, Prompt
from app.permissions import Access
from app.prepared import table


class DeclinesIn(BaseModel):
    """The categories that somebody would rather not judge, all of them: what is not named is judged again."""

    categories: list[Annotated[str, Field(max_length=100)]] = Field([], max_length=500)


class BreakIn(BaseModel):
    """Whether a break that was suggested is taken."""

    taken: bool


def acknowledge(session: Session, access: Access) -> None:
    """Remember that somebody has read the project's warning; a second time changes nothing."""
    annotator = annotator_of(session, access)
    if not annotator.warned:
        session.execute(sa.update(Annotator).where(col(Annotator.id) == annotator.id).values(warned=True))
        care_counts.add(session, access.project, Care.WARNED)


def categories(session: Session, project: Project) -> list[tuple[str, bool]]:
    """The project's categories, each with whether it is sensitive: those first."""
    found = select(Prompt.category).where(Prompt.project_id == project.id, col(Prompt.category).is_not(None))
    named = [
        (name, is_sensitive(project, name, None))
        for name in session.exec(found.distinct())
        if name is not None
    ]
    return sorted(named, key=lambda one: (not one[1], one[0]))


def declined(session: Session, access: Access) -> set[str]:
    """What the asker would rather not judge."""
    mine = select(Decline.category).where(Decline.annotator_id == own_id(session, access))
    return set(session.exec(mine))


def decline(session: Session, access: Access, given: DeclinesIn) -> None:
    """Spare the asker these categories of the project from now on, the pair in hand included.

    Where the project does not offer it, nothing can be declined, but all can be taken back.
    """
    annotator = annotator_of(session, access)
    there = {name for name, _ in categories(session, access.project)} if access.project.may_decline else set()
    wanted = there & set(given.categories)
    mine = table(Decline)
    session.execute(sa.delete(mine).where(mine.c.annotator_id == annotator.id))
    if wanted:
        session.execute(
            sa.insert(mine), [{"annotator_id": annotator.id, "category": name} for name in sorted(wanted)]
        )
    session.execute(
        sa.update(Annotator).where(col(Annotator.id) == annotator.id).values(declined=len(wanted))
    )
    for held in statements.IN_HAND.all(session, annotator_id=annotator.id):
        if held.category in wanted:
            give_back(session, held)


def suggest_break(session: Session, access: Access, given: BreakIn) -> None:
    """Count what became of a suggested break."""
    care_counts.add(session, access.project, Care.BREAK_TAKEN if given.taken else Care.BREAK_PASSED)


def declines(session: Session, project: Project) -> Sequence[tuple[str, int]]:
    """How many decline each category now, for the lead: those that enough decline to be told of."""
    found = (
        sa.select(col(Decline.category), sa.func.count())
        .join(Annotator, col(Annotator.id) == col(Decline.annotator_id))
        .where(col(Annotator.project_id) == project.id)
        .group_by(col(Decline.category))
        .having(sa.func.count() >= care_counts.FEWEST)
        .order_by(col(Decline.category))
    )
    return [(category, int(n)) for category, n in session.execute(found)]
