"""Marks a snapshot that turned out wrong, and keeps a note beside one; its files stay as they are."""

from flask_babel import gettext as _
from sqlmodel import Session

from app import audit
from app.errors import Conflict
from app.models import Account, Project, Snapshot, now


def withdraw(session: Session, project: Project, found: Snapshot, reason: str, *, by: Account | None) -> bool:
    """Mark it; whether it was not marked already, for the same reason. Raises Conflict for another."""
    session.refresh(found, with_for_update=True)
    if found.withdrawn_at is None:
        found.withdrawn_at = now()
        _change(session, project, found, "withdraw", "withdrawn_reason", reason, by)
        return True
    if found.withdrawn_reason != reason:
        raise Conflict(_("This snapshot is withdrawn already. To give another reason, put it back first."))
    return False


def put_back(session: Session, project: Project, found: Snapshot, *, by: Account | None) -> bool:
    """Take the mark off; whether there was one."""
    session.refresh(found, with_for_update=True)
    if found.withdrawn_at is None:
        return False
    found.withdrawn_at = None
    _change(session, project, found, "put_back", "withdrawn_reason", None, by)
    return True


def write_note(session: Session, project: Project, found: Snapshot, note: str, *, by: Account | None) -> None:
    """Put this in place of what was written beside it; empty for nothing."""
    session.refresh(found, with_for_update=True)
    if found.note != note:
        _change(session, project, found, "note", "note", note, by)


def _change(
    session: Session,
    project: Project,
    found: Snapshot,
    verb: str,
    field: str,
    value: str | None,
    by: Account | None,
) -> None:
    detail = audit.changed({field: getattr(found, field)}, {field: value})
    setattr(found, field, value)
    session.add(found)
    audit.record(
        session, f"snapshot.{verb}", f"snapshot:{found.label}", by=by, project=project, detail=detail
    )
