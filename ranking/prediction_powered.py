"""Few votes of people and many of a judge model, combined so that the judge's bias cannot enter.

Prediction-powered inference (Angelopoulos, Duchi & Zrnic, 2023, "PPI++: Efficient prediction-powered
inference", arXiv:2311.01453): on comparisons that both have judged, the judge shows how it errs; on all the
others its votes, corrected for that, stand in for people's. Here this is done within each pair of models. A
pair's human score is moved by

    -power * sum over its human-judged comparisons of (judge - the judge's mean on the pair),

which is zero on average whatever the judge prefers, so long as the comparisons given to people are a random
choice among those of the same pair. The pairs themselves may be chosen as one likes. `power` is tuned for
the least variance: a judge that knows nothing gets none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, Ints, Mask, summed
from ranking.bradley_terry import CENTER, Fit, Note, fit, shifted, to_elo
from ranking.clusters import deal, few_cluster_notes, small_sample
from ranking.codes import BothBad, Ties, outcome_scores
from ranking.laplacian import grouped_inverse, laplacian
from ranking.likelihood import win_probabilities
from ranking.outcomes import WinMatrix, check_votes
from ranking.uncertainty import critical_value

_MAX_ROUNDS = 100
_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class HumanVotes:
    """People's votes, arrays of shape (n,), with what the judge said of the same comparisons.

    `a`, `b`, `outcome`: as for `Cells.from_votes`. `judge`: how far the judge prefers a to b, 0 to 1, NaN
    where it did not say (`outcome_scores` makes it of verdicts). `cluster`: who or what the votes share.
    `comparison`: any integers that tell the comparisons apart, where several people judged the same one.
    """

    a: ArrayLike
    b: ArrayLike
    outcome: ArrayLike
    judge: ArrayLike
    cluster: ArrayLike | None = None
    comparison: ArrayLike | None = None


@dataclass(frozen=True, eq=False)
class JudgeVotes:
    """The judge's scores, as above, of comparisons that no person has judged: arrays of shape (n,)."""

    a: ArrayLike
    b: ArrayLike
    score: ArrayLike


@dataclass(frozen=True, eq=False)
class PredictionPowered:
    """Ratings from people and a judge, beside those from people alone.

    `human`: the fit of people's votes. `theta` (M,): combined logits, mean zero in each component, NaN for a
    model without human votes. `covariance`, `human_covariance` (M, M): NaN for models of too few clusters.
    `power`: how far the judge is trusted, 0 not at all. `human_votes`, `judge_votes`: how many entered;
    `effective_votes`: how many human votes alone would be as precise. `dof` (M,): of the t quantiles,
    infinite for independent votes. `notes`: those of the human fit, "random_groups", "few_clusters",
    "one_cluster", and "unused_judgments" for judge votes on pairs that no person has judged.
    """

    human: Fit
    theta: Floats
    covariance: Floats
    human_covariance: Floats
    power: float
    human_votes: int
    judge_votes: int
    dof: Floats
    notes: tuple[Note, ...]

    @property
    def effective_votes(self) -> float:
        """Human votes that alone would give the same average variance; NaN without a covariance."""
        alone, both = (np.nansum(np.diagonal(c)) for c in (self.human_covariance, self.covariance))
        return float(self.human_votes * alone / both) if both > 0 else np.nan

    def ratings(self, *, anchor: tuple[int, float] | None = None, center: float = CENTER) -> Floats:
        """Combined ratings on the Elo scale, shape (M,)."""
        return to_elo(shifted(self.theta, self.human.component, anchor, center), center)

    def intervals(self, *, level: float = 0.95, center: float = CENTER) -> tuple[Floats, Floats]:
        """Lower and upper bounds of the combined ratings, each against its component's mean."""
        half = critical_value(level, self.dof) * np.sqrt(np.diagonal(self.covariance))
        return to_elo(self.theta - half, center), to_elo(self.theta + half, center)


def fit_prediction_powered(
    votes: HumanVotes,
    judge: JudgeVotes,
    n_models: int,
    *,
    power: float | None = None,
    ties: Ties = "half",
    both_bad: BothBad = "exclude",
    seed: int = 0,
) -> PredictionPowered:
    """Combine people's votes with a judge's votes on those and on other comparisons.

    `power` None tunes it. `seed` divides more than 256 clusters into 256 random groups. Raises ValueError for
    malformed columns and scores outside 0..1, RuntimeError when there are too few human votes to solve.
    """
    outcomes = np.asarray(votes.outcome)
    human = fit(WinMatrix.from_votes(votes.a, votes.b, outcomes, n_models), ties=ties, both_bad=both_bad)
    labelled = _Scored.of(votes.a, votes.b, votes.judge, n_models)
    others = _Scored.of(judge.a, judge.b, judge.score, n_models).rated()
    y = outcome_scores(outcomes, ties, both_bad)
    shared = _Shared.of(votes, labelled.pair, seed)
    evidence = _Evidence.of(human, labelled.oriented(y), labelled, others)
    theta, voted = np.nan_to_num(human.theta), human.component >= 0
    if power is None:
        power = evidence.best_power(theta)
    combined = evidence.solve(theta, power)
    dof, notes = np.where(voted, np.inf, np.nan), human.notes + shared.notes
    if shared.n_groups:
        by_group = evidence.votes_by_group(shared)
        dof[voted] = small_sample(by_group)[1][voted]
        notes += few_cluster_notes(by_group, voted)
    unused = int(np.count_nonzero(~evidence.useful[others.pair]))
    if unused:
        notes += (Note("unused_judgments", {"judgments": unused}),)
    unknown = np.isnan(dof) | np.isnan(dof)[:, None]
    return PredictionPowered(
        human=human,
        theta=np.where(voted, combined, np.nan),
        covariance=np.where(unknown, np.nan, evidence.covariance(combined, power, shared)),
        human_covariance=np.where(unknown, np.nan, evidence.covariance(theta, 0.0, shared)),
        power=power,
        human_votes=int(np.count_nonzero(~np.isnan(y))),
        judge_votes=len(others.pair) - unused,
        dof=dof,
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Shared:
    """What human votes (n,) have in common: each one's comparison and, unless independent, its group."""

    comparison: Ints
    group: Ints
    n_groups: int
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, votes: HumanVotes, pair: Ints, seed: int) -> _Shared:
        comparison, group = np.arange(len(pair)), np.empty(0, np.intp)
        n_groups, notes = 0, tuple[Note, ...]()
        if votes.comparison is not None:
            ids, first, comparison = np.unique(
                _column(votes.comparison, "comparison", len(pair)), return_index=True, return_inverse=True
            )
            other = np.flatnonzero(pair != pair[first][comparison])
            if len(other):
                raise ValueError(f"row {other[0]}: comparison {ids[comparison[other[0]]]} is of other models")
        if votes.cluster is not None:
            group, n_groups, notes = deal(_column(votes.cluster, "cluster", len(pair)), seed)
        return cls(comparison, group, n_groups, notes)


@dataclass(frozen=True, eq=False)
class _Scored:
    """A judge's scores of comparisons, each pair in one orientation: `score` is how far it prefers `low`."""

    low: Ints
    high: Ints
    score: Floats
    flipped: Mask
    n_models: int

    @classmethod
    def of(cls, a: ArrayLike, b: ArrayLike, score: ArrayLike, n_models: int) -> _Scored:
        # An outcome for every row makes the votes' checks of models and self-pairs apply here too.
        left, right, _, _ = check_votes(a, b, np.zeros(len(np.asarray(a)), np.intp), n_models)
        values = np.asarray(score, np.float64)
        if values.shape != left.shape:
            raise ValueError(f"judge: {values.shape} scores for {left.shape} comparisons")
        outside = ~np.isnan(values) & ~((values >= 0) & (values <= 1))
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(f"row {row}: judge's score {values[row]} lies outside 0..1")
        flipped = left > right
        low, high = np.minimum(left, right).astype(np.intp), np.maximum(left, right).astype(np.intp)
        return cls(low, high, np.where(flipped, 1 - values, values), flipped, n_models)

    @property
    def pair(self) -> Ints:
        return np.asarray(self.low * self.n_models + self.high)

    def oriented(self, score: Floats) -> Floats:
        return np.where(self.flipped, 1 - score, score)

    def rated(self) -> _Scored:
        keep = ~np.isnan(self.score)
        return _Scored(self.low[keep], self.high[keep], self.score[keep], self.flipped[keep], self.n_models)


@dataclass(frozen=True, eq=False)
class _Evidence:
    """Per human-judged comparison: its models, human score (NaN if not counted), and what the judge adds.

    `error` is the judge's score less its mean on the pair, 0 where it gave none, and `own` its part in a
    pair's rectification beside the mean's; `others` (M, M) is the variance the mean itself brings, and
    `useful` (M * M,) says on which pairs there is anything to rectify.
    """

    human: Fit
    low: Ints
    high: Ints
    score: Floats
    error: Floats
    own: Floats
    others: Floats
    useful: Mask

    @classmethod
    def of(cls, human: Fit, score: Floats, labelled: _Scored, others: _Scored) -> _Evidence:
        M = human.n_models
        rated = labelled.rated()
        shared, total = (
            np.bincount(p, minlength=M * M) for p in (rated.pair, np.append(rated.pair, others.pair))
        )
        sums = summed(rated.score, rated.pair, M * M) + summed(others.score, others.pair, M * M)
        mean = sums / np.maximum(total, 1)
        share = shared / np.maximum(total, 1)
        error = np.nan_to_num(labelled.score - mean[labelled.pair])
        elsewhere = (share[others.pair] * (others.score - mean[others.pair])) ** 2
        return cls(
            human=human,
            low=labelled.low,
            high=labelled.high,
            score=score,
            error=error,
            own=error * (1 - share[labelled.pair]),
            others=summed(elsewhere, others.pair, M, M),
            useful=shared > 0,
        )

    def solve(self, theta: Floats, power: float) -> Floats:
        """Newton's method: rectified scores may be negative, which the likelihood's curvature never sees."""
        for _ in range(_MAX_ROUNDS):
            surplus = np.nan_to_num(self.residual(theta)) - power * self.error
            pulls = self.by_pair(surplus)
            P = win_probabilities(theta)
            gradient = pulls.sum(1) - pulls.sum(0) + (self.human.pseudo * (1 - 2 * P)).sum(1)
            step = self.inverse_information(theta) @ gradient
            theta = theta + step / max(1.0, np.abs(step).max(initial=0.0))
            if gradient @ step < _TOLERANCE:
                return theta
        raise RuntimeError("too few human votes: the judge's correction outweighs what people said")

    def best_power(self, theta: Floats) -> float:
        """The power of least average variance, taking votes as independent; any power is valid."""
        bread = self.inverse_information(theta)

        def variance(moment: Floats) -> float:
            return float(np.trace(bread @ laplacian(moment + moment.T) @ bread))

        cross = variance(self.by_pair(np.nan_to_num(self.residual(theta)) * self.own))
        square = variance(self.by_pair(self.own**2) + self.others)
        return cross / square if square > 0 else 0.0

    def covariance(self, theta: Floats, power: float, shared: _Shared) -> Floats:
        """Sandwich covariance (M, M), between groups of human votes where there are some.

        Votes of different groups on one comparison share what is special about it, and how the judge errs
        on it: what their products add is added (Cameron, Gelbach & Miller, 2011, J. Bus. Econ. Stat. 29).
        """
        M, P = self.human.n_models, win_probabilities(theta)
        surplus = np.nan_to_num(self.residual(theta)) - power * self.own
        alone = self.human.pseudo * P**2 + power**2 * self.others
        together, between = self.by_comparison(surplus, shared), np.zeros((M, M))
        if shared.n_groups:
            won, lost = self.by_group(surplus, shared)
            inflation, _ = small_sample(self.votes_by_group(shared))
            sums = (won - lost) * np.sqrt(inflation)
            between = sums.T @ sums
            together = np.maximum(together - self.by_pair(surplus**2), 0)
        alone = alone + together
        bread = self.inverse_information(theta)
        return np.asarray(bread @ (between + laplacian(alone + alone.T)) @ bread)

    def votes_by_group(self, shared: _Shared) -> Floats:
        """(n_groups, M) human votes on each model, or what the judge said beside one that does not count."""
        told = ~np.isnan(self.score) | (self.error != 0)
        first, second = self.by_group(told, shared)
        return first + second

    def by_group(self, values: ArrayLike, shared: _Shared) -> tuple[Floats, Floats]:
        """Sums (n_groups, M) of each vote's value, under its first model and under its second."""
        row, shape = shared.group * self.human.n_models, (shared.n_groups, self.human.n_models)
        return summed(values, row + self.low, *shape), summed(values, row + self.high, *shape)

    def by_comparison(self, values: Floats, shared: _Shared) -> Floats:
        """(M, M) squares of each comparison's sum of values, summed by pair."""
        M, sums = self.human.n_models, np.bincount(shared.comparison, values)
        pair = np.empty(len(sums), np.intp)
        pair[shared.comparison] = self.low * M + self.high
        return summed(sums**2, pair, M, M)

    def by_pair(self, values: ArrayLike) -> Floats:
        """(M, M) sums of a value of each vote, by its pair."""
        M = self.human.n_models
        return summed(values, self.low * M + self.high, M, M)

    def residual(self, theta: Floats) -> Floats:
        """Human scores beyond expectation, NaN where not counted."""
        return np.asarray(self.score - scipy.special.expit(theta[self.low] - theta[self.high]))

    def inverse_information(self, theta: Floats) -> Floats:
        P = win_probabilities(theta)
        votes = self.by_pair(~np.isnan(self.score)) + self.human.pseudo
        return grouped_inverse(laplacian((votes + votes.T) * P * P.T), self.human.component)


def _column(values: ArrayLike, name: str, n: int) -> NDArray[Any]:
    column = np.asarray(values)
    if column.shape != (n,):
        raise ValueError(f"{name}: {column.shape} values for {n} votes")
    return column
