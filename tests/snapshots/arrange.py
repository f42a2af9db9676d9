"""A snapshot made through its page, and where it lies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app.models import Account, Job
from tests.conftest import Cast

ClientOf = Callable[[Account | None], FlaskClient]
PAGE = "/p/birds/snapshots"
API = "/projects/birds/snapshots"


def last_job(session: Session) -> Job:
    """The one started last; tests run jobs as soon as they are sent."""
    session.rollback()
    job = session.exec(select(Job).order_by(col(Job.id).desc())).first()
    assert job is not None
    session.rollback()
    return job


def make(session: Session, client: FlaskClient, **asked: Any) -> Job:
    response = client.post(PAGE, data={"name": "birds", **asked})
    assert response.status_code == 303, response.text
    return last_job(session)


def folder(app: Flask, cast: Cast, label: str) -> Path:
    return Path(app.config["SETTINGS"].data_dir) / "snapshots" / str(cast.project.id) / label
