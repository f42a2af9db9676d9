"""The criteria a comparison may be judged by beside the overall verdict."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app import audit
from app.errors import Invalid, NotFound
from app.models import Account, Criterion, Project, now, row_id
from app.projects.forms import CriterionChangeIn, CriterionIn


def of(session: Session, project: Project) -> Sequence[Criterion]:
    """All of them, those in use first, in their order."""
    query = select(Criterion).where(Criterion.project_id == project.id)
    in_use_first = col(Criterion.retired_at).is_not(None)
    return session.exec(query.order_by(in_use_first, col(Criterion.position), col(Criterion.id))).all()


def find(session: Session, project: Project, key: str) -> Criterion:
    """A criterion by its key. Raises NotFound where there is none."""
    query = select(Criterion).where(Criterion.project_id == project.id, Criterion.key == key)
    criterion = session.exec(query).one_or_none()
    if criterion is None:
        raise NotFound("This project has no such criterion.")
    return criterion


def add(session: Session, project: Project, form: CriterionIn, *, by: Account | None) -> Criterion:
    """Ask for one more criterion, last in order. Raises Invalid where its key is taken."""
    last = select(sa.func.max(Criterion.position)).where(Criterion.project_id == project.id)
    position = (session.exec(last).one() or 0) + 1
    criterion = Criterion(project_id=row_id(project), position=position, **form.model_dump())
    try:
        with session.begin_nested():
            session.add(criterion)
    except sa.exc.IntegrityError as error:
        raise Invalid.at("key", "The project has a criterion of this key, perhaps a retired one.") from error
    audit.record(session, "criterion.add", _subject(criterion), by=by, project=project)
    return criterion


def _subject(criterion: Criterion) -> str:
    return f"criterion:{criterion.key}"


def change(
    session: Session, project: Project, criterion: Criterion, form: CriterionChangeIn, *, by: Account
) -> None:
    """Reword or move a criterion."""
    after = form.model_dump()
    detail = audit.changed(criterion.model_dump(include=set(after)), after)
    if not detail:
        return
    criterion.sqlmodel_update(after)
    audit.record(session, "criterion.change", _subject(criterion), by=by, project=project, detail=detail)


def retire(session: Session, project: Project, criterion: Criterion, *, by: Account) -> None:
    """Ask for it no more; what was judged by it stays."""
    _set_retired(session, project, criterion, now(), "criterion.retire", by=by)


def restore(session: Session, project: Project, criterion: Criterion, *, by: Account) -> None:
    """Ask for a retired criterion again."""
    _set_retired(session, project, criterion, None, "criterion.restore", by=by)


def _set_retired(
    session: Session,
    project: Project,
    criterion: Criterion,
    moment: datetime | None,
    verb: str,
    *,
    by: Account,
) -> None:
    if (criterion.retired_at is None) == (moment is None):
        return
    criterion.retired_at = moment
    audit.record(session, verb, _subject(criterion), by=by, project=project)
