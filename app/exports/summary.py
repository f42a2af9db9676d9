"""What a project has to export, and what was exported before."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app.errors import NotFound
from app.models import AuditEvent, Comparison, Judgment, Model, Project, Prompt


@dataclass(frozen=True)
class WhatsThere:
    """The choices (value, label) of the export page's filters, and the size of what they filter."""

    comparisons: int
    judgments: int
    categories: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    models: list[str]


def whats_there(session: Session, project: Project) -> WhatsThere:
    """Counts and distinct values."""
    live = select(sa.func.count()).where(
        Judgment.project_id == project.id, col(Judgment.retired_at).is_(None)
    )
    comparisons = select(sa.func.count()).where(Comparison.project_id == project.id)
    models = select(Model.name).where(Model.project_id == project.id).order_by(Model.name)
    return WhatsThere(
        comparisons=session.exec(comparisons).one(),
        judgments=session.exec(live).one(),
        categories=_distinct(session, project, Prompt.category),
        languages=_distinct(session, project, Prompt.language),
        models=list(session.exec(models)),
    )


def _distinct(session: Session, project: Project, column: str | None) -> list[tuple[str, str]]:
    found = select(column).where(Prompt.project_id == project.id).distinct().order_by(col(column))
    return [(value, value) for value in session.exec(found) if value]


def receipts(session: Session, project: Project, limit: int = 10) -> list[AuditEvent]:
    """The latest finished exports, newest first."""
    found = select(AuditEvent).where(AuditEvent.project_id == project.id, AuditEvent.verb == "export.finish")
    return list(session.exec(found.order_by(col(AuditEvent.id).desc()).limit(limit)))


def receipt(session: Session, project: Project, uid: str) -> AuditEvent:
    """One finished export. Raises NotFound while it runs, or when it broke off."""
    wanted = select(AuditEvent).where(
        AuditEvent.project_id == project.id,
        AuditEvent.verb == "export.finish",
        AuditEvent.subject == f"export:{uid}",
    )
    event = session.exec(wanted).one_or_none()
    if event is None:
        raise NotFound(
            "No finished export has this id: it is still running, or it broke off and is incomplete."
        )
    return event
