"""Files of columns (CSV, JSON Lines, Parquet), read into Arrow; what is wrong with one, and on which line."""

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from math import isnan
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from app.errors import Problem

KINDS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
BLOCK = 1 << 24
# Characters of JSON Lines that tell what the columns are.
HEAD = 1 << 20


@dataclass(frozen=True)
class Source:
    """A file of a known kind, and how it says where a row stands."""

    path: Path
    kind: str
    columns: list[str]

    def refuse(self, row: int, why: str) -> Problem:
        """What is said of a row."""
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


def recognise(path: Path) -> Source:
    """A file by its name, and its columns. Raises Problem."""
    name = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    kind = KINDS.get(name.suffix.lower())
    if kind is None:
        raise Problem(
            f"{path.name}: expected a name that ends in {', '.join(KINDS)} (text also .gz or .zst)."
        )
    with _readable(path, kind):
        return Source(path, kind, _COLUMNS[kind](path))


def read(source: Source, columns: list[str]) -> pa.Table:
    """Some of its columns. Raises Problem."""
    with _readable(source.path, source.kind):
        return _TABLE[source.kind](source.path, columns)


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        if kind == "parquet":
            raise Problem(f"{path.name} is no Parquet file, or not all of one.") from error
        found = _fault(path, kind)
        raise Problem(f"{path.name}, {found}" if found else f"{path.name} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    except (OSError, csv.Error) as error:
        raise Problem(f"{path.name} cannot be read: {error}") from error


def not_utf8(path: Path) -> Problem:
    """What is said of a file that is no text, or text of another encoding."""
    return Problem(
        f"{path.name} is not UTF-8 text: save it as UTF-8. The name of a compressed file ends in .gz or .zst."
    )


def _fault(path: Path, kind: str) -> str:
    """Where a text file breaks off, and why: Arrow says it in its own words, and without the line.

    Raises Problem where it is no text.
    """
    try:
        with suppress(OSError, csv.Error, RecursionError), _text(path) as lines:
            return next(_csv_faults(lines, _delimiter(path)) if kind == "csv" else _jsonl_faults(lines), "")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    return ""


def _csv_faults(lines: IO[str], delimiter: str) -> Iterator[str]:
    reader = csv.reader(lines, delimiter=delimiter)
    columns = len(next(reader, []))
    for row in reader:
        if row and len(row) != columns:
            yield f"line {reader.line_num}: {len(row)} values where the header has {columns} columns."


def _jsonl_faults(lines: IO[str]) -> Iterator[str]:
    kinds: dict[str, str] = {}
    absent: dict[str, int] = {}
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
            if isinstance(value, float) and isnan(value):
                absent.setdefault(name, number)
                if kinds.get(name) == _kind_of(""):
                    yield f"line {number}: {name} is missing."
                continue
            before = kinds.setdefault(name, _kind_of(value)) if value is not None else ""
            if before and before != _kind_of(value):
                yield f"line {number}: {name} is {_kind_of(value)}, and above it was {before}."
            elif name in absent and kinds.get(name) == _kind_of(""):
                yield f"line {absent[name]}: {name} is missing."


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


def _jsonl_columns(path: Path) -> list[str]:
    return list(dict.fromkeys(name for row in _jsonl_head(path) for name in row))


def _jsonl_head(path: Path) -> list[dict[str, Any]]:
    """The first rows. Raises ArrowInvalid."""
    with _text(path) as lines:
        try:
            rows = [json.loads(line) for line in lines.readlines(HEAD) if line.strip()]
        except (json.JSONDecodeError, RecursionError) as error:
            raise pa.ArrowInvalid(str(error)) from error
    if not all(isinstance(row, dict) for row in rows):
        raise pa.ArrowInvalid("a row is no object")
    return rows


def _jsonl_schema(path: Path, columns: list[str]) -> pa.Schema:
    """The types of some columns in the first rows; a later one that breaks them is refused.

    Of these alone: no column has a type whose values are now a text, now a list, as those of messages are.
    """
    from pyarrow import json as arrow

    rows = ({name: row[name] for name in columns if name in row} for row in _jsonl_head(path))
    lines = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    return arrow.read_json(pa.BufferReader(lines), arrow.ReadOptions(block_size=len(lines) + 1)).schema


def _read_jsonl(path: Path, columns: list[str]) -> pa.Table:
    from pyarrow import json as arrow

    known = _jsonl_schema(path, columns)
    # What the first lines leave empty is a text where it comes later, and so is what looks like a time:
    # a later one may be written otherwise.
    fields = (known.field(name) for name in columns)
    options = arrow.ParseOptions(
        explicit_schema=pa.schema(
            [
                field.with_type(pa.string())
                if pa.types.is_null(field.type) or pa.types.is_timestamp(field.type)
                else field
                for field in fields
            ]
        ),
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
    "jsonl": _jsonl_columns,
    "parquet": _parquet_columns,
}
_TABLE: dict[str, Callable[[Path, list[str]], pa.Table]] = {
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
}
