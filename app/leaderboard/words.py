"""How a row of the standings reads, the same on a page and in a terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.words import N_

NONE = "–"
VOTED = ("wins", "ties", "losses")
# How many annotators of each kind are real, and how many simulated.
Counts = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Called:
    """What values of slices are called: annotators by how many there are of each kind, criteria by key."""

    kinds: Counts = field(default_factory=dict)
    criteria: Mapping[str, str] = field(default_factory=dict)


# By whether there are real ones and simulated ones.
KINDS = {
    "human": {
        (True, False): N_("people"),
        (True, True): N_("people and simulated annotators"),
        (False, True): N_("simulated annotators"),
    },
    "model": {
        (True, False): N_("judge models"),
        (True, True): N_("judge models, some simulated"),
        (False, True): N_("simulated judge models"),
    },
}


def rank_range(row: Mapping[str, Any]) -> str:
    """A rank, or the ranks the votes allow: "1", "2–3"."""
    if row["rank"] is None:
        return NONE
    low, high = row["rank_lower"] or row["rank"], row["rank_upper"] or row["rank"]
    return str(low) if low == high else f"{low}–{high}"


def share(row: Mapping[str, Any], key: str) -> str:
    """A model's wins, ties or losses as a share of the judgments that did not call both bad."""
    votes = sum(row[name] for name in VOTED)
    return f"{row[key] / votes:.0%}" if votes else NONE


def tie_rule(ties: str) -> str:
    """What a tie is in a share of wins, as a sentence goes on."""
    return "ties left out" if ties == "drop" else "a tie counting half"


def slice_name(by: str) -> str:
    """What judgments are sliced by, as a label."""
    return {"kind": "Kind of annotator", "group": "Annotator group"}.get(by, by.capitalize())


def slice_value(value: str, by: str, called: Called) -> str:
    """A slice's value; the kinds of annotators have names of their own, a criterion has its lead's."""
    if by == "criterion":
        return called.criteria.get(value, value)
    if by != "kind" or value not in KINDS:
        return value
    real, simulated = called.kinds.get(value, (1, 0))
    return KINDS[value][real > 0 or not simulated, simulated > 0]


def days(query: Any) -> str:
    """Which days: "all time", "since 2025-06-01", "2025-06-01 to 2025-06-07"."""
    since, until = query.since, query.until
    if since and until:
        return f"{since} to {until}" if since < until else str(since)
    return f"since {since}" if since else f"until {until}" if until else "all time"


def where(query: Any, called: Called) -> str:
    """Which judgments a page is about, as its heading goes on: " in category “code”, since 2025-06-01"."""
    value = slice_value(query.value, query.by, called)
    found = f" in {slice_name(query.by).lower()} “{value}”" if query.value else ""
    return found if query.always else f"{found}, {days(query)}"
