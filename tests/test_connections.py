"""A request never waits for a second connection while it holds one: a pool may be that small."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session
from werkzeug.test import TestResponse

from app.models import Account
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
Bearer = Callable[[Account], dict[str, str]]


@pytest.fixture
def held(app: Flask) -> list[int]:
    """How many connections were held at once, each time one was taken."""
    counts: list[int] = []
    engine: sa.Engine = app.extensions["engine"]

    @sa.event.listens_for(engine, "checkout")
    def count(*_: object) -> None:
        counts.append(engine.pool.checkedout())  # type: ignore[attr-defined]

    return counts


def test_previews_and_downloads_hold_one(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, bearer: Bearer, held: list[int]
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "a")
    session.commit()
    session.close()
    client, headers = client_of(cast.lena), bearer(cast.lena)
    session.close()

    def dry_run() -> TestResponse:
        return client.post("/api/v1/projects/birds/pairs?dry_run=true", json={}, headers=headers)

    asked = {
        "pairing": lambda: client.get("/p/birds/pair?seed=0"),
        "pairing by API": dry_run,
        "export": lambda: client.get("/p/birds/export"),
        "download": lambda: client.get("/p/birds/export/download"),
        "download by API": lambda: client.get("/api/v1/projects/birds/export", headers=headers),
        "export preview by API": lambda: client.get("/api/v1/projects/birds/export/preview", headers=headers),
        "snapshot": lambda: client.get("/p/birds/snapshots/new"),
    }
    most = {}
    for name, ask in asked.items():
        held.clear()
        assert ask().status_code == 200, name
        most[name] = max(held)
    assert most == dict.fromkeys(asked, 1)


def test_one_that_none_is_free_for_is_told_to_come_again(
    app: Flask, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(None)

    def full() -> None:
        raise sa.exc.TimeoutError("QueuePool limit of size 1 overflow 0 reached")

    monkeypatch.setattr(app.extensions["engine"], "connect", full)
    answer = client.get("/p/birds/")
    assert answer.status_code == 503
    assert "not answering" in answer.text
