"""Jobs cancelled and started again: by page and by program, with nothing half-done in between."""

import io
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app import db, jobs
from app.imports import importing, loading, work
from app.models import Account, AuditEvent, Job, JobState, Project, Visibility, now
from app.settings import Settings
from tests.conftest import Cast
from tests.imports.arrange import json_lines, response, table_sizes

ClientOf = Callable[[Account | None], FlaskClient]
JOBS = "/p/birds/jobs"
CONTENT = json_lines([response(number, "heron") for number in range(6)])


def upload(client: FlaskClient) -> str:
    """Import six rows; the page of the job."""
    sent = client.post("/p/birds/import", data={"files": [(io.BytesIO(CONTENT), "a.jsonl")]})
    assert sent.status_code == 303
    return str(sent.location)


@pytest.fixture
def waiting(app: Flask) -> None:
    """Jobs are sent and nobody runs them."""
    app.extensions["jobs"].immediate = False


@pytest.fixture
def cancelled_half_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The next import is cancelled by somebody while its first rows, two at a time, are written."""
    load = loading.load

    def load_and_cancel(*arguments: Any) -> Any:
        with db.transaction(app.extensions["engine"]) as session:
            assert jobs.stop(session, session.exec(select(Job)).one())
        return load(*arguments)

    monkeypatch.setattr(importing, "CHUNK_ROWS", 2)
    monkeypatch.setattr(importing.time, "monotonic", itertools.count(100).__next__)
    monkeypatch.setattr(loading, "load", load_and_cancel)
    return lambda: monkeypatch.setattr(loading, "load", load)


def test_a_cancelled_import_leaves_whole_rows_and_goes_on_when_started_again(
    cast: Cast,
    client_of: ClientOf,
    session: Session,
    settings: Settings,
    cancelled_half_way: Callable[[], None],
) -> None:
    lena = client_of(cast.lena)
    page = upload(lena)
    shown = lena.get(page).text
    assert "Cancelled" in shown
    assert "What was done before it was cancelled is kept" in shown
    assert table_sizes(session, "prompts", "responses") == {"prompts": 2, "responses": 2}
    job = session.exec(select(Job)).one()
    assert (job.state, job.result and job.result["added"]) == (JobState.CANCELLED, 2)
    assert job.finished_at
    added = session.exec(select(AuditEvent.detail).where(AuditEvent.verb == "import")).one()
    assert added
    assert added["added"] == 2
    cancelled_half_way()
    assert lena.post(f"{page}/repeat").status_code == 303
    session.rollback()
    assert (job.state, job.error, job.attempts) == (JobState.DONE, None, 1)
    assert job.result
    assert (job.result["added"], job.result["already_there"]) == (4, 2)
    assert table_sizes(session, "prompts", "responses") == {"prompts": 6, "responses": 6}
    assert list((settings.data_dir / "uploads").iterdir()) == []
    assert lena.post(f"{page}/repeat").status_code == 409


@pytest.mark.usefixtures("waiting")
def test_a_waiting_job_ends_at_once(app: Flask, cast: Cast, client_of: ClientOf, session: Session) -> None:
    lena = client_of(cast.lena)
    page = upload(lena)
    assert "Cancel" in lena.get(JOBS).text
    for _ in range(2):
        assert lena.post(f"{page}/cancel").status_code == 303
    job = session.exec(select(Job)).one()
    assert (job.state, job.result) == (JobState.CANCELLED, None)
    with app.app_context():
        jobs.run(job.id or 0)
    assert table_sizes(session, "prompts") == {"prompts": 0}
    verbs = session.exec(select(AuditEvent.verb).where(AuditEvent.subject == f"job:{job.uid}")).all()
    assert verbs == ["job.cancel"]
    shown = lena.get(JOBS).text
    assert "Cancelled" in shown
    assert "Start again" in shown


@pytest.mark.usefixtures("waiting")
def test_a_running_job_is_asked_to_end(cast: Cast, client_of: ClientOf, session: Session) -> None:
    lena = client_of(cast.lena)
    page = upload(lena)
    job = session.exec(select(Job)).one()
    job.state = JobState.RUNNING
    session.commit()
    lena.post(f"{page}/cancel")
    session.refresh(job)
    assert (job.state, job.stop_asked_at is None) == (JobState.RUNNING, False)
    assert "Stopping" in lena.get(JOBS).text
    assert "Cancel" not in lena.get(page).text.replace("Cancelled", "")


def test_a_job_that_was_asked_to_end_and_whose_worker_died_is_not_begun_again(
    app: Flask, cast: Cast, session: Session
) -> None:
    job = Job(kind="pairing", state=JobState.RUNNING, stop_asked_at=now(), project_id=cast.project.id)
    session.add(job)
    session.commit()
    with app.app_context():
        jobs.run(job.id or 0)
    session.refresh(job)
    assert job.state == JobState.CANCELLED


def test_who_may(cast: Cast, client_of: ClientOf, session: Session) -> None:
    cast.project.visibility = Visibility.PUBLIC
    session.add(cast.project)
    session.commit()
    page = upload(client_of(cast.ada))
    job = session.exec(select(Job)).one()
    job.state, job.error = JobState.FAILED, "It broke."
    session.commit()
    for person, status in ((cast.otto, 404), (cast.ann, 404), (cast.rosa, 404)):
        for act in ("cancel", "repeat"):
            assert client_of(person).post(f"{page}/{act}").status_code == status
        assert client_of(person).get(page).status_code == status
        assert "a.jsonl" not in client_of(person).get(JOBS).text
    assert client_of(None).get(JOBS).status_code == 303
    lena = client_of(cast.lena)
    assert lena.post(f"{page}/cancel").status_code == 409, "it has ended"
    assert "It broke." in lena.get(JOBS).text
    assert client_of(cast.lena).post(page.replace("birds", "fish") + "/repeat").status_code == 404


def test_a_job_of_another_project_is_not_at_this_ones_address(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    session.add(Project(slug="fish", name="Fish"))
    session.commit()
    page = upload(client_of(cast.ada))
    assert client_of(cast.ada).get(page.replace("birds", "fish")).status_code == 404


def test_whoever_may_import_no_more_starts_no_import_again(
    cast: Cast, client_of: ClientOf, session: Session
) -> None:
    lena = client_of(cast.lena)
    page = upload(lena)
    job = session.exec(select(Job)).one()
    job.state, job.error = JobState.FAILED, "It broke."
    session.commit()
    client_of(cast.ada).post("/p/birds/archive")
    assert "Start again" not in lena.get(page).text
    assert lena.post(f"{page}/repeat").status_code == 409
    session.refresh(job)
    assert job.state == JobState.FAILED


def test_a_program_does_the_same(
    app: Flask, cast: Cast, bearer: Callable[[Account], dict[str, str]], waiting: None
) -> None:
    client, lena, ann = app.test_client(), bearer(cast.lena), bearer(cast.ann)
    started = client.post("/api/v1/projects/birds/imports", data=CONTENT, headers=lena).json
    listed = client.get("/api/v1/projects/birds/jobs", headers=lena).json["items"]
    assert [(one["job"], one["state"]) for one in listed] == [(started["job"], "queued")]
    assert client.get("/api/v1/projects/birds/jobs", headers=ann).json["items"] == []
    job = f"/api/v1/jobs/{started['job']}"
    assert client.post(f"{job}/cancel", headers=ann).status_code == 404
    assert client.post(f"{job}/repeat", headers=lena).status_code == 409
    cancelled = client.post(f"{job}/cancel", headers=lena).json
    assert (cancelled["state"], cancelled["stopping"]) == ("cancelled", False)
    again = client.post(f"{job}/repeat", headers=lena)
    assert (again.status_code, again.json["state"], again.headers["Location"]) == (202, "queued", job)


def test_files_nobody_wanted_again_are_removed(
    app: Flask,
    cast: Cast,
    client_of: ClientOf,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    waiting: None,
) -> None:
    lena = client_of(cast.lena)
    kept, dropped = upload(lena), upload(lena)
    lena.post(f"{dropped}/cancel")
    monkeypatch.setattr(work, "now", lambda: now() + timedelta(days=6))
    with app.app_context():
        work.discard_old()
        assert len(list((settings.data_dir / "uploads").iterdir())) == 2
        monkeypatch.setattr(work, "now", lambda: now() + timedelta(days=8))
        work.discard_old()
    assert len(list((settings.data_dir / "uploads").iterdir())) == 1
    app.extensions["jobs"].immediate = True
    lena.post(f"{dropped}/repeat")
    assert "no longer there" in lena.get(dropped).text
    assert "Waiting" in lena.get(kept).text
