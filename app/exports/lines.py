"""Rows of a file as text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Protocol, Self

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


def joined(rows: int, *parts: Piece) -> Iterator[str]:
    """The texts of so many rows from the columns of their parts, or what is the same in each.

    Without a step of Python for each. Raises ValueError where a column has more of them, or fewer.
    """
    return map("".join, _across(rows, parts))


def together(rows: int, *parts: Piece) -> str:
    """The same as one text."""
    return "".join(chain.from_iterable(_across(rows, parts)))


def _across(rows: int, parts: Sequence[Piece]) -> Iterator[tuple[str, ...]]:
    columns = [repeat(part, rows) if isinstance(part, str) else part for part in parts]
    return zip(*columns, strict=True)
