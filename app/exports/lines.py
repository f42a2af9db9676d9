"""Rows of a file as text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Protocol, Self

import orjson

# A text for each row, or the same in every one.
Piece = Iterable[str] | str


class Rows(Protocol):
    """Some rows of a file."""

    def __len__(self) -> int: ...
    def one_by_one(self) -> Iterator[Self]:
        """Each by itself."""
        ...

    @property
    def size(self) -> int:
        """About how many bytes they take."""
        ...


@dataclass(frozen=True, slots=True)
class Lines:
    """Some rows, a line of JSON each, in one piece: most go into the file together as they are."""

    text: bytes
    rows: int

    def __len__(self) -> int:
        return self.rows

    def one_by_one(self) -> Iterator["Lines"]:
        """Each row by itself."""
        return (Lines(line, 1) for line in self)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.text)

    def __iter__(self) -> Iterator[bytes]:
        # A row has no line break but where it ends.
        return iter(self.text.splitlines(keepends=True))


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return orjson.dumps(value).decode()


def quoted_each(texts: Sequence[str]) -> list[str]:
    """Texts as JSON."""
    whole = "".join(texts)
    # What JSON has to escape cannot be printed, but for these two.
    if whole.isprintable() and '"' not in whole and "\\" not in whole:
        return [f'"{text}"' for text in texts]
    return list(map(as_json, texts))


def each(values: Sequence[Any]) -> Piece:
    """Texts, numbers, truths or None as JSON, at least one; of one type, for equals are written alike."""
    different = set(values)
    if len(different) == len(values) and None not in different and isinstance(values[0], str):
        return quoted_each(values)
    written = {value: as_json(value) for value in different}
    return written[values[0]] if len(written) == 1 else [written[value] for value in values]


def as_it_is(texts: Sequence[str | None]) -> Piece:
    """JSON, or null for None."""
    return [text or "null" for text in texts] if any(texts) else "null"


def joined(rows: int, *parts: Piece) -> Iterator[str]:
    """The texts of so many rows from the columns of their parts, or what is the same in each.

    Without a step of Python for each. Raises ValueError where a column has more of them, or fewer.
    """
    return map("".join, _across(rows, parts))


def together(rows: int, *parts: Piece) -> Lines:
    """The same as lines; the last part ends them."""
    return Lines("".join(chain.from_iterable(_across(rows, parts))).encode(), rows)


def keyed(columns: Iterable[tuple[str, Piece]]) -> list[Piece]:
    """JSON in columns behind their keys, in parts to be joined; the brace that begins a row is left open."""
    parts: list[Piece] = []
    for name, column in columns:
        parts += f'{"," if parts else "{"}"{name}":', column
    return parts


def _across(rows: int, parts: Sequence[Piece]) -> Iterator[tuple[str, ...]]:
    columns: list[Iterable[str]] = []
    same = ""
    # With no column at the end, so that what is the same before it is one.
    for part in (*parts, ()):
        if isinstance(part, str):
            same += part
            continue
        if same:
            columns.append(repeat(same, rows))
            same = ""
        columns.append(part)
    return zip(*columns[:-1], strict=True)
