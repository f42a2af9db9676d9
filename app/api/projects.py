"""The projects a token may see."""

from typing import Any

from app import db, permissions
from app.api import bp
from app.api.auth import api_account
from app.permissions import MAY, Access


@bp.get("/projects")
def projects() -> dict[str, Any]:
    """Those the token may see, with what it may do in each."""
    account = api_account()
    return {"projects": [_entry(access) for access in permissions.visible_projects(db.session(), account)]}


def _entry(access: Access) -> dict[str, Any]:
    project = access.project
    return {
        "slug": project.slug,
        "name": project.name,
        "description": project.description,
        "visibility": project.visibility.value,
        "created_at": project.created_at.isoformat(),
        "role": access.role.value if access.role else None,
        "may": [ability for ability in MAY if access.can(ability)],
    }
