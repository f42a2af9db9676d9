"""How few votes, left out, would turn an order around.

The votes are ranked by their influence on the difference of two ratings, and the fewest that should overturn
it are left out (Broderick, Giordano & Meager, 2020, "An automatic finite-sample robustness metric",
arXiv:2011.14999). The ratings are then fitted again without them: a number is reported only when that refit
does turn the order. It is therefore an upper bound: fewer votes might do, never more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ranking.arrays import Floats, Ints
from ranking.bradley_terry import Fit, fit
from ranking.codes import Outcome
from ranking.laplacian import grouped_inverse, laplacian
from ranking.likelihood import win_probabilities
from ranking.outcomes import Cells, WinMatrix

# The approximation may misplace near rivals, so the top is tried against this many of them.
_CHALLENGERS = 5
# Ratings this near in logits are a dead heat, not an order.
_DEAD_HEAT = 1e-6


@dataclass(frozen=True, eq=False)
class Fragility:
    """The fewest votes found whose removal rates `challenger` above `leader`.

    `dropped` lists them; None when no removal was found that does it. `votes` is how many entered the fit.
    `predicted` is what the influences alone promised, before any refit (None when they promise nothing).
    """

    leader: int
    challenger: int
    dropped: Cells | None
    votes: float
    predicted: int | None

    @property
    def needed(self) -> int | None:
        """How many votes to leave out; None when none were found that overturn the order."""
        return None if self.dropped is None else round(self.dropped.counts.sum())

    @property
    def share(self) -> float | None:
        """Their share of the votes."""
        return None if self.dropped is None else float(self.dropped.counts.sum() / self.votes)


def fragility(fitted: Fit, leader: int, challenger: int) -> Fragility:
    """The fewest votes that hold `leader` above `challenger`, two models of one component.

    Raises ValueError when they cannot be compared or the challenger is ahead already.
    """
    gap = fitted.theta[leader] - fitted.theta[challenger]
    if fitted.component[leader] != fitted.component[challenger] or not np.isfinite(gap):
        raise ValueError(f"models {leader} and {challenger} have no finite ratings that can be compared")
    if gap < -_DEAD_HEAT:
        raise ValueError(f"model {challenger} is rated above model {leader} already")
    votes = _Votes.of(fitted)
    return votes.search(leader, challenger, votes.ranked(leader, challenger))


def fragility_of_top(fitted: Fit, component: int = 0) -> Fragility:
    """The fewest votes that hold a component's best model at the top, against any other.

    Raises ValueError when the component has fewer than two models with finite ratings.
    """
    models = np.flatnonzero((fitted.component == component) & np.isfinite(fitted.theta))
    if len(models) < 2:
        raise ValueError(f"component {component} has no two models to order")
    leader = int(models[np.argmax(fitted.theta[models])])
    votes = _Votes.of(fitted)
    rankings = {int(m): votes.ranked(leader, int(m)) for m in models if m != leader}
    promised = {m: _or_infinite(votes.predicted(leader, m, ranked)) for m, ranked in rankings.items()}
    nearest = sorted(promised, key=lambda m: (promised[m], -fitted.theta[m]))[:_CHALLENGERS]
    found = [votes.search(leader, m, rankings[m]) for m in nearest]
    return min(found, key=lambda f: _or_infinite(f.needed))


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Cells whose votes, left out, bring the challenger closer: the most influential first."""

    cells: Ints
    count: Floats
    influence: Floats


@dataclass(frozen=True, eq=False)
class _Votes:
    """The fit's counted votes: wins of i over j, then ties of i < j, by cell."""

    fitted: Fit
    i: Ints
    j: Ints
    tie: Ints
    count: Floats

    @classmethod
    def of(cls, fitted: Fit) -> _Votes:
        wins, ties = fitted.matrix.counted(fitted.ties, fitted.both_bad)
        won, tied = np.nonzero(wins), np.nonzero(np.triu(ties))
        return cls(
            fitted,
            np.append(won[0], tied[0]),
            np.append(won[1], tied[1]),
            np.repeat([0, 1], [len(won[0]), len(tied[0])]),
            np.append(wins[won], ties[tied]),
        )

    def ranked(self, leader: int, challenger: int) -> _Ranked:
        """Influence of a vote: how far the leader's lead would shrink, to first order, without it."""
        theta = np.where(np.isfinite(self.fitted.theta), self.fitted.theta, 0.0)
        P = win_probabilities(theta)
        scores = self.fitted.scores + self.fitted.pseudo
        inverse = grouped_inverse(laplacian((scores + scores.T) * P * P.T), self.fitted.component)
        pull = inverse[leader] - inverse[challenger]
        surplus = np.where(self.tie, 0.5, 1.0) - P[self.i, self.j]
        influence = (pull[self.i] - pull[self.j]) * surplus
        order = np.argsort(-influence, kind="stable")
        helpful = order[(influence[order] > 0) & (np.floor(self.count[order]) > 0)]
        return _Ranked(helpful, np.floor(self.count[helpful]), influence[helpful])

    def predicted(self, leader: int, challenger: int, ranked: _Ranked) -> int | None:
        """How many votes should do, to first order."""
        gap = max(self.fitted.theta[leader] - self.fitted.theta[challenger], _DEAD_HEAT)
        gained = np.cumsum(ranked.count * ranked.influence)
        last = int(np.searchsorted(gained, gap))
        if last == len(gained):
            return None
        missing = gap - (gained[last] - ranked.count[last] * ranked.influence[last])
        return int(ranked.count[:last].sum() + np.ceil(missing / ranked.influence[last]))

    def search(self, leader: int, challenger: int, ranked: _Ranked) -> Fragility:
        """The shortest run of the ranking that a refit confirms, by doubling and halving the step."""
        predicted = self.predicted(leader, challenger, ranked)
        most = int(ranked.count.sum())
        enough = min(predicted or most, most)
        too_few = 0
        while enough and not self.overturns(leader, challenger, ranked, enough):
            too_few, enough = enough, min(2 * enough, most) if enough < most else 0
        while enough - too_few > 1:
            middle = (enough + too_few) // 2
            if self.overturns(leader, challenger, ranked, middle):
                enough = middle
            else:
                too_few = middle
        dropped = self.dropped(ranked, enough) if enough else None
        return Fragility(leader, challenger, dropped, float(self.count.sum()), predicted)

    def overturns(self, leader: int, challenger: int, ranked: _Ranked, votes: int) -> bool:
        left = self.without(ranked, votes)
        refitted = fit(left, ties=self.fitted.ties, prior=self.fitted.prior, start=self.fitted.theta)
        if refitted.component[leader] != refitted.component[challenger]:
            return False
        return bool(refitted.theta[challenger] - refitted.theta[leader] > _DEAD_HEAT)

    def without(self, ranked: _Ranked, votes: int) -> WinMatrix:
        count = self.count.copy()
        count[ranked.cells] -= _first(ranked.count, votes)
        wins = np.zeros((self.fitted.n_models, self.fitted.n_models))
        ties = np.zeros_like(wins)
        won, tied = self.tie == 0, self.tie == 1
        wins[self.i[won], self.j[won]] = count[won]
        ties[self.i[tied], self.j[tied]] = count[tied]
        return WinMatrix.from_wins(wins, ties + ties.T)

    def dropped(self, ranked: _Ranked, votes: int) -> Cells:
        taken = _first(ranked.count, votes)
        cells, count = ranked.cells[taken > 0], taken[taken > 0]
        outcome = np.where(self.tie[cells], Outcome.TIE, Outcome.A)
        counts = count * (outcome == np.arange(len(Outcome))[:, None])
        return Cells(self.i[cells], self.j[cells], counts, self.fitted.n_models)


def _first(count: Floats, votes: int) -> Floats:
    """How many of each cell's votes are among the first `votes` of them all."""
    return np.clip(votes - (np.cumsum(count) - count), 0, count)


def _or_infinite(votes: int | None) -> float:
    return np.inf if votes is None else votes
