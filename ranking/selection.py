"""Which pair of models, and which waiting comparison, teaches most next.

Two rules are mixed. One seeks the order: a vote on a pair is worth its information, v = p (1 - p), times the
variance of the pair's difference, times the chance that the pair stands the wrong way round. Alone it leaves
the far ends of the list vague, so the other lowers the average variance of all ratings (A-optimal design:
Atkinson, Donev & Tobias, *Optimum Experimental Designs, with SAS*). Before either, models that
no vote connects to the rest are connected, and models hardly judged yet are judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from ranking.arrays import Floats, Ints, Mask
from ranking.bradley_terry import Fit
from ranking.uncertainty import covariance

# Every pair keeps a little of the probability: the rules are estimates, and estimates can be wrong.
_EXPLORED = 0.05


@dataclass(frozen=True, eq=False)
class PairScores:
    """What one more vote on each pair is worth; (M, M), symmetric, zero where nothing is known of the pair.

    `order`: information x variance of the difference x chance that the order is wrong. `variance`: by how
    much the summed variance of all ratings falls. `connects`: votes that would join a smaller component to
    the largest. `starved` (M,): models with fewer judgments than `minimum`.
    """

    order: Floats
    variance: Floats
    connects: Floats
    starved: Mask
    variance_share: float
    minimum: int

    def probabilities(self, allowed: ArrayLike | None = None) -> Floats:
        """(M, M) symmetric probabilities of asking about each pair; those above the diagonal sum to 1.

        `allowed` (M, M), boolean: the pairs that can be asked about (by default all). Of these, pairs that
        connect come first, then those with a starved model, then the mixture of the two rules; whichever
        applies has 95 % of the probability, and all pairs share the rest. All zero when none is allowed.
        """
        M = len(self.order)
        possible = ~np.eye(M, dtype=bool)
        if allowed is not None:
            possible &= np.asarray(allowed, bool) | np.asarray(allowed, bool).T
        anything = _shares(possible.astype(np.float64))
        mixture = self._mixture(possible)
        feeding = np.where(self.starved[:, None] | self.starved, mixture, 0.0)
        for rule in (self.connects, feeding, mixture):
            wanted = _shares(np.where(possible, rule, 0.0))
            if wanted.any():
                return (1 - _EXPLORED) * wanted + _EXPLORED * anything
        return anything

    def _mixture(self, possible: Mask) -> Floats:
        order, variance = (_shares(np.where(possible, x, 0.0)) for x in (self.order, self.variance))
        return (1 - self.variance_share) * order + self.variance_share * variance


def score_pairs(fitted: Fit, *, variance_share: float = 0.25, minimum: int = 5) -> PairScores:
    """Score every pair of a fit's models.

    `variance_share`: how much of the mixture is the variance rule, 0 to 1; a quarter keeps what the order
    rule saves and a fifth of what it costs in exactness (benchmarks/ranking_selection.py). `minimum`:
    judgments every model should have before the rules decide. Raises ValueError outside these ranges.
    """
    if not 0 <= variance_share <= 1:
        raise ValueError(f"variance_share: {variance_share} is not between 0 and 1")
    if minimum < 0:
        raise ValueError(f"minimum: {minimum} is negative")
    # Fisher's, as the sandwich takes a model that has won every vote so far for a well known one.
    C = np.nan_to_num(covariance(fitted, kind="fisher"))
    finite = np.isfinite(fitted.theta)
    theta = np.where(finite, fitted.theta, 0.0)
    same = (fitted.component[:, None] == fitted.component) & finite[:, None] & finite
    gap = np.abs(theta[:, None] - theta)
    # p (1 - p), written so that a wide gap cannot overflow.
    information = np.exp(-gap) / (1 + np.exp(-gap)) ** 2
    spread = np.where(same, np.maximum(_between(C), 0.0), 0.0)
    wrong = scipy.special.ndtr(-gap / np.sqrt(np.where(spread > 0, spread, np.inf)))
    lowered = np.where(same, np.maximum(_between(C @ C), 0.0), 0.0) * information / (1 + information * spread)
    return PairScores(
        order=information * spread * wrong,
        variance=lowered,
        connects=_connecting(fitted.component, theta),
        starved=fitted.matrix.judgments < minimum,
        variance_share=variance_share,
        minimum=minimum,
    )


def comparison_probabilities(scores: PairScores, a: ArrayLike, b: ArrayLike) -> Floats:
    """Probabilities (n,) of asking about each of n waiting comparisons, given their models.

    Comparisons of one pair share the pair's probability. Raises ValueError for models out of range and
    self-pairs.
    """
    first, second = np.asarray(a, np.intp), np.asarray(b, np.intp)
    M = len(scores.order)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError("a and b must be one-dimensional and equally long")
    if first.size == 0:
        return np.zeros(0)
    if min(first.min(), second.min()) < 0 or max(first.max(), second.max()) >= M:
        raise ValueError(f"model codes must lie in 0..{M - 1}")
    if (first == second).any():
        raise ValueError(f"row {int(np.argmax(first == second))}: a model is compared with itself")
    pair = np.minimum(first, second) * M + np.maximum(first, second)
    waiting = np.bincount(pair, minlength=M * M)
    chances = scores.probabilities((waiting > 0).reshape(M, M)).ravel()
    return np.asarray(chances[pair] / waiting[pair])


def choose_comparisons(
    scores: PairScores, a: ArrayLike, b: ArrayLike, size: int, *, seed: int | np.random.Generator
) -> Ints:
    """Indices of `size` different waiting comparisons, in the order to ask them; fewer when fewer wait."""
    chances = comparison_probabilities(scores, a, b)
    if not len(chances):
        return np.empty(0, np.intp)
    size = min(size, len(chances))
    return np.random.default_rng(seed).choice(len(chances), size, replace=False, p=chances).astype(np.intp)


def choose_pairs(scores: PairScores, size: int, *, seed: int | np.random.Generator) -> Ints:
    """`size` pairs of models, shape (size, 2), drawn with replacement; none with fewer than two models."""
    low, high = np.triu_indices(len(scores.order), 1)
    if not len(low):
        return np.empty((0, 2), np.intp)
    drawn = np.random.default_rng(seed).choice(len(low), size, p=scores.probabilities()[low, high])
    return np.column_stack([low[drawn], high[drawn]])


def _between(quadratic: Floats) -> Floats:
    """(e_i - e_j)' Q (e_i - e_j) for every pair."""
    own = np.diagonal(quadratic)
    return np.asarray(own[:, None] + own - 2 * quadratic)


def _connecting(component: Ints, theta: Floats) -> Floats:
    """Weights of the pairs that join a component to the largest, or anything at all before the first vote.

    Each smaller component has the same weight; within it, opponents near the middle of the largest are
    preferred, as their votes tell most of a model of unknown rating.
    """
    M = len(component)
    if not (component >= 0).any():
        return 1.0 - np.eye(M)
    label = np.where(component < 0, M + np.arange(M), component)
    _, index, size = np.unique(label, return_inverse=True, return_counts=True)
    outside = np.where(component == 0, 0.0, 1.0 / size[index])
    inside = np.where(component == 0, 1 / np.cosh(theta / 2) ** 2, 0.0)
    joins = np.outer(outside, inside)
    return np.asarray(joins + joins.T)


def _shares(weights: Floats) -> Floats:
    """Symmetric weights scaled so that those above the diagonal sum to 1; zeros stay zeros."""
    total = np.triu(weights, 1).sum()
    return np.asarray(weights / total) if total > 0 else np.zeros_like(weights)
