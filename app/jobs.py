"""Long work: a row that says how far it is, and a queue that runs it in another process.

The row is the truth. The queue only carries its id, so a message delivered twice, or lost and
sent again, does no harm: a job is claimed by one UPDATE, and what it does is idempotent.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask, current_app
from huey import Huey, PostgresHuey, SqliteHuey, crontab
from sqlmodel import Session, select

from app import db
from app.errors import Problem
from app.models import Account, Job, JobState, Project, now
from app.settings import Settings

log = logging.getLogger(__name__)

# A running job shows a sign of life at least this often, or another worker may take it over. Long,
# because looking a large file through before importing it shows none.
HEARTBEAT = timedelta(minutes=10)


@dataclass
class Progress:
    """Handed to running work so that it can say how far it is."""

    engine: sa.Engine
    job_id: int

    def __call__(self, done: int, total: int | None = None) -> None:
        with db.transaction(self.engine) as session:
            values: dict[str, Any] = {"done": done, "heartbeat_at": now()}
            if total is not None:
                values["total"] = total
            session.execute(sa.update(Job).where(Job.id == self.job_id).values(**values))  # type: ignore[arg-type]


Work = Callable[[Job, Progress], dict[str, Any]]
Chore = Callable[[], None]
_kinds: dict[str, Work] = {}
_chores: list[Chore] = []


def work(kind: str) -> Callable[[Work], Work]:
    """Register a function as the work of jobs of this kind; it returns the job's result."""

    def register(function: Work) -> Work:
        _kinds[kind] = function
        return function

    return register


def every_minute(function: Chore) -> Chore:
    """Register what a worker looks after each minute."""
    _chores.append(function)
    return function


def init_app(app: Flask, settings: Settings) -> None:
    """Connect the queue; ``immediate`` (tests) runs a job as soon as it is sent."""
    queue = _queue(settings)
    app.extensions["jobs"] = queue
    app.extensions["run_job"] = queue.task()(_in_context(app, run))
    for chore in _chores:
        queue.periodic_task(crontab(minute="*"))(_in_context(app, chore))


def _queue(settings: Settings) -> Huey:
    if settings.is_sqlite:
        return SqliteHuey("tiebreak", filename=str(settings.data_dir / "jobs.db"), results=False)
    dsn = settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    return PostgresHuey("tiebreak", dsn=dsn, results=False)


def _in_context(app: Flask, function: Callable[..., None]) -> Callable[..., None]:
    def run_in_context(*args: Any) -> None:
        with app.app_context():
            function(*args)

    run_in_context.__name__ = function.__name__
    return run_in_context


def queue() -> Huey:
    """The current app's queue."""
    return cast(Huey, current_app.extensions["jobs"])


def add(
    session: Session, kind: str, *, by: Account | None, project: Project | None, params: dict[str, Any]
) -> Job:
    """Write a job down; ``send`` it once this is committed."""
    job = Job(
        kind=kind,
        account_id=by.id if by else None,
        project_id=project.id if project else None,
        params=params,
    )
    session.add(job)
    session.flush()
    return job


def send(job: Job) -> None:
    """Put a committed job on the queue."""
    current_app.extensions["run_job"](job.id)


@every_minute
def send_waiting() -> None:
    """Send again what was written down but never ran, or whose worker died."""
    with db.new_session(db.engine(), write=False) as session:
        stale = now() - HEARTBEAT
        for job in session.exec(select(Job).where(_claimable(stale), Job.created_at < stale)):
            send(job)


def _claimable(stale: Any) -> sa.ColumnElement[bool]:
    state, beat = sa.inspect(Job).columns.state, sa.inspect(Job).columns.heartbeat_at
    return sa.or_(state == JobState.QUEUED, sa.and_(state == JobState.RUNNING, beat < stale))


def run(job_id: int) -> None:
    """Run a job unless another worker has it, and write down what came of it."""
    engine = db.engine()
    job = _claim(engine, job_id)
    if job is None:
        return
    try:
        result = _kinds[job.kind](job, Progress(engine, job_id))
    except Problem as problem:
        _finish(engine, job_id, JobState.FAILED, error=problem.detail)
    except Exception:
        # The one place that must not let an error pass unseen: the row is all the asker can look at.
        log.exception("job %s failed", job.uid)
        _finish(
            engine,
            job_id,
            JobState.FAILED,
            error="Something broke on our side. What was read so far is kept.",
        )
    else:
        _finish(engine, job_id, JobState.DONE, result=result)


def _claim(engine: sa.Engine, job_id: int) -> Job | None:
    claim = (
        sa.update(Job)
        .where(Job.id == job_id, _claimable(now() - HEARTBEAT))  # type: ignore[arg-type]
        .values(state=JobState.RUNNING, started_at=now(), heartbeat_at=now())
    )
    with db.transaction(engine) as session:
        if cast(sa.CursorResult[Any], session.execute(claim)).rowcount == 0:
            return None
        return session.get(Job, job_id)


def _finish(engine: sa.Engine, job_id: int, state: JobState, **values: Any) -> None:
    with db.transaction(engine) as session:
        finished = sa.update(Job).where(Job.id == job_id).values(state=state, finished_at=now(), **values)  # type: ignore[arg-type]
        session.execute(finished)
