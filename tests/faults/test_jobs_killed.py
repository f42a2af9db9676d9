"""A killed job worker: another takes its place, and the job goes on without doing anything twice."""

import io
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from sqlmodel import Session, select

from app.models import Account, Job, JobState
from app.settings import Settings
from tests.conftest import Cast
from tests.faults.servers import served
from tests.imports.arrange import json_lines, response, table_sizes

# So many that the job is still under way when it is looked at, at what each takes in a second.
ROWS = {"sqlite": 20_000, "postgresql": 15_000}


def worker_of(data_dir: Path) -> int | None:
    """The process that runs the jobs of a data directory."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            program, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"run_jobs_beside" in program and f"TIEBREAK_DATA_DIR={data_dir}\0".encode() in environment:
            return int(folder.name)
    return None


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_workers_job_is_finished_by_the_next(
    app: Flask, settings: Settings, session: Session, cast: Cast, bearer: Callable[[Account], dict[str, str]]
) -> None:
    rows = ROWS[app.extensions["engine"].dialect.name]
    content = json_lines([response(number, "heron") for number in range(rows)])
    queue = app.extensions["jobs"]
    queue.immediate = False
    token = bearer(cast.lena)
    app.test_client().post("/api/v1/projects/birds/imports", data=io.BytesIO(content), headers=token)

    def job() -> Job:
        session.rollback()
        return session.exec(select(Job)).one()

    with served(settings):
        until(lambda: job().state == JobState.RUNNING and table_sizes(session, "responses")["responses"] > 0)
        killed = worker_of(settings.data_dir)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert job().state == JobState.RUNNING, "killed before it was done"
        until(lambda: job().state == JobState.DONE)
        assert worker_of(settings.data_dir) not in (None, killed)
    found = job()
    assert found.attempts == 2
    assert found.result is not None
    assert found.result["added"] + found.result["already_there"] == rows
    assert 0 < found.result["already_there"] < rows
    assert table_sizes(session, "prompts", "responses") == {"prompts": rows, "responses": rows}
    assert list((settings.data_dir / "uploads").iterdir()) == []
