"""Votes that are not independent: those of one annotator, on one prompt, of one comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ranking.arrays import Floats, Ints, Mask
from ranking.bradley_terry import Fit, Note
from ranking.outcomes import Cells

# Below this many clusters not even Student's t makes the variance between them a usable one,
MIN_CLUSTERS = 5
# nor where one of them gave nearly all votes: they must be worth this many even ones.
MIN_EFFECTIVE = 2.0
# More are put together at random, which stays valid, so that cost follows the models and not the crowd.
MAX_CLUSTERS = 256


@dataclass(frozen=True, eq=False)
class Counted:
    """What of cells entered a fit: `tie` and `both_bad` say whether these did, as ties."""

    cells: Cells
    tie: bool
    both_bad: bool

    def of(self, rows: slice = slice(None)) -> tuple[Floats, Floats, Floats]:
        """(scored by the left one, votes, ties among them), one a cell."""
        won, lost, tied, both_bad = self.cells.counts[:, rows].astype(np.float64, copy=False)
        tied = (tied if self.tie else np.zeros_like(won)) + (both_bad if self.both_bad else 0)
        scored = won + tied / 2
        return scored, scored + tied / 2 + lost, tied


@dataclass(frozen=True, eq=False)
class Clusters:
    """The votes a fit counted, in aggregated cells.

    `counted`: those of models of finite rating. `group` (n,): each cell's, 0..n_groups-1. `votes` (n_groups,
    M): how many a group gave on a model. `scores` (n_groups, M + 1): the derivative of a group's
    log-likelihood by the logits and by Davidson's log nu. `component` (M,): the fit's, -1 if not finite.
    """

    counted: Counted
    group: Ints
    votes: Floats
    scores: Floats
    component: Ints
    notes: tuple[Note, ...]

    @property
    def n_groups(self) -> int:
        return len(self.votes)

    def scaled_scores(self) -> Floats:
        """The scores scaled for the groups' number (`small_sample`): outer products estimate a variance."""
        inflation, _ = small_sample(np.column_stack([self.votes, self.votes.sum(axis=1)]))
        return np.asarray(self.scores * np.sqrt(inflation))


def small_sample(votes: Floats) -> tuple[Floats, Floats]:
    """(inflation, dof), both (P,): what few groups, with (G, P) votes on P parameters, do to a variance.

    The variance between G groups is multiplied by G / (G - 1) and has G - 1 degrees of freedom, where uneven
    groups count as the fewer even ones that would be worth as much, (sum n)^2 / sum n^2 (Carter, Schnepel &
    Steigerwald, 2017, Rev. Econ. Stat. 99). Fewer than MIN_CLUSTERS groups, or worth less than MIN_EFFECTIVE,
    have NaN degrees of freedom.
    """
    groups, squares = np.count_nonzero(votes, axis=0), (votes**2).sum(axis=0)
    effective = votes.sum(axis=0) ** 2 / np.where(squares > 0, squares, 1.0)
    known = (groups >= MIN_CLUSTERS) & (effective >= MIN_EFFECTIVE)
    bounded = np.maximum(effective, MIN_EFFECTIVE)
    return bounded / (bounded - 1), np.where(known, effective - 1, np.nan)


def cluster_votes(fit: Fit, cells: Cells, seed: int = 0) -> Clusters:
    """The votes among a fit's finite ratings, by cluster, at most MAX_CLUSTERS of them (see `deal`).

    Raises ValueError when the cells have no clusters or are not the votes of the fit.
    """
    if cells.cluster is None:
        raise ValueError("cells: no clusters to count the votes by")
    if cells.n_models != fit.n_models:
        raise ValueError(f"cells: {cells.n_models} models, but the fit has {fit.n_models}")
    finite = np.isfinite(fit.theta)
    if not finite.all():
        cells = cells.where(finite[cells.left] & finite[cells.right])
    group, n_groups, notes = deal(np.asarray(cells.cluster), seed)
    tie = fit.ties != "drop"
    counted = Counted(cells, tie=tie, both_bad=tie and fit.both_bad == "tie")
    votes, scores = _sums(fit, counted, group, n_groups)
    played = fit.scores[np.ix_(finite, finite)]
    if not np.allclose(votes.sum(axis=0)[finite], played.sum(axis=0) + played.sum(axis=1)):
        raise ValueError("cells: not the votes the fit was made from")
    component = np.where(finite, fit.component, -1)
    return Clusters(counted, group, votes, scores, component, notes + few_cluster_notes(votes, finite))


def _sums(fit: Fit, counted: Counted, group: Ints, n_groups: int) -> tuple[Floats, Floats]:
    """(G, M) votes on each model, and (G, M + 1) scores, both in one reading of the cells."""
    M, size = fit.n_models, n_groups * fit.n_models
    win, tie, _ = fit.outcome_probabilities()
    expected = win + tie / 2
    votes, scores, of_ties = np.zeros(size), np.zeros(size), np.zeros(n_groups)
    for rows, left, right in counted.cells.chunks(size):
        pair, own = left * M + right, group[rows]
        scored, played, tied = counted.of(rows)
        surplus = scored - played * expected.take(pair)
        first, second = own * M + left, own * M + right
        votes += np.bincount(first, played, size) + np.bincount(second, played, size)
        scores += np.bincount(first, surplus, size) - np.bincount(second, surplus, size)
        if fit.tie_parameter:
            of_ties += np.bincount(own, tied - played * tie.take(pair), n_groups)
    return votes.reshape(n_groups, M), np.column_stack([scores.reshape(n_groups, M), of_ties])


def few_cluster_notes(votes: Floats, rated: Mask) -> tuple[Note, ...]:
    """Which of the rated models have no interval, for want of groups or because one gave nearly all votes."""
    few = rated & (np.count_nonzero(votes, axis=0) < MIN_CLUSTERS)
    one = rated & ~few & np.isnan(small_sample(votes)[1])
    notes = (
        Note("few_clusters", {"models": np.flatnonzero(few).tolist(), "needed": MIN_CLUSTERS}),
        Note("one_cluster", {"models": np.flatnonzero(one).tolist()}),
    )
    return tuple(note for note in notes if note.arguments["models"])


def deal(cluster: NDArray[Any], seed: int = 0) -> tuple[Ints, int, tuple[Note, ...]]:
    """(group of each vote, how many groups, notes): the clusters' own numbers, or random groups of them.

    `cluster` (n,) may hold anything that can be sorted. More than MAX_CLUSTERS are dealt into that many
    groups at random, by `seed`: the groups of a random partition are clusters too (random groups: Wolter,
    2007, "Introduction to Variance Estimation", ch. 2).
    """
    number, n_clusters = _numbered(cluster)
    if n_clusters <= MAX_CLUSTERS:
        return number, n_clusters, ()
    dealt = np.random.default_rng(seed).permutation(n_clusters) % MAX_CLUSTERS
    note = Note("random_groups", {"clusters": n_clusters, "groups": MAX_CLUSTERS})
    return dealt[number], MAX_CLUSTERS, (note,)


def _numbered(values: NDArray[Any]) -> tuple[Ints, int]:
    """Each value's place among the distinct ones, ascending, and how many these are."""
    whole = values.dtype.kind in "iu" and len(values) > 0
    # In Python's integers, which cannot overflow as the column's own could.
    low, high = (int(values.min()), int(values.max())) if whole else (0, 0)
    if not whole or high - low >= len(values):
        ids, number = np.unique(values, return_inverse=True)
        return number, len(ids)
    # Small integers need no sorting, which takes longer than all else that is done with a tally's cells.
    offset = values.astype(np.intp) - low
    present = np.zeros(high - low + 1, bool)
    present[offset] = True
    return offset if present.all() else (np.cumsum(present) - 1)[offset], int(present.sum())
