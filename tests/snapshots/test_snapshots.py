"""A snapshot is made by page, API and command, stays as it is, and says what it holds."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from app import jobs
from app.cli import tiebreak
from app.errors import NotFound
from app.exports.forms import ExportSpec, Format
from app.models import (
    Account,
    Adjudication,
    AuditEvent,
    Comparison,
    Guideline,
    Job,
    JobState,
    Judgment,
    Outcome,
    Response,
    Scope,
    Snapshot,
    now,
)
from app.snapshots import making
from app.snapshots.diff import compare
from app.snapshots.forms import SnapshotIn
from tests.annotation.arrange import annotator_of, queue
from tests.api.conftest import Program
from tests.conftest import Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
PAGE = "/p/birds/snapshots"
API = "/projects/birds/snapshots"


@pytest.fixture
def judged(session: Session, cast: Cast) -> list[Judgment]:
    found = queue(session, cast.project, 12, category="code", language="en")
    return [judge(session, cast.project, cast.ann, comparison, "a") for comparison in found]


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
    for table, described in zip(sorted(splits, key=len), croissant["recordSet"][::-1], strict=True):
        assert columns_of(described) == columns_in(table.schema)
    assert sum(table.num_rows for table in splits) == 12
    for format_ in Format:
        lines = b"".join(
            zstandard.ZstdDecompressor().stream_reader(path.open("rb")).read()
            for path in (there / format_).glob("*.jsonl.zst")
        ).splitlines()
        named = [file for file in manifest["files"] if file["path"].startswith(f"{format_}/")]
        assert len(lines) == sum(file.get("rows", 0) for file in named)
        assert lines
        sides = [pq.read_table(path) for path in sorted((there / "provenance").glob(f"{format_}-*.parquet"))]
        assert bool(sides) == (format_ in (Format.TRL, Format.OPENAI))
        for digests in [side["sha256"].to_pylist() for side in sides]:
            assert {hashlib.sha256(line).hexdigest() for line in lines} >= set(digests)
    event = session.exec(select(AuditEvent).where(AuditEvent.verb == "snapshot.publish")).one()
    assert event.account_id == cast.rosa.id


@pytest.mark.usefixtures("judged")
def test_the_card_is_what_datasets_reads_and_tells_what_is_known(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    make(session, client_of(cast.rosa), min_votes="1")
    there = folder(app, cast, "birds-v1")
    front, _, card = (there / "README.md").read_text().removeprefix("---\n").partition("\n---\n")
    told = yaml.safe_load(front)
    # One configuration: datasets takes one kind of file for all of them.
    (default,) = told["configs"]
    assert {file["path"] for file in default["data_files"]} <= {"data/train.parquet", "data/test.parquet"}
    assert all((there / file["path"]).exists() for file in default["data_files"])
    assert told["language"] == ["en"]
    assert "12 by people" in card
    assert told["tags"] == ["preference", "rlhf", "human-feedback"]
    assert "12 of 12 pairs rest on one judgment" in card
    assert "- In fewer than 30 pairs: `heron-9000`, `lark-9000`." in card
    assert "Not known: no judgment tells which response stood on the left." in card
    assert "Not stated" in card
    page = client_of(cast.rosa).get(f"{PAGE}/birds-v1").text
    assert "How they agreed" in page
    assert "pretty_name" not in page
    assert "zstandard" in page.partition("Fetch and load it")[2]
    annotator_of(session, cast.project, cast.ann).simulated = True
    session.commit()
    make(session, client_of(cast.rosa), category="code")
    simulated = (folder(app, cast, "birds-v2") / "README.md").read_text().split("\n---\n")[0]
    assert yaml.safe_load(simulated.removeprefix("---\n"))["tags"] == ["preference", "synthetic"]
    changes = client_of(cast.rosa).get(f"{PAGE}/birds-v2/changes?since=birds-v1").text
    assert re.search(r"Category</th><td><bdi>–</bdi></td><td><bdi>code</bdi></td>", changes)


def test_the_card_tells_pairs_from_their_judgments(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, judged: list[Judgment]
) -> None:
    pairs = [session.get_one(Comparison, one.comparison_id) for one in judged]
    for comparison in pairs[:4]:
        judge(session, cast.project, cast.ben, comparison, "a")
        of_a = (Response.prompt_id == comparison.prompt_id, Response.model_id == comparison.model_a_id)
        longer = session.exec(select(Response).where(*of_a)).one()
        longer.messages = [{"role": "assistant", "content": "An answer that is longer than the other."}]
    judge(session, cast.project, cast.ben, pairs[4], "b")
    judge(session, cast.project, cast.ben, pairs[5], "tie")
    session.add(Adjudication(comparison_id=pairs[0].id, account_id=cast.rui.id, outcome=Outcome.A))
    session.commit()
    make(session, client_of(cast.rosa), aggregate="each")
    there = folder(app, cast, "birds-v1")
    card = (there / "README.md").read_text()
    assert "14 judgments of 10 pairs of responses of 2 models to 10 prompts" in card
    assert "14 judgments of these pairs: 14 by people" in card
    assert "1 pair has a reviewer's verdict" in card
    assert "6 of 10 pairs rest on one judgment" in card
    assert "4 judgments left out (a pair without any counts as one): annotators divided" in card
    # Each pair once: Wilson's interval of 4 out of 4.
    assert "preferred in 100.0 % of pairs (95 % interval 51.0 to 100.0)" in card
    assert orjson.loads((there / "manifest.json").read_bytes())["pairs"] == 10
    make(session, client_of(cast.rosa))
    card = (folder(app, cast, "birds-v2") / "README.md").read_text()
    assert "10 preferences between responses of 2 models" in card
    assert "2 pairs left out: annotators divided" in card
    assert "6 of 10 pairs rest on one judgment" in card


@pytest.mark.usefixtures("judged")
def test_a_long_guideline_is_cut_between_words_and_keeps_its_lines(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf
) -> None:
    text = "Read both.\nThen choose.\n\n" + "considerately " * 300
    session.add(Guideline(project_id=cast.project.id, version=1, text=text))
    session.commit()
    make(session, client_of(cast.rosa))
    card = (folder(app, cast, "birds-v1") / "README.md").read_text()
    assert "> Read both.  \n> Then choose.\n>\n" in card
    quoted = [line for line in card.splitlines() if line.startswith("> ")]
    assert set(quoted[-1].split()) == {">", "considerately"}
    assert f"the whole has {len(text):,} characters" in card
    assert "Read both.<br" in client_of(cast.rosa).get(f"{PAGE}/birds-v1").text


@pytest.mark.usefixtures("judged")
def test_a_snapshot_stays_when_the_project_goes_on(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, judged: list[Judgment]
) -> None:
    client = client_of(cast.rosa)
    make(session, client)
    before = client.get(f"{PAGE}/birds-v1/files/SHA256SUMS").data
    first = judged[0]
    first.retired_at = now()
    session.commit()
    make(session, client, held_out="0.5")
    assert client.get(f"{PAGE}/birds-v1/files/SHA256SUMS").data == before
    page = client.get(f"{PAGE}/birds-v2/changes?since=birds-v1").text
    assert "Held-out share of prompts" in page
    assert "Pairs added" in page


def test_a_diff_tells_added_removed_and_turned(
    app: Flask,
    session: Session,
    cast: Cast,
    client_of: ClientOf,
    program: Callable[..., Program],
    judged: list[Judgment],
) -> None:
    client = client_of(cast.rosa)
    make(session, client)
    gone, turned = judged[:2]
    gone.retired_at = turned.retired_at = now()
    session.flush()
    comparisons = {one.comparison_id for one in judged}
    pair = {one.id: one for one in session.exec(select(Comparison)) if one.id in comparisons}
    judge(session, cast.project, cast.ann, pair[turned.comparison_id], "b")
    # One more vote rewrites nothing.
    judge(session, cast.project, cast.ben, pair[judged[2].comparison_id], "a")
    (new,) = queue(session, cast.project)
    judge(session, cast.project, cast.ann, new, "a")
    make(session, client)
    found = program(cast.rosa).get(f"{API}/birds-v2/changes?since=birds-v1").json
    assert found["added"] == [new.pair_id]
    assert found["removed"] == [pair[gone.comparison_id].pair_id]
    assert found["turned"] == [pair[turned.comparison_id].pair_id]
    assert (found["rewritten"], found["same"], found["rules"]) == ([], 10, [])


# For each rule another value than usual.
RULES: dict[str, Any] = {
    "category": ["code"],
    "language": ["en"],
    "model": ["heron-9000"],
    "split": "train",
    "gold": "in",
    "adjudicated": True,
    "kind": "human",
    "group": ["experts"],
    "guideline": [1],
    "criterion": "accuracy",
    "since": "2026-01-01",
    "until": "2026-01-01",
    "ties": "drop",
    "aggregate": "majority",
    "min_votes": 2,
    "min_agreement": 0.5,
    "min_strength": 1.5,
    "held_out": 0.5,
    "salt": "pepper",
    "margin": True,
}


def test_every_rule_is_in_the_manifest_and_named_where_it_changed() -> None:
    one_file = {"format", "file", "part"}
    assert set(RULES) == set(ExportSpec.model_fields) - one_file

    def manifest(**asked: Any) -> dict[str, Any]:
        wanted = SnapshotIn.model_validate({"name": "birds", **asked})
        about = {"code": {}, "guidelines": [], "files": [], "licence": wanted.licence}
        return {"filters": wanted.filters, "policy": wanted.policy, **about}

    usual = manifest()
    for name, value in RULES.items():
        changed = manifest(**{name: value})
        assert changed["policy"][name] == value, name
        named = {rule for rule, *_ in compare([], [], (usual, changed)).rules}
        assert named == ({name, "verdict"} if name == "aggregate" else {name}), name
    assert compare([], [], (usual, manifest(licence="mit"))).rules == [("licence", "unknown", "mit")]
    old = manifest(split="train")
    del old["policy"]["split"]
    assert compare([], [], (usual, old)).rules == [("split", None, "train")]


@pytest.mark.usefixtures("judged")
def test_files_are_served_in_parts_and_not_twice(
    app: Flask, session: Session, cast: Cast, client_of: ClientOf, program: Callable[..., Program]
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
    for path in ("manifest.json", "SHA256SUMS", "README.md", "croissant.json"):
        assert asks.get(f"{API}/birds-v1/{path}").status_code == 200
    for path in ("../../tiebreak.db", "data/none.parquet", ".."):
        assert asks.get(f"{API}/birds-v1/{path}").status_code in (404, 308)


@pytest.mark.usefixtures("judged")
def test_the_api_makes_and_lists(
    app: Flask, session: Session, cast: Cast, program: Callable[..., Program]
) -> None:
    # What a training script has, and no more.
    asks = program(cast.rosa, Scope.READ)
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
    form = client.get(f"{PAGE}/new").text
    assert "Judge some comparisons, or loosen the filters." in form
    assert button not in form
    refused = client.post(PAGE, data={"name": "mine"})
    assert (refused.status_code, "Left out: 1 judged a tie." in refused.text) == (404, True)
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
    assert (job.state, "12 not judged yet" in (job.error or "")) == (JobState.FAILED, True)
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
    page = client.get(f"{PAGE}/new?format=kto&file=parquet&category=code&min_votes=2").text
    assert 'name="category" value="code"' in page
    assert "fewer votes than asked for" in page
    refused = client.post(PAGE, data={"name": "Not a name", "category": "code"})
    assert refused.status_code == 422
    assert "Not a name" in refused.text
    assert "Use up to 60 small letters, digits and hyphens" in refused.text
    wrong = client.get(f"{PAGE}/new?since=2026-02-01&until=2026-01-01", follow_redirects=True)
    assert wrong.request.path == "/p/birds/export"
    assert "Nothing is judged before this and after since" in wrong.text
    assert "No snapshots yet" in client.get(PAGE).text
    job = make(session, client, category="code")
    assert "Open birds-v1" in client.get(f"/p/birds/jobs/{job.uid}").text
    assert job.done == job.total
    assert f'href="{PAGE}/birds-v1"' in client.get("/p/birds/jobs").text
    assert 'href="/p/birds/jobs"' in client.get(PAGE).text
    assert "birds-v1" in client.get(PAGE).text
