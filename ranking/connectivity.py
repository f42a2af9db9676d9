"""What the comparison graph can and cannot identify.

Two models can be compared when votes join them, directly or through others; a difference between them is
finite without a prior only when each also reaches the other through wins or ties (Ford, 1957, "Solution of a
ranking problem from binary comparisons", Amer. Math. Monthly 64).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from ranking.arrays import Floats, Ints, Mask


@dataclass(frozen=True, eq=False)
class Connectivity:
    """What is known of M models from who scored against whom; every array has shape (M,).

    `component` numbers the groups joined by votes, 0 the largest, -1 a model without votes. `strong` numbers
    the groups whose members all reach each other through wins or ties, -1 without votes. `undefeated` models
    never lost or tied, `winless` ones never won or tied; both have votes.
    """

    component: Ints
    strong: Ints
    undefeated: Mask
    winless: Mask

    @property
    def n_components(self) -> int:
        return int(self.component.max(initial=-1)) + 1

    @property
    def unvoted(self) -> Mask:
        return np.asarray(self.component < 0)

    @property
    def comparable(self) -> bool:
        """Whether one list can hold every model that has votes."""
        return self.n_components == 1

    @property
    def identifiable(self) -> bool:
        """Whether the maximum likelihood estimate is finite and unique for the models that have votes."""
        return self.comparable and int(self.strong.max()) == 0

    def members(self, component: int) -> Ints:
        """Codes of the models in a component, ascending."""
        return np.flatnonzero(self.component == component)


def connectivity(scores: ArrayLike) -> Connectivity:
    """Read the graph of (M, M) scores (`WinMatrix.half_wins`): i scored against j where it is positive."""
    scored = np.asarray(scores, np.float64) > 0
    won, lost = np.asarray(scored.any(axis=1)), np.asarray(scored.any(axis=0))
    voted = won | lost
    strong = _groups(scored, voted, "strong")
    return Connectivity(
        component=strong if strong.max(initial=-1) == 0 else _groups(scored, voted, "weak"),
        strong=strong,
        undefeated=won & ~lost,
        winless=lost & ~won,
    )


def extended_order(scores: Floats) -> Floats:
    """Where maximum likelihood puts one component's models: 0 finite, +inf or -inf beyond them, NaN unknown.

    The finite ones are the largest strongly connected group, if there is one of at least two models. A model
    from which wins lead into that group, and never back, lies infinitely far above; the other way round,
    below. A model that neither reaches it nor is reached cannot be placed. Without such a group only the
    undefeated (+inf) and the winless (-inf) can be placed. `scores` is the component's (M, M) score matrix.
    """
    graph = connectivity(scores)
    sizes = np.bincount(graph.strong)
    place = np.full(len(scores), np.nan)
    if sizes.max() == 1 or np.count_nonzero(sizes == sizes.max()) > 1:
        place[graph.undefeated], place[graph.winless] = np.inf, -np.inf
        return place
    core = graph.strong == 0
    place[_reachable(scores > 0, core)] = -np.inf
    place[_reachable(scores.T > 0, core)] = np.inf
    place[core] = 0.0
    return place


def _groups(scored: Mask, voted: Mask, connection: str) -> Ints:
    """Group labels, the largest group first (then by lowest code), -1 outside `voted`."""
    labels = np.full(len(scored), -1, np.intp)
    if not voted.any():
        return labels
    if _all_reach_all(scored, voted):  # nearly always, and much quicker to see than to count groups
        labels[voted] = 0
        return labels
    graph = scipy.sparse.csr_array(scored)
    _, found = scipy.sparse.csgraph.connected_components(graph, directed=True, connection=connection)
    ids, first, members = np.unique(found[voted], return_index=True, return_counts=True)
    rank = np.empty(int(ids.max()) + 1, np.intp)
    rank[ids[np.lexsort((first, -members))]] = np.arange(len(ids))
    labels[voted] = rank[found[voted]]
    return labels


def _reachable(arcs: Mask, start: Mask) -> Mask:
    """Models that can be reached from `start` along arcs i -> j, itself included."""
    reached = new = start
    while new.any():
        new = arcs[new].any(axis=0) & ~reached
        reached = reached | new
    return reached


def _all_reach_all(arcs: Mask, voted: Mask) -> bool:
    start = np.zeros_like(voted)
    start[np.argmax(voted)] = True
    return all(bool(_reachable(way, start)[voted].all()) for way in (arcs, arcs.T))
