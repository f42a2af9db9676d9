"""Snapshots in a store that is reached by an address: the same files, in parts and by their digest."""

import hashlib
import io
import os
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyarrow import fs
from sqlmodel import Session, select

from app import jobs
from app.models import Account, Job, JobState, Snapshot, now
from app.snapshots.verify import differences
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

FILES = "/p/birds/snapshots/birds-v1/files"
# Not among what the tests install: with all that it needs it is larger than they are.
HINT = "no S3-compatible store to test with: TIEBREAK_TEST_MOTO=PROGRAM, moto's moto_server 5.2.5 or newer"


@dataclass
class There:
    """A store as it is seen from outside of the app."""

    files: Any
    root: str

    def names(self) -> list[str]:
        found = self.files.get_file_info(fs.FileSelector(self.root, recursive=True, allow_not_found=True))
        return [one.path.removeprefix(f"{self.root}/") for one in found if one.is_file]

    def read(self, name: str) -> bytes:
        with self.files.open_input_stream(f"{self.root}/{name}", compression=None) as file:
            return bytes(file.read())


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """The address of a server that speaks S3, with nothing in it."""
    program = os.environ.get("TIEBREAK_TEST_MOTO")
    if program is None:
        pytest.skip(HINT)
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
    for _ in range(300):
        assert server.poll() is None, "the store did not start"
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=2).close()
            break
        time.sleep(0.1)
    yield f"127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=20)


@pytest.fixture(params=["a file system of Arrow's", "an object store"])
def store(
    request: pytest.FixtureRequest, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> There:
    """Where snapshots go, by an address in the settings."""
    address = (tmp_path / "store").as_uri()
    if request.param == "an object store":
        server = request.getfixturevalue("object_store")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "anything")
        bucket = f"birds-{tmp_path.name.replace('_', '-').lower()}"
        query = f"?scheme=http&region=us-east-1&endpoint_override={server}"
        bare, _ = fs.FileSystem.from_uri(f"s3://{bucket}{query}&allow_bucket_creation=true")
        bare.create_dir(bucket)
        address = f"s3://{bucket}/kept{query}"
    app.config["SETTINGS"].snapshot_url = address
    return There(*fs.FileSystem.from_uri(address))


def test_a_snapshot_lies_in_the_store_and_is_served_from_it(
    session: Session, cast: Cast, client_of: Callable[[Account | None], FlaskClient], store: There
) -> None:
    for comparison in queue(session, cast.project, 5):
        judge(session, cast.project, cast.ann, comparison, "a")
    client = client_of(cast.rosa)
    assert client.post("/p/birds/snapshots", data={"name": "birds"}).status_code == 303
    there = f"{cast.project.id}/birds-v1"
    whole = client.get(f"{FILES}/data/train.parquet")
    assert whole.status_code == 200
    assert whole.data == store.read(f"{there}/data/train.parquet")
    etag = whole.headers["ETag"]
    rest = client.get(f"{FILES}/data/train.parquet", headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, rest.data) == (206, whole.data[100:])
    assert client.get(f"{FILES}/data/train.parquet", headers={"If-None-Match": etag}).status_code == 304
    assert "How they agreed" in client.get("/p/birds/snapshots/birds-v1").text
    assert "The same" in client.get("/p/birds/snapshots/birds-v1/changes?since=birds-v1").text


def test_a_copy_of_it_is_whole(
    session: Session,
    cast: Cast,
    client_of: Callable[[Account | None], FlaskClient],
    store: There,
    tmp_path: Path,
) -> None:
    for comparison in queue(session, cast.project, 5):
        judge(session, cast.project, cast.ann, comparison, "a")
    client = client_of(cast.rosa)
    client.post("/p/birds/snapshots", data={"name": "birds"})
    snapshot = session.exec(select(Snapshot)).one()
    assert {f"{cast.project.id}/birds-v1/{file['path']}" for file in snapshot.files} == set(store.names())
    for file in snapshot.files:
        halves = [
            client.get(f"{FILES}/{file['path']}", headers={"Range": f"bytes={part}"}).data
            for part in (f"0-{file['bytes'] // 2}", f"{file['bytes'] // 2 + 1}-")
        ]
        target = tmp_path / "copy" / file["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(halves))
    assert differences(tmp_path / "copy") == []
    with tarfile.open(fileobj=io.BytesIO(client.get("/p/birds/snapshots/birds-v1.tar").data)) as tar:
        tar.extractall(tmp_path, filter="data")
    assert differences(tmp_path / "birds-v1") == []
    assert hashlib.sha256((tmp_path / "copy" / "SHA256SUMS").read_bytes()).hexdigest() == snapshot.digest


def test_nothing_stays_in_the_store_of_one_without_a_row(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: Callable[[Account | None], FlaskClient],
    store: There,
) -> None:
    (comparison,) = queue(session, cast.project)
    judgment = judge(session, cast.project, cast.ann, comparison, "a")
    app.extensions["jobs"].immediate = False
    client_of(cast.rosa).post("/p/birds/snapshots", data={"name": "birds"})
    judgment.retired_at = now()
    session.commit()
    number = session.exec(select(Job.id)).one() or 0
    session.rollback()
    with app.app_context():
        jobs.run(number)
    assert session.get_one(Job, number).state == JobState.FAILED
    assert store.names() == []
