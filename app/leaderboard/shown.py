"""What a view of a file of votes comes to: an object for programs, and a table for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.leaderboard.words import NONE

Line = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Text to be read: the first ``words`` columns are words, the others numbers. None is a line between."""

    headings: Line
    rows: list[Line | None]
    words: int = 1


@dataclass(frozen=True)
class Shown:
    """A view's object for programs, its table for people, and what these must be told."""

    found: dict[str, Any]
    table: Table
    notes: Sequence[str] = ()


def percent(value: float | None) -> str:
    """ "61%"."""
    return NONE if value is None else f"{value:.0%}"


def decimal(value: float | None) -> str:
    """ "0.61"."""
    return NONE if value is None else f"{value:.2f}"


def points(value: float | None) -> str:
    """A rating."""
    return NONE if value is None else f"{value:.0f}"


def between(lower: float | None, upper: float | None) -> str:
    """An interval of a share: "52% to 70%"."""
    return NONE if lower is None or upper is None else f"{lower:.0%} to {upper:.0%}"


def bounds(lower: float | None, upper: float | None) -> str:
    """An interval of a rating: "980 to 1020"."""
    return NONE if lower is None or upper is None else f"{lower:.0f} to {upper:.0f}"
