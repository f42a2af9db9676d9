"""Votes that are not independent: those of one annotator, on one prompt, of one comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.bradley_terry import Fit, Note
from ranking.outcomes import Cells, Floats, Ints, Outcome, WinMatrix

# Below this many clusters not even Student's t makes the variance between them a usable one.
MIN_CLUSTERS = 5
# More are put together at random, which stays valid, so that cost follows the models and not the crowd.
MAX_CLUSTERS = 256


@dataclass(frozen=True, eq=False)
class Clusters:
    """The votes a fit counted, in aggregated cells: arrays of one length, one row per cell.

    `group` 0..n_groups-1; `left`, `right` model codes; `score` of the left one, 1, 0 or 0.5; `count` votes.
    `judged` (n_groups, M): whether a group judged a model. `component` (M,): the fit's, -1 if not finite.
    """

    group: Ints
    left: Ints
    right: Ints
    score: Floats
    count: Floats
    judged: NDArray[np.bool_]
    component: Ints
    notes: tuple[Note, ...]

    @property
    def n_groups(self) -> int:
        return len(self.judged)

    def dof(self) -> Floats:
        """(M,) degrees of freedom of each model's interval, NaN with fewer than MIN_CLUSTERS groups."""
        groups = self.judged.sum(axis=0)
        return np.where(groups >= MIN_CLUSTERS, groups - 1.0, np.nan)

    def score_sums(self, expected: Floats, tied: Floats) -> Floats:
        """(n_groups, M + 1) derivative of each group's log-likelihood by the logits and by Davidson's log nu.

        `expected` and `tied` are the (M, M) expected score of row over column and probability of a tie.
        Scaled by the usual G / (G - 1), with the groups of each component, so that outer products
        estimate a variance.
        """
        M, G = len(self.component), self.n_groups
        pair, row = self.left * M + self.right, self.group * M
        surplus = self.count * (self.score - expected.take(pair))
        sums = np.bincount(row + self.left, surplus, G * M) - np.bincount(row + self.right, surplus, G * M)
        columns = np.zeros((G, M + 1))
        columns[:, :M] = sums.reshape(G, M)
        if tied.any():
            columns[:, M] = np.bincount(self.group, self.count * ((self.score == 0.5) - tied.take(pair)), G)
        return np.asarray(columns * np.sqrt(self._correction()))

    def _correction(self) -> Floats:
        """(M + 1,) G / (G - 1) with the groups of each model's component, and with all of them."""
        n_components = int(self.component.max(initial=-1)) + 1
        groups = [self.judged[:, self.component == c].any(axis=1).sum() for c in range(n_components)]
        factor = np.array([g / max(g - 1, 1) for g in [*groups, self.n_groups]])
        return np.asarray(factor[np.append(self.component, n_components)])


def cluster_votes(fit: Fit, cells: Cells, seed: int = 0) -> Clusters:
    """The votes among a fit's finite ratings, by cluster, at most MAX_CLUSTERS of them (see `deal`).

    Raises ValueError when the cells have no clusters or are not the votes of the fit.
    """
    if cells.cluster is None:
        raise ValueError("cells: no clusters to count the votes by")
    _check_same_votes(fit, cells)
    finite = np.isfinite(fit.theta)
    counted = finite[cells.left] & finite[cells.right] & _counted(fit)[cells.outcome] & (cells.count > 0)
    rows = slice(None) if counted.all() else counted
    left, right, count = cells.left[rows], cells.right[rows], cells.count[rows]
    group, n_groups, notes = deal(cells.cluster[rows], seed)
    judged = np.zeros((n_groups, cells.n_models), bool)
    for model in (left, right):
        judged.ravel()[group * cells.n_models + model] = True
    few = finite & (judged.sum(axis=0) < MIN_CLUSTERS)
    if few.any():
        notes += (Note("few_clusters", {"models": np.flatnonzero(few).tolist(), "needed": MIN_CLUSTERS}),)
    return Clusters(
        group=group,
        left=left,
        right=right,
        score=np.array([1.0, 0.0, 0.5, 0.5])[cells.outcome[rows]],
        count=count,
        judged=judged,
        component=np.where(finite, fit.component, -1),
        notes=notes,
    )


def deal(cluster: NDArray[Any], seed: int = 0) -> tuple[Ints, int, tuple[Note, ...]]:
    """(group of each vote, how many groups, notes): the clusters' own numbers, or random groups of them.

    `cluster` (n,) may hold anything that can be sorted. More than MAX_CLUSTERS are dealt into that many
    groups at random, by `seed`: the groups of a random partition are clusters too (random groups: Wolter,
    2007, "Introduction to Variance Estimation", ch. 2).
    """
    ids, number = np.unique(cluster, return_inverse=True)
    if len(ids) <= MAX_CLUSTERS:
        return number, len(ids), ()
    dealt = np.random.default_rng(seed).permutation(len(ids)) % MAX_CLUSTERS
    note = Note("random_groups", {"clusters": len(ids), "groups": MAX_CLUSTERS})
    return dealt[number], MAX_CLUSTERS, (note,)


def _counted(fit: Fit) -> NDArray[np.bool_]:
    """Which outcomes entered the fit, by code."""
    kept = np.ones(len(Outcome), bool)
    kept[Outcome.TIE] = fit.ties != "drop"
    kept[Outcome.BOTH_BAD] = fit.ties != "drop" and fit.both_bad == "tie"
    return kept


def _check_same_votes(fit: Fit, cells: Cells) -> None:
    if cells.n_models != fit.n_models:
        raise ValueError(f"cells: {cells.n_models} models, but the fit has {fit.n_models}")
    of_cells, of_fit = WinMatrix.from_cells(cells).judgments, fit.matrix.judgments
    if not np.allclose(of_cells, of_fit):
        raise ValueError("cells: not the votes the fit was made from")
