"""Every change leaves an event in its own transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.models import Account, AuditEvent, Project, now
from app.prepared import Prepared, table

A_PAGE = 50


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
    _ADD.run(
        session,
        at=now(),
        account_id=by.id if by else None,
        project_id=project.id if project else None,
        verb=verb,
        subject=subject[:200],
        detail=detail,
    )


_ADD = Prepared(
    sa.insert(AuditEvent).values(
        {
            column.name: sa.bindparam(column.name, type_=column.type)
            for column in table(AuditEvent).c
            if column.name != "id"
        }
    )
)


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields that differ, as from → to."""
    return {
        key: {"from": before.get(key), "to": value}
        for key, value in after.items()
        if before.get(key) != value
    }


@dataclass(frozen=True)
class Trail:
    """Some events, newest first, with who did each; ``older`` continues where these end."""

    events: Sequence[tuple[AuditEvent, Account | None]]
    older: int | None


def trail(
    session: Session,
    project: Project | None,
    *,
    verb: str = "",
    before: int | None = None,
    limit: int = A_PAGE,
) -> Trail:
    """What happened in a project, or on the site beside projects, as far as its verb begins so.

    Pages continue after an id and not after a number of rows: there is an event for each judgment.
    """
    newest_first = col(AuditEvent.id).desc()
    query = (
        select(AuditEvent, Account)
        .outerjoin(Account, col(Account.id) == AuditEvent.account_id)
        .where(AuditEvent.project_id == (project.id if project else None))
        .order_by(newest_first)
        .limit(limit + 1)
    )
    if verb:
        query = query.where(col(AuditEvent.verb).startswith(verb, autoescape=True))
    if before is not None:
        query = query.where(col(AuditEvent.id) < before)
    found = session.exec(query).all()
    more = len(found) > limit
    return Trail(found[:limit], found[limit - 1][0].id if more else None)
