"""A request sent again with its Idempotency-Key is done once, and answered as the first time."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from app.api import repeats
from app.models import AuditEvent, Invitation, Job, Project, StoredAnswer, Token, now
from tests.api.conftest import Program
from tests.conftest import Cast

Make = Callable[..., Program]
INVITATIONS = "/projects/birds/invitations"
VIEWER = {"role": "viewer"}
KEY = {"Idempotency-Key": "first-try"}


def test_it_is_done_once(cast: Cast, program: Make, session: Session) -> None:
    lena = program(cast.lena)
    first, again = (lena.post(INVITATIONS, VIEWER, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == {name: value for name, value in first.json.items() if name != "link"}
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(session.exec(select(Invitation)).all()) == 1
    assert len(session.exec(select(AuditEvent).where(AuditEvent.verb == "invitation.add")).all()) == 1
    assert lena.post(INVITATIONS, VIEWER).json["uid"] != first.json["uid"], "without the key it is another"


def test_another_request_may_not_have_the_key(cast: Cast, program: Make, session: Session) -> None:
    lena = program(cast.lena)
    lena.post(INVITATIONS, VIEWER, headers=KEY)
    other = lena.post(INVITATIONS, {"role": "researcher"}, headers=KEY)
    assert other.status_code == 422
    assert "another request" in other.json["detail"]
    assert program(cast.ada).post(INVITATIONS, {"role": "researcher"}, headers=KEY).status_code == 201


def test_a_refused_request_leaves_its_key_free(cast: Cast, program: Make) -> None:
    lena = program(cast.lena)
    assert lena.post(INVITATIONS, {"role": "king"}, headers=KEY).status_code == 422
    assert lena.post(INVITATIONS, VIEWER, headers=KEY).status_code == 201


def test_an_import_starts_one_job(cast: Cast, program: Make, session: Session) -> None:
    lena = program(cast.lena)

    def send() -> Any:
        parts = {"files": (BytesIO(b'{"prompt": "Hi", "model": "heron", "response": "Ho"}'), "a.jsonl")}
        return lena("POST", "/projects/birds/imports", data=parts, headers=KEY)

    first, again = send(), send()
    assert first.json["job"] == again.json["job"]
    assert again.headers["Location"] == first.headers["Location"]
    assert len(session.exec(select(Job)).all()) == 1


def test_a_secret_is_told_the_first_time_only(cast: Cast, program: Make, session: Session) -> None:
    lena = program(cast.lena)
    first, again = (lena.post("/tokens", {"name": "x"}, headers=KEY).json for _ in range(2))
    assert first["secret"].startswith("tb_")
    assert again.get("secret") is None
    assert first["uid"] == again["uid"]
    assert first["secret"] not in str(session.exec(select(StoredAnswer.answer)).one())
    assert len(session.exec(select(Token)).all()) == 2


def test_of_two_at_once_one_is_done(
    cast: Cast, program: Make, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second looked for the key before the first had kept it."""
    lena, known = program(cast.lena), repeats.known
    first = lena.post("/projects", {"slug": "fish", "name": "Fish"}, headers=KEY)
    late = iter([None])

    def too_early() -> Any:
        found = known()
        return next(late, found)

    monkeypatch.setattr(repeats, "known", too_early)
    second = lena.post("/projects", {"slug": "fish", "name": "Fish"}, headers=KEY)
    assert (second.status_code, second.json) == (201, first.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(session.exec(select(Project).where(Project.slug == "fish")).all()) == 1


def test_a_key_is_kept_for_a_day(app: Flask, cast: Cast, program: Make, session: Session) -> None:
    lena = program(cast.lena)
    lena.post(INVITATIONS, VIEWER, headers=KEY)
    session.exec(select(StoredAnswer)).one().created_at = now() - timedelta(hours=25)
    session.commit()
    assert "Idempotency-Replayed" not in lena.post(INVITATIONS, VIEWER, headers=KEY).headers
    assert len(session.exec(select(Invitation)).all()) == 2
    assert len(session.exec(select(StoredAnswer)).all()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_length(cast: Cast, program: Make, key: str) -> None:
    assert program(cast.lena).post(INVITATIONS, VIEWER, headers={"Idempotency-Key": key}).status_code == 422
