"""Standings as a table for spreadsheets."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from io import StringIO
from typing import Any

from app import cells
from app.leaderboard import words
from app.leaderboard.over_time import Trajectory
from app.leaderboard.page import Placed
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Row

# A kind of slice and its value, both empty for the whole.
Part = tuple[str, str]


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with text that no spreadsheet runs: a model's name is hostile input."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cells.safe(name) for name in header])
    writer.writerows([cells.safe(value) for value in row] for row in rows)
    return out.getvalue()


def rows_csv(parts: Mapping[Part, Iterable[Row]], called: words.Called) -> str:
    """One line a model and part; ``called`` says what values of slices are."""
    return _by_part(Row, parts, called)


def placed_csv(parts: Mapping[Part, Placed], called: words.Called) -> str:
    """One model, a line a part, with where it stands out."""
    return _by_part(Placed, {part: [one] for part, one in parts.items()}, called)


def meetings_csv(parts: Mapping[Part, Iterable[Meeting]], called: words.Called) -> str:
    """One line a pair of models and part."""
    return _by_part(Meeting, parts, called)


def _by_part(kind: type[Any], parts: Mapping[Part, Iterable[Any]], called: words.Called) -> str:
    rows = (
        [by, value, words.slice_value(value, by, called), *asdict(one).values()]
        for (by, value), found in parts.items()
        for one in found
    )
    return to_csv(["by", "value", "label", *(field.name for field in fields(kind))], rows)


def position_csv(found: Any) -> str:
    """What is known of the side of the screen, in one line."""
    return to_csv([field.name for field in fields(found)], [list(asdict(found).values())])


def trajectory_csv(trajectory: Trajectory) -> str:
    """One line a sample, one column a model."""
    header = ["judgments", *(line.model for line in trajectory.lines)]
    ratings = zip(trajectory.positions, *(line.ratings for line in trajectory.lines), strict=True)
    return to_csv(header, ratings)
