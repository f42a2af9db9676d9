"""A project's jobs: whose to see, to cancel and to start again."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlmodel import Session, col, select

from app import audit, jobs, permissions, web
from app.errors import Conflict, Gone, NotFound
from app.imports import uploads
from app.imports.forms import ImportIn
from app.models import Account, Job, JobState, Project
from app.permissions import Access

STOPPABLE = (JobState.QUEUED, JobState.RUNNING)
REPEATABLE = (JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True)
class Listed:
    """A job as one account may see it; ``by`` is named to who manages the project."""

    job: Job
    access: Access | None
    by: str | None = None

    @property
    def may_cancel(self) -> bool:
        """Whether it can still be ended, and has not been asked to."""
        return self.job.state in STOPPABLE and self.job.stop_asked_at is None

    @property
    def may_repeat(self) -> bool:
        """Whether it came to no end and the asker might start one like it now: its files are there."""
        return self.job.state in REPEATABLE and self._may_begin

    @property
    def may_import(self) -> bool:
        """Whether it only tried an import that the asker might do now: its files are there."""
        return _was_a_try(self.job) and self._may_begin

    @property
    def _may_begin(self) -> bool:
        return (
            uploads.are_there(web.settings(), self.job.params.get("files", []))
            and self.access is not None
            and self.access.can(jobs.ability(self.job))
        )


def _was_a_try(job: Job) -> bool:
    return job.kind == "import" and job.state == JobState.DONE and bool(job.params.get("dry_run"))


def of(access: Access) -> "sa.Select[Any]":
    """A project's jobs with who started them: one's own, or everybody's for those who manage it.

    The last column is a number that later jobs have a greater one of.
    """
    columns: tuple[Any, ...] = (Job, col(Account.name), col(Job.id))
    query = (
        sa.select(*columns)
        .outerjoin(Account, col(Account.id) == col(Job.account_id))
        .where(col(Job.project_id) == access.project.id)
    )
    if access.can("manage"):
        return query
    return query.where(col(Job.account_id) == (access.account.id if access.account else None))


def newest(session: Session, access: Access, limit: int) -> list[Listed]:
    """The jobs started last."""
    found = session.execute(of(access).order_by(col(Job.id).desc()).limit(limit))
    return [Listed(job, access, name) for job, name, _ in found]


def find(session: Session, account: Account, uid: str) -> Listed:
    """A job of one's own, or of a project one manages.

    Raises NotFound for any other.
    """
    job = session.exec(select(Job).where(Job.uid == uid)).one_or_none()
    project = session.get(Project, job.project_id) if job and job.project_id else None
    access = permissions.access_to(session, account, project) if project else None
    manages = access is not None and access.can("manage")
    if job is None or not (manages or job.account_id == account.id):
        raise NotFound(_("There is no such job, or it is somebody else's."))
    started_by = session.get(Account, job.account_id) if job.account_id and manages else None
    return Listed(job, access, started_by.name if started_by else None)


def cancel(session: Session, listed: Listed, *, by: Account) -> None:
    """End a job where nothing is half-done: at once where it waits, else at its next step.

    What it has done stays. Asking again changes nothing; raises Conflict where it has ended.
    """
    if listed.job.stop_asked_at is not None and listed.job.state in (*STOPPABLE, JobState.CANCELLED):
        return
    if not jobs.stop(session, listed.job):
        raise Conflict(_("This job has ended already."))
    _record(session, "job.cancel", listed, by)


def repeat(session: Session, listed: Listed, *, by: Account) -> None:
    """Let a job that failed or was cancelled start anew; ``jobs.send`` it once this is committed.

    What it did before is not done twice. Raises Conflict for any other, and what entering raises
    where the asker may not start one like it now.
    """
    if listed.access is not None:
        permissions.enter(session, by, listed.access.project.slug, jobs.ability(listed.job))
    if not jobs.again(session, listed.job):
        raise Conflict(_("Only a job that failed or was cancelled can be started again."))
    _record(session, "job.repeat", listed, by)


def import_tried(session: Session, listed: Listed, *, by: Account) -> tuple[Job, bool]:
    """The import of what was only tried, of the same files in the same way, and whether it is new.

    A new one wants ``jobs.send`` once committed; asked again, it is the one there is. Raises Conflict
    for a job of any other kind, Gone where its files were removed, and what entering raises where the
    asker may not import now.
    """
    tried = listed.job
    if listed.access is None or not _was_a_try(tried):
        raise Conflict(_("Only what was tried can be imported from here."))
    project = permissions.enter(session, by, listed.access.project.slug, jobs.ability(tried)).project
    session.refresh(tried, with_for_update=True)
    if "import_job" in tried.params:
        return session.exec(select(Job).where(Job.uid == tried.params["import_job"])).one(), False
    if not uploads.are_there(web.settings(), tried.params["files"]):
        raise Gone(_("The uploaded files are no longer there. Import them again."))
    asked = ImportIn.model_validate({**tried.params, "dry_run": False})
    started = uploads.start(session, project, tried.params["files"], asked, by=by)
    tried.params = {**tried.params, "import_job": started.uid}
    session.add(tried)
    return started, True


def _record(session: Session, verb: str, listed: Listed, by: Account) -> None:
    session.refresh(listed.job)
    project = listed.access.project if listed.access else None
    detail = {"kind": listed.job.kind}
    audit.record(session, verb, f"job:{listed.job.uid}", by=by, project=project, detail=detail)
