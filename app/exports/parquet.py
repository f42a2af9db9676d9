"""Parquet, written row group by row group into a stream."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from app.exports.formats import STRICT
from app.exports.forms import ExportSpec, Format, Part

# A row group is held whole while it is written: a bound for short rows, and one for long ones.
ROW_GROUP = 1_000
ROW_GROUP_BYTES = 2**22
BLOCK = 2**20

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
MESSAGES = pa.list_(MESSAGE)

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


def _from(first: str) -> list[str]:
    """The names of the columns of provenance from this one on."""
    names = list(PROVENANCE)
    return names[names.index(first) :]


JUDGMENT: dict[str, pa.DataType] = {
    "judgment_id": pa.string(),
    "outcome": pa.string(),
    "first_shown": pa.string(),
    "strength": pa.int64(),
    "preference": pa.float64(),
    "criteria": pa.string(),
    "ratings": pa.string(),
    "tags": pa.string(),
    "spans": pa.string(),
    "rationale": pa.string(),
    "better_answer": pa.string(),
    "confidence": pa.int64(),
    "answers": pa.string(),
    "duration_ms": pa.int64(),
    "annotator": pa.string(),
    "annotator_kind": pa.string(),
    "judge_model": pa.string(),
    "simulated": pa.bool_(),
    "annotator_group": pa.string(),
    "source": pa.string(),
    "guideline_version": pa.int64(),
    "rubric_version": pa.int64(),
    "created_at": pa.string(),
    "retired_at": pa.string(),
    "supersedes": pa.string(),
    "pair_id": pa.string(),
    "prompt_id": pa.string(),
    "model_a": pa.string(),
    "model_b": pa.string(),
    "sample_a": pa.int64(),
    "sample_b": pa.int64(),
    "gold": pa.string(),
    "adjudicated": pa.string(),
    "batch": pa.string(),
    "category": pa.string(),
    "language": pa.string(),
    "split": pa.string(),
    "prompt_tags": pa.string(),
    "prompt": pa.string(),
    "response_a": pa.string(),
    "response_b": pa.string(),
}

KTO: dict[str, pa.DataType] = {
    "prompt_id": pa.string(),
    "model": pa.string(),
    "won": pa.int64(),
    "lost": pa.int64(),
    "pair_ids": pa.list_(pa.string()),
    "votes": pa.int64(),
    **{name: PROVENANCE[name] for name in _from("annotators")},
}

ARENA: dict[str, pa.DataType] = {
    "question_id": pa.string(),
    "model_a": pa.string(),
    "model_b": pa.string(),
    "winner": pa.string(),
    "judge": pa.string(),
    "conversation_a": MESSAGES,
    "conversation_b": MESSAGES,
    "turn": pa.int64(),
    "anony": pa.bool_(),
    "tstamp": pa.float64(),
    "pair_id": pa.string(),
    **{name: PROVENANCE[name] for name in _from("votes")},
}

SHAREGPT = pa.struct([("from", pa.string()), ("value", pa.string())])
INPUT = [("messages", MESSAGES), ("tools", pa.list_(pa.string())), ("parallel_tool_calls", pa.bool_())]
COMPLETION = pa.struct([("rank", pa.int64()), ("completion", MESSAGES)])

OWN: dict[Format, dict[str, pa.DataType]] = {
    Format.TRL: {"prompt": MESSAGES, "chosen": MESSAGES, "rejected": MESSAGES},
    Format.TRL_IMPLICIT: {"chosen": MESSAGES, "rejected": MESSAGES},
    Format.KTO: {"prompt": MESSAGES, "completion": MESSAGES, "label": pa.bool_()},
    Format.OPENAI: {
        "input": pa.struct(INPUT),
        "preferred_output": MESSAGES,
        "non_preferred_output": MESSAGES,
    },
    Format.LLAMAFACTORY: {
        "conversations": pa.list_(SHAREGPT),
        "chosen": SHAREGPT,
        "rejected": SHAREGPT,
        "system": pa.string(),
    },
    Format.MESSAGES: {"messages": MESSAGES, "chosen": MESSAGE, "rejected": MESSAGE},
    Format.NEMO: {"context": MESSAGES, "completions": pa.list_(COMPLETION)},
}


def schema(spec: ExportSpec) -> pa.Schema:
    """The Parquet columns of a format."""
    if spec.format is Format.JUDGMENTS:
        return pa.schema(list(JUDGMENT.items()))
    if spec.format is Format.ARENA:
        return pa.schema(list(ARENA.items()))
    told = KTO if spec.format is Format.KTO else PROVENANCE
    if spec.part is Part.PROVENANCE:
        return pa.schema(list({"row": pa.int64(), "sha256": pa.string(), **told}.items()))
    if spec.format in STRICT:
        return pa.schema(list(OWN[spec.format].items()))
    margin = {"margin": pa.float64()} if spec.margin else {}
    return pa.schema(list({**OWN[spec.format], **told, **margin}.items()))


def write(chunks: Iterator[list[bytes]], spec: ExportSpec) -> Iterator[bytes]:
    """The file in pieces, one for each row group."""
    sink = _Sink()
    columns = schema(spec)
    with pq.ParquetWriter(sink, columns, compression="zstd") as writer:
        for group in _groups(chunks):
            writer.write_table(_table(group, columns))
            yield sink.take()
    yield sink.take()


def _table(lines: list[bytes], columns: pa.Schema) -> pa.Table:
    data = b"".join(lines)
    # A line must fit in one block.
    block = pj.ReadOptions(block_size=max(BLOCK, 2 * max(map(len, lines))))
    return pj.read_json(
        pa.BufferReader(data), block, pj.ParseOptions(columns, unexpected_field_behavior="error")
    )


def _groups(chunks: Iterator[list[bytes]]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for lines in chunks:
        for line in lines:
            group.append(line)
            size += len(line)
            if len(group) >= ROW_GROUP or size >= ROW_GROUP_BYTES:
                yield group
                group, size = [], 0
    if group:
        yield group


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
