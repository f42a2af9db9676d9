"""Snapshots in a store that is reached by an address: the same files, in parts and by their digest."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session

from app.models import Account
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

FILES = "/p/birds/snapshots/birds-v1/files"


@pytest.fixture
def store(app: Flask, tmp_path: Path) -> Path:
    """A file system of Arrow's, driven as an object store's is."""
    folder = tmp_path / "store"
    app.config["SETTINGS"].snapshot_url = folder.as_uri()
    return folder


def test_a_snapshot_lies_in_the_store_and_is_served_from_it(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient], store: Path
) -> None:
    for comparison in queue(session, cast.project, 5):
        judge(session, cast.project, cast.ann, comparison, "a")
    client = client_of(cast.rosa)
    assert client.post("/p/birds/snapshots", data={"name": "birds"}).status_code == 303
    there = store / str(cast.project.id) / "birds-v1"
    whole = client.get(f"{FILES}/data/train.parquet")
    assert whole.status_code == 200
    assert whole.data == (there / "data/train.parquet").read_bytes()
    etag = whole.headers["ETag"]
    rest = client.get(f"{FILES}/data/train.parquet", headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, rest.data) == (206, whole.data[100:])
    assert client.get(f"{FILES}/data/train.parquet", headers={"If-None-Match": etag}).status_code == 304
    assert "How they agreed" in client.get("/p/birds/snapshots/birds-v1").text
    assert "The same" in client.get("/p/birds/snapshots/birds-v1/changes?since=birds-v1").text


def test_nothing_stays_in_the_store_of_one_without_a_row(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient], store: Path
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "tie")
    client_of(cast.rosa).post("/p/birds/snapshots", data={"name": "birds"})
    assert [path for path in store.rglob("*") if path.is_file()] == []
