"""Two models at a time: what was said of them, and what their ratings expect."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from app.leaderboard.ranked import Standings
from ranking import lack_of_fit
from ranking.davidson import davidson_probabilities
from ranking.uncertainty import wilson

ShareOf = Literal["observed", "expected"]


@dataclass(frozen=True)
class Meeting:
    """One model against another. Shares are of the first, a tie counting half; None where unknown.

    `lower` and `upper` are of what is `expected`, which all judgments tell; `observed_lower` and
    `observed_upper` are Wilson's, of independent judgments of the two alone. `surprise` is by how many
    standard errors `observed` is above `expected`. `counted` is how many judgments `observed` is of: both
    bad is left out, and ties where they are dropped.
    """

    model: str
    other: str
    wins: int
    ties: int
    losses: int
    both_bad: int
    counted: int
    observed: float | None
    observed_lower: float | None
    observed_upper: float | None
    expected: float | None
    lower: float | None
    upper: float | None
    surprise: float | None

    def share(self, shown: ShareOf) -> tuple[float | None, float | None, float | None]:
        """What was observed or is expected, with its bounds."""
        if shown == "observed":
            return self.observed, self.observed_lower, self.observed_upper
        return self.expected, self.lower, self.upper

    @property
    def judgments(self) -> int:
        """All that was said of the two."""
        return self.wins + self.ties + self.losses + self.both_bad


def matrix(standings: Standings) -> list[list[Meeting | None]]:
    """Every model against every other, in the order of the standings; None against itself."""
    order = [standings.models.index(row.model) for row in standings.rows if row.component >= 0]
    meet = _Meetings(standings)
    return [[None if i == j else meet(i, j) for j in order] for i in order]


def meetings(standings: Standings, model: str) -> list[Meeting]:
    """One model against each it met, what went worse than expected first."""
    meet, i = _Meetings(standings), standings.models.index(model)
    found = [meet(i, j) for j in range(len(standings.models)) if j != i]
    return sorted((one for one in found if one.judgments), key=lambda one: one.surprise or 0.0)


def head_to_head(standings: Standings, model: str, other: str) -> Meeting:
    """One model against another."""
    names = standings.models
    return _Meetings(standings)(names.index(model), names.index(other))


class _Meetings:
    """A Bradley-Terry fit's matrices, computed once."""

    def __init__(self, standings: Standings) -> None:
        if standings.fit is None or standings.intervals is None:
            raise ValueError("pairs are read from Bradley-Terry standings with intervals")
        self.models, self.votes = standings.models, standings.matrix
        self.fit, self.intervals = standings.fit, standings.intervals
        self.scores = standings.fit.scores
        self.error = standings.intervals.difference_se()
        self.surprise = lack_of_fit(standings.fit).z

    def __call__(self, i: int, j: int) -> Meeting:
        counted = round(self.scores[i, j] + self.scores[j, i])
        observed = float(self.scores[i, j] / counted) if counted else None
        bounds = (None, None) if observed is None else wilson(observed, counted)
        expected, lower, upper = self._expected(i, j)
        return Meeting(
            model=self.models[i],
            other=self.models[j],
            wins=int(self.votes.wins[i, j]),
            ties=int(self.votes.ties[i, j]),
            losses=int(self.votes.wins[j, i]),
            both_bad=int(self.votes.both_bad[i, j]),
            counted=counted,
            observed=observed,
            observed_lower=bounds[0],
            observed_upper=bounds[1],
            expected=expected,
            lower=lower,
            upper=upper,
            surprise=_known(self.surprise[i, j]),
        )

    def _expected(self, i: int, j: int) -> tuple[float | None, ...]:
        if self.fit.component[i] != self.fit.component[j]:
            return None, None, None
        quantile = max(self.intervals.quantile[i], self.intervals.quantile[j])
        gap, half = self.fit.theta[i] - self.fit.theta[j], quantile * self.error[i, j]
        places = np.array([gap, gap - half, gap + half])
        win, tie = davidson_probabilities(places, self.fit.tie_parameter or 0.0)
        return tuple(_known(share) for share in win + tie / 2)


def _known(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
