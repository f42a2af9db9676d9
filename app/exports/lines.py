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


def quoted(text: str) -> str:
    """As JSON."""
    return orjson.dumps(text).decode()


def quoted_each(texts: Sequence[str]) -> list[str]:
    """The same of many."""
    together = "".join(texts)
    # What JSON has to escape cannot be printed, but for these two.
    if together.isprintable() and '"' not in together and "\\" not in together:
        return [f'"{text}"' for text in texts]
    return list(map(quoted, texts))


def each(values: Sequence[Any]) -> Piece:
    """Texts, numbers, truths or None as JSON: of one type, because those that are equal are written alike."""
    different = set(values)
    if len(different) == len(values) and None not in different and isinstance(values[0], str):
        return quoted_each(values)
    written = {value: orjson.dumps(value).decode() for value in different}
    return written[values[0]] if len(written) == 1 else [written[value] for value in values]


def as_it_is(texts: Sequence[str | None]) -> Piece:
    """JSON, or null for None."""
    return [text or "null" for text in texts] if any(texts) else "null"


def joined(rows: int, *parts: Piece) -> Iterator[str]:
    """The texts of so many rows from the columns of their parts, or what is the same in each.

    Without a step of Python for each. Raises ValueError where a column has more of them, or fewer.
    """
    return map("".join, _across(rows, parts))


def together(rows: int, *parts: Piece) -> str:
    """The same as one text."""
    return "".join(chain.from_iterable(_across(rows, parts)))


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
