"""Refitting bootstrap on aggregated votes.

A vote drawn a Poisson number of times is the bootstrap of many votes; the sum over a cell's alike votes is a
Poisson draw too, so the cost follows the cells and not the votes.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import scipy
from numpy.typing import NDArray

from ranking.arrays import Floats, Ints
from ranking.bradley_terry import Fit
from ranking.clusters import Clusters
from ranking.connectivity import connectivity
from ranking.laplacian import laplacian, pseudo_inverse
from ranking.likelihood import maximum_likelihood

_CHORD_ROUNDS = 30
# Of the smallest standard error: far below what resampling can show.
_PRECISION = 1e-2
# Numbers held at once by an array: what the second-level cache holds.
_CACHED = 1 << 17
# Counts up to this are drawn from a table of quantiles, above from the rounded normal.
_TABULATED = 32
_LEVELS = 1 << 16


def bootstrap(
    fit: Fit,
    clusters: Clusters | None = None,
    *,
    replicates: int = 1000,
    seed: int = 0,
    chunk: int | None = None,
) -> Floats:
    """Refit resampled votes: (replicates, M) logits with mean zero in each component.

    With `clusters` (`cluster_votes`), whole clusters are resampled, else single votes; the prior's
    pseudo-votes stay. The same seed gives the same result whatever the `chunk` (replicates held at once). A
    replicate without a finite solution, possible without a prior, is NaN. Raises ValueError for Davidson's
    model, which is not refitted, and for fewer than two replicates.
    """
    if fit.ties == "davidson":
        raise ValueError("bootstrap: only fits that count ties as half wins, or drop them, are refitted")
    if replicates < 2:
        raise ValueError(f"replicates: {replicates} have no spread")
    result = np.full((replicates, fit.n_models), np.nan)
    for component in np.unique(fit.component[np.isfinite(fit.theta)]):
        pairs = _Pairs(fit, np.flatnonzero((fit.component == component) & np.isfinite(fit.theta)))
        draw = _Poisson((seed, int(component)))
        groups = None if clusters is None else pairs.by_cluster(clusters)
        size = chunk or max(8, _CACHED // pairs.n_pairs)
        for start in range(0, replicates, size):
            m = min(size, replicates - start)
            scored, played = pairs.resample(draw, m) if groups is None else pairs.regroup(draw, m, *groups)
            result[start : start + m, pairs.models] = pairs.refit(scored, played).T
    return result


class _Poisson:
    """Poisson draws that depend on the seed and not on how many rows are asked for at once."""

    def __init__(self, seed: tuple[int, ...]) -> None:
        # Each way of drawing goes its own way through its own stream, row by row.
        self.uniform, self.normal, self.exact = np.random.default_rng(seed).spawn(3)

    def __call__(self, means: Floats, rows: int) -> Floats:
        """(rows, len(means)) counts."""
        large = means > _TABULATED
        small = ~large & (means == np.rint(means))
        other = ~large & ~small
        drawn = np.empty((rows, len(means)))
        level = (self.uniform.random((rows, small.sum()), np.float32) * _LEVELS).astype(np.intp)
        drawn[:, small] = _quantiles()[level + means[small].astype(np.intp) * _LEVELS]
        normal = self.normal.standard_normal((rows, large.sum()))
        drawn[:, large] = np.maximum(np.rint(means[large] + np.sqrt(means[large]) * normal), 0)
        drawn[:, other] = self.exact.poisson(means[other], (rows, other.sum()))
        return drawn


@cache
def _quantiles() -> NDArray[np.uint8]:
    """Poisson quantiles at _LEVELS even levels for the means 0.._TABULATED, one after the other."""
    levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
    counts = np.arange(4 * _TABULATED)
    rows = [np.searchsorted(scipy.special.pdtr(counts, mean), levels) for mean in range(_TABULATED + 1)]
    return np.concatenate(rows).astype(np.uint8)


class _Pairs:
    """The pairs (i, j), i < j, of one component that have votes, and the point refits start from."""

    def __init__(self, fit: Fit, models: Ints) -> None:
        grid = np.ix_(models, models)
        self.models = models
        self.theta = fit.theta[models]
        self.wins, self.ties = (counts[grid] for counts in fit.matrix.counted(fit.ties, fit.both_bad))
        scores = self.wins + self.ties / 2
        self.i, self.j = np.nonzero(np.triu(scores + scores.T))
        self.n_pairs = len(self.i)
        self.pseudo = fit.pseudo[grid][self.i, self.j]
        signs = np.repeat([1.0, -1.0], self.n_pairs)
        pair = np.tile(np.arange(self.n_pairs), 2)
        shape = (len(models), self.n_pairs)
        where = np.concatenate([self.i, self.j]), pair
        self.incidence = scipy.sparse.csr_array((signs, where), shape=shape)
        self.inverse = self._inverse_information(scores)

    def _inverse_information(self, scores: Floats) -> Floats:
        played = (scores + scores.T)[self.i, self.j] + 2 * self.pseudo
        P = 1 / (1 + np.exp(self.theta[self.j] - self.theta[self.i]))
        weights = np.zeros_like(scores)
        weights[self.i, self.j] = weights[self.j, self.i] = played * P * (1 - P)
        return pseudo_inverse(laplacian(weights))

    def resample(self, draw: _Poisson, m: int) -> tuple[Floats, Floats]:
        """Scores of i and votes, both (pairs, m), pseudo-votes included, from independent votes."""
        won, tied, lost = self.wins[self.i, self.j], self.ties[self.i, self.j], self.wins[self.j, self.i]
        wins, ties, losses = np.split(draw(np.concatenate([won, tied, lost]), m).T, 3)
        scored = wins + ties / 2
        return self._with_prior(scored, scored + ties / 2 + losses)

    def regroup(
        self, draw: _Poisson, m: int, scored: scipy.sparse.csr_array, played: scipy.sparse.csr_array
    ) -> tuple[Floats, Floats]:
        """The same from whole clusters, given `by_cluster`."""
        weight = draw(np.ones(scored.shape[1]), m).T
        return self._with_prior(scored @ weight, played @ weight)

    def _with_prior(self, scored: Floats, played: Floats) -> tuple[Floats, Floats]:
        pseudo = self.pseudo[:, None]
        return scored + pseudo, played + 2 * pseudo

    def by_cluster(self, clusters: Clusters) -> tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]:
        """(pairs, n_groups) scores of i, and votes."""
        cells, (score, played, _) = clusters.counted.cells, clusters.counted.of()
        index = np.full((len(clusters.component),) * 2, -1)
        index[self.models[self.i], self.models[self.j]] = np.arange(self.n_pairs)
        pair = index[np.minimum(cells.left, cells.right), np.maximum(cells.left, cells.right)]
        scored = np.where(cells.left < cells.right, score, played - score)
        own, shape = pair >= 0, (self.n_pairs, clusters.n_groups)
        where = pair[own], clusters.group[own]
        sparse = partial(scipy.sparse.csr_array, shape=shape)
        return sparse((scored[own], where)), sparse((played[own], where))

    def refit(self, scored: Floats, played: Floats) -> Floats:
        """(K, m) logits: chord steps with the fit's information; what does not settle is fitted singly."""
        theta = np.tile(self.theta[:, None], scored.shape[1])
        tolerance = _PRECISION * np.sqrt(np.diagonal(self.inverse).min())
        active = np.arange(scored.shape[1])
        s, n = scored, played
        for _ in range(_CHORD_ROUNDS):
            w = np.exp(theta[:, active])
            first = w[self.i]
            step = self.inverse @ (self.incidence @ (s - n * (first / (first + w[self.j]))))
            theta[:, active] += np.clip(step, -2, 2)
            moving = np.abs(step).max(axis=0) > tolerance
            if not moving.all():
                active, s, n = active[moving], s[:, moving], n[:, moving]
            if not len(active):
                break
        for replicate in active:
            theta[:, replicate] = self._refit_one(scored[:, replicate], played[:, replicate])
        return np.asarray(theta - theta.mean(axis=0))

    def _refit_one(self, scored: Floats, played: Floats) -> Floats:
        scores = np.zeros((len(self.models),) * 2)
        scores[self.i, self.j], scores[self.j, self.i] = scored, played - scored
        if connectivity(scores).identifiable:
            return maximum_likelihood(scores)
        return np.full(len(self.models), np.nan)
