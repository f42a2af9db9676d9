"""Votes from a file, column by column: names become codes in Arrow, never in a loop over votes."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.errors import Problem
from app.words import listed
from ranking import Outcome

Codes = NDArray[np.integer[Any]]
Cluster = Literal["annotator", "prompt", "comparison"]
ClusterBy = Literal["both", "annotator", "prompt", "comparison", "none"]

# The two shapes of votes: the columns of the models, and how files say who won. Nothing else is a tie.
WORDS = {
    "model_a": Outcome.A,
    "model_b": Outcome.B,
    "left": Outcome.A,
    "right": Outcome.B,
    "a": Outcome.A,
    "b": Outcome.B,
    "tie": Outcome.TIE,
    "both_bad": Outcome.BOTH_BAD,
    "tie (bothbad)": Outcome.BOTH_BAD,
}
SHAPES = (("model_a", "model_b"), ("left", "right"))
WINNER = "winner"
# What files call the columns that say which votes belong together.
CLUSTERS: dict[Cluster, tuple[str, ...]] = {
    "annotator": ("annotator", "annotator_id", "worker", "judge"),
    "prompt": ("prompt_id", "question_id", "prompt"),
    "comparison": ("comparison_id", "pair_id"),
}
KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
BLOCK = 1 << 24
COLUMNS = ("a", "b", "outcome", "cluster", "prompt", "comparison", "judge", "slices")
# How an export of judgments tells judge models from people.
JUDGES = ("annotator_kind", "model")
# Ratings need a few matrices of this many rows and columns.
MOST_MODELS = 2_000


@dataclass(frozen=True, eq=False)
class Votes:
    """Votes as (n,) columns of codes: ``a`` and ``b`` into ``models``, ``outcome`` of ``ranking.Outcome``.

    ``cluster`` says which votes belong together, as codes into ``clusters`` where one column names them;
    ``prompt`` which are on one prompt besides, or None; ``item`` whether these are prompts, or comparisons
    where the file names nothing wider. ``comparison`` says which are of one comparison and ``judge`` which
    are a judge model's, where that was asked for. ``slices`` are codes into ``slice_values``. Prompts and
    slices are -1 where the file says nothing.
    """

    models: tuple[str, ...]
    a: Codes
    b: Codes
    outcome: Codes
    cluster: Codes | None = None
    clusters: tuple[str, ...] = ()
    prompt: Codes | None = None
    item: Literal["prompt", "comparison"] = "prompt"
    comparison: Codes | None = None
    judge: NDArray[np.bool_] | None = None
    slices: Codes | None = None
    slice_values: tuple[str, ...] = ()

    def by_slice(self) -> "Iterator[tuple[str, Votes]]":
        """The votes of each slice; all models stay, so that one without votes is seen to have none."""
        for code, value in enumerate(self.slice_values):
            yield value, replace(self.where(np.asarray(self.slices) == code), slices=None, slice_values=())

    def where(self, rows: NDArray[np.bool_]) -> "Votes":
        """Some of the votes, with all models."""
        columns = {name: getattr(self, name) for name in COLUMNS}
        return replace(self, **{name: column[rows] for name, column in columns.items() if column is not None})


@dataclass(frozen=True)
class _Source:
    """A file of a known kind, and how it says where a row stands."""

    path: Path
    kind: str
    columns: list[str]

    def refuse(self, row: int, why: str) -> Problem:
        return Problem(f"{self.path.name}, {self._place(row)}: {why}")

    def _place(self, row: int) -> str:
        # A field may be longer than the line can be told through.
        with suppress(csv.Error), _text(self.path) as lines:
            if self.kind == "csv":
                starts = _csv_starts(lines, _delimiter(self.path))
                return f"line {next(line for i, line in enumerate(starts) if i == row)}"
            if self.kind == "jsonl":
                return f"line {next(line for i, line in enumerate(_jsonl_starts(lines)) if i == row)}"
        return f"row {row + 1}"


def read_votes(
    path: Path, cluster: ClusterBy = "none", by: str | None = None, judges: tuple[str, str] | None = None
) -> Votes:
    """Read a CSV, JSON Lines or Parquet file of votes (text also as .gz or .zst).

    ``cluster`` says which votes belong together; ``by`` is a column to slice by; ``judges`` the column, and
    its value, by which judge models' votes are known. Raises Problem where the file lacks a column, or with
    the line of a value that cannot be understood.
    """
    source = _recognise(path)
    shape = _shape(source)
    groups = _cluster_columns(source, "annotator" if cluster == "both" else cluster)
    prompts = _prompt_columns(source) if cluster == "both" else []
    compared = _cluster_columns(source, "comparison") if judges else []
    named = [name for name in (by, judges and judges[0]) if name]
    for name in named:
        if name not in source.columns:
            raise Problem(f"{path.name} has no column {name!r}; it has {', '.join(source.columns)}.")
    wanted = [*shape, WINNER, *groups, *prompts, *compared, *named]
    table = _read(source, list(dict.fromkeys(wanted)))
    if not table.num_rows:
        raise Problem(f"{path.name} holds no votes: there is nothing below its header.")
    models, a, b = _models(source, table, shape)
    outcome = _outcomes(source, table)
    joined, clusters = _joined(source, table, groups, a, b) if groups else (None, ())
    slices, values = _codes(source, table, by) if by else (None, ())
    return Votes(
        models,
        a,
        b,
        outcome,
        joined,
        clusters,
        prompt=_codes(source, table, prompts[0])[0] if prompts else None,
        item="prompt" if _named(source, "prompt") else "comparison",
        comparison=_joined(source, table, compared, a, b)[0] if compared else None,
        judge=_judges(source, table, *judges) if judges else None,
        slices=slices,
        slice_values=values,
    )


def default_cluster(path: Path) -> ClusterBy:
    """Annotators and prompts, as far as the file names them."""
    source = _recognise(path)
    annotators = not set(CLUSTERS["annotator"]).isdisjoint(source.columns)
    if _prompt_columns(source):
        return "both" if annotators else "prompt" if _named(source, "prompt") else "comparison"
    return "annotator" if annotators else "none"


def default_judges(path: Path) -> tuple[str, str]:
    """How the file tells judge models' votes from people's."""
    if JUDGES[0] not in _recognise(path).columns:
        raise Problem(
            f"{path.name} has no column {JUDGES[0]} that tells judge models' votes from people's: name the "
            "one that does, and what it says of judge models, with --judges COLUMN=VALUE."
        )
    return JUDGES


def _named(source: _Source, cluster: Cluster) -> list[str]:
    return [name for name in CLUSTERS[cluster] if name in source.columns][:1]


def _prompt_columns(source: _Source) -> list[str]:
    """The column that names the prompt of each vote or, where none does, the comparison."""
    return _named(source, "prompt") or _named(source, "comparison")


def _shape(source: _Source) -> tuple[str, str]:
    for shape in SHAPES:
        if {*shape, WINNER} <= set(source.columns):
            return shape
    raise Problem(
        f"{source.path.name} is not a file of votes: expected the columns model_a, model_b, winner "
        f"(or left, right, winner), found {', '.join(source.columns) or 'none'}."
    )


def _cluster_columns(source: _Source, cluster: Cluster | Literal["none"]) -> list[str]:
    """The columns that together name a cluster; the same pair on the same prompt is one comparison."""
    if cluster == "none":
        return []
    if named := _named(source, cluster):
        return named
    if cluster == "comparison":
        return [*_cluster_columns(source, "prompt"), *_shape(source)]
    names = " or ".join(CLUSTERS[cluster])
    raise Problem(f"{source.path.name} has no column that names the {cluster}, such as {names}.")


def _joined(
    source: _Source, table: pa.Table, columns: list[str], a: Codes, b: Codes
) -> tuple[Codes, tuple[str, ...]]:
    codes, names = _codes(source, table, columns[0])
    if codes.min(initial=0) < 0:
        raise source.refuse(
            int(np.argmin(codes)), f"{columns[0]} is missing, and votes are to be joined by it."
        )
    if len(columns) == 1:
        return codes, names
    size = max(a.max(initial=0), b.max(initial=0)) + 1
    return (codes.astype(np.int64) * size + np.minimum(a, b)) * size + np.maximum(a, b), ()


def _models(source: _Source, table: pa.Table, shape: tuple[str, str]) -> tuple[tuple[str, ...], Codes, Codes]:
    columns = [_codes(source, table, name) for name in shape]
    for name, (codes, words) in zip(shape, columns, strict=True):
        missing = np.array([not word.strip() for word in words] + [True])[codes]
        if missing.any():
            raise source.refuse(int(np.argmax(missing)), f"{name} is missing.")
    models = tuple(sorted({word for _, words in columns for word in words}))
    if len(models) > MOST_MODELS:
        raise Problem(
            f"{source.path.name} names {len(models):,} models, and at most {MOST_MODELS:,} can be ranked. "
            f"Are {shape[0]} and {shape[1]} the models' columns?"
        )
    number = {model: i for i, model in enumerate(models)}
    a, b = (np.array([number[word] for word in words], np.int32)[codes] for codes, words in columns)
    if (a == b).any():
        row = int(np.argmax(a == b))
        raise source.refuse(row, f"{models[a[row]]!r} is compared with itself.")
    return models, a, b


def _outcomes(source: _Source, table: pa.Table) -> Codes:
    codes, values = _codes(source, table, WINNER)
    unknown = len(Outcome)
    outcome = np.array([WORDS.get(value, unknown) for value in values] + [unknown], np.uint8)[codes]
    if outcome.max(initial=0) == unknown:
        row = int(np.argmax(outcome))
        found = repr(values[codes[row]]) if codes[row] >= 0 else "missing"
        raise source.refuse(row, f"{WINNER} is {found}; expected one of {', '.join(WORDS)}.")
    return outcome


def _judges(source: _Source, table: pa.Table, column: str, value: str) -> NDArray[np.bool_]:
    codes, values = _codes(source, table, column)
    if value not in values:
        found = f"it says {listed(values)}" if values else "it is empty"
        raise Problem(f"No vote of {source.path.name} has {value!r} in the column {column!r}; {found}.")
    return np.asarray(codes == values.index(value))


def _codes(source: _Source, table: pa.Table, name: str) -> tuple[Codes, tuple[str, ...]]:
    """A column as codes into its distinct values as text; -1 where it has none."""
    column = table[name]
    if pa.types.is_nested(column.type):
        raise Problem(f"{source.path.name}: {name} holds lists or objects, where a word was expected.")
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column.cast(pa.string()))
    whole = column.unify_dictionaries()
    if whole.num_chunks == 0:
        return np.zeros(0, np.int32), ()
    codes = np.concatenate([np.asarray(chunk.indices.fill_null(-1)) for chunk in whole.chunks])
    return codes, tuple(whole.chunk(0).dictionary.to_pylist())


def _recognise(path: Path) -> _Source:
    name = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    kind = KINDS.get(name.suffix.lower())
    if kind is None:
        raise Problem(
            f"{path.name}: expected a name that ends in {', '.join(KINDS)} (text also .gz or .zst)."
        )
    with _readable(path, kind):
        return _Source(path, kind, _COLUMNS[kind](path))


def _read(source: _Source, columns: list[str]) -> pa.Table:
    with _readable(source.path, source.kind):
        return _TABLE[source.kind](source.path, columns)


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        found = _fault(path, kind)
        raise Problem(f"{path.name}, {found}" if found else f"{path.name} cannot be read: {error}") from error
    except (UnicodeDecodeError, OSError, csv.Error) as error:
        raise Problem(f"{path.name} cannot be read: {error}") from error


def _fault(path: Path, kind: str) -> str:
    """Where a text file breaks off, and why: Arrow says it in its own words, and without the line."""
    if kind == "parquet":
        return ""
    with suppress(UnicodeDecodeError, OSError, csv.Error, RecursionError), _text(path) as lines:
        return next(_csv_faults(lines, _delimiter(path)) if kind == "csv" else _jsonl_faults(lines), "")
    return ""


def _csv_faults(lines: IO[str], delimiter: str) -> Iterator[str]:
    reader = csv.reader(lines, delimiter=delimiter)
    columns = len(next(reader, []))
    for row in reader:
        if row and len(row) != columns:
            yield f"line {reader.line_num}: {len(row)} values where the header has {columns} columns."


def _jsonl_faults(lines: IO[str]) -> Iterator[str]:
    kinds: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line) if line.strip() else {}
        except json.JSONDecodeError as error:
            yield f"line {number}: no JSON ({error.msg} at character {error.pos + 1})."
            return
        if not isinstance(row, dict):
            yield f"line {number}: a vote must be an object, not {_kind_of(row)}."
            return
        for name, value in row.items():
            before = kinds.setdefault(name, _kind_of(value)) if value is not None else ""
            if before and before != _kind_of(value):
                yield f"line {number}: {name} is {_kind_of(value)}, and above it was {before}."


def _kind_of(value: object) -> str:
    words = {bool: "true or false", str: "a text", list: "a list", dict: "an object"}
    return words.get(type(value), "a number")


def _text(path: Path) -> IO[str]:
    return TextIOWrapper(pa.input_stream(str(path)), encoding="utf-8-sig", newline="")


def _csv_columns(path: Path) -> list[str]:
    delimiter = _delimiter(path)
    with _text(path) as lines:
        return next(csv.reader(lines, delimiter=delimiter), [])


def _delimiter(path: Path) -> str:
    """What stands between the columns: a comma, or what spreadsheets of other countries write."""
    with _text(path) as lines:
        return max(",;\t", key=lines.readline().count)


def _csv_starts(lines: IO[str], delimiter: str) -> Iterator[int]:
    """The lines on which rows begin: quoted text may hold line breaks, and empty lines are no rows."""
    reader = csv.reader(lines, delimiter=delimiter)
    next(reader)
    before = reader.line_num
    for row in reader:
        if row:
            yield before + 1
        before = reader.line_num


def _jsonl_starts(lines: IO[str]) -> Iterator[int]:
    return (number for number, line in enumerate(lines, 1) if line.strip())


def _read_csv(path: Path, columns: list[str]) -> pa.Table:
    from pyarrow import csv as arrow

    text = pa.dictionary(pa.int32(), pa.string())
    options = arrow.ConvertOptions(
        include_columns=columns,
        column_types=dict.fromkeys(columns, text),
        # Only an empty field is missing: a model may well be called "NA" or "null".
        null_values=[""],
        strings_can_be_null=True,
    )
    return arrow.read_csv(
        path,
        read_options=arrow.ReadOptions(block_size=BLOCK),
        parse_options=arrow.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True),
        convert_options=options,
    )


def _jsonl_schema(path: Path) -> pa.Schema:
    """The columns and types of the first lines; a later line that breaks them is refused."""
    from pyarrow import json as arrow

    with pa.input_stream(str(path)) as stream:
        return arrow.open_json(stream, read_options=arrow.ReadOptions(block_size=1 << 20)).schema


def _read_jsonl(path: Path, columns: list[str]) -> pa.Table:
    from pyarrow import json as arrow

    known = _jsonl_schema(path)
    options = arrow.ParseOptions(
        explicit_schema=pa.schema([known.field(name) for name in columns]),
        unexpected_field_behavior="ignore",
    )
    return arrow.read_json(path, read_options=arrow.ReadOptions(block_size=BLOCK), parse_options=options)


def _parquet_columns(path: Path) -> list[str]:
    from pyarrow import parquet

    return list(parquet.read_schema(path).names)


def _read_parquet(path: Path, columns: list[str]) -> pa.Table:
    from pyarrow import parquet

    return parquet.read_table(path, columns=columns, read_dictionary=columns)


_COLUMNS: dict[str, Callable[[Path], list[str]]] = {
    "csv": _csv_columns,
    "jsonl": lambda path: list(_jsonl_schema(path).names),
    "parquet": _parquet_columns,
}
_TABLE: dict[str, Callable[[Path, list[str]], pa.Table]] = {
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
}
