"""Reading files: any container, as a stream of numbered records, in bounded memory.

What a file is follows from its bytes, but what is named as JSON is never taken for CSV: prose has commas,
too. A record that cannot be read is handed on as a ``Refusal`` with its place; a container that cannot be
read at all raises ``Unreadable``, and ``Source.verify`` finds that out before anything is written.
"""

import codecs
import contextlib
import csv
import io
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from app.errors import Invalid
from app.imports import json_objects, packed
from app.words import counted

MB = 2**20
HEAD = 64 * 1024

# A JSON document may keep its rows under one of these names.
WRAPPERS = frozenset({"annotations", "comparisons", "data", "examples", "items", "records", "rows", "train"})

# In CSV these columns hold text as it is: an empty cell is an empty text, not a missing value.
TEXT_COLUMNS = frozenset({"response", "response_a", "response_b", "output", "output_1", "output_2"})

FORMATS = "JSON, JSON Lines, CSV or Parquet (JSON Lines, JSON and CSV also as .gz or .zst)"
# Tab, line feed, form feed, carriage return and the mark of an old text file's end may stand in a text.
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")
MARKUP = (b"<?xml", b"<!doctype", b"<!--", b"<html", b"<svg")

JSON_NAME = re.compile(r"\.(jsonl|ndjson|json)(\.(gz|zst))?$", re.IGNORECASE)

Record = dict[str, Any]


class Unreadable(Invalid):
    """The file as a whole cannot be read; nothing of it was added."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken: where it is, why, and what it was (cut short if long)."""

    number: int
    reason: str
    row: str = ""


@dataclass
class Source:
    """One file: ``number`` of its records is the line (JSON Lines, CSV) or the count from 1."""

    path: Path
    name: str
    limit: int
    format: str = ""
    compression: str = ""
    # Bytes of all records handed on so far; in CSV, characters.
    taken: int = 0
    _start: int = 0
    _delimiter: str = ","

    @property
    def unit(self) -> str:
        """What ``number`` counts."""
        return "line" if self.format in ("jsonl", "csv") else "row"

    def verify(self) -> int:
        """Read the container to its end, so that a broken one is refused before it is half in.

        Returns how many records there are; of JSON Lines how many lines. Raises Unreadable.
        """
        if self.format == "jsonl":
            with self._text() as stream:
                return sum(block.count(b"\n") for block in iter(partial(stream.read, MB), b""))
        if self.format == "parquet":
            with self._parquet("check") as stream:
                return int(stream.read() or 0)
        return sum(1 for _record in self.records())

    def records(self) -> Iterator[tuple[int, Record | Refusal]]:
        """Every record with its number; raises Unreadable where the container breaks."""
        readers = {
            "jsonl": self._json_lines,
            "json": self._json_document,
            "objects": self._json_document,
            "csv": self._csv_rows,
            "parquet": self._parquet_rows,
        }
        return readers[self.format]()

    @contextlib.contextmanager
    def _text(self) -> Iterator[BinaryIO]:
        """The unpacked bytes, without a byte order mark."""
        with self.path.open("rb") as file:
            stream = packed.unpacked(file, self.compression)
            try:
                if stream.peek(3)[:3] == b"\xef\xbb\xbf":
                    stream.read(3)
                yield cast(BinaryIO, stream)
            except packed.BROKEN as error:
                raise Unreadable(
                    f"{self.name} is packed with {self.compression} but cannot be unpacked to its end "
                    f"({error}). It is damaged or was cut off; nothing of it was added."
                ) from error

    def _json_lines(self) -> Iterator[tuple[int, Record | Refusal]]:
        with self._text() as stream:
            yield from self._lines(stream)

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[int, Record | Refusal]]:
        limit, number = self.limit, 0
        while line := stream.readline(limit + 1):
            number += 1
            self.taken += len(line)
            if len(line) > limit:
                yield number, self._too_long(number, line)
                _skip_line(stream, line)
            elif not line.isspace():
                yield number, _parsed(number, line)

    def _too_long(self, number: int, row: bytes) -> Refusal:
        return Refusal(number, f"longer than {self.limit // MB} MB, the most one record may have", shown(row))

    def _json_document(self) -> Iterator[tuple[int, Record | Refusal]]:
        number = 0
        with self._text() as stream:
            stream.read(self._start)
            try:
                in_list, wrapped = self.format == "json", self._start > 0
                for raw in json_objects.split(stream, self.limit, in_list=in_list, wrapped=wrapped):
                    number += 1
                    self.taken += len(raw)
                    yield number, _parsed(number, raw)
            except json_objects.TooLongError:
                raise Unreadable(
                    f"{self.name}: record {number + 1} is longer than {self.limit // MB} MB, "
                    "the most one record may have. Nothing of it was added."
                ) from None
            except json_objects.BrokenError as error:
                raise Unreadable(
                    f"{self.name} is not valid JSON after record {number}: {error}. "
                    "It is damaged or was cut off; nothing of it was added."
                ) from error

    def _csv_rows(self) -> Iterator[tuple[int, Record | Refusal]]:
        csv.field_size_limit(self.limit)
        with self._text() as stream:
            # Undecodable bytes become surrogates, so that only their row is refused.
            text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
            reader = csv.reader(self._bounded(text), delimiter=self._delimiter, strict=True)
            try:
                header = [name.strip() for name in next(reader, [])]
                if len(set(header)) < len(header):
                    twice = next(name for name in header if header.count(name) > 1)
                    raise Unreadable(f"{self.name}: the header names the column {twice!r} twice.")
                for cells in reader:
                    if cells:
                        yield reader.line_num, _csv_record(reader.line_num, header, cells)
            except csv.Error as error:
                raise Unreadable(
                    f"{self.name}: the CSV cannot be read at line {reader.line_num} ({error}); "
                    "is a quoted cell left open? Nothing of it was added."
                ) from error

    def _bounded(self, text: io.TextIOWrapper) -> Iterator[str]:
        while line := text.readline(self.limit + 1):
            if len(line) > self.limit:
                raise csv.Error(f"line longer than {self.limit // MB} MB")
            self.taken += len(line)
            yield line

    def _parquet_rows(self) -> Iterator[tuple[int, Record | Refusal]]:
        with self._parquet("rows") as stream:
            stream.readline()
            yield from self._lines(stream)

    @contextlib.contextmanager
    def _parquet(self, wanted: str) -> Iterator[BinaryIO]:
        """What the program beside this one makes of the file; it is stopped when no more is wanted."""
        program = [sys.executable, "-P", str(Path(__file__).with_name("parquet.py"))]
        arguments = [str(self.path.resolve()), str(self.limit), wanted]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen([*program, *arguments], stdout=subprocess.PIPE, stderr=said)  # noqa: S603 -- our own program; the path is an argument, not a command
            try:
                yield cast(BinaryIO, process.stdout)
                status = process.wait()
            finally:
                process.kill()
                process.communicate()
            if status:
                said.seek(0)
                reason = said.read(500).decode(errors="replace").strip() or "it crashes the reader"
                raise Unreadable(f"{self.name} is not a readable Parquet file ({reason}).")


def open_source(path: Path, name: str, limit: int) -> Source:
    """Look at a file's first bytes and say what it is; ``limit`` is the most bytes of one record.

    Raises Unreadable, saying what was expected and what was found.
    """
    if not path.is_file():
        raise Unreadable(f"{name} is {'a directory' if path.is_dir() else 'not there'}; give a file.")
    source = Source(path, name, limit)
    with path.open("rb") as file:
        magic = file.read(8)
    source.compression = packed.compression(magic)
    if magic.startswith(b"PAR1"):
        source.format = "parquet"
    else:
        _find_format(source)
    return source


def _find_format(source: Source) -> None:
    with source._text() as stream:
        head = stream.read(HEAD)
    start = head.lstrip()[:1]
    if not head.strip():
        raise Unreadable(f"{source.name} is empty. Expected {FORMATS}.")
    if start == b"[":
        source.format = "json"
    elif start == b"{":
        lines = _is_json_lines(head.lstrip())
        at = None if lines else json_objects.find_list(head, WRAPPERS)
        source.format = "jsonl" if lines else "objects" if at is None else "json"
        source._start = at or 0
    else:
        source.format = "csv"
        source._delimiter = _delimiter(source.name, head)


def _is_json_lines(head: bytes) -> bool:
    """Whether the first line is a whole record, or too long to tell."""
    first, newline, rest = head.partition(b"\n")
    if not newline or not rest.strip():
        return json_objects.find_list(head, WRAPPERS) is None
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        # A record over several lines opens on a line that holds a bracket and little else.
        return not first.rstrip().endswith((b"{", b"[", b","))
    return True


def _delimiter(name: str, head: bytes) -> str:
    header = head.partition(b"\n")[0].strip()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(f"{name} is UTF-16. Save it as UTF-8.")
    if head.startswith(b"PK\x03\x04"):
        raise Unreadable(f"{name} is a zip archive or an Excel workbook. Expected {FORMATS}.")
    if _is_binary(header, head):
        raise Unreadable(f"{name} is not text: it is binary. Expected {FORMATS}.")
    if head.lstrip()[:9].lower().startswith(MARKUP):
        raise Unreadable(f"{name} is {_kind_of_markup(head.lower())}. Expected {FORMATS}.")
    if JSON_NAME.search(name):
        text = head.lstrip()
        number = head[: len(head) - len(text)].count(b"\n") + 1
        found = shown(text.partition(b"\n")[0], 60).strip()
        raise Unreadable(f"{name}: line {number} is not JSON. Expected {FORMATS}. Found {found!r}.")
    delimiter = max(b",", b";", b"\t", key=header.count)
    if header.count(delimiter) == 0:
        raise Unreadable(f"{name}: expected {FORMATS}. Found {shown(header, 60)!r}.")
    return delimiter.decode()


def _is_binary(header: bytes, head: bytes) -> bool:
    """Column names have no control characters; texts may, but then they are UTF-8."""
    if CONTROLS.search(header):
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return CONTROLS.search(head) is not None
    return False


def _kind_of_markup(head: bytes) -> str:
    # A page may hold an image, but an image no page.
    if b"<html" in head or b"<!doctype html" in head:
        return "an HTML page"
    return "an SVG image" if b"<svg" in head else "an XML file"


def _skip_line(stream: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(HEAD)


def _parsed(number: int, raw: bytes) -> Record | Refusal:
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return Refusal(number, _json_reason(error, raw), shown(raw))
    if isinstance(record, dict):
        return record
    return Refusal(number, f"a record must be an object, not {_kind(record)}", shown(raw))


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _json_reason(error: orjson.JSONDecodeError, line: bytes) -> str:
    if b"NaN" in line or b"Infinity" in line:
        return "not valid JSON: NaN and Infinity are not JSON; write null"
    try:
        line.decode()
    except UnicodeDecodeError:
        return "the file is not UTF-8: save it as UTF-8"
    return f"not valid JSON: {error.msg} at column {error.colno}"


def _csv_record(number: int, header: list[str], cells: list[str]) -> Record | Refusal:
    if len(cells) != len(header):
        reason = f"{counted(len(cells), 'cell')} where the header names {len(header)} columns"
        return Refusal(number, reason, shown(cells))
    return {
        name: _cell(value)
        for name, value in zip(header, cells, strict=True)
        if value != "" or name in TEXT_COLUMNS
    }


def _cell(value: str) -> Any:
    """A cell that holds messages or a list as JSON is taken as such."""
    if value.startswith(("[{", "[]", '["', '{"')):
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(value)
    return value


def refused(number: int, reason: str, row: Any) -> Refusal:
    """A row that was not taken; its reason may quote the row, and must print."""
    return Refusal(number, printable(reason), shown(row))


def printable(text: str) -> str:
    """The text without characters that do not print."""
    return "".join(filter(str.isprintable, text))


def shown(row: Any, length: int = 2000) -> str:
    """A refused row for a person to look at, cut short."""
    if isinstance(row, bytes):
        return row[: length * 4].decode(errors="replace")[:length].rstrip("\r\n")
    text = row if isinstance(row, str) else json.dumps(row, default=str, ensure_ascii=False)
    return text[:length].encode(errors="replace").decode()
