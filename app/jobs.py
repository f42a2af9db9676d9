"""Long work: a row that says how far it is, and a queue that runs it in another process.

The row is the truth. The queue only carries its id, so a message delivered twice, or lost and
sent again, does no harm: whoever runs a job holds its lock, which ends with the process, and what
a job does is idempotent. One whose worker was killed is taken up again by the next.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from flask import Flask, current_app
from huey import Huey, PostgresHuey, SqliteHuey, crontab
from sqlmodel import Session, col, select

from app import db, locks
from app.errors import Problem
from app.models import Account, Job, JobState, Project, now, row_id
from app.settings import Settings

log = logging.getLogger(__name__)

# A job whose workers died so often is what killed them.
MOST_ATTEMPTS = 5

WAITING = col(Job.state).in_((JobState.QUEUED, JobState.RUNNING))


class StoppedError(Exception):
    """The job was cancelled: its work ends here. ``result`` is what it leaves, where it says so."""

    result: dict[str, Any] | None = None


@dataclass
class Progress:
    """Handed to running work so that it can say how far it is, wherever nothing is half-done.

    Raises StoppedError where somebody asked for an end.
    """

    engine: sa.Engine
    job_id: int

    def __call__(self, done: int, total: int | None = None) -> None:
        values = {"done": done} if total is None else {"done": done, "total": total}
        told = sa.update(Job).where(col(Job.id) == self.job_id).values(values)
        with db.transaction(self.engine) as session:
            stop = session.execute(told.returning(col(Job.stop_asked_at))).scalar()
        if stop is not None:
            raise StoppedError


Work = Callable[[Job, Progress], dict[str, Any]]
After = Callable[[Job], None]
Chore = Callable[[], None]


@dataclass(frozen=True)
class Kind:
    """What jobs of a kind do, what one must be able to do to start them, and what is done at their end."""

    work: Work
    ability: str
    after: After | None = None


_kinds: dict[str, Kind] = {}
# Each with its priority on the queue, where jobs have none: who has a lower one comes after them.
_chores: dict[Chore, int] = {}


def work(kind: str, ability: str, *, after: After | None = None) -> Callable[[Work], Work]:
    """Register a function as the work of jobs of this kind; it returns the job's result.

    ``after`` is called once the job has ended, whatever came of it, and not where it is to go on.
    """

    def register(function: Work) -> Work:
        _kinds[kind] = Kind(function, ability, after)
        return function

    return register


def ability(job: Job) -> str:
    """What one must be able to do to start a job like this."""
    return _kinds[job.kind].ability


def every_minute(function: Chore) -> Chore:
    """Register what a worker looks after each minute."""
    _chores[function] = 0
    return function


def every_minute_last(function: Chore) -> Chore:
    """Register what a worker looks after each minute, once nothing else waits for it.

    It ends where ``others_wait``, and sends for itself anew with ``soon``.
    """
    _chores[function] = -1
    return function


def others_wait() -> bool:
    """Whether a job or a chore is on the queue that does not come last."""
    return any((task.priority or 0) >= 0 for task in queue().pending(limit=1))


def soon(chore: str) -> None:
    """Have a worker look after this as soon as it can, and not only at the next minute."""
    send = current_app.extensions["chores"][chore]
    try:
        send()
    except Exception:
        # Whoever asks has done their part, and must hear so: the next minute does the rest.
        log.exception("%s could not be sent for", chore)


def init_app(app: Flask, settings: Settings) -> None:
    """Connect the queue; ``immediate`` (tests) runs a job as soon as it is sent."""
    queue = _queue(settings)
    app.extensions["jobs"] = queue
    app.extensions["run_job"] = queue.task()(_in_context(app, run))
    queue.on_startup()(_in_context(app, send_waiting))
    app.extensions["chores"] = {
        chore.__name__: queue.periodic_task(crontab(minute="*"), priority=priority)(_in_context(app, chore))
        for chore, priority in _chores.items()
    }


def _queue(settings: Settings) -> Huey:
    if settings.is_sqlite:
        path = settings.data_dir / "jobs.db"
        with db.usable(f"sqlite:///{path}", "TIEBREAK_DATA_DIR"):
            return SqliteHuey("tiebreak", filename=str(path), results=False)
    with db.usable(settings.database_url):
        return PostgresHuey("tiebreak", dsn=dsn(settings), results=False)


def dsn(settings: Settings) -> str:
    """PostgreSQL's address as its own driver reads it."""
    return settings.database_url.replace("postgresql+psycopg://", "postgresql://")


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
    """Send again what was written down but is not on the queue, or whose worker died."""
    sent = {task.args for task in queue().pending()}
    with db.new_session(db.engine(), write=False) as session:
        for job in session.exec(select(Job).where(WAITING).order_by(col(Job.id))):
            if (job.id,) not in sent:
                send(job)


def run(job_id: int) -> None:
    """Run a job unless it has ended or another worker has it, and write down what came of it."""
    engine = db.engine()
    with locks.held(engine, "job", job_id) as mine:
        job = _begin(engine, job_id) if mine else None
        if job is not None:
            _end(engine, job, **_outcome(engine, job))


def _begin(engine: sa.Engine, job_id: int) -> Job | None:
    begun = (
        sa.update(Job)
        .where(col(Job.id) == job_id, WAITING)
        .values(state=JobState.RUNNING, started_at=now(), attempts=col(Job.attempts) + 1)
    )
    with db.transaction(engine) as session:
        if cast(sa.CursorResult[Any], session.execute(begun)).rowcount == 0:
            return None
        return session.get(Job, job_id)


def _outcome(engine: sa.Engine, job: Job) -> dict[str, Any]:
    """What its row says of a job that ended."""
    if job.stop_asked_at is not None:
        return {"state": JobState.CANCELLED}
    if job.attempts > MOST_ATTEMPTS:
        return _failed(f"It was cut off {MOST_ATTEMPTS} times, so it is not tried again.")
    try:
        result = _kinds[job.kind].work(job, Progress(engine, row_id(job)))
    except StoppedError as stopped:
        return {"state": JobState.CANCELLED, "result": stopped.result}
    except Problem as problem:
        return _failed(problem.detail)
    except Exception:
        # The one place that must not let an error pass unseen: the row is all the asker can look at.
        log.exception("job %s failed", job.uid)
        return _failed("Something broke on our side; the server's log says what.")
    return {"state": JobState.DONE, "result": result}


def _failed(error: str) -> dict[str, Any]:
    return {"state": JobState.FAILED, "error": error}


def _end(engine: sa.Engine, job: Job, **outcome: Any) -> None:
    with db.transaction(engine) as session:
        session.execute(sa.update(Job).where(col(Job.id) == job.id).values(finished_at=now(), **outcome))
        ended = session.get_one(Job, job.id)
    after = _kinds[job.kind].after
    if after is not None:
        after(ended)


def stop(session: Session, job: Job) -> bool:
    """End a job that waits, or ask a running one to end; whether it had not ended already."""
    this, moment = sa.update(Job).where(col(Job.id) == job.id), now()
    waits = this.where(col(Job.state) == JobState.QUEUED)
    runs = this.where(col(Job.state) == JobState.RUNNING)
    # One after the other, so that a job which is begun meanwhile is asked all the same.
    steps = (
        waits.values(state=JobState.CANCELLED, finished_at=moment, stop_asked_at=moment),
        runs.values(stop_asked_at=moment),
    )
    return any(cast(sa.CursorResult[Any], session.execute(step)).rowcount for step in steps)


def again(session: Session, job: Job) -> bool:
    """Let a job that failed or was cancelled start anew, once sent; whether it was such a one."""
    ended = col(Job.state).in_((JobState.FAILED, JobState.CANCELLED))
    anew: dict[str, Any] = dict.fromkeys(
        ("total", "result", "error", "started_at", "finished_at", "stop_asked_at")
    )
    restart = sa.update(Job).where(col(Job.id) == job.id, ended)
    restart = restart.values(state=JobState.QUEUED, attempts=0, done=0, **anew)
    return cast(sa.CursorResult[Any], session.execute(restart)).rowcount > 0
