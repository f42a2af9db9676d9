"""What a project has to export: the values its filters may take, and what was exported before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlmodel import Session, col, select

from app.errors import FieldError, Invalid, NotFound
from app.exports.forms import ExportSpec
from app.models import (
    Annotator,
    AuditEvent,
    Comparison,
    Guideline,
    Judgment,
    Model,
    Project,
    Prompt,
    Tally,
)
from app.projects import rubrics


@dataclass(frozen=True)
class Choices:
    """What the filters may ask for as (value, label), and the size of what they filter."""

    comparisons: int
    judgments: int
    categories: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    models: list[str]
    criteria: dict[str, str]
    groups: list[str]
    guidelines: list[int]


def choices(session: Session, project: Project) -> Choices:
    """Counts and values; categories and languages are those that something was judged in."""
    # Counted by subtraction: each of the two has an index of its own, and the live ones have none.
    judged = select(sa.func.count()).where(Judgment.project_id == project.id)
    retired = judged.where(col(Judgment.retired_at).is_not(None))
    comparisons = select(sa.func.count()).where(Comparison.project_id == project.id)
    return Choices(
        comparisons=session.exec(comparisons).one(),
        judgments=session.exec(judged).one() - session.exec(retired).one(),
        categories=_judged(session, project, "category"),
        languages=_judged(session, project, "language"),
        models=list(
            session.exec(select(Model.name).where(Model.project_id == project.id).order_by(Model.name))
        ),
        criteria=rubrics.criteria(session, project),
        groups=_groups(session, project),
        guidelines=_versions(session, project),
    )


def _judged(session: Session, project: Project, by: str) -> list[tuple[str, str]]:
    values = select(Tally.slice_value).where(Tally.project_id == project.id, Tally.slice_by == by)
    found = session.exec(values.distinct().order_by(col(Tally.slice_value)))
    return [(value, value) for value in found]


def _versions(session: Session, project: Project) -> list[int]:
    found = select(Guideline.version).where(Guideline.project_id == project.id)
    return list(session.exec(found.order_by(col(Guideline.version))))


def _groups(session: Session, project: Project) -> list[str]:
    name = col(Annotator.group_name)
    found = select(name).where(Annotator.project_id == project.id, name.is_not(None)).distinct()
    return [group for group in session.exec(found.order_by(name)) if group]


def check_known(session: Session, project: Project, spec: ExportSpec) -> None:
    """Raises Invalid where the spec names what the project does not have: a slip would leave rows out."""
    criterion = [spec.criterion] if spec.criterion else []
    errors = [
        *_unknown("model", spec.model, _among(session, project, col(Model.name), spec.model)),
        *_unknown("category", spec.category, _among(session, project, col(Prompt.category), spec.category)),
        *_unknown("language", spec.language, _among(session, project, col(Prompt.language), spec.language)),
        *_unknown("group", spec.group, _groups(session, project) if spec.group else []),
        *_unknown("guideline", spec.guideline, _versions(session, project) if spec.guideline else []),
        *_unknown("criterion", criterion, rubrics.criteria(session, project) if criterion else []),
    ]
    if errors:
        raise Invalid(_("This project does not have what was asked for."), errors)


def _among(session: Session, project: Project, column: Any, wanted: list[str]) -> list[str]:
    """Which of the wanted names there are."""
    owner = column.class_.project_id == project.id
    return [name for name in wanted if session.exec(select(column).where(owner, column == name)).first()]


_UNKNOWN = {
    "category": lazy_gettext("There is no category %(name)s in this project."),
    "language": lazy_gettext("There is no language %(name)s in this project."),
    "model": lazy_gettext("There is no model %(name)s in this project."),
    "group": lazy_gettext("There is no group %(name)s in this project."),
    "guideline": lazy_gettext("There is no guideline %(name)s in this project."),
    "criterion": lazy_gettext("There is no criterion %(name)s in this project."),
}


def _unknown(field: str, wanted: Iterable[object], known: Iterable[object]) -> Iterator[FieldError]:
    there = set(known)
    for name in wanted:
        if name not in there:
            yield FieldError(f"/{field}", str(_UNKNOWN[field]) % {"name": name})


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
            _("No finished export has this id: it is still running, or it broke off and is incomplete.")
        )
    return event
