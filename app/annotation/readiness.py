"""What comes before live judging: a training round, a test, a new version of the guideline."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit
from app.annotation.claim import annotator_of
from app.errors import NotFound
from app.models import Annotator, Guideline
from app.permissions import Access


def newest_guideline(session: Session, project_id: int | None) -> int:
    """The version in force; 0 where there is none."""
    found = select(sa.func.coalesce(sa.func.max(Guideline.version), 0))
    return session.exec(found.where(Guideline.project_id == project_id)).one()


def guideline_read(session: Session, access: Access) -> int | None:
    """The version somebody read last, 0 for none; None where nobody remembers: they do not judge here."""
    if access.account is None or not access.can("judge"):
        return None
    mine = select(Annotator.guideline_read).where(
        Annotator.project_id == access.project.id, Annotator.account_id == access.account.id
    )
    return session.exec(mine).one_or_none()


def read_guideline(session: Session, access: Access, version: int) -> None:
    """Remember that somebody has read a version; an older one than they know changes nothing.

    Raises NotFound for a version that there is not.
    """
    newest = newest_guideline(session, access.project.id)
    if not 1 <= version <= newest:
        raise NotFound(_("The guideline has no version %(version)s.", version=version))
    annotator: Any = annotator_of(session, access)
    if version <= annotator.guideline_read:
        return
    session.execute(
        sa.update(Annotator)
        .where(col(Annotator.id) == annotator.id)
        .values(guideline_read=version, guideline_news=version < newest)
    )
    detail = audit.changed({"version": annotator.guideline_read}, {"version": version})
    subject = f"annotator:{annotator.uid}"
    audit.record(session, "guideline.read", subject, by=access.account, project=access.project, detail=detail)
