"""Standings as a table for spreadsheets."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from io import StringIO
from typing import Any

from app.leaderboard.over_time import Trajectory
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Row, Standings

# A spreadsheet takes a cell that starts so for a formula; a model's name is hostile input.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with text that no spreadsheet runs: an apostrophe stands before what would be a formula."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def standings_csv(parts: Mapping[tuple[str, str], Standings]) -> str:
    """One line a model and part; a part is (by, value), both empty for the whole."""
    rows = ([by, value, *asdict(row).values()] for (by, value), found in parts.items() for row in found.rows)
    return to_csv(["by", "value", *(field.name for field in fields(Row))], rows)


def matrix_csv(rows: Sequence[Sequence[Meeting | None]]) -> str:
    """One line an ordered pair of models that met."""
    met = (asdict(meeting).values() for row in rows for meeting in row if meeting and meeting.judgments)
    return to_csv([field.name for field in fields(Meeting)], map(list, met))


def trajectory_csv(trajectory: Trajectory) -> str:
    """One line a sample, one column a model."""
    header = ["judgments", *(line.model for line in trajectory.lines)]
    ratings = zip(trajectory.positions, *(line.ratings for line in trajectory.lines), strict=True)
    return to_csv(header, ratings)


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
