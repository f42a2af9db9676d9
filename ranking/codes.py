"""Words as codes: what was said of a pair, and of whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from enum import IntEnum
from itertools import count
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, check_choice, check_range

Ties = Literal["half", "davidson", "drop"]
BothBad = Literal["exclude", "tie"]


class Outcome(IntEnum):
    """What an annotator said of the pair (a, b); `label` is the word used in the app and in files."""

    A = 0
    B = 1
    TIE = 2
    BOTH_BAD = 3

    @property
    def label(self) -> str:
        return self.name.lower()


_CODES: dict[object, int] = {outcome.label: int(outcome) for outcome in Outcome}


def encode_outcomes(labels: Sequence[object]) -> NDArray[np.uint8]:
    """Turn outcome words ("a", "b", "tie", "both_bad") into codes, shape (n,).

    Raises ValueError for any other word, in any other case, and for a missing one: an outcome that is not
    understood must never be counted as a tie.
    """
    try:
        return np.fromiter(map(_CODES.__getitem__, labels), np.uint8, len(labels))
    except (KeyError, TypeError):
        row = next(i for i, label in enumerate(labels) if not _is_in(label, _CODES))
        expected = ", ".join(map(str, _CODES))
        raise ValueError(f"row {row}: unknown outcome {labels[row]!r}; expected one of {expected}") from None


def outcome_scores(outcome: ArrayLike, ties: Ties = "half", both_bad: BothBad = "exclude") -> Floats:
    """What a scored in each vote, of any shape: 1 for a, 0 for b, half a tie, NaN where it does not count."""
    check_choice("ties", ties, ("half", "drop"))
    check_choice("both_bad", both_bad, ("exclude", "tie"))
    tie = 0.5 if ties == "half" else np.nan
    worth = {Outcome.A: 1.0, Outcome.B: 0.0, Outcome.TIE: tie, Outcome.BOTH_BAD: tie}
    if both_bad == "exclude":
        worth[Outcome.BOTH_BAD] = np.nan
    codes = np.asarray(outcome)
    if not codes.size:
        return np.zeros(codes.shape)
    check_range(codes.ravel(), len(Outcome), "outcome code")
    return np.asarray(np.array([worth[o] for o in Outcome])[codes])


def encode_names(*columns: Sequence[str]) -> tuple[list[str], list[NDArray[np.int32]]]:
    """Turn columns of names into codes over their sorted union: (names, one (n,) code array per column).

    Raises ValueError for an empty or missing name.
    """
    # A name that is not in it yet gets the next number, so that each column is read once.
    seen: defaultdict[str, int] = defaultdict(count().__next__)
    found = [np.fromiter(map(seen.__getitem__, column), np.int32, len(column)) for column in columns]
    for name in seen:
        if not isinstance(name, str) or not name:
            row = min(list(column).index(name) for column in columns if name in column)
            raise ValueError(f"row {row}: missing name {name!r}")
    names = sorted(seen)
    code = np.empty(len(names), np.int32)
    code[[seen[name] for name in names]] = np.arange(len(names))
    return names, [code[numbers] for numbers in found]


def _is_in(label: object, codes: dict[object, int]) -> bool:
    return isinstance(label, Hashable) and label in codes
