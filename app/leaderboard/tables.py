"""Standings as a table for spreadsheets."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from io import StringIO
from typing import Any

from app.leaderboard.ranked import Row

COLUMNS = [field.name for field in fields(Row)]
# A spreadsheet takes a cell that starts so for a formula; a model's name is hostile input.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with text that no spreadsheet runs: an apostrophe stands before what would be a formula."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def standings_csv(parts: Mapping[tuple[str, str], Iterable[Row]]) -> str:
    """One line a model and part; a part is (by, value), both empty for the whole."""
    lines = [[by, value, *asdict(row).values()] for (by, value), rows in parts.items() for row in rows]
    return to_csv(["by", "value", *COLUMNS], lines)


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
