"""Parquet, written row group by row group into a stream."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.exports.formats import Row
from app.exports.forms import ExportSpec, Format

ROW_GROUP = 5_000

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

PROVENANCE: dict[str, pa.DataType] = {
    "pair_id": pa.string(),
    "prompt_id": pa.string(),
    "chosen_model": pa.string(),
    "rejected_model": pa.string(),
    "votes": pa.int64(),
    "agreement": pa.float64(),
    "strength": pa.float64(),
    "annotators": pa.list_(pa.string()),
    "human_votes": pa.int64(),
    "model_votes": pa.int64(),
    "simulated_votes": pa.int64(),
    "adjudicated": pa.bool_(),
    "guideline_version": pa.int64(),
    "judged_at": pa.string(),
    "language": pa.string(),
    "category": pa.string(),
    "split": pa.string(),
}

JUDGMENT: dict[str, pa.DataType] = {
    "judgment_id": pa.string(),
    "pair_id": pa.string(),
    "prompt_id": pa.string(),
    "model_a": pa.string(),
    "model_b": pa.string(),
    "sample_a": pa.int64(),
    "sample_b": pa.int64(),
    "outcome": pa.string(),
    "first_shown": pa.string(),
    "strength": pa.int64(),
    "preference": pa.float64(),
    "criteria": pa.string(),
    "tags": pa.string(),
    "rationale": pa.string(),
    "duration_ms": pa.int64(),
    "annotator": pa.string(),
    "annotator_kind": pa.string(),
    "judge_model": pa.string(),
    "simulated": pa.bool_(),
    "source": pa.string(),
    "guideline_version": pa.int64(),
    "created_at": pa.string(),
    "retired_at": pa.string(),
    "supersedes": pa.string(),
    "gold": pa.string(),
    "adjudicated": pa.string(),
    "batch": pa.string(),
    "category": pa.string(),
    "language": pa.string(),
    "prompt_tags": pa.string(),
    "prompt": pa.string(),
    "response_a": pa.string(),
    "response_b": pa.string(),
}


def schema(spec: ExportSpec) -> pa.Schema:
    """The Parquet columns of a format."""
    if spec.format is Format.JUDGMENTS:
        return pa.schema(list(JUDGMENT.items()))
    sides = ("prompt", "chosen", "rejected") if spec.format is Format.TRL else ("chosen", "rejected")
    margin = {"margin": pa.float64()} if spec.margin else {}
    return pa.schema([*((side, MESSAGES) for side in sides), *PROVENANCE.items(), *margin.items()])


def write(rows: Iterator[Row], spec: ExportSpec) -> Iterator[bytes]:
    """The file in pieces, one for each row group."""
    sink = _Sink()
    columns = schema(spec)
    with pq.ParquetWriter(sink, columns, compression="zstd") as writer:
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=columns))
            yield sink.take()
    yield sink.take()


class _Sink:
    """A file for Parquet's writer that gives back what was written so far."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.position = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self.parts.append(part)
        self.position += len(part)
        return len(part)

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data
