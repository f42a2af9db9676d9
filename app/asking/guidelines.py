"""The guideline, version by version."""

from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit
from app.asking.forms import GuidelineIn
from app.errors import Conflict, NotFound
from app.models import Account, Annotator, Guideline, Project, row_id
from app.text.changes import Change, changes


def latest(session: Session, project: Project) -> Guideline | None:
    """The version in force."""
    newest = select(Guideline).where(Guideline.project_id == project.id).order_by(_newest_first())
    return session.exec(newest.limit(1)).first()


def version(session: Session, project: Project, number: int) -> Guideline:
    """A version by its number. Raises NotFound where there is none."""
    query = select(Guideline).where(Guideline.project_id == project.id, Guideline.version == number)
    found = session.exec(query).one_or_none()
    if found is None:
        raise NotFound(_("The guideline has no version %(number)s.", number=number))
    return found


def history(session: Session, project: Project) -> Sequence[tuple[Guideline, str | None]]:
    """Every version, newest first, with the name of who wrote it."""
    query = (
        select(Guideline, Account.name)
        .outerjoin(Account, col(Account.id) == Guideline.created_by)
        .where(Guideline.project_id == project.id)
        .order_by(_newest_first())
    )
    return session.exec(query).all()


def changed_since(session: Session, project: Project, shown: Guideline, since: int | None) -> list[Change]:
    """What a version changed since an earlier one; nothing where there is no such earlier one."""
    if not since or since >= shown.version:
        return []
    return changes(version(session, project, since).text, shown.text)


def publish(session: Session, project: Project, form: GuidelineIn, *, by: Account | None) -> Guideline:
    """Put a new version in force; the same text again is no new version.

    Raises Conflict where somebody published another version since the writer read theirs.
    """
    current = latest(session, project)
    number = current.version if current else 0
    if current is not None and current.text == form.text:
        return current
    if form.base != number:
        raise Conflict(_overtaken(number))
    guideline = Guideline(
        project_id=row_id(project), version=number + 1, text=form.text, created_by=by.id if by else None
    )
    try:
        with session.begin_nested():
            session.add(guideline)
    except sa.exc.IntegrityError as error:
        raise Conflict(_overtaken(number + 1)) from error
    subject = f"guideline:{guideline.version}"
    audit.record(session, "guideline.publish", subject, by=by, project=project)
    _announce(session, guideline, by)
    return guideline


def _announce(session: Session, guideline: Guideline, by: Account | None) -> None:
    """Everybody who judges here has something to read, but for whoever wrote it."""
    here = sa.update(Annotator).where(col(Annotator.project_id) == guideline.project_id)
    session.execute(here.values(guideline_news=True))
    if by is not None:
        mine = here.where(col(Annotator.account_id) == by.id)
        session.execute(mine.values(guideline_news=False, guideline_read=guideline.version))


def _overtaken(number: int) -> str:
    return _(
        "Somebody published version %(number)s meanwhile. Yours is kept below; compare, then publish again.",
        number=number,
    )


def _newest_first() -> sa.UnaryExpression[int]:
    return col(Guideline.version).desc()
