"""What is told, to whom, how it is signed, and what happens when nobody answers."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import jobs
from app.models import Account, Alert, Annotator, AuditEvent, Delivery, DeliveryState, Project, Webhook, now
from app.settings import Settings
from app.webhooks import outbox, posting, sending
from tests.annotation.arrange import queue
from tests.annotation.desk import JUDGE, send
from tests.conftest import SECRET, Cast
from tests.webhooks.conftest import API, Listen, Receiver

DOCS = Path(__file__).parents[2] / "docs"
ClientOf = Callable[[Account | None], FlaskClient]
Bearer = Callable[[Account], dict[str, str]]


def test_a_judgment_is_told_signed_and_under_a_pseudonym(
    session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    (pair,) = queue(session, cast.project, category="code")
    webhook = listen()
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    ((headers, body),) = receiver.got
    told = orjson.loads(body)
    assert told["type"] == "judgment.add"
    assert told["data"]["pair_id"] == pair.pair_id
    assert told["data"]["project"] == "birds"
    assert told["data"]["outcome"] in ("a", "b")
    assert told["data"]["annotator"] == session.exec(select(Annotator.uid)).one()
    assert not [word for word in (cast.ann.name, cast.ann.email) if word.encode() in body]
    documented: dict[str, Any] = {}
    (code,) = re.findall("```python\n(.+?)```", (DOCS / "api.md").read_text(), re.DOTALL)
    exec(code, documented)  # noqa: S102 -- our own documentation, which readers run
    assert documented["verified"](webhook["secret"], headers, body)
    assert not documented["verified"](webhook["secret"], headers, body + b" ")
    for odd in ({"webhook-timestamp": "now"}, {"webhook-signature": "v1,ñ"}):
        assert documented["verified"](webhook["secret"], headers | odd, body) is False
    row = session.exec(select(Delivery)).one()
    assert (row.uid, row.state, row.status) == (headers["webhook-id"], DeliveryState.DELIVERED, 200)
    assert row.answer == "thanks"


def test_a_change_of_mind_and_an_undo_are_told_too(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project)
    listen()
    ann, client = bearer(cast.ann), app.test_client()
    api = "/api/v1/projects/birds"
    claimed = client.post(f"{api}/assignments", headers=ann).json
    assert claimed is not None
    for number, more in enumerate(({}, {"supersedes": "mine-0"})):
        said = {"assignment_id": claimed["assignment_id"], "submission_id": f"mine-{number}", "outcome": "a"}
        assert client.post(f"{api}/judgments", json=said | more, headers=ann).status_code == 201
    assert client.post(f"{api}/judgments", json=said | more, headers=ann).status_code == 200
    client.post(f"{api}/undo", headers=ann)
    assert [one["type"] for one in receiver.told] == ["judgment.add", "judgment.change", "judgment.withdraw"]
    first, second, _ = (one["data"] for one in receiver.told)
    assert first["judgment_id"] == hashlib.sha256(b"mine-0").hexdigest()[:32]
    assert (first["supersedes"], second["supersedes"]) == (None, first["judgment_id"])
    # What a program calls its judgments may name people.
    assert "mine-" not in str(receiver.told)
    exported = bearer(cast.rosa)
    written = client.get(f"{api}/export?format=judgments", headers=exported).text
    assert first["judgment_id"] in written
    assert "mine-" not in written


def test_judging_asks_nothing_more_where_nobody_listens(
    session: Session, cast: Cast, client_of: ClientOf, listen: Listen, count_queries: Any
) -> None:
    # Where a gold comparison may be due, one more is asked.
    cast.project.gold_every = 0
    queue(session, cast.project, 4)
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a")
    with count_queries() as quiet:
        page = send(client, page, "a")
    listen("batch", "alert")
    with count_queries() as batches_only:
        page = send(client, page, "a")
    assert len(batches_only) == len(quiet)
    assert any("UPDATE slots" in statement for statement in quiet), "the straight ones are counted, too"
    assert session.exec(select(Delivery)).all() == []


def test_every_process_knows_what_is_to_be_done(settings: Settings) -> None:
    """Registered where the app is made, and not because a test imports it."""
    code = "from app import create_app; print(*create_app().extensions['chores'])"
    environment = {**os.environ, "TIEBREAK_DATA_DIR": str(settings.data_dir), "TIEBREAK_SECRET_KEY": SECRET}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert {"send_deliveries", "watch"} <= set(told.stdout.split())


def test_a_queue_that_fails_loses_no_judgment(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    listen: Listen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue(session, cast.project)
    listen()

    def broken() -> None:
        raise OSError("no space left on device")

    monkeypatch.setitem(app.extensions["chores"], "send_deliveries", broken)
    client = client_of(cast.ann)
    assert send(client, client.get(JUDGE), "a").status_code == 200
    assert session.exec(select(Delivery.state)).one() == DeliveryState.WAITING


def test_what_is_not_committed_is_never_told(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project)
    listen()
    refused = app.test_client().post(
        "/api/v1/projects/birds/judgments",
        json={"assignment_id": "none", "submission_id": "x", "outcome": "a"},
        headers=bearer(cast.ann),
    )
    assert refused.status_code == 404
    assert receiver.got == []
    assert session.exec(select(Delivery)).all() == []


def later(session: Session, by: timedelta) -> None:
    """As if so much time had passed for what waits."""
    session.rollback()
    for delivery in session.exec(select(Delivery).where(Delivery.state == DeliveryState.WAITING)):
        delivery.next_at -= by
    for webhook in session.exec(select(Webhook).where(col(Webhook.failing_since).is_not(None))):
        assert webhook.failing_since is not None
        webhook.failing_since -= by
    session.commit()


def test_what_does_not_arrive_is_sent_again_and_holds_up_nothing_else(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project, 2)
    listen()
    receiver.status, receiver.answer = 500, b"\xff broken \x00" + b"x" * 10_000
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    row = session.exec(select(Delivery)).one()
    assert (row.state, row.attempts, row.status) == (DeliveryState.WAITING, 1, 500)
    assert row.answer is not None
    assert row.answer.startswith("\ufffd broken")
    assert len(row.answer) <= posting.KEPT
    assert row.next_at > now()
    with app.app_context():
        sending.send_deliveries()
        assert len(receiver.got) == 1, "it waits for its time"
        later(session, timedelta(minutes=2))
        receiver.status = 204
        sending.send_deliveries()
    session.refresh(row)
    assert (row.state, row.attempts) == (DeliveryState.DELIVERED, 2)
    ids = {headers["webhook-id"] for headers, _ in receiver.got}
    assert ids == {row.uid}, "the receiver can tell that it is the same"


def test_a_webhook_that_never_answers_is_switched_off_with_a_notice(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project, 2)
    made = listen()
    receiver.status = 410
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a")
    with app.app_context():
        for pause in sending.PAUSES:
            later(session, pause + timedelta(seconds=1))
            sending.send_deliveries()
    session.rollback()
    webhook = session.exec(select(Webhook)).one()
    assert webhook.disabled_at is not None
    assert session.get_one(Project, cast.project.id).tells_judgments is False
    send(client, page, "a")
    assert len(session.exec(select(Delivery)).all()) == 1, "nothing more is written down"
    notice = client_of(cast.lena).get("/p/birds/webhooks").text
    assert "A webhook was switched off" in notice
    verbs = session.exec(select(AuditEvent.verb).where(col(AuditEvent.verb).startswith("webhook."))).all()
    assert list(verbs) == ["webhook.add", "webhook.disable"]
    receiver.status = 200
    lena = client_of(cast.lena)
    assert lena.post(f"/p/birds/webhooks/{made['uid']}/enable").status_code == 303
    session.rollback()
    assert session.exec(select(Delivery.state)).one() == DeliveryState.DELIVERED
    assert session.exec(select(Alert).where(col(Alert.resolved_at).is_(None))).all() == []


def test_who_does_not_answer_is_asked_once_for_all_that_waits(
    app: Flask,
    session: Session,
    cast: Cast,
    bearer: Bearer,
    listen: Listen,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, asked = listen(), [0]

    def unanswered(*_: Any, **__: Any) -> posting.Answer:
        asked[0] += 1
        raise posting.UnreachableError("no answer within 10 seconds")

    monkeypatch.setattr(sending, "post", unanswered)
    with app.app_context():
        for number in range(5):
            outbox.deliver(session, cast.project, session.exec(select(Webhook.id)).one(), "n", {"n": number})
            session.commit()
        assert asked == [1], "once, whatever more there is to tell"
        for number, pause in enumerate(sending.PAUSES[:3], start=2):
            later(session, pause + timedelta(seconds=1))
            for _ in range(2):
                sending.send_deliveries()
            assert asked == [number]
        monkeypatch.setattr(sending, "post", posting.post)
        sending.send_deliveries()
        assert receiver.got == [], "it waits for its time"
    tested = app.test_client().post(f"{API}/{made['uid']}/test", headers=bearer(cast.lena))
    assert tested.status_code == 204, "and a lead who knows better does not"
    assert [one["data"].get("n") for one in receiver.told] == [None, 0, 1, 2, 3, 4]


def test_what_a_lead_asks_for_is_tried_itself_and_costs_no_other_an_attempt(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, listen: Listen, receiver: Receiver
) -> None:
    uid, client, lena = listen()["uid"], app.test_client(), bearer(cast.lena)
    webhook_id = session.exec(select(Webhook.id)).one()
    receiver.status = 503
    with app.app_context():
        for number in range(2):
            outbox.deliver(session, cast.project, webhook_id, "n", {"n": number})
            session.commit()

    def waits() -> list[tuple[int, bool]]:
        """The attempts of each, and whether it waits for its time."""
        session.rollback()
        rows = session.exec(select(Delivery).order_by(col(Delivery.id)))
        return [(row.attempts, row.next_at > now()) for row in rows]

    assert waits() == [(1, True), (0, False)]
    first, second = session.exec(select(Delivery.uid).order_by(col(Delivery.id))).all()
    client.post(f"{API}/{uid}/test", headers=lena)
    assert [one["type"] for one in receiver.told[1:]] == ["webhook.test"]
    assert waits() == [(1, True), (0, False), (1, True)]
    client.post(f"{API}/{uid}/deliveries/{second}/resend", headers=lena)
    assert [one["data"]["n"] for one in receiver.told[2:]] == [1]
    assert waits() == [(1, True), (1, True), (1, True)]
    receiver.status = 200
    client.post(f"{API}/{uid}/deliveries/{second}/resend", headers=lena)
    ids = [headers["webhook-id"] for headers, _ in receiver.got[3:]]
    assert ids[:2] == [second, first], "what was asked for, and then the others in order"
    assert len(ids) == 3
    receiver.status = 503
    client.post(f"{API}/{uid}/test", headers=lena)
    receiver.status, before = 200, len(receiver.got)
    change = {"url": receiver.url, "events": ["batch"]}
    assert client.put(f"{API}/{uid}", json=change, headers=lena).status_code == 200
    assert len(receiver.got) == before, "other events are no reason to expect somebody"
    client.put(f"{API}/{uid}", json=change | {"url": f"{receiver.url}-of-prey"}, headers=lena)
    assert len(receiver.got) == before + 1, "at once, and not at the next minute"


def test_while_other_work_keeps_arriving_no_webhook_is_passed_over_and_what_is_old_is_forgotten(
    app: Flask,
    session: Session,
    cast: Cast,
    listen: Listen,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "others_wait", lambda: True)
    monkeypatch.setattr(jobs, "soon", lambda _chore: None)
    listen()
    listen()
    busy, quiet = session.exec(select(Webhook.id).order_by(col(Webhook.id))).all()
    old = now() - timedelta(days=31)
    session.add(
        Delivery(webhook_id=busy or 0, payload={}, state=DeliveryState.DELIVERED, created_at=old, next_at=old)
    )
    for number, webhook_id in enumerate((busy, busy, quiet, busy, busy)):
        outbox.deliver(session, cast.project, webhook_id, "n", {"n": number})
    outbox.deliver(session, cast.project, quiet, "n", {"n": "asked for"}, by_hand=True)
    session.commit()
    with app.app_context():
        for _ in range(4):
            sending.send_deliveries()
        assert [one["data"]["n"] for one in receiver.told] == ["asked for", 0, 1, 2]
        for chore in app.extensions["chores"].values():
            chore()
    session.rollback()
    assert session.exec(select(Delivery).where(Delivery.created_at == old)).all() == []


def test_a_job_goes_before_messages_that_were_there_first(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, listen: Listen, receiver: Receiver
) -> None:
    made, jobs_queue = listen(), app.extensions["jobs"]
    # The queue as it is in use: of the file, or of PostgreSQL.
    jobs_queue.immediate = False
    jobs_queue.storage.blocking = False
    lena, client = bearer(cast.lena), app.test_client()
    for _ in range(3):
        client.post(f"{API}/{made['uid']}/test", headers=lena)
    job = jobs.add(session, "export-nothing", by=cast.lena, project=cast.project, params={})
    session.commit()
    with app.app_context():
        jobs.send(job)
        assert [task.args for task in jobs_queue.pending(limit=1)] == [(job.id,)]
        sending.send_deliveries()
        assert len(receiver.got) == 1, "a pass that is under way ends with the message it has begun"
        jobs_queue.dequeue()
        while (task := jobs_queue.dequeue()) is not None:
            jobs_queue.execute(task)
    assert len(receiver.got) == 3
