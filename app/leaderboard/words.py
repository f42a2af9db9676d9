"""How a row of the standings reads, the same on a page and in a terminal."""

from collections.abc import Mapping
from typing import Any

NONE = "–"


def rank_range(row: Mapping[str, Any]) -> str:
    """A rank, or the ranks the votes allow: "1", "2–3"."""
    if row["rank"] is None:
        return NONE
    low, high = row["rank_lower"] or row["rank"], row["rank_upper"] or row["rank"]
    return str(low) if low == high else f"{low}–{high}"


def share(row: Mapping[str, Any], key: str) -> str:
    """A model's wins, ties or losses as a share of its judgments that were not "both bad"."""
    votes = row["wins"] + row["ties"] + row["losses"]
    return f"{row[key] / votes:.0%}" if votes else NONE
