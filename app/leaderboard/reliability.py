"""What annotators' reliability says of the ratings. No database."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.leaderboard.ranked import ranks
from ranking.annotators import Reliability

# Fewer judgments say nothing of an annotator.
LEAST_JUDGED = 10


@dataclass(frozen=True)
class Reweighted:
    """A model's rating and rank as they are, and weighted by the annotators' reliability."""

    model: str
    group: int
    rating: float
    weighted: float
    rank: int
    weighted_rank: int

    @property
    def moved(self) -> bool:
        return self.rank != self.weighted_rank


def reliabilities(found: Reliability) -> dict[int, tuple[float, float, float]]:
    """Each annotator's, with its bounds, by the cells' code; without those of whom too little is known."""
    lower, upper = found.intervals()
    told = (found.votes >= LEAST_JUDGED) & np.isfinite(lower)
    columns = (found.annotators, found.reliability, lower, upper)
    return {
        who: (s, low, high) for who, s, low, high in zip(*(x[told].tolist() for x in columns), strict=True)
    }


def reweighted(names: Sequence[str], found: Reliability) -> list[Reweighted]:
    """The models of each group, best first; none where there is nobody to compare an annotator with."""
    if len(found.annotators) < 2:
        return []
    component = found.plain.component
    rated = np.flatnonzero((component >= 0) & np.isfinite(found.plain.theta))
    ratings = found.plain.ratings(), found.ratings()
    columns = (component, *ratings, *(ranks(rating, component) for rating in ratings))
    rows = [
        Reweighted(names[i], *row)
        for i, *row in zip(rated, *(column[rated].tolist() for column in columns), strict=True)
    ]
    return sorted(rows, key=lambda row: (row.group, row.rank, row.model))
