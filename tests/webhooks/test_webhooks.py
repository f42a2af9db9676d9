"""Webhooks: what is told, to whom, how it is signed, and what happens when nobody answers."""

import base64
import hashlib
import hmac
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import jobs
from app.models import (
    Account,
    Alert,
    Annotator,
    AuditEvent,
    Batch,
    Delivery,
    DeliveryState,
    JobState,
    Outcome,
    Project,
    Webhook,
    now,
)
from app.settings import Settings
from app.webhooks import posting, sending, watching
from tests.annotation.arrange import queue
from tests.annotation.desk import JUDGE, send
from tests.conftest import SECRET, Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
Bearer = Callable[[Account], dict[str, str]]
API = "/api/v1/projects/birds/webhooks"


@dataclass
class Receiver:
    """A server that keeps what it is sent and answers as it is told."""

    url: str = ""
    status: int = 200
    answer: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, body in self.got]


@pytest.fixture
def receiver(app: Flask) -> Iterator[Receiver]:
    """On this machine, which a setting allows here."""
    there = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(there.status)
            for name, value in there.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(there.answer)

        def log_message(self, *_: object) -> None:
            pass

    app.config["SETTINGS"].webhook_private_addresses = True
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        there.url = f"http://127.0.0.1:{server.server_port}/hook?from=birds"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield there
        server.shutdown()
        thread.join()


Listen = Callable[..., dict[str, Any]]


@pytest.fixture
def listen(app: Flask, cast: Cast, bearer: Bearer, receiver: Receiver) -> Listen:
    """Registers the receiver over the API."""
    lena = bearer(cast.lena)

    def add(*events: str) -> dict[str, Any]:
        made = app.test_client().post(
            API, json={"url": receiver.url, "events": events or ["judgment"]}, headers=lena
        )
        assert made.status_code == 201, made.text
        return dict(made.json)  # type: ignore[arg-type]

    return add


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
    key = base64.b64decode(webhook["secret"].removeprefix("whsec_"))
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{signature}"
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
    queue(session, cast.project, 4)
    client = client_of(cast.ann)
    page = send(client, client.get(JUDGE), "a")
    with count_queries() as quiet:
        page = send(client, page, "a")
    listen("batch", "alert")
    with count_queries() as batches_only:
        page = send(client, page, "a")
    assert len(batches_only) == len(quiet)
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


def test_no_address_of_a_private_network_is_asked(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project)
    listen()
    app.config["SETTINGS"].webhook_private_addresses = False
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    assert receiver.got == []
    row = session.exec(select(Delivery)).one()
    assert row.status is None
    assert "private" in (row.answer or "")
    assert row.state == DeliveryState.FAILED, "another attempt would find the same"


INSIDE = """
127.0.0.1 10.1.2.3 192.168.0.1 172.16.5.5 169.254.169.254 0.0.0.0 100.64.0.1 224.0.0.1 255.255.255.255
::1 :: fe80::1%eth0 fd00::1 ff02::1 ::ffff:127.0.0.1 64:ff9b::7f00:1 2002:7f00:1::
"""


@pytest.mark.parametrize("address", INSIDE.split())
def test_an_address_within_is_told_however_it_is_written(address: str) -> None:
    assert not posting.is_public(address)
    assert posting.is_public("93.184.216.34")
    assert posting.is_public("2606:2800:220:1:248:1893:25c8:1946")


def test_a_redirect_is_not_followed(
    session: Session, cast: Cast, client_of: ClientOf, listen: Listen, receiver: Receiver
) -> None:
    queue(session, cast.project)
    listen()
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    client = client_of(cast.ann)
    send(client, client.get(JUDGE), "a")
    assert len(receiver.got) == 1
    assert session.exec(select(Delivery.status)).one() == 302


def test_an_answer_without_end_is_cut(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.answer = b"y" * 5_000_000
    found = posting.post(receiver.url, {}, b"{}", private=True)
    assert found.text == "y" * posting.KEPT
    monkeypatch.setattr(posting, "SECONDS", 0.0)
    with pytest.raises(posting.UnreachableError, match="no answer within"):
        posting.post(receiver.url, {}, b"{}", private=True)


@contextmanager
def dripping(first: bytes, more: bytes) -> Iterator[str]:
    """A server that begins to answer, and goes on a few bytes at a time for as long as it is heard."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.sendall(first)
                while True:
                    peer.sendall(more)
                    time.sleep(0.01)

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"HTTP/1.1 200 ", b"O"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
    ],
)
def test_an_answer_in_drops_ends_in_time(first: bytes, more: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 0.2)
    with dripping(first, more) as url, pytest.raises(posting.UnreachableError, match="no answer within"):
        posting.post(url, {}, b"{}", private=True)


def test_the_name_is_resolved_once_and_told_to_the_receiver(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = socket.getaddrinfo, []

    def counted(host: str, *others: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "hooks.example" else host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    port = receiver.url.split(":")[2]
    found = posting.post(f"http://hooks.example:{port}", {}, b"{}", private=True)
    assert (found.status, found.text) == (200, "thanks")
    assert asked.count("hooks.example") == 1
    assert {*asked} <= {"hooks.example", "127.0.0.1"}, "the address is no name to ask for again"
    ((headers, _),) = receiver.got
    assert headers["host"] == f"hooks.example:{port.partition('/')[0]}"


def test_a_compressed_answer_is_kept_as_it_came(receiver: Receiver) -> None:
    receiver.headers, receiver.answer = {"Content-Encoding": "gzip"}, b"no gzip"
    assert posting.post(receiver.url, {}, b"{}", private=True).text == "no gzip"


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


def test_a_lead_manages_webhooks_by_page(
    session: Session, cast: Cast, client_of: ClientOf, receiver: Receiver
) -> None:
    lena = client_of(cast.lena)
    made = lena.post("/p/birds/webhooks", data={"url": receiver.url, "events": ["judgment", "alert"]})
    assert made.status_code == 303, made.text
    page = lena.get(made.location)
    secret = session.exec(select(Webhook.secret)).one()
    assert secret in page.text
    assert secret not in lena.get(made.location).text, "once"
    assert lena.post(f"{made.location}/test").status_code == 303
    assert receiver.told[0]["type"] == "webhook.test"
    assert "webhook.test" in lena.get(made.location).text
    session.rollback()
    delivery = session.exec(select(Delivery.uid)).one()
    lena.post(f"{made.location}/deliveries/{delivery}/resend")
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [delivery, delivery]
    lena.post(made.location, data={"url": "https://example.org/new", "events": ["batch"]})
    session.rollback()
    assert session.exec(select(Webhook.url, Webhook.on_batch)).one() == ("https://example.org/new", True)
    lena.post(f"{made.location}/disable")
    assert lena.post(f"{made.location}/test").status_code == 409
    lena.post(f"{made.location}/remove")
    session.rollback()
    assert session.exec(select(Webhook)).all() == []
    assert lena.get(made.location).status_code == 404


ODD = ("0x7f000001", "2130706433", "127.1", "0177.0.0.1", "0", "localhost.")


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("ftp://example.org", ["judgment"]),
        ("https://", ["judgment"]),
        ("https://user:word@example.org/", ["judgment"]),
        ("https://example.org:99999/", ["judgment"]),
        ("https://exa mple.org/", ["judgment"]),
        ("javascript:alert(1)", ["judgment"]),
        ("https://example.org/\r\nX-More: 1", ["judgment"]),
        ("https://example.org/" + "x" * 2000, ["judgment"]),
        ("http://127.0.0.1:8000/hook", ["judgment"]),
        ("http://[::1]/hook", ["judgment"]),
        *((f"http://{host}/", ["judgment"]) for host in ODD),
        ("https://localhost/hook", ["judgment"]),
        ("https://example.org/", []),
        ("https://example.org/", ["everything"]),
    ],
)
def test_what_is_no_webhook_is_refused(
    app: Flask, cast: Cast, client_of: ClientOf, bearer: Bearer, url: str, events: list[str]
) -> None:
    page = client_of(cast.lena).post("/p/birds/webhooks", data={"url": url, "events": events})
    assert page.status_code == 422
    api = app.test_client().post(API, json={"url": url, "events": events}, headers=bearer(cast.lena))
    assert api.status_code == 422
    assert api.mimetype == "application/problem+json"


def test_only_a_lead_knows_of_them(
    app: Flask, session: Session, cast: Cast, bearer: Bearer, listen: Listen, client_of: ClientOf
) -> None:
    made = listen()
    assert made["secret"] not in app.test_client().get(API, headers=bearer(cast.lena)).text
    for who in (cast.rui, cast.ann, cast.rosa, cast.vic):
        assert client_of(who).get(f"/p/birds/webhooks/{made['uid']}").status_code == 403
        assert app.test_client().get(API, headers=bearer(who)).status_code == 403
    assert app.test_client().get(API, headers=bearer(cast.otto)).status_code == 404
    other = Project(slug="fish", name="Fish")
    session.add(other)
    session.commit()
    elsewhere = client_of(cast.ada).get(f"/p/fish/webhooks/{made['uid']}")
    assert elsewhere.status_code == 404


def test_there_are_ten_at_most(app: Flask, cast: Cast, bearer: Bearer) -> None:
    client, lena = app.test_client(), bearer(cast.lena)
    given = {"url": "https://example.org/", "events": ["batch"]}
    codes = [client.post(API, json=given, headers=lena).status_code for _ in range(11)]
    assert codes == [201] * 10 + [409]
