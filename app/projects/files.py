"""A project written down as a YAML file, and read back."""

from pathlib import Path
from typing import Any

import yaml
from sqlmodel import Session

from app import permissions
from app.asking import guidelines, rubrics
from app.errors import Invalid, checked
from app.models import Project
from app.projects import members
from app.projects.forms import MemberIn, ProjectFile, SettingsIn


def read(file: Path) -> dict[str, Any]:
    """A project file's content, the guideline it points to included.

    Raises Invalid where it is not YAML, not a mapping, or its ``guideline_file`` cannot be read.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise Invalid(f"{file} holds no project: expected name, description, settings, …")
    if "guideline_file" in content:
        content["guideline"] = _text_beside(file, content.pop("guideline_file"))
    return content


def _text_beside(file: Path, name: object) -> str:
    try:
        return (file.parent / str(name)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.at("guideline_file", f"It cannot be read: {error}") from error


def described(session: Session, project: Project) -> ProjectFile:
    """A project as the file that would make it again."""
    guideline = guidelines.latest(session, project)
    return ProjectFile(
        slug=project.slug,
        name=project.name,
        description=project.description,
        settings=checked(SettingsIn, project),
        rubric=rubrics.live(session, project)[1],
        guideline=guideline.text if guideline else None,
        members=[
            MemberIn(
                email=account.email,
                role=membership.role,
                kind=kind if membership.role in permissions.MAY["judge"] else None,
            )
            for account, membership, _judged, kind in members.of(session, project)
        ],
    )


def written(project: ProjectFile) -> str:
    """The file's text."""
    content = project.model_dump(mode="json", exclude_none=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
