"""Refitting bootstrap on aggregated votes.

A Poisson draw for each cell's count is the bootstrap of its votes (Hanley & MacGibbon, 2006, Comput. Methods
Programs Biomed. 83), so the cost follows the cells and not the votes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from ranking.bradley_terry import Fit, laplacian, maximum_likelihood, pseudo_inverse
from ranking.clusters import Clusters
from ranking.connectivity import connectivity
from ranking.outcomes import Floats, Ints

_CHORD_ROUNDS = 30
# Of the smallest standard error: far below what resampling can show.
_PRECISION = 1e-3


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
    pseudo-votes stay. The same seed gives the same result whatever the `chunk` (replicates held at once).
    A replicate without a finite solution, possible without a prior, is NaN. Davidson's model is not
    refitted: ValueError.
    """
    if fit.ties == "davidson":
        raise ValueError("bootstrap: only fits that count ties as half wins, or drop them, are refitted")
    result = np.full((replicates, fit.n_models), np.nan)
    for component in np.unique(fit.component[np.isfinite(fit.theta)]):
        models = np.flatnonzero((fit.component == component) & np.isfinite(fit.theta))
        pairs = _Pairs(fit, models)
        size = chunk or max(1, 1_000_000 // pairs.n_pairs)
        rng = np.random.default_rng((seed, int(component)))
        start = 0
        for scored, played in pairs.resample(rng, clusters, replicates, size):
            result[start : start + len(scored), models] = pairs.refit(scored, played)
            start += len(scored)
    return result


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
        shape = (self.n_pairs, len(models))
        self.incidence = csr_array((signs, (pair, np.concatenate([self.i, self.j]))), shape=shape)
        self.inverse = self._inverse_information(scores)

    def _inverse_information(self, scores: Floats) -> Floats:
        played = (scores + scores.T)[self.i, self.j] + 2 * self.pseudo
        P = 1 / (1 + np.exp(self.theta[self.j] - self.theta[self.i]))
        weights = np.zeros_like(scores)
        weights[self.i, self.j] = weights[self.j, self.i] = played * P * (1 - P)
        return pseudo_inverse(laplacian(weights))

    def resample(
        self, rng: np.random.Generator, clusters: Clusters | None, replicates: int, size: int
    ) -> Iterator[tuple[Floats, Floats]]:
        """Yield scores of i and votes, both (m, pairs), pseudo-votes included, for m <= size replicates."""
        sums = None if clusters is None else self._by_cluster(clusters)
        won, lost = self.wins[self.i, self.j], self.wins[self.j, self.i]
        cells = np.concatenate([won, self.ties[self.i, self.j], lost])
        for start in range(0, replicates, size):
            m = min(size, replicates - start)
            if sums is None:
                drawn = np.zeros((m, len(cells)))
                drawn[:, cells > 0] = rng.poisson(cells[cells > 0], (m, np.count_nonzero(cells)))
                wins, ties, losses = np.split(drawn, 3, axis=1)
                scored, played = wins + ties / 2, wins + ties + losses
            else:
                weight = rng.poisson(1.0, (m, sums[0].shape[0])).astype(np.float64)
                scored, played = weight @ sums[0], weight @ sums[1]
            yield scored + self.pseudo, played + 2 * self.pseudo

    def _by_cluster(self, clusters: Clusters) -> tuple[csr_array, csr_array]:
        """(n_groups, pairs) scores of i, and votes."""
        index = np.full((len(clusters.component),) * 2, -1)
        index[self.models[self.i], self.models[self.j]] = np.arange(self.n_pairs)
        low, high = np.minimum(clusters.left, clusters.right), np.maximum(clusters.left, clusters.right)
        pair = index[low, high]
        score = np.where(clusters.left < clusters.right, clusters.score, 1 - clusters.score)
        own, shape = pair >= 0, (clusters.n_groups, self.n_pairs)
        where = (clusters.group[own], pair[own])
        counts = clusters.count[own]
        return csr_array((counts * score[own], where), shape=shape), csr_array((counts, where), shape=shape)

    def refit(self, scored: Floats, played: Floats) -> Floats:
        """(m, K) logits: chord steps with the fit's information; what does not settle is fitted singly."""
        theta = np.tile(self.theta, (len(scored), 1))
        tolerance = _PRECISION * np.sqrt(np.diagonal(self.inverse).min())
        active = np.arange(len(scored))
        for _ in range(_CHORD_ROUNDS):
            w = np.exp(theta[active])
            surplus = scored[active] - played[active] * (w[:, self.i] / (w[:, self.i] + w[:, self.j]))
            step = np.clip((surplus @ self.incidence) @ self.inverse, -2, 2)
            theta[active] += step
            active = active[np.abs(step).max(axis=1) > tolerance]
            if not len(active):
                break
        for replicate in active:
            theta[replicate] = self._refit_one(scored[replicate], played[replicate])
        return np.asarray(theta - theta.mean(axis=1, keepdims=True))

    def _refit_one(self, scored: Floats, played: Floats) -> Floats:
        scores = np.zeros((len(self.models),) * 2)
        scores[self.i, self.j], scores[self.j, self.i] = scored, played - scored
        if connectivity(scores).identifiable:
            return maximum_likelihood(scores)
        return np.full(len(self.models), np.nan)
