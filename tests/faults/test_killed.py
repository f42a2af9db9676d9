"""SIGKILL under load: what was acknowledged is there, once, and what was not can be sent again.

A killed process loses no operating-system buffers, so this cannot tell one ``synchronous`` setting
from another; test_power_cut.py can.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from app import create_app, db, tallies
from app.accounts import tokens
from app.models import Account, Judgment, Membership, Project, Role
from app.settings import Settings
from tests import postgres
from tests.annotation.arrange import queue
from tests.conftest import Cast, make_settings
from tests.faults.servers import served

CLIENTS = 4
ENOUGH = 60  # acknowledged judgments before the kill

Post = Callable[[str, object], tuple[int, Any]]


@dataclass
class Burst:
    """Several annotators judging as fast as they can, until the server is gone."""

    posts: list[Post]
    acknowledged: list[str] = field(default_factory=list)
    unanswered: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def run(self, kill: Callable[[], None]) -> None:
        threads = [threading.Thread(target=self._judge, args=(n,)) for n in range(len(self.posts))]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < ENOUGH and time.monotonic() < deadline:
            time.sleep(0.005)
        kill()
        for thread in threads:
            thread.join(30)
        assert len(self.acknowledged) >= ENOUGH

    def _judge(self, number: int) -> None:
        post = self.posts[number]
        body: dict[str, str] | None = None
        try:
            while True:
                status, claimed = post("assignments", None)
                if status >= 300 or status == 204:
                    return
                body = {
                    "assignment_id": claimed["assignment_id"],
                    "submission_id": f"s-{claimed['assignment_id']}",
                    "outcome": "a",
                }
                status, _ = post("judgments", body)
                if status != 201:
                    self.unanswered.append((number, body))
                    return
                self.acknowledged.append(body["submission_id"])
                body = None
        except (OSError, http.client.HTTPException, ValueError):
            if body is not None:
                self.unanswered.append((number, body))


def check(app: Flask, burst: Burst, retry: list[Post]) -> None:
    """After the restart: nothing acknowledged is lost or doubled, and the rest can be sent again."""
    for number, body in burst.unanswered:
        statuses = [retry[number]("judgments", body)[0] for _ in range(2)]
        assert statuses in ([201, 200], [200, 200])
    with db.new_session(app.extensions["engine"], write=False) as session:
        stored = Counter(session.exec(select(Judgment.submission_id)))
        expected = {*burst.acknowledged, *(body["submission_id"] for _, body in burst.unanswered)}
        assert set(stored) >= expected
        assert set(stored.values()) == {1}
        project = session.exec(select(Project)).one()
        assert tallies.differences(session, project.id or 0) == []


def bearers(session: Session, project: Project) -> list[str]:
    """API tokens of the annotators who will burst."""
    made = []
    for number in range(CLIENTS):
        account = Account(email=f"burst{number}@example.org", name=f"Burst {number}")
        session.add(account)
        session.flush()
        session.add(Membership(account_id=account.id, project_id=project.id, role=Role.ANNOTATOR))
        made.append(tokens.create(session, account, "burst", by=account)[1])
    session.commit()
    return made


def over_http(port: int, token: str) -> Post:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(path: str, body: object) -> tuple[int, Any]:
        connection.request("POST", f"/api/v1/projects/birds/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    return post


def in_process(app: Flask, token: str) -> Post:
    def post(path: str, body: object) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        answer = app.test_client().post(f"/api/v1/projects/birds/{path}", json=body, headers=headers)
        return answer.status_code, answer.json if answer.data else None

    return post


def test_a_killed_server_lost_nothing_it_acknowledged(
    app: Flask, settings: Settings, session: Session, cast: Cast
) -> None:
    queue(session, cast.project, 400, wanted=2)
    given = bearers(session, cast.project)
    with served(settings, workers=2) as (port, kill):
        burst = Burst([over_http(port, token) for token in given])
        burst.run(kill)
    # The app of this process stands for the restarted server.
    check(app, burst, [in_process(app, token) for token in given])


@pytest.mark.postgres
def test_a_killed_database_lost_nothing_it_acknowledged(tmp_path: Path) -> None:
    postgres.needed()
    with postgres.cluster(options=()) as cluster:
        settings = make_settings(tmp_path, cluster.url())
        app = create_app(settings)
        db.upgrade(app.extensions["engine"])
        with db.new_session(app.extensions["engine"], write=True) as session:
            project = Project(slug="birds", name="Birds")
            session.add(project)
            session.commit()
            queue(session, project, 400, wanted=2)
            given = bearers(session, project)
        posts = [in_process(app, token) for token in given]
        burst = Burst(posts)
        burst.run(cluster.kill)
        assert posts[0]("assignments", None)[0] == 503
        cluster.start()
        check(app, burst, posts)
        app.extensions["engine"].dispose()
