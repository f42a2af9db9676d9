"""How far verdicts on the same comparisons agree: each way to count it, with what it tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.words import N_, sentence
from ranking.agreement import gwet_ac1, krippendorff_alpha, preference_scale, raw_agreement
from ranking.codes import Outcome
from ranking.units import FEWEST_UNITS, Agreement

# How often each outcome was given to one comparison.
Pattern = tuple[int, ...]
Ratings = NDArray[np.intp]
# Which response of a comparison is called A means nothing: a project says it by how the comparison was made,
# and a file of its votes by their models' names. Agreement is the same whatever it is.
SIDES = (int(Outcome.A), int(Outcome.B))
ENDS = (0, 2)


@dataclass(frozen=True)
class Coefficient:
    """One way to count agreement, what it tells, and what was found."""

    name: str
    tells: str
    found: Agreement

    @property
    def undefined(self) -> str:
        """Why there is no value; empty where there is one."""
        codes = [note.code for note in self.found.notes]
        return next((_UNDEFINED[code] for code in codes if code in _UNDEFINED), "")

    @property
    def no_interval(self) -> str:
        """Why there is no interval; empty where there is one."""
        codes = [note.code for note in self.found.notes]
        return next((_NO_INTERVAL[code] for code in codes if code in _NO_INTERVAL), "")

    def as_dict(self) -> dict[str, Any]:
        """For JSON; without a value it is undefined, and says why."""
        found = self.found
        told = {"value": found.value, "lower": found.lower, "upper": found.upper, "comparisons": found.units}
        return {"name": self.name, **told, "undefined": self.undefined}


_NO_OVERLAP = N_("undefined because no comparison has two verdicts that count here")
_UNDEFINED = {
    "few_annotators": _NO_OVERLAP,
    "no_overlap": _NO_OVERLAP,
    "one_category": N_("undefined because all verdicts are the same, so chance alone would agree as much"),
}
_NO_INTERVAL = {
    "one_unit": N_("no interval: it rests on one comparison"),
    "few_units": sentence("too few to say: an interval takes %(fewest)s comparisons", fewest=FEWEST_UNITS),
    "little_variation": N_("no interval: the comparisons hardly differ"),
}


def coefficients(found: Ratings) -> tuple[Coefficient, ...]:
    """Every way to count the agreement of (verdicts, comparisons) outcome codes, whichever response is A."""
    on_scale = Coefficient(
        N_("Alpha on the scale A – tie – B"),
        N_("As alpha, but a tie is nearer to each side than they are to each other; “both bad” left out."),
        krippendorff_alpha(preference_scale(found), metric="ordinal", sides=ENDS),
    )
    return *nominal(found), on_scale


def nominal(found: Ratings) -> tuple[Coefficient, ...]:
    """Those for which every two verdicts are either the same or not."""
    return (
        Coefficient(
            N_("Raw agreement"),
            N_("How often two annotators give the same verdict."),
            raw_agreement(found, sides=SIDES),
        ),
        Coefficient(
            N_("Krippendorff’s alpha"),
            N_("Beyond chance, every difference alike: 1 is perfect, 0 what chance gives."),
            krippendorff_alpha(found, sides=SIDES),
        ),
        Coefficient(
            N_("Gwet’s AC1"),
            N_("Beyond chance among the verdicts that occur, and steady where one prevails."),
            gwet_ac1(found, sides=SIDES),
        ),
    )


def ratings(patterns: Mapping[Pattern, int]) -> Ratings:
    """A reliability matrix with a column for each comparison.

    Rows are verdicts in any order and not annotators: no coefficient here asks who gave which.
    """
    most = max((sum(pattern) for pattern in patterns), default=0)
    columns: Sequence[Any] = [
        [code for code, times in enumerate(pattern) for _ in range(times)] + [-1] * (most - sum(pattern))
        for pattern in patterns
    ]
    matrix = np.array(columns, dtype=np.intp).reshape(len(patterns), most).T
    return np.repeat(matrix, list(patterns.values()), axis=1)
