"""Long work: run once at a time, found again when lost, given up when it kills its workers."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session

from app import jobs, locks
from app.models import Job, JobState, now, row_id


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs of kind "note" that were run, and the ends of those that ended."""
    found: list[int] = []

    def note(job: Job, _progress: jobs.Progress) -> dict[str, Any]:
        found.append(row_id(job))
        return {}

    monkeypatch.setitem(
        jobs._kinds, "note", jobs.Kind(note, "manage", lambda job: found.append(-row_id(job)))
    )
    return found


@pytest.fixture
def add(session: Session) -> Callable[..., Job]:
    def make(**values: Any) -> Job:
        job = Job(kind="note", **values)
        session.add(job)
        session.commit()
        return job

    return make


def test_a_job_is_run_by_one_worker_at_a_time(
    app: Flask, session: Session, add: Callable[..., Job], ran: list[int]
) -> None:
    job = add(state=JobState.RUNNING, attempts=1)
    with app.app_context():
        with locks.held(app.extensions["engine"], "job", row_id(job)) as mine:
            assert mine
            jobs.run(row_id(job))
        assert ran == []
        for _ in range(2):
            jobs.run(row_id(job))
    assert ran == [job.id, -row_id(job)], "once the other is gone, and not when it has ended"


def test_what_was_never_sent_is_found(
    app: Flask, session: Session, add: Callable[..., Job], ran: list[int]
) -> None:
    lost, ended = add(), add(state=JobState.DONE, finished_at=now())
    queue = app.extensions["jobs"]
    queue.immediate = False
    queue.immediate_use_memory = True
    with app.app_context():
        for _ in range(2):
            jobs.send_waiting()
        assert [task.args for task in queue.pending()] == [(lost.id,)], "once, and none that ended"
        queue.execute(queue.dequeue())
    assert ran == [lost.id, -row_id(lost)]
    assert ended.id not in ran


def test_what_kills_its_workers_is_given_up(
    app: Flask, session: Session, add: Callable[..., Job], ran: list[int]
) -> None:
    job = add(state=JobState.RUNNING, attempts=jobs.MOST_ATTEMPTS)
    with app.app_context():
        jobs.run(row_id(job))
    session.refresh(job)
    assert (job.state, ran) == (JobState.FAILED, [-row_id(job)])
    assert "cut off 5 times" in (job.error or "")
