"""What judgments are asked to say, version by version."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, tallies
from app.errors import Conflict
from app.models import Account, Project, RubricVersion, now, row_id
from app.projects.forms import slug_of
from app.rubric import PLAIN, USUAL, FailureTag, Rubric


def live(session: Session, project: Project) -> tuple[int, Rubric]:
    """The version in force and what it asks; a project that never asked for more has none, 0."""
    found = _live(session, project)
    return (found.version, Rubric.model_validate(found.content)) if found else (0, PLAIN)


def _live(session: Session, project: Project) -> RubricVersion | None:
    query = select(RubricVersion).where(RubricVersion.project_id == project.id)
    return session.exec(query.where(col(RubricVersion.retired_at).is_(None))).one_or_none()


def criteria(session: Session, project: Project) -> dict[str, str]:
    """Everything that was ever judged by, by key, as it was called last."""
    versions = select(RubricVersion.content).where(RubricVersion.project_id == project.id)
    found: dict[str, str] = {}
    for content in session.exec(versions.order_by(col(RubricVersion.version))):
        found |= {item["key"]: item["name"] for item in content.get("criteria", [])}
    return found


def tags(session: Session, project: Project) -> dict[str, FailureTag]:
    """Every failure that could ever be marked, by key, as it was called last."""
    versions = select(RubricVersion.content).where(RubricVersion.project_id == project.id)
    found: dict[str, FailureTag] = {}
    for content in session.exec(versions.order_by(col(RubricVersion.version))):
        found |= {tag.key: tag for tag in Rubric.model_validate(content).tags}
    return found


def publish(session: Session, project: Project, rubric: Rubric, *, base: int = 0, by: Account | None) -> int:
    """Ask for this from now on, and return the version that says so; the same again is no new one.

    Judgments keep the version they were made by. Raises Conflict where somebody published another
    version since the writer read theirs.
    """
    number, before = live(session, project)
    if rubric == before:
        return number
    if base != number:
        raise Conflict(_overtaken(number))
    _retire(session, project)
    made = RubricVersion(
        project_id=row_id(project),
        version=number + 1,
        content=rubric.model_dump(mode="json", exclude_defaults=True),
        created_by=by.id if by else None,
    )
    try:
        with session.begin_nested():
            session.add(made)
    except sa.exc.IntegrityError as error:
        raise Conflict(_overtaken(number + 1)) from error
    tallies.outdate(session, row_id(project))
    detail = audit.changed(before.model_dump(mode="json"), rubric.model_dump(mode="json"))
    audit.record(session, "rubric.publish", f"rubric:{made.version}", by=by, project=project, detail=detail)
    return made.version


def _retire(session: Session, project: Project) -> None:
    before = _live(session, project)
    if before is not None:
        before.retired_at = now()
        session.flush()


def _overtaken(number: int) -> str:
    return _(
        "Somebody published version %(number)s meanwhile. Yours is kept below; compare, then save again.",
        number=number,
    )


# The page's form: "criteria.0.name" is the name of the first criterion.
LISTS = {"criteria": "name", "tags": "name", "questions": "text"}
_SWITCHES = ("both_bad", "spans")


def written(form: Mapping[str, str]) -> dict[str, Any]:
    """The form as a rubric's values, whatever it is worth; a row without a name is none."""
    values: dict[str, Any] = {
        name: form[name] for name in Rubric.model_fields if name in form and name not in _SWITCHES
    }
    values |= {name: name in form for name in _SWITCHES}
    values["rationale_min"] = form.get("rationale_min") or 0
    return values | {name: _rows(form, name, title) for name, title in LISTS.items()}


def _rows(form: Mapping[str, str], name: str, title: str) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for field, value in form.items():
        if place := re.fullmatch(rf"{name}\.(\d{{1,3}})\.(\w+)", field):
            found[int(place[1])][place[2]] = value
    rows = [row for _, row in sorted(found.items()) if row.get(title, "").strip()]
    return [_row(row, row[title], number) for number, row in enumerate(rows, 1)]


def _row(row: dict[str, Any], title: str, number: int) -> dict[str, Any]:
    """Its key made of its name where none was given, its options one a line."""
    if not row.get("key", "").strip():
        made = slug_of(title)[:40].strip("-").replace("-", "_")
        row["key"] = made if made[:1].isalpha() else f"part_{number}"
    if "options" in row:
        lines = row["options"].splitlines()
        row["options"] = (
            [line.strip() for line in lines if line.strip()] if row.get("answered") != "text" else []
        )
    return row


def changed(values: dict[str, Any], action: str) -> dict[str, Any]:
    """The values after a button of the page: "usual:tags", "up:criteria:2" or "remove:tags:0"."""
    verb, name, place = (*action.split(":"), "", "")[:3]
    rows = list(values.get(name, [])) if name in LISTS else []
    if verb == "usual":
        known = {row["key"] for row in rows}
        usual = [part.model_dump(mode="json") for part in USUAL.get(name, ())]
        rows += [part for part in usual if part["key"] not in known]
    elif place.isdecimal() and int(place) < len(rows):
        moved = rows.pop(int(place))
        if verb == "up":
            rows.insert(max(int(place) - 1, 0), moved)
    return values | {name: rows} if name in LISTS else values
