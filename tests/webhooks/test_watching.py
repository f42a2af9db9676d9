"""What is told because time passed: batches that are done, alerts."""

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import jobs
from app.models import Account, Alert, Annotator, Batch, Delivery, JobState, Outcome, Webhook, now
from app.webhooks import watching
from tests.annotation.arrange import queue
from tests.annotation.desk import JUDGE, send
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.webhooks.conftest import Listen, Receiver

ClientOf = Callable[[Account | None], FlaskClient]
Bearer = Callable[[Account], dict[str, str]]
API = "/api/v1/projects/birds/webhooks"


def test_a_batch_is_done_when_its_last_wanted_judgment_has_come(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    batches = [Batch(project_id=cast.project.id or 0, name=name) for name in ("first", "second")]
    session.add_all(batches)
    session.flush()
    for comparison, batch in zip(queue(session, cast.project, 2), batches, strict=True):
        comparison.batch_id = batch.id
    session.commit()
    listen("batch")
    client = client_of(cast.ann)
    with app.app_context():
        page = client.get(JUDGE)
        watching.watch()
        assert receiver.told == [], "held is not judged"
        page = send(client, page, "a")
        watching.watch()
        watching.watch()
        assert len(receiver.told) == 1
        send(client, page, "a")
        watching.watch()
    assert {one["type"] for one in receiver.told} == {"batch.done"}
    assert {one["data"]["batch"] for one in receiver.told} == {"first", "second"}


def test_a_batch_done_just_before_another_webhook_comes_is_told_to_those_that_listened(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    bearer: Bearer,
    listen: Listen,
    receiver: Receiver,
) -> None:
    batch = Batch(project_id=cast.project.id or 0, name="first")
    session.add(batch)
    session.flush()
    (comparison,) = queue(session, cast.project)
    comparison.batch_id = batch.id
    session.commit()
    listened, deaf = listen("batch"), listen("judgment")
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    late = listen("batch")
    changed = {"url": receiver.url, "events": ["judgment", "batch"]}
    there = app.test_client().put(f"{API}/{deaf['uid']}", json=changed, headers=bearer(cast.lena))
    assert there.status_code == 200
    with app.app_context():
        watching.watch()
    told = select(Webhook.uid, Delivery.payload).join(Delivery, col(Delivery.webhook_id) == col(Webhook.id))
    done = [uid for uid, payload in session.exec(told) if payload["type"] == "batch.done"]
    assert done == [listened["uid"]], f"neither {deaf['uid']} nor {late['uid']}"


def test_alerts_are_raised_once_and_end(
    app: Flask, session: Session, cast: Cast, listen: Listen, receiver: Receiver, client_of: ClientOf
) -> None:
    listen("alert")
    for number, comparison in enumerate(queue(session, cast.project, 12, gold=Outcome.A)):
        judge(session, cast.project, cast.ann, comparison, "a" if number < 2 else "b")
        judge(session, cast.project, cast.ben, comparison, "b" if number < 2 else "a")
    job = jobs.add(session, "import", by=cast.lena, project=cast.project, params={"files": []})
    job.state, job.finished_at, job.error = JobState.FAILED, now(), "The file is empty."
    session.commit()
    with app.app_context():
        watching.watch()
        watching.watch()
    pseudonym = session.exec(select(Annotator.uid).where(Annotator.account_id == cast.ann.id)).one()
    told = {one["type"]: one["data"] for one in receiver.told}
    assert len(receiver.told) == 2
    assert told["alert.gold.accuracy"]["subject"] == pseudonym
    assert (told["alert.gold.accuracy"]["right"], told["alert.gold.accuracy"]["judged"]) == (2, 12)
    assert told["alert.job.failed"]["error"] == "The file is empty."
    shown = client_of(cast.lena).get("/p/birds/webhooks").text
    assert "2 of 12 right" in shown
    assert "The file is empty." in shown
    job.state, job.error = JobState.DONE, None
    session.commit()
    with app.app_context():
        watching.watch()
    session.rollback()
    live = session.exec(select(Alert.kind).where(col(Alert.resolved_at).is_(None))).all()
    assert list(live) == ["gold.accuracy"]


def test_an_alert_from_before_is_no_news(
    app: Flask, session: Session, cast: Cast, listen: Listen, receiver: Receiver
) -> None:
    job = jobs.add(session, "import", by=cast.lena, project=cast.project, params={"files": []})
    job.state, job.finished_at, job.error = JobState.FAILED, now(), "The file is empty."
    session.commit()
    listen("alert")
    with app.app_context():
        watching.watch()
    assert receiver.told == []
