"""Parquet, written row group by row group into a stream."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.json as pj
import pyarrow.parquet as pq

from app.exports.fitness import ANSWERED, ASKED, ASKS
from app.exports.formats import STRICT, in_columns
from app.exports.forms import ExportSpec, Format, Part
from app.exports.lines import Lines, Rows
from app.exports.pairs import Pairs
from app.exports.verdicts import Verdict

# A row group is held whole while it is written. The first ones are short, so that the file begins soon;
# the more there are, the longer they are: each takes time, and 40 kB until the end. Bounds for short rows,
# and for long ones.
ROW_GROUP, LONGEST_ROW_GROUP = 1_000, 10_000
ROW_GROUP_BYTES = 2**22
PAGE = 2**17
BLOCK = 2**20

# Columns whose values do not come again: a dictionary of them would cost time and memory for nothing.
# Nor do texts within messages, which are no columns by these names.
UNIQUE = {
    "row", "sha256", "texts_sha256", "pair_id", "prompt_id", "question_id", "judgment_id", "supersedes",
    "judged_at", "created_at", "tstamp", "rationale", "better_answer", "spans", "answers", "response_a",
    "response_b",
}  # fmt: skip

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

# What a verdict tells of its votes, and what else is told of a pair.
VOTES = (
    "votes", "agreement", "strength", "annotators", "human_votes", "model_votes", "simulated_votes",
    "adjudicated", "guideline_version",
)  # fmt: skip
TOLD = [name for name in PROVENANCE if name not in VOTES]


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
    if spec.margin:
        told = {**told, "margin": pa.float64()}
    if spec.part is Part.PROVENANCE:
        found = {"row": pa.int64(), "sha256": pa.string(), "texts_sha256": pa.string()}
        return pa.schema(list({**found, **told}.items()))
    if spec.format in STRICT:
        return pa.schema(list(OWN[spec.format].items()))
    return pa.schema(list({**OWN[spec.format], **told}.items()))


def write(chunks: Iterator[Rows], spec: ExportSpec) -> Iterator[bytes]:
    """The file in pieces, one for each row group: of pairs where it is made of columns, else of lines."""
    sink = _Sink()
    columns = schema(spec)
    start = _OfPairs if in_columns(spec) else _OfLines
    repeated = [name for name in columns.names if name not in UNIQUE]
    # Nobody looks for a text by its first letters.
    found_by = [name for name in columns.names if not pa.types.is_nested(columns.field(name).type)]
    options: dict[str, Any] = {"use_dictionary": repeated, "write_statistics": found_by}
    options |= {"compression": "zstd", "data_page_size": PAGE}
    with pq.ParquetWriter(sink, columns, **options) as writer:
        for group in _groups(chunks, partial(start, spec)):
            writer.write_table(group.table())
            yield sink.take()
    yield sink.take()


class _Group(Protocol):
    """A row group in the making."""

    def add(self, rows: Any, /) -> None: ...
    def table(self) -> pa.Table: ...


class _OfLines:
    """Made of lines."""

    def __init__(self, spec: ExportSpec) -> None:
        self.columns = schema(spec)
        self.lines: list[bytes] = []
        self.longest = 0

    def add(self, lines: Lines) -> None:
        self.lines.append(lines.text)
        self.longest = max(self.longest, *map(len, lines))

    def table(self) -> pa.Table:
        # A line must fit in one block.
        block = pj.ReadOptions(block_size=max(BLOCK, 2 * self.longest))
        options = pj.ParseOptions(self.columns, unexpected_field_behavior="error")
        return pj.read_json(pa.BufferReader(b"".join(self.lines)), block, options)


class _OfPairs:
    """Made of pairs, straight to columns: lines would be written only to be parsed again.

    At once, too: tuples that are kept until a group is full are walked through by the collector of garbage,
    and so, the more of them there are, is everything else; and texts leave the processor's cache.
    """

    def __init__(self, spec: ExportSpec) -> None:
        self.columns = schema(spec)
        self.joined = spec.format is Format.TRL_IMPLICIT
        self.kinds = list(OWN[spec.format].items())
        self.own: dict[str, list[pa.Array]] = {}
        self.told: list[list[Any]] = [[] for _ in range(len(TOLD) + 1)]

    def add(self, pairs: Pairs) -> None:
        messages = _plain if not self.joined and all(pairs.preferences.is_plain) else _messages
        for (name, kind), texts in zip(self.kinds, pairs.own, strict=True):
            made = messages(texts) if kind is MESSAGES else pa.array(map(orjson.loads, texts), kind)
            self.own.setdefault(name, []).append(made)
        for kept, more in zip(self.told, pairs.preferences.beside_texts(), strict=True):
            kept += more

    def table(self) -> pa.Table:
        made = {**_told(*self.told), **{name: pa.chunked_array(own) for name, own in self.own.items()}}
        return pa.table({name: made[name] for name in self.columns.names}, self.columns)


def _told(
    pair_id: list[str],
    prompt_id: list[str],
    chosen: list[str],
    rejected: list[str],
    verdicts: list[Verdict],
    *others: list[str],
) -> dict[str, Any]:
    # Most comparisons come to one of a few verdicts.
    place = {verdict: number for number, verdict in enumerate(dict.fromkeys(verdicts))}
    # Once an array: of a list each column would make its own.
    rows = np.array([place[verdict] for verdict in verdicts])
    votes = {name: _taken([verdict.votes[name] for verdict in place], rows) for name in VOTES}
    margin = {"margin": _taken([verdict.margin for verdict in place], rows)}
    own = (pair_id, prompt_id, chosen, rejected, *others)
    return {**dict(zip(TOLD, own, strict=True)), **votes, **margin}


def _taken(values: list[Any], places: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    # Not by Arrow: its kernels are 20 MB of code that nothing else here needs.
    kept = np.empty(len(values), object) if isinstance(values[0], list) else np.array(values)
    kept[:] = values
    return kept.take(places)


def _plain(texts: Sequence[str]) -> pa.Array:
    """Messages that are one plain turn each, of one role, from their JSON."""
    asks = texts[0].startswith(ASKS)
    said = ASKED if asks else ANSWERED
    contents = [text[said:-3] if "\\" not in text else orjson.loads(text[said - 1 : -2]) for text in texts]
    roles = pa.repeat("user" if asks else "assistant", len(texts))
    return _listed(roles, contents, np.arange(len(texts) + 1, dtype=np.int32))


def _messages(texts: Sequence[str]) -> pa.Array:
    """Messages from their JSON. What was parsed is not kept, see above."""
    roles: list[str] = []
    contents: list[str] = []
    ends = [0]
    for text in texts:
        for turn in orjson.loads(text):
            roles.append(turn["role"])
            contents.append(turn["content"])
        ends.append(len(roles))
    return _listed(pa.array(roles, pa.string()), contents, ends)


def _listed(roles: pa.Array, contents: list[str], ends: "list[int] | np.ndarray[Any, Any]") -> pa.Array:
    turns = pa.StructArray.from_arrays([roles, pa.array(contents, pa.string())], fields=list(MESSAGE))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), turns, type=MESSAGES)


def _groups(chunks: Iterator[Rows], start: Callable[[], _Group]) -> Iterator[_Group]:
    group, count, size = start(), 0, 0
    written = 0
    for some, some_size in _bounded(chunks):
        group.add(some)
        count += len(some)
        size += some_size
        if count >= min(max(ROW_GROUP, written // 2), LONGEST_ROW_GROUP) or size >= ROW_GROUP_BYTES:
            yield group
            written += count
            group, count, size = start(), 0, 0
    if count:
        yield group


def _bounded(chunks: Iterator[Rows]) -> Iterator[tuple[Rows, int]]:
    """Rows and their size. Of long ones a few are a group, and some chunks are more than one."""
    for rows in chunks:
        if (size := rows.size) <= ROW_GROUP_BYTES:
            yield rows, size
        else:
            yield from ((row, row.size) for row in rows.one_by_one())


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
