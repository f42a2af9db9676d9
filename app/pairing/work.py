"""The jobs that queue comparisons and keep their order."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from app import db, jobs
from app.models import Account, Job, JobState, Project, Selection
from app.pairing import ordering, pairs
from app.pairing.forms import PairingIn

REORDER = "reorder"


def start(session: Session, project: Project, asked: PairingIn, *, by: Account) -> Job:
    """Write the job down; ``jobs.send`` it once this is committed.

    Raises Invalid for unknown models, so that the asker hears of them at once.
    """
    params = pairs.told_apart(session, project, asked).model_dump(mode="json")
    return jobs.add(session, "pairing", by=by, project=project, params=params)


@jobs.work("pairing", "queue")
def queue(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Queue a job's pairs; progress counts prompts passed."""
    project, account = _whose(job)
    asked = PairingIn.model_validate(job.params)
    result = pairs.queue_pairs(db.engine(), project, asked, by=account, progress=progress).as_dict()
    if project.selection == Selection.INFORMATIVE:
        with db.transaction(db.engine()) as session:
            following = start_reorder(session, project)
        jobs.send(following)
    return result


@jobs.work(REORDER, "queue")
def reorder(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Choose the front of a project's queue anew."""
    project, account = _whose(job)
    return ordering.reorder(db.engine(), project, by=account).as_dict()


def _whose(job: Job) -> tuple[Project, Account | None]:
    with db.new_session(db.engine(), write=False) as session:
        account = session.get(Account, job.account_id) if job.account_id is not None else None
        return session.get_one(Project, job.project_id), account


def start_reorder(session: Session, project: Project) -> Job:
    """Write the job down in the place of the ones that ended: the audit trail remembers those."""
    ended = col(Job.state).in_((JobState.DONE, JobState.FAILED, JobState.CANCELLED))
    here = col(Job.project_id) == project.id
    session.execute(sa.delete(Job).where(here, col(Job.kind) == REORDER, ended))
    params = ordering.state(session, project)
    return jobs.add(session, REORDER, by=None, project=project, params=params)


@jobs.every_minute
def send_due_reorders() -> None:
    """Choose anew in each open project that has reason to; reads only, unless there is one."""
    with db.new_session(db.engine(), write=False) as session:
        reorders = session.exec(select(Job).where(col(Job.kind) == REORDER).order_by(col(Job.id)))
        last = {job.project_id: job for job in reorders}
        kept = sa.or_(col(Project.selection) == Selection.INFORMATIVE, col(Project.id).in_(last))
        projects = session.exec(select(Project).where(col(Project.archived_at).is_(None), kept)).all()
        due = [one for one in projects if ordering.is_due(session, one, last.get(one.id))]
    for project in due:
        with db.transaction(db.engine()) as session:
            job = start_reorder(session, project)
        jobs.send(job)
