"""The job that makes a snapshot."""

from typing import Any

from sqlmodel import Session, select

from app import db, jobs, web
from app.models import Account, Job, JobState, Project, Snapshot
from app.snapshots import making
from app.snapshots.forms import SnapshotIn
from app.snapshots.store import Store


def start(session: Session, project: Project, asked: SnapshotIn, *, by: Account) -> Job:
    """Write the job down; ``jobs.send`` it once this is committed. The project knows the names asked for."""
    return jobs.add(
        session,
        "snapshot",
        by=by,
        project=project,
        params=asked.model_dump(mode="json", exclude_defaults=True),
    )


def _free(job: Job) -> None:
    if job.state != JobState.DONE:
        with db.transaction(db.engine()) as session:
            making.forget(session, job)


@jobs.work("snapshot", "export", after=_free)
def make_snapshot(job: Job, progress: jobs.Progress) -> dict[str, Any]:
    """Make what a job asks for; progress counts files."""
    engine, asked = db.engine(), SnapshotIn.model_validate(job.params)
    with db.transaction(engine) as session:
        snapshot = session.exec(select(Snapshot).where(Snapshot.job_id == job.id)).one_or_none()
        if snapshot is None:
            account = session.get(Account, job.account_id) if job.account_id else None
            project = session.get_one(Project, job.project_id)
            snapshot = making.reserve(session, project, asked, by=account)
            snapshot.job_id = job.id
    if snapshot.digest is None:
        snapshot = making.make(engine, Store(web.settings()), asked, snapshot, progress)
    return {
        "snapshot": snapshot.label,
        "rows": snapshot.rows,
        "bytes": snapshot.size,
        "digest": snapshot.digest,
    }
