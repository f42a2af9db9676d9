"""Whatever a file holds, an import ends with a report or a refusal, and the rules of the tables hold."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import Invalid
from app.imports.items import Item
from app.imports.shapes import SHAPES, find
from app.imports.sources import MB, Refusal, open_source
from app.imports.uploads import shown_name
from tests.imports.arrange import Importer, counts

# Any text, halves of surrogate pairs and NUL included.
TEXT = st.text(st.characters(), max_size=20)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted(
    {name for shape in SHAPES.values() for name in shape.row.model_fields} | {"left", "role", "content"}
)
RECORD = st.dictionaries(st.sampled_from(FIELDS), VALUE, max_size=8)
NAMES = st.sampled_from(["heron", "wren", "", "x\x00", "y\ud800", "z" * 300])
NEARLY = st.fixed_dictionaries(
    {"model_a": NAMES, "model_b": NAMES, "winner": st.sampled_from(["model_a", "tie", "?", None])},
    optional={"prompt_id": NAMES | st.integers(), "annotator": NAMES, "timestamp": VALUE, "category": TEXT},
)

slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.binary(max_size=400) | st.binary(max_size=100).map(lambda tail: b'[{"a": 1},' + tail))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(content)
    try:
        source = open_source(path, "bytes", MB)
        source.verify()
        find(source, None)
        for _, record in source.records():
            assert isinstance(record, dict | Refusal)
    except Invalid as refused:
        assert refused.detail


@given(st.sampled_from(sorted(SHAPES)), RECORD)
@settings(max_examples=400, deadline=None)
def test_any_record_is_an_item_or_a_refusal_with_a_reason(shape: str, record: dict[str, Any]) -> None:
    read = SHAPES[shape].read(1, record)
    if isinstance(read, Refusal):
        assert read.reason
        assert read.reason.isprintable()
        read.row.encode()
    else:
        assert isinstance(read, Item)


@given(st.lists(NEARLY, min_size=1, max_size=6))
@slow
def test_any_votes_are_added_once_or_refused(importer: Importer, rows: list[dict[str, Any]]) -> None:
    lines = b"".join(json.dumps(row, default=str).encode() + b"\n" for row in rows)
    first = importer(lines, **{"as": "votes"})
    again = importer(lines, **{"as": "votes"})
    read, _, _, refused = counts(first)
    assert read == len(rows)
    assert counts(again) == (read, 0, read - refused, refused)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/", "upload"),
        ("votes\n\x00.csv", "votes.csv"),
        ("x" * 500, "x" * 200),
        ("gélinotte.csv", "gélinotte.csv"),
    ],
)
def test_an_uploaded_name_is_only_a_name(name: str, shown: str) -> None:
    assert shown_name(name) == shown
