"""Containers: each is found out from its bytes, and a broken one is refused whole."""

import gzip
import io
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from app.imports.sources import MB, Refusal, Source, Unreadable, open_source

ROWS = [{"a": 1, "b": "où"}, {"a": 2, "b": '"]}'}]
LINES = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def opened(tmp_path: Path, content: bytes) -> Source:
    path = tmp_path / "upload"
    path.write_bytes(content)
    return open_source(path, "file", MB)


def read(tmp_path: Path, content: bytes) -> list[Any]:
    source = opened(tmp_path, content)
    source.verify()
    return [record for _, record in source.records()]


def parquet_of(rows: list[dict[str, Any]], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        LINES,
        LINES.replace(b"\n", b"\r\n"),
        LINES.rstrip(),
        b"\n" + LINES + b"\n \n",
        b"\xef\xbb\xbf" + LINES,
        json.dumps(ROWS).encode(),
        json.dumps(ROWS, indent=2).encode() + b"\n",
        b"\xef\xbb\xbf" + json.dumps(ROWS).encode(),
        json.dumps({"version": 2, "data": ROWS}).encode(),
        json.dumps({"version": {"data": "no"}, "rows": ROWS, "end": [1]}, indent=1).encode(),
        b"\n".join(json.dumps(row, indent=4).encode() for row in ROWS),
        gzip.compress(LINES, mtime=0),
        gzip.compress(LINES[:30], mtime=0) + gzip.compress(LINES[30:], mtime=0),
        zstandard.compress(LINES),
        zstandard.compress(LINES[:30]) + zstandard.compress(LINES[30:]),
        zstandard.compress(json.dumps(ROWS).encode()),
        parquet_of(ROWS),
    ],
)
def test_the_same_records_come_out_of_every_container(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    text = f'a{delimiter}b\n1{delimiter}"x\ny"\n\n2{delimiter}\n'
    source = opened(tmp_path, text.encode())
    assert list(source.records()) == [(3, {"a": "1", "b": "x\ny"}), (5, {"a": "2"})]


def test_an_empty_cell_is_nothing_but_an_empty_response(tmp_path: Path) -> None:
    assert read(tmp_path, b"model,response,category\nheron,,\n") == [{"model": "heron", "response": ""}]


def test_cells_that_hold_json_are_parsed(tmp_path: Path) -> None:
    text = b'model,messages\nheron,"[{""role"": ""user"", ""content"": ""hi""}]"\n'
    assert read(tmp_path, text)[0]["messages"] == [{"role": "user", "content": "hi"}]


def test_a_text_may_hold_a_control_character_or_markup(tmp_path: Path) -> None:
    content = "model,response\nheron,<html>\x08\u00e9".encode() + b"\n"
    assert read(tmp_path, content) == [{"model": "heron", "response": "<html>\x08\u00e9"}]


def test_nan_in_parquet_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, parquet_of([{"a": float("nan"), "b": "x"}])) == [{"b": "x"}]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"just words", "just words"),
        (b"PK\x03\x04rest", "zip archive or an Excel workbook"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"\x00\x01,\x02", "not text: it is binary. Expected JSON"),
        (b"b\xf28\xa4$e,i\xf2*\x0c\n\x02\xff\x91\n", "not text: it is binary"),
        (b'<?xml version="1.0"?>\n<svg width="1,5">\n</svg>\n', "is an SVG image"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><title>a, b</title>\n<svg></svg>\n", "is an HTML page"),
        (b'<?xml version="1.0"?>\n<rows><row a="1,2"/></rows>\n', "is an XML file"),
        (b"PAR1 and then nothing", "Parquet"),
        (parquet_of(ROWS)[:-20], "Parquet"),
        (gzip.compress(LINES, mtime=0)[:-6], "cannot be unpacked to its end"),
        (gzip.compress(LINES, mtime=0)[:-8] + b"\0" * 8, "cannot be unpacked"),
        (gzip.compress(LINES, mtime=0) + b"garbage", "cannot be unpacked"),
        (b"\x1f\x8b only the magic", "cannot be unpacked"),
        (zstandard.compress(LINES)[:-3], "cannot be unpacked to its end"),
        (zstandard.compress(LINES) + zstandard.compress(LINES)[:-1], "cannot be unpacked to its end"),
        (b'[{"a": 1}, {"a": ', "not valid JSON after record 1: the end is missing"),
        (b'[{"a": 1} {"a": 2}]', "after record 1"),
        (b'[{"a": 1}, 5, {"a": 2}]', "', 5,'"),
        (b'[{"a": 1},]', "after record 1"),
        (b'[{"a": 1}] [{"a": 2}]', "after record 1"),
        (b"[1, 2, 3]", "not valid JSON after record 0"),
        (b'{"data": [{"a": 1}, {"a": 2}', "after record 2"),
        (b'a,b\n1,"never closed\n2,3\n', "is a quoted cell left open"),
        (b"a,a\n1,2\n", "twice"),
    ],
)
def test_a_broken_container_is_refused_whole(tmp_path: Path, content: bytes, found: str) -> None:
    with pytest.raises(Unreadable) as refused:
        opened(tmp_path, content).verify()
    assert found.lower() in refused.value.detail.lower()


def test_a_broken_line_costs_its_row_only(tmp_path: Path) -> None:
    content = b'{"a": 1}\n{"a": \n[1]\n{"a": NaN}\n{"a": "\\ud800"}\n{"a": "\xff"}\n{"a": 2}\n'
    records = list(opened(tmp_path, content).records())
    assert [number for number, _ in records] == [1, 2, 3, 4, 5, 6, 7]
    refused = [record for _, record in records if isinstance(record, Refusal)]
    assert [refusal.number for refusal in refused] == [2, 3, 4, 5, 6]
    assert "must be an object, not a list" in refused[1].reason
    assert "write null" in refused[2].reason
    assert refused[4].reason == "the file is not UTF-8: save it as UTF-8"


def test_a_broken_record_of_a_json_list_costs_that_record_only(tmp_path: Path) -> None:
    first, second, third = read(tmp_path, b'[{"a": 1}, {"a": NaN}, {"a": 3}]')
    assert (first, third) == ({"a": 1}, {"a": 3})
    assert "write null" in second.reason


def test_a_csv_row_of_another_length_is_refused(tmp_path: Path) -> None:
    first, one, second = read(tmp_path, b"a,b\n1,2,3\n1\n4,5\n")
    assert first.reason == "3 cells where the header names 2 columns"
    assert one.reason == "1 cell where the header names 2 columns"
    assert second == {"a": "4", "b": "5"}


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("letter.jsonl", bytes),
        ("letter.JSON", bytes),
        ("letter.ndjson.gz", gzip.compress),
        ("letter.json.zst", zstandard.compress),
    ],
)
def test_a_letter_that_is_called_json_is_not_taken_for_csv(tmp_path: Path, name: str, pack: Any) -> None:
    path = tmp_path / name
    letter = b"Dear Ms Kim, good day\nIt rains\n"
    path.write_bytes(pack(b"\n" + letter))
    with pytest.raises(Unreadable, match=r"line 2 is not JSON.* Found 'Dear Ms Kim, good day'"):
        open_source(path, name, MB)
    path.write_bytes(pack(letter))
    assert open_source(path, "letter.csv", MB).format == "csv"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_huge_line_is_refused_without_being_read_whole(tmp_path: Path, pack: Any) -> None:
    content = pack(b'{"a": "' + b"x" * (20 * MB) + b'"}\n{"a": 2}\n')
    (number, refused), last = opened(tmp_path, content).records()
    assert (number, refused.reason) == (1, "longer than 1 MB, the most one record may have")
    assert last == (2, {"a": 2})
    assert len(refused.row) <= 2000


@pytest.mark.parametrize("content", [b'[{"a": "' + b"x" * (3 * MB), b"a,b\n1," + b"x" * (3 * MB)])
def test_a_huge_record_where_records_have_no_lines_refuses_the_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unreadable, match="longer than 1 MB"):
        opened(tmp_path, content).verify()


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="is a directory"):
        open_source(tmp_path, "folder", MB)


def test_records_of_any_length_are_cut_right(tmp_path: Path) -> None:
    draw = random.Random(5)
    alphabet = '{}[]",:\\\n é'
    rows = [{"a": "".join(draw.choices(alphabet, k=draw.randrange(40_000))), "b": [{}]} for _ in range(60)]
    assert read(tmp_path, json.dumps(rows).encode()) == rows
    assert read(tmp_path, json.dumps({"data": rows}, indent=1).encode()) == rows
