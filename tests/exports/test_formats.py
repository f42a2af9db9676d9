"""Every row of every format, strictly by its schema, with the texts that break loaders among them."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from xml.etree import ElementTree

import orjson
import pyarrow.parquet as pq
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from sqlmodel import Session, col, select

from app.exports.forms import Format
from app.models import Account, Comparison
from app.models import Prompt as PromptRow
from tests.annotation.arrange import queue
from tests.conftest import Cast
from tests.exports.arrange import judge
from tests.imports.arrange import Importer, counts

ClientOf = Callable[[Account | None], FlaskClient]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class Strict(BaseModel):
    """No key more, none missing, no type turned into another."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(Strict):
    role: Literal["system", "user", "assistant"]
    content: Text


class Said(Strict):
    role: Literal["assistant"]
    content: Text


Prompt = Annotated[list[Asked], Field(min_length=1)]
Answer = Annotated[list[Said], Field(min_length=1)]
OneAnswer = Annotated[list[Said], Field(min_length=1, max_length=1)]


class Shared(Strict):
    votes: Annotated[int, Field(ge=0)]
    annotators: list[str]
    human_votes: int
    model_votes: int
    simulated_votes: int
    adjudicated: bool
    guideline_version: int
    judged_at: str
    language: str
    category: str
    split: Literal["train", "test"]


class OfPair(Shared):
    pair_id: str
    prompt_id: str
    chosen_model: str
    rejected_model: str
    agreement: Annotated[float, Field(ge=0, le=1)]
    strength: Annotated[float, Field(ge=0, le=3)]


class Trl(OfPair):
    prompt: Prompt
    chosen: Answer
    rejected: Answer


class TrlImplicit(OfPair):
    chosen: Prompt
    rejected: Prompt


class Kto(Shared):
    prompt: Prompt
    completion: Answer
    label: bool
    prompt_id: str
    model: str
    won: int
    lost: int
    pair_ids: list[str]


class OpenAIInput(Strict):
    messages: Prompt
    tools: Annotated[list[Any], Field(max_length=0)]
    parallel_tool_calls: Literal[True]


class OpenAI(Strict):
    input: OpenAIInput
    preferred_output: OneAnswer
    non_preferred_output: OneAnswer


class ShareGPT(Strict):
    from_: Literal["human", "gpt"] = Field(alias="from")
    value: Text


class Llamafactory(OfPair):
    conversations: Annotated[list[ShareGPT], Field(min_length=1)]
    chosen: ShareGPT
    rejected: ShareGPT
    system: str


class Messages(OfPair):
    messages: Prompt
    chosen: Said
    rejected: Said


class Ranked(Strict):
    rank: int
    completion: Answer


class Nemo(OfPair):
    context: Prompt
    completions: Annotated[list[Ranked], Field(min_length=2, max_length=2)]


class Arena(Shared):
    question_id: str
    model_a: str
    model_b: str
    winner: Literal["model_a", "model_b", "tie", "tie (bothbad)"]
    judge: str
    conversation_a: Prompt
    conversation_b: Prompt
    turn: Annotated[int, Field(ge=1)]
    anony: Literal[True]
    tstamp: float
    pair_id: str
    agreement: float
    strength: float


SCHEMAS: dict[str, type[Strict]] = {
    "trl": Trl,
    "trl-implicit": TrlImplicit,
    "kto": Kto,
    "openai": OpenAI,
    "llamafactory": Llamafactory,
    "messages": Messages,
    "nemo": Nemo,
    "arena": Arena,
}

SYSTEM = {"role": "system", "content": "Answer briefly."}
USER = {"role": "user", "content": "Which bird is this?"}
TURNS = [USER, {"role": "assistant", "content": "A heron."}, {"role": "user", "content": "Sure?"}]
LONG = "ÅΩ語🪿 " * 8_000  # 100 kB and more
FORMULA = '=HYPERLINK("http://evil.example","Look")'


def compared(messages: list[dict[str, str]], a: str, b: str) -> dict[str, Any]:
    return {"messages": messages, "model_a": "heron", "response_a": a, "model_b": "wren", "response_b": b}


ROWS = [
    compared([USER], "A heron.", "A wren."),
    compared([SYSTEM, USER], "An egret.", "A lark."),
    compared(TURNS, "Yes.", "No."),
    compared([SYSTEM, *TURNS], "Quite.", "Hardly."),
    compared([{"role": "user", "content": "这是什么鸟？"}], "一只苍鹭。", "هذا طائر مالك الحزين"),
    compared([{"role": "user", "content": "🪿🇪🇺? \u202eleft\u202c"}], "á ﷽ \u2028 line", "\ufeffmark"),
    compared([{"role": "user", "content": "A long one"}], LONG, LONG + "!"),
    compared([{"role": "user", "content": "Odd \\ \" ' \t </script> {{ x }}"}], FORMULA, "+1 -1 @SUM(A1)"),
    compared([{"role": "user", "content": "Half a pair"}], "\ud800 alone", "whole"),
    compared([{"role": "user", "content": "\udfff"}], "alone", "whole"),
]
UNWRITABLE = 2
WHOLE = len(ROWS) - UNWRITABLE


@pytest.fixture
def importer(app: Flask, cast: Cast, tmp_path: Path) -> Importer:
    return Importer(app, cast.project, tmp_path)


@pytest.fixture
def judged(session: Session, cast: Cast, importer: Importer) -> None:
    """The rows above, imported and judged in turn a and b; the lone surrogates are refused at the door."""
    assert counts(importer(ROWS))[3] == UNWRITABLE
    for number, comparison in enumerate(session.exec(select(Comparison).order_by(col(Comparison.id)))):
        more = {"strength": 3} if number % 3 else {}
        judge(session, cast.project, cast.ann, comparison, "ab"[number % 2], rationale=FORMULA, **more)


def download(client: FlaskClient, **asked: str) -> bytes:
    answer = client.get("/p/birds/export/download", query_string=asked)
    assert answer.status_code == 200, answer.text[:500]
    return answer.data


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("format_", SCHEMAS)
def test_every_row_fits_the_schema(cast: Cast, client_of: ClientOf, format_: str) -> None:
    lines = download(client_of(cast.rosa), format=format_).splitlines()
    assert len(lines) == (2 * WHOLE if format_ == "kto" else WHOLE)
    for line in lines:
        SCHEMAS[format_].model_validate_json(line)
    texts = {text for line in lines for text in _strings(orjson.loads(line))}
    asked = {text for row in ROWS[:WHOLE] for text in _strings(row)} - {"heron", "wren", "user", "system"}
    assert asked - {"assistant"} <= texts, "every text arrives as it came"


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("format_", SCHEMAS)
def test_parquet_holds_rows_of_the_same_schema(cast: Cast, client_of: ClientOf, format_: str) -> None:
    client = client_of(cast.rosa)
    table = pq.read_table(io.BytesIO(download(client, format=format_, file="parquet")))
    rows = TypeAdapter(list[SCHEMAS[format_]])  # type: ignore[misc]
    found = [orjson.loads(line) for line in download(client, format=format_).splitlines()]
    assert table.to_pylist() == found
    rows.validate_python(table.to_pylist())


@pytest.mark.usefixtures("judged")
@pytest.mark.parametrize("format_", [one.value for one in Format if one.for_training])
def test_a_side_file_names_each_row_and_the_digest_of_its_line(
    cast: Cast, client_of: ClientOf, format_: str
) -> None:
    client = client_of(cast.rosa)
    more = {"margin": "true"} if format_.startswith("trl") else {}
    lines = download(client, format=format_, **more).split(b"\n")[:-1]
    side = download(client, format=format_, part="provenance", **more).split(b"\n")[:-1]
    beside = [orjson.loads(line) for line in side]
    assert [told["row"] for told in beside] == list(range(len(lines)))
    assert [told["sha256"] for told in beside] == [hashlib.sha256(line).hexdigest() for line in lines]
    assert all(told["annotators"] for told in beside)
    # What a trainer reads, without where it comes from.
    rows = [orjson.loads(line) for line in lines]
    own = [
        {name: row[name] for name in row if name not in told} for row, told in zip(rows, beside, strict=True)
    ]
    texts = [hashlib.sha256(orjson.dumps(row)).hexdigest() for row in own]
    assert [told["texts_sha256"] for told in beside] == texts
    table = pq.read_table(
        io.BytesIO(download(client, format=format_, part="provenance", file="parquet", **more))
    )
    assert table.to_pylist() == beside


@pytest.mark.usefixtures("judged")
def test_a_side_file_tells_the_margin_whatever_kind_of_file_it_is(cast: Cast, client_of: ClientOf) -> None:
    asked = {"format": "trl", "part": "provenance", "margin": "true"}
    lines = download(client_of(cast.rosa), **asked).splitlines()
    table = pq.read_table(io.BytesIO(download(client_of(cast.rosa), file="parquet", **asked)))
    assert [row["margin"] for row in table.to_pylist()] == [orjson.loads(line)["margin"] for line in lines]


@pytest.mark.usefixtures("judged")
def test_no_cell_of_a_table_is_a_formula(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.rosa)
    usual = csv.field_size_limit(10**7)
    table = list(csv.DictReader(io.StringIO(download(client, format="judgments", file="csv").decode())))
    csv.field_size_limit(usual)
    assert len(table) == WHOLE
    assert {row["rationale"] for row in table} == {"'" + FORMULA}
    assert not [cell for row in table for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t"))]
    book = zipfile.ZipFile(io.BytesIO(download(client, format="judgments", file="xlsx")))
    sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    cells = [cell for name in sheets for cell in ElementTree.fromstring(book.read(name)).iter()]  # noqa: S314 -- our own file
    assert any(cell.tag.endswith("}c") for cell in cells)
    assert not [cell for cell in cells if cell.tag.endswith(("}f", "}hyperlink"))]
    # The same bytes tomorrow.
    assert b">1980-01-01T00:00:00Z<" in book.read("docProps/core.xml")


@pytest.mark.usefixtures("judged")
def test_llamafactory_is_told_where_its_columns_are(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.rosa)
    told = orjson.loads(download(client, format="llamafactory", part="dataset_info"))["birds"]
    row = orjson.loads(download(client, format="llamafactory").splitlines()[0])
    assert (told["formatting"], told["ranking"]) == ("sharegpt", True)
    assert set(told["columns"].values()) <= row.keys()
    page = client.get("/p/birds/export?format=llamafactory&part=dataset_info").text
    assert '<a id="rows-left" href="#preview"><code>dataset_info.json</code></a>' in page
    assert "<dt>File</dt><dd>dataset_info.json</dd>" in page
    assert "<dt>Rows</dt>" not in page
    finished = client.get("/p/birds/export").text.partition("Finished downloads")[2]
    assert re.search(r"<td>dataset_info.json</td>.*?data-of=\"Rows\">–</td>", finished, re.DOTALL)
    assert re.search(r"<td>llamafactory</td>.*?data-of=\"Rows\">8</td>", finished, re.DOTALL)


def test_what_is_more_than_text_is_no_row_but_counted(
    session: Session, cast: Cast, client_of: ClientOf
) -> None:
    plain, calling = queue(session, cast.project, 2)
    prompt = session.get_one(PromptRow, calling.prompt_id)
    prompt.messages = [USER, {"role": "tool", "content": "42", "tool_call_id": "x"}]
    for comparison in (plain, calling):
        judge(session, cast.project, cast.ann, comparison, "a")
    client = client_of(cast.rosa)
    assert len(download(client, format="trl").splitlines()) == 1
    assert "holds more than text turns" in client.get("/p/birds/export").text


@pytest.mark.parametrize("file", ["jsonl", "parquet"])
def test_an_image_is_never_left_out_of_a_row_in_silence(
    session: Session, cast: Cast, client_of: ClientOf, file: str
) -> None:
    """No format of plain turns can say it, so the pair is counted instead; judgments have all of it."""
    plain, pictured = queue(session, cast.project, 2)
    prompt = session.get_one(PromptRow, pictured.prompt_id)
    part = {"type": "image_url", "image_url": {"url": "https://birds.example/h.png"}}
    prompt.messages = [{"role": "user", "content": [{"type": "text", "text": "Which bird?"}, part]}]
    for comparison in (plain, pictured):
        judge(session, cast.project, cast.ann, comparison, "a")
    client = client_of(cast.rosa)
    for name in (one.value for one in Format if one is not Format.JUDGMENTS):
        told = download(client, format=name, file=file)
        assert told
        assert b"birds.example" not in told
        assert "holds more than text turns" in client.get(f"/p/birds/export?format={name}").text
    judged = download(client, format="judgments").splitlines()
    assert [orjson.loads(row)["prompt"][-1]["content"][-1] == part for row in judged].count(True) == 1


def _strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {text for item in value.values() for text in _strings(item)}
    if isinstance(value, list):
        return {text for item in value for text in _strings(item)}
    return {value} if isinstance(value, str) else set()
