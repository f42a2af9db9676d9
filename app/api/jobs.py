"""Jobs over the API."""

from flask import url_for
from sqlmodel import select

from app import db, jobs, permissions
from app.api import auth
from app.api.answers import JobOut
from app.api.operations import get, saved
from app.errors import NotFound
from app.models import Job, Project


@get("/jobs/<uid>", scope=None, gives=JobOut, for_one_project=True)
def job(uid: str) -> JobOut:
    """How far a job is, and its result once it is done."""
    return described(*_find(uid))


def _find(uid: str) -> tuple[Job, Project | None]:
    account, session = auth.account(), db.session()
    found = session.exec(select(Job).where(Job.uid == uid)).one_or_none()
    project = session.get(Project, found.project_id) if found and found.project_id else None
    mine = found is not None and found.account_id == account.id
    if found is None or not (
        mine or (project and permissions.access_to(session, account, project).can("manage"))
    ):
        raise NotFound("There is no such job, or it is somebody else's.")
    auth.hold_to(project.slug if project else None)
    return found, project


def started(made: Job, project: Project) -> JobOut:
    """A new job, committed and sent on its way."""
    answer = saved(described(made, project))
    jobs.send(made)
    return answer


def described(found: Job, project: Project | None) -> JobOut:
    """As the API tells it."""
    return JobOut(
        job=found.uid,
        project=project.slug if project else None,
        url=url_for("api.job", uid=found.uid),
        page=url_for("imports.job", slug=project.slug, uid=found.uid) if project else None,
        **found.model_dump(exclude={"params"}),
    )
