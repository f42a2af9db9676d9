"""Jobs over the API."""

from typing import Any

from flask import url_for
from sqlmodel import select

from app import db, permissions
from app.api import bp
from app.api.auth import api_account
from app.errors import NotFound
from app.models import Job, Project


@bp.get("/jobs/<uid>")
def job(uid: str) -> dict[str, Any]:
    """How far a job is, and its result once it is done."""
    account, session = api_account(), db.session()
    found = session.exec(select(Job).where(Job.uid == uid)).one_or_none()
    project = session.get(Project, found.project_id) if found and found.project_id else None
    mine = found is not None and found.account_id == account.id
    if found is None or not (
        mine or (project and permissions.access_to(session, account, project).can("manage"))
    ):
        raise NotFound("There is no such job, or it is somebody else's.")
    return {
        "job": found.uid,
        "kind": found.kind,
        "state": found.state.value,
        "project": project.slug if project else None,
        "done": found.done,
        "total": found.total,
        "result": found.result,
        "error": found.error,
        "created_at": found.created_at.isoformat(),
        "finished_at": found.finished_at.isoformat() if found.finished_at else None,
        "page": url_for("imports.job", slug=project.slug, uid=found.uid) if project else None,
    }
