"""How reliable each annotator is, judged by the ratings they and the others imply.

logit P(annotator k prefers a to b) = s_k (theta_a - theta_b): s_k near 1 sees the differences most people
see, near 0 votes at random, and below 0 prefers the worse. This is the discrimination parameter of item
response theory (Birnbaum, 1968, in Lord & Novick, *Statistical Theories of Mental Test Scores*) laid on
annotators, with a prior s ~ N(1, 1/4) that lets nobody be condemned on a handful of votes.

The weighted ratings stand beside the plain ones, which remain the headline: an annotator of unusual taste
looks unreliable, and is not wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from ranking.arrays import Floats, Ints, summed
from ranking.bradley_terry import CENTER, ELO_PER_LOGIT, Fit, Note, fit, shifted, to_elo
from ranking.codes import BothBad, Ties, outcome_scores
from ranking.laplacian import grouped_inverse, laplacian
from ranking.likelihood import win_probabilities
from ranking.outcomes import Cells, WinMatrix
from ranking.uncertainty import critical_value

PRIOR_SPREAD = 0.5
_MAX_ROUNDS = 300
_TOLERANCE = 1e-7
# A median annotator this close to guessing is no unit; the prior alone then keeps the scale.
_LEAST_UNIT = 0.1


@dataclass(frozen=True, eq=False)
class Reliability:
    """Annotators' reliability, and ratings weighted by it beside the plain ones.

    `annotators` (G,): the cells' cluster codes, ascending. `reliability` (G,): s, in units of the median
    annotator's; `standard_error` (G,), NaN for a single annotator, whom there is nobody to compare with
    ("one_annotator"). `votes` (G,): counted votes. `theta` (M,): weighted logits, mean zero in each
    component, NaN without counted votes, with their `covariance` (M, M), both in the median annotator's
    logits. `plain`: the unweighted fit.
    """

    annotators: Ints
    reliability: Floats
    standard_error: Floats
    votes: Floats
    theta: Floats
    covariance: Floats
    plain: Fit
    prior_spread: float
    notes: tuple[Note, ...]

    def intervals(self, *, level: float = 0.95) -> tuple[Floats, Floats]:
        """Lower and upper bounds (G,) of the reliabilities."""
        half = critical_value(level) * self.standard_error
        return self.reliability - half, self.reliability + half

    def ratings(self, *, anchor: tuple[int, float] | None = None, center: float = CENTER) -> Floats:
        """Weighted ratings on the Elo scale, shape (M,), to stand beside `plain.ratings()`."""
        return to_elo(shifted(self.theta, self.plain.component, anchor, center), center)

    def shift(self) -> Floats:
        """(M,) Elo points that weighting adds to each model's rating."""
        return np.asarray(ELO_PER_LOGIT * (self.theta - self.plain.theta))

    def reversals(self) -> list[tuple[int, int]]:
        """Pairs (better plain, better weighted) of models whose order weighting turns around."""
        plain, weighted = (x[:, None] - x for x in (self.plain.theta, self.theta))
        same = self.plain.component[:, None] == self.plain.component
        return [(int(i), int(j)) for i, j in np.argwhere(same & (plain > 0) & (weighted < 0))]


def fit_reliability(
    cells: Cells,
    *,
    ties: Ties = "half",
    both_bad: BothBad = "exclude",
    prior_spread: float = PRIOR_SPREAD,
) -> Reliability:
    """Estimate reliabilities and weighted ratings together from votes aggregated by annotator.

    `cells.cluster` names the annotator; `prior_spread` is the prior standard deviation of s. Newton's method
    takes turns between annotators and ratings. Raises ValueError without annotators or with a spread that is
    not positive, RuntimeError when the turns do not settle.
    """
    if cells.cluster is None:
        raise ValueError("cells: reliability needs to know who voted; give the annotator as cluster")
    if not prior_spread > 0:
        raise ValueError(f"prior_spread: {prior_spread} is not positive")
    plain = fit(WinMatrix.from_cells(cells), ties=ties, both_bad=both_bad)
    annotators = np.unique(cells.cluster)
    left, right, outcome, count, cluster = cells.by_outcome()
    score = outcome_scores(outcome, ties, both_bad)
    keep = ~np.isnan(score)
    who = np.searchsorted(annotators, np.asarray(cluster)[keep])
    votes = _Votes(left[keep], right[keep], score[keep], count[keep], who, len(annotators), plain)
    theta, s = votes.solve(prior_spread)
    covariance, errors = votes.uncertainty(theta, s, prior_spread)
    voted = plain.component >= 0
    notes = plain.notes
    if len(annotators) < 2:
        errors, notes = np.full(len(annotators), np.nan), (*notes, Note("one_annotator"))
    return Reliability(
        annotators=annotators,
        reliability=s,
        standard_error=errors,
        votes=votes.by_annotator(np.ones_like(votes.score)),
        theta=np.where(voted, theta, np.nan),
        covariance=np.where(voted[:, None] & voted, covariance, np.nan),
        plain=plain,
        prior_spread=prior_spread,
        notes=notes,
    )


@dataclass(frozen=True, eq=False)
class _Votes:
    """The cells that count, and the plain fit, whose prior votes weigh as a typical annotator's."""

    left: Ints
    right: Ints
    score: Floats
    count: Floats
    who: Ints
    n_annotators: int
    plain: Fit

    def solve(self, spread: float) -> tuple[Floats, Floats]:
        theta, s = np.nan_to_num(self.plain.theta), np.ones(self.n_annotators)
        for _ in range(_MAX_ROUNDS):
            moved = self.annotator_step(theta, s, spread)
            # The product s * theta is all that votes tell; the median annotator sets its unit.
            unit = np.median(moved) if moved.size else 1.0
            moved /= unit if unit > _LEAST_UNIT else 1.0
            step = self.rating_step(theta, moved)
            settled = max(np.abs(step).max(initial=0.0), np.abs(moved - s).max(initial=0.0)) < _TOLERANCE
            theta, s = theta + step, moved
            if settled:
                return theta, s
        raise RuntimeError(f"reliabilities and ratings did not settle in {_MAX_ROUNDS} rounds")

    def annotator_step(self, theta: Floats, s: Floats, spread: float) -> Floats:
        """The reliabilities (G,) after a damped Newton step with the ratings held."""
        difference, p = self.expected(theta, s)
        gradient = self.by_annotator((self.score - p) * difference) - (s - 1) / spread**2
        information = self.by_annotator(p * (1 - p) * difference**2) + 1 / spread**2
        return np.asarray(s + np.clip(gradient / information, -0.5, 0.5))

    def rating_step(self, theta: Floats, s: Floats) -> Floats:
        """A damped Newton step (M,) of the ratings with the reliabilities held."""
        _, p = self.expected(theta, s)
        pull = self.count * s[self.who] * (self.score - p)
        M = self.plain.n_models
        gradient = summed(pull, self.left, M) - summed(pull, self.right, M)
        gradient = gradient + (self.plain.pseudo * (1 - 2 * win_probabilities(theta))).sum(1)
        inverse = grouped_inverse(self.rating_information(theta, s), self.plain.component)
        return np.asarray(np.clip(inverse @ gradient, -0.5, 0.5))

    def rating_information(self, theta: Floats, s: Floats) -> Floats:
        _, p = self.expected(theta, s)
        M, P = self.plain.n_models, win_probabilities(theta)
        weight = self.count * s[self.who] ** 2 * p * (1 - p)
        pairs = summed(weight, self.left * M + self.right, M, M)
        return laplacian(pairs + pairs.T + 2 * self.plain.pseudo * P * P.T)

    def uncertainty(self, theta: Floats, s: Floats, spread: float) -> tuple[Floats, Floats]:
        """Covariance (M, M) of the ratings and standard errors (G,), each allowing for the other's."""
        difference, p = self.expected(theta, s)
        M, G = self.plain.n_models, self.n_annotators
        shared = self.count * p * (1 - p) * s[self.who] * difference
        mixed = summed(shared, self.left * G + self.who, M, G)
        mixed -= summed(shared, self.right * G + self.who, M, G)
        spare = 1 / (self.by_annotator(p * (1 - p) * difference**2) + 1 / spread**2)
        # The unit of s is fixed, so the reliabilities can only move against each other.
        alone = np.diag(spare) - np.outer(spare, spare) / max(spare.sum(), np.finfo(float).tiny)
        covariance = grouped_inverse(
            self.rating_information(theta, s) - mixed @ alone @ mixed.T, self.plain.component
        )
        passed_on = mixed @ alone
        variance = np.diagonal(alone) + (passed_on * (covariance @ passed_on)).sum(0)
        return covariance, np.sqrt(np.maximum(variance, 0))

    def expected(self, theta: Floats, s: Floats) -> tuple[Floats, Floats]:
        difference = theta[self.left] - theta[self.right]
        return difference, np.asarray(scipy.special.expit(s[self.who] * difference))

    def by_annotator(self, values: Floats) -> Floats:
        return summed(self.count * values, self.who, self.n_annotators)
