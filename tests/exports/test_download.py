"""The page, the download, the command: who may, what arrives, and how its end is known."""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from app.exports import stream
from app.exports.commands import export
from app.models import Account, AuditEvent
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge

ClientOf = Callable[[Account | None], FlaskClient]
PAGE = "/p/birds/export"
DOWNLOAD = "/p/birds/export/download"


@pytest.fixture
def judged(session: Session, cast: Cast) -> None:
    for comparison in queue(session, cast.project, 5, category="code"):
        judge(session, cast.project, cast.ann, comparison, "a")


@pytest.mark.usefixtures("judged")
def test_a_researcher_downloads_and_the_receipt_agrees(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    response = client_of(cast.rosa).get(DOWNLOAD)
    assert response.status_code == 200
    assert "birds-trl.jsonl" in response.headers["Content-Disposition"]
    rows = [orjson.loads(line) for line in response.data.splitlines()]
    assert len(rows) == 5
    uid = response.headers["X-Tiebreak-Export"]
    event = session.exec(select(AuditEvent).where(AuditEvent.subject == f"export:{uid}")).one()
    assert event.account_id == cast.rosa.id
    assert event.detail is not None
    assert event.detail["rows"] == 5
    assert event.detail["sha256"] == hashlib.sha256(response.data).hexdigest()


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("format_", ["trl", "trl-implicit", "judgments"])
def test_parquet_holds_the_same_rows(cast: Cast, client_of: ClientOf, format_: str) -> None:
    client = client_of(cast.rosa)
    lines = client.get(DOWNLOAD, query_string={"format": format_}).data.splitlines()
    table = pq.read_table(
        io.BytesIO(client.get(DOWNLOAD, query_string={"format": format_, "file": "parquet"}).data)
    )
    rows = [orjson.loads(line) for line in lines]
    assert table.column("pair_id").to_pylist() == [row["pair_id"] for row in rows]
    if format_ == "trl":
        assert table.column("chosen").to_pylist() == [row["chosen"] for row in rows]


@pytest.mark.usefixtures("judged")
def test_the_page_shows_what_the_file_will_hold(cast: Cast, client_of: ClientOf, session: Session) -> None:
    page = client_of(cast.lena).get(PAGE, query_string={"min_votes": 2}).text
    assert "No rows" in page
    assert "fewer votes than asked for" in page
    fragment = client_of(cast.lena).get(PAGE, headers={"HX-Request": "true"}).text
    assert re.search(r"<dt>Rows</dt>\s*<dd>5</dd>", fragment)
    assert "<html" not in fragment
    unfilled = client_of(cast.lena).get(f"{PAGE}?category=&kind=&since=&model=")
    assert re.search(r"<dt>Rows</dt>\s*<dd>5</dd>", unfilled.text), "a form sends the fields left empty"


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("name", ["ann", "rui", "vic"])
def test_other_roles_may_not(cast: Cast, client_of: ClientOf, name: str) -> None:
    client = client_of(getattr(cast, name))
    assert client.get(PAGE).status_code == 403
    assert client.get(DOWNLOAD).status_code == 403


def test_strangers_see_nothing(cast: Cast, client_of: ClientOf) -> None:
    assert client_of(cast.otto).get(DOWNLOAD).status_code == 404
    assert client_of(None).get(DOWNLOAD).status_code == 303


@pytest.mark.parametrize(
    "query",
    [
        "format=csv",
        "min_votes=0",
        "min_votes=many",
        "held_out=1",
        "kind=parrot",
        "since=yesterday",
        "fields=all",
    ],
)
def test_a_wrong_wish_is_refused_by_name(cast: Cast, client_of: ClientOf, query: str) -> None:
    response = client_of(cast.rosa).get(f"{DOWNLOAD}?{query}")
    assert response.status_code == 422
    assert query.split("=")[0] in response.text
    assert client_of(cast.rosa).get(f"{PAGE}?{query}").status_code == 200


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        (
            "format=trl&file=csv",
            "file",
            "CSV and Excel are for judgments alone: take JSON Lines or Parquet for this format",
        ),
        (
            "since=9999-12-31T23:59:59-12:00",
            "since",
            "Give a day or a time, UTC, of 0001-01-01 to 9999-12-30",
        ),
        ("format=kto&part=dataset_info", "part", "Only LLaMA-Factory has a dataset_info.json"),
        (
            "format=llamafactory&file=jsonl.zst&part=dataset_info",
            "part",
            "LLaMA-Factory loads no packed file: take JSON Lines or Parquet for it",
        ),
        ("format=arena&part=provenance", "part", "There is none: rows of this format say themselves"),
    ],
)
def test_a_file_that_cannot_be_is_told_beside_its_field(
    cast: Cast, client_of: ClientOf, query: str, field: str, says: str
) -> None:
    page = client_of(cast.rosa).get(f"{DOWNLOAD}?{query}&salt=mine")
    assert page.status_code == 422
    beside = page.text.partition(f'id="{field}-error"')[2].partition("</p>")[0]
    assert says in beside
    assert 'value="mine"' in page.text, "what was typed stays"


@pytest.mark.usefixtures("judged")
def test_a_finished_download_tells_what_was_asked_for(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.rosa)
    for query in ("file=jsonl", "category=code&min_votes=1&salt=mine"):
        downloaded = client.get(f"{DOWNLOAD}?{query}").data
    latest, first = client.get(PAGE).text.partition("<h2>Finished downloads")[2].split("<tr>")[2:]
    assert "everything" in first
    assert "Category: <strong><bdi>code</bdi></strong>; Salt: <strong><bdi>mine</bdi></strong>" in latest
    assert hashlib.sha256(downloaded).hexdigest() in latest.replace("<wbr>", ""), "whole, to compare with"


@pytest.mark.usefixtures("judged")
def test_the_page_asks_for_finished_downloads_newer_than_those_it_shows(
    cast: Cast, client_of: ClientOf
) -> None:
    client = client_of(cast.rosa)
    page = client.get("/p/birds/export").text
    for rows in (1, 2):
        address = re.findall('hx-get="([^"]+/finished[^"]*)"', page)[0]
        assert client.get(address).status_code == 204
        assert client.get(f"{DOWNLOAD}?format=trl").data
        page = client.get(address).text
        assert page.lstrip().startswith("<section")
        assert len(re.findall("<tr><td><time", page)) == rows
    assert client_of(cast.vic).get(address).status_code == 403


@pytest.mark.usefixtures("judged")
def test_an_export_that_breaks_off_leaves_no_receipt(app: Flask, session: Session, cast: Cast) -> None:
    receipt = stream.Receipt()
    with app.app_context():
        spec = stream.ExportSpec()
        blocks = stream.stream(app.extensions["engine"], cast.project, spec, receipt, by=None)
        next(blocks)
        blocks.close()  # type: ignore[attr-defined]
    assert not receipt.complete
    assert session.exec(select(AuditEvent).where(AuditEvent.verb == "export.finish")).all() == []


@pytest.mark.usefixtures("judged")
def test_the_command_writes_a_file_and_says_what_was_left_out(app: Flask, tmp_path: Path) -> None:
    runner = CliRunner()
    target = tmp_path / "pairs.parquet"
    with app.app_context():
        done = runner.invoke(export, ["birds", "--min-votes", "1", "-o", str(target)])
        again = runner.invoke(export, ["birds", "-o", str(target)])
        nowhere = runner.invoke(export, ["birds", "-o", str(target.parent / "none" / "x.jsonl")])
        piped = runner.invoke(export, ["birds", "--min-votes", "2"])
        wrong = runner.invoke(export, ["birds", "--held-out", "2"])
        unset = runner.invoke(export, ["birds", "--category", ""])
        beside = runner.invoke(export, ["birds", "--format", "llamafactory", "--part", "dataset_info"])
        misnamed = [
            runner.invoke(export, ["birds", *words, "-o", str(tmp_path / name)]).stderr.splitlines()
            for words, name in (
                (["--file", "parquet"], "x.csv"),
                ([], "x.csv.gz"),
                ([], "x.jsonl.gz"),
                ([], "x.1"),
            )
        ]
    assert done.exit_code == 0
    assert pq.read_table(target).num_rows == 5
    assert "already there" in str(again.exception)
    assert "There is no folder" in str(nowhere.exception)
    assert piped.stdout == ""
    assert "Left out: 5 comparisons (fewer votes than asked for)" in str(piped.exception)
    assert wrong.exit_code == 2
    assert "Error: --held-out: Give" in wrong.stderr
    assert (unset.exit_code, unset.stdout) == (2, "")
    assert "category: This is empty" in unset.stderr
    assert beside.stderr.startswith("dataset_info.json, ")
    assert done.stderr.startswith("5 rows, ")
    assert misnamed[0][0].startswith("x.csv will hold parquet, whatever its name ends with")
    assert misnamed[1][0].startswith("x.csv.gz will hold jsonl, ")
    assert [lines[0][:8] for lines in misnamed[2:]] == ["5 rows, "] * 2
