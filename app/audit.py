"""Every change leaves an event in its own transaction."""

from typing import Any

from sqlmodel import Session

from app.models import Account, AuditEvent, Project


def record(
    session: Session,
    verb: str,
    subject: str,
    *,
    by: Account | None,
    project: Project | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add an event: who (None for the system or a terminal) did what ("member.add") to what."""
    session.add(
        AuditEvent(
            account_id=by.id if by else None,
            project_id=project.id if project else None,
            verb=verb,
            subject=subject[:200],
            detail=detail,
        )
    )


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields that differ, as from → to."""
    return {
        key: {"from": before.get(key), "to": value}
        for key, value in after.items()
        if before.get(key) != value
    }
