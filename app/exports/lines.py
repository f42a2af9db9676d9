"""Rows of a file as text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


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


def joined(*parts: Iterable[str]) -> Iterator[str]:
    """The texts of rows from the columns of their parts, without a step of Python for each."""
    return map("".join, zip(*parts, strict=False))
