"""A full disk: nothing is half saved, and the annotator is told so and keeps the verdict."""

import sqlite3
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.models import Account, Judgment
from tests.annotation.arrange import ask, queue
from tests.annotation.desk import JUDGE, check, send
from tests.conftest import Cast


@pytest.fixture
def fill_disk(app: Flask) -> Callable[[], None]:
    """No page more than the database has now, and none to spare."""
    if not app.config["SETTINGS"].is_sqlite:
        pytest.skip("SQLite's page limit stands for the disk's")
    engine = app.extensions["engine"]

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    def fill() -> None:
        with engine.connect() as connection:
            connection.connection.execute("VACUUM")  # type: ignore[attr-defined]
        engine.dispose()
        sa.event.listen(engine, "connect", limit)

    return fill


def test_a_full_disk_is_said_and_nothing_is_saved(
    session: Session,
    cast: Cast,
    client_of: Callable[[Account | None], FlaskClient],
    fill_disk: Callable[[], None],
) -> None:
    ask(session, cast.project, better_answer="optional")
    queue(session, cast.project, 3)
    client = client_of(cast.ann)
    page = client.get(JUDGE)
    fill_disk()
    answer = send(client, page, "a", better_answer="long " * 19_000)
    assert answer.status_code == 507
    assert "nothing was saved" in answer.text
    assert answer.headers["Retry-After"]
    assert session.exec(select(Judgment)).all() == []
    check(session, cast)
