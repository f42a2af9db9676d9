"""What a project has to export: the values its filters may take, and what was exported before."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlmodel import Session, col, select

from app import inputs
from app.asking import rubrics
from app.errors import FieldError, Invalid, NotFound
from app.exports.forms import ExportSpec, empty
from app.models import (
    Annotator,
    AnnotatorKind,
    AuditEvent,
    Comparison,
    Guideline,
    Judgment,
    Model,
    Project,
    Prompt,
    Tally,
)

Spec = TypeVar("Spec", bound=ExportSpec)

# What may hold any character, a comma too.
NAMES = ("model", "category", "language", "group")


@dataclass(frozen=True)
class Choices:
    """What the filters may ask for as (value, label), and the size of what they filter.

    Names are sorted as one reads them, numbers by their value; ``judgments`` are without the ``withdrawn``.
    ``kinds`` are those of annotators that have judged; who is simulated is of none.
    """

    comparisons: int
    judgments: int
    withdrawn: int
    categories: list[tuple[str, str]]
    languages: list[tuple[str, str]]
    models: list[str]
    criteria: dict[str, str]
    groups: list[str]
    kinds: list[AnnotatorKind]
    guidelines: list[int]


def choices(session: Session, project: Project) -> Choices:
    """Counts and values; categories and languages are those that something was judged in."""
    # Counted by subtraction: each of the two has an index of its own, and the live ones have none.
    judged = select(sa.func.count()).where(Judgment.project_id == project.id)
    retired = judged.where(col(Judgment.retired_at).is_not(None))
    comparisons = select(sa.func.count()).where(Comparison.project_id == project.id)
    withdrawn = session.exec(retired).one()
    return Choices(
        comparisons=session.exec(comparisons).one(),
        judgments=session.exec(judged).one() - withdrawn,
        withdrawn=withdrawn,
        categories=_judged(session, project, "category"),
        languages=_judged(session, project, "language"),
        models=sorted(session.exec(select(Model.name).where(Model.project_id == project.id)), key=_as_read),
        criteria=rubrics.criteria(session, project),
        groups=_groups(session, project),
        kinds=_judging(session, project),
        guidelines=_versions(session, project),
    )


def _judged(session: Session, project: Project, by: str) -> list[tuple[str, str]]:
    values = select(Tally.slice_value).where(Tally.project_id == project.id, Tally.slice_by == by)
    return [(value, value) for value in sorted(session.exec(values.distinct()), key=_as_read)]


def _as_read(name: str) -> list[str | int]:
    # Text and numbers in turns, so that each meets its like.
    return [int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]+)", name))]


def _versions(session: Session, project: Project) -> list[int]:
    found = select(Guideline.version).where(Guideline.project_id == project.id)
    return list(session.exec(found.order_by(col(Guideline.version))))


def _judging(session: Session, project: Project) -> list[AnnotatorKind]:
    """Whose judgments there are, but for simulated ones."""
    who, kind = Annotator, col(Annotator.kind)
    judged = sa.exists().where(col(Judgment.annotator_id) == who.id)
    found = select(kind).where(who.project_id == project.id, col(who.simulated).is_(False), judged)
    return list(session.exec(found.distinct()))


def _groups(session: Session, project: Project) -> list[str]:
    name = col(Annotator.group_name)
    found = select(name).where(Annotator.project_id == project.id, name.is_not(None)).distinct()
    return sorted((group for group in session.exec(found) if group), key=_as_read)


def known(session: Session, project: Project, spec: Spec) -> Spec:
    """The spec with its names told apart: a value with commas is a name of the project, or else several.

    Raises Invalid where it names what the project does not have: a slip would leave rows out.
    """
    names = {field: _told_apart(session, project, field, getattr(spec, field)) for field in NAMES}
    for field, found in names.items():
        if getattr(spec, field) and not found:
            raise Invalid.at(field, empty())
    told = spec.model_copy(update=names)
    _check(session, project, told)
    return told


def _told_apart(session: Session, project: Project, field: str, values: list[str]) -> list[str]:
    with_commas = [value for value in values if "," in value]
    there = set(_there(session, project, field, with_commas)) if with_commas else set()
    return inputs.told_apart(values, there)


def _check(session: Session, project: Project, spec: ExportSpec) -> None:
    criterion = [spec.criterion] if spec.criterion else []
    wanted: dict[str, Sequence[object]] = {
        "model": spec.model,
        "category": spec.category,
        "language": spec.language,
        "group": spec.group,
        "guideline": spec.guideline,
        "criterion": criterion,
    }
    errors = [
        FieldError(f"/{field}", said)
        for field, names in wanted.items()
        for said in unknown(session, project, field, names)
    ]
    if errors:
        raise Invalid(_("This project does not have what was asked for."), errors)


def unknown(session: Session, project: Project, field: str, wanted: Sequence[object]) -> list[str]:
    """A sentence for each name that the project does not have, of those of a kind."""
    there = set(_there(session, project, field, wanted)) if wanted else set()
    return [str(_UNKNOWN[field]) % {"name": name} for name in wanted if name not in there]


def _there(session: Session, project: Project, field: str, wanted: Sequence[object]) -> Iterable[object]:
    columns = {"model": col(Model.name), "category": col(Prompt.category), "language": col(Prompt.language)}
    if field in columns:
        return _among(session, project, columns[field], wanted)
    found: dict[str, Callable[[Session, Project], Iterable[object]]] = {
        "group": _groups,
        "guideline": _versions,
        "criterion": rubrics.criteria,
        "kind": _kinds,
    }
    return found[field](session, project)


def _kinds(_session: Session, _project: Project) -> Iterable[object]:
    return list(AnnotatorKind)


def _among(session: Session, project: Project, column: Any, wanted: Sequence[object]) -> list[object]:
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
    "kind": lazy_gettext("There is no kind of annotator %(name)s."),
}


def finished(project: Project) -> "sa.Select[Any]":
    """A project's finished exports; the last column is greater for later ones."""
    columns: tuple[Any, ...] = (AuditEvent, col(AuditEvent.id))
    return sa.select(*columns).where(
        col(AuditEvent.project_id) == project.id, col(AuditEvent.verb) == "export.finish"
    )


def receipts(session: Session, project: Project, limit: int = 10) -> list[AuditEvent]:
    """The latest of them, newest first."""
    return list(session.scalars(finished(project).order_by(col(AuditEvent.id).desc()).limit(limit)))


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
