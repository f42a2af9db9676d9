"""A snapshot is made by page, API and command, and says what it holds."""

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import zstandard
from click.testing import CliRunner
from flask import Flask
from sqlmodel import Session, col, select

from app import jobs
from app.cli import tiebreak
from app.errors import NotFound
from app.exports import preview, stream
from app.exports.forms import ExportSpec, Format
from app.models import (
    AuditEvent,
    Job,
    JobState,
    Judgment,
    Project,
    Scope,
    Snapshot,
    now,
)
from app.snapshots import commands, making, verify, work
from app.snapshots.forms import SnapshotIn
from tests.annotation.arrange import queue
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.snapshots.arrange import API, PAGE, ClientOf, folder, last_job, make


def columns_in(schema: pa.Schema) -> dict[str, Any]:
    """What a Parquet file has: whether a column is a list, and what its parts are called."""
    found = {}
    for column in schema:
        is_list = pa.types.is_list(column.type)
        one = column.type.value_type if is_list else column.type
        found[column.name] = (is_list, [part.name for part in one] if pa.types.is_struct(one) else [])
    return found


def columns_of(described: dict[str, Any]) -> dict[str, Any]:
    """The same as Croissant tells it."""
    found = {}
    for field in described["field"]:
        parts = field.get("subField", [])
        (column,) = {part["source"]["extract"]["column"] for part in parts or [field]}
        found[column] = (
            field.get("repeated", False),
            [part["source"]["transform"]["jsonPath"] for part in parts],
        )
    return found


def unpacked(path: Path) -> bytes:
    """The lines of a file, packed or plain."""
    if path.suffix != ".zst":
        return path.read_bytes()
    return zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read()


@pytest.mark.usefixtures("judged")
def test_a_researcher_makes_one_and_every_digest_agrees(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    job = make(session, client_of(cast.rosa), licence="cc-by-4.0")
    assert (job.state, job.error) == (JobState.DONE, None)
    snapshot = session.exec(select(Snapshot)).one()
    there = folder(app, cast, "birds-v1")
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=there, check=True)
    assert snapshot.digest == hashlib.sha256((there / "SHA256SUMS").read_bytes()).hexdigest()
    assert {file["path"] for file in snapshot.files} == {
        str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()
    }
    manifest = orjson.loads((there / "manifest.json").read_bytes())
    assert (manifest["rows"], manifest["licence"]) == (12, "cc-by-4.0")
    splits = [pq.read_table(path) for path in (there / "data").glob("*.parquet")]
    croissant = orjson.loads((there / "croissant.json").read_bytes())
    assert croissant["license"] == "https://creativecommons.org/licenses/by/4.0/"
    # One citation everywhere, and one digest, which no file in the folder can hold itself.
    cited = f"Birds: birds, version 1. {manifest['made_at'][:10]}. Snapshot made with Tiebreak "
    assert croissant["citeAs"].startswith(cited)
    assert croissant["citeAs"].endswith(". SHA-256 of its SHA256SUMS: DIGEST.")
    assert f"\n`{croissant['citeAs']}`\n" in (there / "README.md").read_text()
    page = client_of(cast.rosa).get(f"{PAGE}/birds-v1").text
    whole = croissant["citeAs"].replace("DIGEST", snapshot.digest)
    assert f'id="citation"><code>{whole} http://localhost{PAGE}/birds-v1</code>' in page
    assert "@misc{birds-v1,\n  title = {{Birds: birds}},\n  version = {1}," in page
    assert (croissant["creator"]["name"], croissant["keywords"][:2]) == ("Birds", ["preference", "rlhf"])
    kinds = {one["@id"]: one["encodingFormat"] for one in croissant["distribution"]}
    assert kinds["data/train.parquet"] == "application/x-parquet"
    assert kinds["llamafactory/train.jsonl"] == "application/jsonlines"
    for part in croissant["recordSet"]:
        fields = [one for field in part["field"] for one in (field, *field.get("subField", []))]
        assert [one["@id"] for one in (part, *fields) if not one.get("description")] == []
    for table, described in zip(sorted(splits, key=len), croissant["recordSet"][::-1], strict=True):
        assert columns_of(described) == columns_in(table.schema)
    assert sum(table.num_rows for table in splits) == 12
    for format_ in Format:
        lines = b"".join(map(unpacked, (there / format_).glob("*.jsonl*"))).splitlines()
        named = [file for file in manifest["files"] if file["path"].startswith(f"{format_}/")]
        assert len(lines) == sum(file.get("rows", 0) for file in named)
        assert lines
        sides = [pq.read_table(path) for path in sorted((there / "provenance").glob(f"{format_}-*.parquet"))]
        assert bool(sides) == (format_ in (Format.TRL, Format.OPENAI))
        for digests in [side["sha256"].to_pylist() for side in sides]:
            assert {hashlib.sha256(line).hexdigest() for line in lines} >= set(digests)
    # LLaMA-Factory goes by the last ending, and knows none of a packed file.
    beside = orjson.loads((there / "llamafactory" / "dataset_info.json").read_bytes())
    held = {path.name for path in (there / "llamafactory").iterdir()} - {"dataset_info.json"}
    assert {one["file_name"] for one in beside.values()} == held == {"train.jsonl", "test.jsonl"}
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "snapshot.publish")).one()
    assert event.account_id == cast.rosa.id


@pytest.mark.usefixtures("judged")
def test_files_are_served_in_parts_and_not_twice(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    tmp_path: Path,
) -> None:
    make(session, client_of(cast.rosa))
    asks = program(cast.rosa)
    address = f"{API}/birds-v1/data/train.parquet"
    whole = asks.get(address)
    etag = whole.headers["ETag"]
    assert etag == f'"{hashlib.sha256(whole.data).hexdigest()}"'
    half = len(whole.data) // 2
    rest = asks.get(address, headers={"Range": f"bytes={half}-", "If-Range": etag})
    assert rest.status_code == 206
    assert whole.data[:half] + rest.data == whole.data

    def from_the_beginning(*_: object) -> None:
        raise AssertionError("a server's own wrapper reads all that is before a range")

    servers = {"wsgi.file_wrapper": from_the_beginning}
    last = asks.get(address, headers={"Range": "bytes=-9"}, environ_overrides=servers)
    assert last.data == whole.data[-9:]
    other = asks.get(address, headers={"Range": f"bytes={half}-", "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, whole.data)
    assert asks.get(address, headers={"If-None-Match": etag}).status_code == 304
    changed = asks.get(address, headers={"If-Match": '"another"'})
    assert (changed.status_code, changed.data, changed.headers["ETag"]) == (412, b"", etag)
    assert asks.get(address, headers={"If-Match": etag}).data == whole.data
    beyond = asks.get(address, headers={"Range": f"bytes={len(whole.data)}-"})
    assert beyond.status_code == 416
    for ignored in ("bytes=x", "bytes=9-2", "bytes=0-1,4-5", "lines=1-2"):
        assert asks.get(address, headers={"Range": ignored}).data == whole.data
    kinds = {
        "manifest.json": "application/json",
        "SHA256SUMS": "text/plain; charset=utf-8",
        "README.md": "text/markdown; charset=utf-8",
        "croissant.json": "application/json",
        "data/train.parquet": "application/vnd.apache.parquet",
        "llamafactory/train.jsonl": "application/x-ndjson",
    }
    for path, kind in kinds.items():
        answer = asks.get(f"{API}/birds-v1/{path}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    packed = asks.get(f"{API}/birds-v1.tar")
    etag, size = packed.headers["ETag"], len(packed.data)
    assert client_of(cast.rosa).get(f"{PAGE}/birds-v1.tar").data == packed.data
    with tarfile.open(fileobj=io.BytesIO(packed.data)) as tar:
        tar.extractall(tmp_path, filter="data")
    assert verify.differences(tmp_path / "birds-v1") == []
    parts = (f"bytes=0-{size // 3}", f"bytes={size // 3 + 1}-{size // 2}", f"bytes={size // 2 + 1}-")
    got = [asks.get(f"{API}/birds-v1.tar", headers={"Range": part, "If-Range": etag}) for part in parts]
    assert [part.status_code for part in got] == [206, 206, 206]
    assert b"".join(part.data for part in got) == packed.data
    assert asks.get(f"{API}/birds-v1.tar", headers={"If-None-Match": etag}).status_code == 304
    assert asks.get(f"{API}/birds-v1.tar", headers={"Range": f"bytes={size}-"}).status_code == 416
    assert asks("HEAD", f"{API}/birds-v1.tar").headers["Content-Length"] == str(size)
    for path in ("../../tiebreak.db", "data/none.parquet", ".."):
        assert asks.get(f"{API}/birds-v1/{path}").status_code in (404, 308)


@pytest.mark.usefixtures("judged")
def test_the_api_makes_and_lists(
    app: Flask, session: Session, cast: Cast, program: Callable[..., Program]
) -> None:
    # What a training script has, and no more.
    asks, judges = program(cast.rosa, Scope.READ), program(cast.rosa, Scope.ANNOTATE)
    leads = program(cast.lena, Scope.READ)
    wanted = {"name": "train-set", "formats": ["kto", "trl-implicit"], "category": ["code"], "margin": True}
    started = asks.post(API, wanted)
    assert started.status_code == 202
    assert last_job(session).state == JobState.DONE
    (listed,) = asks.get(API).json["items"]
    assert (listed["label"], listed["rows"]) == ("train-set-v1", 12)
    assert {file["format"] for file in listed["files"] if file["part"] == "rows"} == {
        "trl",
        "kto",
        "trl-implicit",
    }
    there = folder(app, cast, "train-set-v1")
    assert "margin" in pq.read_schema(there / "data" / "train.parquet").names
    for format_, has_margin in (("kto", False), ("trl-implicit", True)):
        packed = (there / format_ / "train.jsonl.zst").open("rb")
        assert (b'"margin":1.0' in zstandard.ZstdDecompressor().stream_reader(packed).read()) == has_margin
    assert asks.get(f"{API}/train-set-v1").json == listed
    wrong = asks.post(API, {"name": "Not A Name", "category": ["stones"]})
    assert wrong.status_code == 422
    assert wrong.json["errors"][0]["pointer"] == "/name"
    unknown = asks.post(API, {"name": "x", "category": ["stones"]})
    assert unknown.json["errors"][0]["pointer"] == "/category"
    assert asks.get(f"{API}/train-set-v2").status_code == 404
    single = asks.post(API, {"name": "x", "format": "kto", "part": "provenance"})
    assert [error["pointer"] for error in single.json["errors"]] == ["/format", "/part"]
    # Whoever may start one may change their mind; another's is for who manages the project.
    app.extensions["jobs"].immediate = False
    uid = asks.post(API, {"name": "x"}).json["job"]
    assert [one.post(f"/jobs/{uid}/cancel").status_code for one in (judges, leads)] == [403, 403]
    assert asks.post(f"/jobs/{uid}/cancel").json["state"] == "cancelled"
    assert asks.post(f"/jobs/{uid}/repeat").status_code == 202


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize(("name", "status"), [("ann", 403), ("rui", 403), ("vic", 403), ("otto", 404)])
def test_others_see_nothing(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    name: str,
    status: int,
) -> None:
    make(session, client_of(cast.rosa))
    client, asks = client_of(getattr(cast, name)), program(getattr(cast, name))
    for path in ("", "/new", "/birds-v1", "/birds-v1/files/README.md", "/birds-v1/changes?since=birds-v1"):
        assert client.get(PAGE + path).status_code == status
    assert client.post(PAGE, data={"name": "birds"}).status_code == status
    for path in ("", "/birds-v1", "/birds-v1/README.md"):
        assert asks.get(API + path).status_code == status
    assert asks.post(API, {"name": "birds"}).status_code == status


def test_one_without_a_row_is_refused_when_it_is_asked_for(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, program: Callable[..., Program]
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "tie")
    client, asks = client_of(cast.rosa), program(cast.rosa)
    button = "<span>Make the snapshot</span>"
    empty = client.get(f"{PAGE}/new?ties=drop").text
    assert "come back when annotators have judged more." in empty
    assert 'class="button primary" href="/p/birds/export?ties=drop"' in empty
    assert (button in empty, 'name="licence"' in empty, "judged a tie" in empty) == (False, False, False)
    refused = client.post(PAGE, data={"name": "mine"})
    assert (refused.status_code, "Left out: 1 comparison (judged a tie)." in refused.text) == (404, True)
    assert 'value="mine"' in refused.text
    problem = asks.post(API, {"name": "birds"})
    assert (problem.status_code, problem.json["excluded"]) == (404, {"judged a tie": 1})
    assert problem.json["detail"] == asks.get("/projects/birds/export").json["detail"]
    with app.app_context():
        command = tiebreak.get_command(None, "snapshot")  # type: ignore[arg-type]
        typed = CliRunner().invoke(command, ["birds"])  # type: ignore[arg-type]
    assert isinstance(typed.exception, NotFound)
    session.rollback()
    assert session.exec(select(Job)).all() == []
    judge(session, cast.project, cast.ben, *queue(session, cast.project), "a")
    assert button in client.get(f"{PAGE}/new").text
    assert asks.post(API, {"name": "birds", "min_votes": 2}).status_code == 404
    assert asks.post(API, {"name": "birds"}).status_code == 202


def test_a_large_project_is_not_looked_through_while_somebody_waits(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    (comparison,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, comparison, "tie")
    monkeypatch.setattr(preview, "MOST_READ", 0)
    job = make(session, client_of(cast.rosa))
    assert (job.state, "1 comparison (judged a tie)" in (job.error or "")) == (JobState.FAILED, True)

    def look(*_: object) -> None:
        raise AssertionError("the project is looked through twice")

    monkeypatch.setattr(stream, "require_rows", look)
    with app.app_context():
        refused = CliRunner().invoke(commands.snapshot, ["birds"]).exception
    assert "1 comparison (judged a tie)" in str(refused)
    assert session.exec(select(Snapshot)).all() == []


@pytest.mark.usefixtures("judged")
def test_nobody_waits_to_write_while_rows_are_looked_for(
    app: Flask,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[bool] = []

    def look(engine: sa.Engine, project: Project, _spec: ExportSpec) -> None:
        with engine.connect() as other:
            if engine.dialect.name == "sqlite":
                other.exec_driver_sql("PRAGMA busy_timeout=0")
            renamed = sa.update(Project).where(col(Project.id) == project.id).values(name="Renamed")
            written.append(other.execute(renamed).rowcount == 1)

    monkeypatch.setattr(preview, "require_rows", look)
    assert client_of(cast.rosa).post(PAGE, data={"name": "birds"}).status_code == 303
    assert program(cast.rosa).post(API, {"name": "birds"}).status_code == 202
    assert written == [True, True]


@pytest.mark.usefixtures("judged")
def test_the_job_is_of_the_transaction_it_is_asked_in(app: Flask, session: Session, cast: Cast) -> None:
    session.execute(sa.update(Project).where(col(Project.id) == cast.project.id).values(name="Renamed"))
    with app.app_context():
        work.start(session, cast.project, SnapshotIn(name="birds"), by=cast.rosa)
    session.rollback()
    assert session.exec(select(Project.name).where(Project.id == cast.project.id)).one() == "Birds"
    assert session.exec(select(Job)).all() == []


def test_one_whose_rows_went_before_it_was_made_leaves_nothing(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, judged: list[Judgment]
) -> None:
    app.extensions["jobs"].immediate = False
    number = make(session, client_of(cast.rosa)).id or 0
    for one in judged:
        one.retired_at = now()
    session.commit()
    with app.app_context():
        jobs.run(number)
    job = last_job(session)
    assert (job.state, "12 comparisons (not judged yet)" in (job.error or "")) == (JobState.FAILED, True)
    assert session.exec(select(Snapshot)).all() == []
    assert not folder(app, cast, "birds-v1").exists()


@pytest.mark.usefixtures("judged")
def test_a_cancelled_one_leaves_nothing_and_can_be_made_again(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(cast.rosa)
    steps = iter(range(100))

    class Stopping(jobs.Progress):
        def __call__(self, done: int, total: int | None = None) -> None:
            if next(steps) == 3:
                raise jobs.StoppedError

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "Progress", Stopping)
        job = make(session, client)
    assert job.state == JobState.CANCELLED
    assert session.exec(select(Snapshot)).all() == []
    root = folder(app, cast, "birds-v1").parent.parent
    assert [path for path in root.rglob("*") if path.is_file()] == []
    client.post(f"/p/birds/jobs/{job.uid}/repeat")
    assert last_job(session).state == JobState.DONE
    assert session.exec(select(Snapshot)).one().label == "birds-v1"


@pytest.mark.usefixtures("judged")
def test_a_job_cut_off_after_the_files_lay_there_starts_anew(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(cast.rosa)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    app.extensions["jobs"].immediate = False
    number = make(session, client).id or 0
    with monkeypatch.context() as patch, app.app_context():
        # A killed process cleans nothing up.
        patch.setattr(making, "_ready", killed)
        patch.setattr(making.Store, "discard", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            jobs.run(number)
    assert folder(app, cast, "birds-v1").exists()
    assert client.get(f"{PAGE}/birds-v1").status_code == 404
    with app.app_context():
        jobs.run(number)
    assert last_job(session).state == JobState.DONE
    assert client.get(f"{PAGE}/birds-v1").status_code == 200
    assert session.exec(select(Snapshot)).one().version == 1


@pytest.mark.usefixtures("judged")
def test_the_command_makes_lists_compares_and_verifies(app: Flask, cast: Cast, tmp_path: Path) -> None:
    runner = CliRunner()

    def run(*words: str) -> Any:
        with app.app_context():
            return runner.invoke(tiebreak.get_command(None, "snapshot"), list(words))  # type: ignore[arg-type]

    assert "[trl|trl-implicit|" in run("make", "--help").stdout
    made = run("birds", "--name", "pairs", "--formats", "trl", "--formats", "kto")
    assert made.exit_code == 0, made.output
    there = Path(made.stdout.strip())
    assert there.name == "pairs-v1"
    assert run("birds", "--name", "pairs", "--min-votes", "1").exit_code == 0
    assert run("list", "birds").stdout.split("\t")[0] == "pairs-v2"
    differs = run("diff", "birds", "pairs-v1", "pairs-v2").stdout
    assert "12 the same" in differs
    assert re.search(r"^formats: .*'kto', 'trl'\] -> .*'openai'", differs, re.MULTILINE)
    assert orjson.loads(run("diff", "birds", "pairs-v1", "pairs-v2", "--json").stdout)["same"] == 12
    assert run("birds", "--min-votes", "9").exit_code == 1
    wrong = run("birds", "--min-agreement", "2")
    assert (wrong.exit_code, "Error: --min-agreement: Give" in wrong.stderr) == (2, True)
    verified = run("verify", str(there))
    digest = verified.stdout.strip()
    assert verified.exit_code == 0
    assert digest in run("list", "birds").stdout
    cited = run("verify", str(there), "--digest", digest.upper())
    assert (cited.exit_code, cited.stdout.strip()) == (0, digest)

    copy = tmp_path / "copy"
    shutil.copytree(there, copy)
    manifest, sums = copy / "manifest.json", copy / "SHA256SUMS"
    before = hashlib.sha256(manifest.read_bytes()).hexdigest()
    manifest.write_text("{}")
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(b"{}").hexdigest()))
    assert run("verify", str(copy)).exit_code == 0
    forged = run("verify", str(copy), "--digest", digest)
    assert forged.exit_code == 1
    assert "not the one that was given" in forged.stdout
    (copy / "kto" / "train.jsonl.zst").write_bytes(b"cut off")
    (copy / "README.md").unlink()
    (copy / "notes.txt").write_text("mine")
    broken = run("verify", str(copy))
    assert broken.exit_code == 1
    assert "kto/train.jsonl.zst: has changed or is cut off" in broken.stdout
    assert "README.md: is missing" in broken.stdout
    assert "notes.txt: is not part of the snapshot" in broken.stdout
    assert run("verify", str(tmp_path)).exit_code == 1


@pytest.mark.usefixtures("judged")
def test_the_page_says_what_it_would_hold_and_keeps_the_filters(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.rosa)
    none = client.get(f"{PAGE}/new?category=code&min_votes=2").text
    assert re.search(r"fewer votes than asked for</td><td class=\"num\">12 comparisons", none)
    page = client.get(f"{PAGE}/new?format=kto&file=parquet&category=code").text
    assert 'name="category" value="code"' in page
    figures = page.partition('name="formats"')[0]
    assert "will be frozen" in figures, "before what is to be filled in"
    refused = client.post(PAGE, data={"name": "Not a name", "category": "code"})
    assert refused.status_code == 422
    assert "Not a name" in refused.text
    assert "Use up to 60 small letters, digits and hyphens" in refused.text
    wrong = client.get(f"{PAGE}/new?since=2026-02-01&until=2026-01-01", follow_redirects=True)
    assert wrong.request.path == "/p/birds/export"
    assert "Nothing is left: only what is judged later" in wrong.text
    assert "No snapshots yet" in client.get(PAGE).text
    job = make(session, client, category="code")
    assert "Open birds-v1" in client.get(f"/p/birds/jobs/{job.uid}").text
    assert job.done == job.total
    assert f'href="{PAGE}/birds-v1"' in client.get("/p/birds/jobs").text
    assert 'href="/p/birds/jobs"' in client.get(PAGE).text
    assert "birds-v1" in client.get(PAGE).text
