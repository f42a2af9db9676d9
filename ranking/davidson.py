"""Ties as an outcome of their own (Davidson, 1970, JASA 65): P(tie) is greatest between equals."""

from __future__ import annotations

import numpy as np
import scipy

from ranking.arrays import Floats, Ints
from ranking.connectivity import connectivity
from ranking.laplacian import laplacian
from ranking.likelihood import MAX_ROUNDS, TOLERANCE, reach_of, shortening


def davidson_probabilities(difference: Floats, nu: float) -> tuple[Floats, Floats]:
    """P(win) and P(tie) at rating differences in logits, for Davidson's tie parameter `nu`."""
    if np.isinf(nu):
        return np.zeros_like(difference), np.ones_like(difference)
    # Divided by exp(difference / 2), so that a large difference cannot overflow.
    small = np.exp(-np.abs(difference) / 2)
    total = 1 + small * small + nu * small
    win = np.where(difference > 0, 1.0, small * small) / total
    return win, nu * small / total


def fit_davidson(
    wins: Floats, ties: Floats, pseudo: Floats, theta: Floats, component: Ints
) -> tuple[Floats, float]:
    """Logits and the tie parameter, common to all components, by Newton's method on (theta, log nu)."""
    finite = np.flatnonzero(np.isfinite(theta))
    grid = np.ix_(finite, finite)
    wins, ties, pseudo, groups = wins[grid], ties[grid], pseudo[grid], component[finite]
    if not ties.any():
        return theta, 0.0
    if not wins.any():
        # The prior's wins alone would say how likely a tie is.
        return np.where(np.isfinite(theta), np.nan, theta), np.inf
    more_wins, more_ties = with_ties(pseudo, wins, ties)
    wins, ties = wins + more_wins, ties + more_ties
    if not _davidson_exists(wins, ties):
        return np.where(np.isfinite(theta), np.nan, theta), np.inf
    solved = theta.copy()
    solved[finite], nu = _newton_davidson(wins, ties, theta[finite], groups)
    return solved, nu


def _davidson_exists(wins: Floats, ties: Floats) -> bool:
    """Whether the estimate is finite, where half wins connect the models strongly and there are ties.

    It is not when ratings exist with every winner at least 2 above its loser and no tied models more than
    2 apart: scaling these up, and nu with them, raises the likelihood for ever. Such ratings are
    potentials of a graph, and exist unless it has a negative cycle.
    """
    if np.any((wins > 0) & (wins.T > 0)):  # a cycle of two
        return True
    bounds = np.where(ties > 0, 2.0, np.inf)
    bounds[wins > 0] = -2.0
    graph = scipy.sparse.csgraph.csgraph_from_dense(bounds, null_value=np.inf)
    try:
        for start in _one_of_each_group(wins + ties):
            scipy.sparse.csgraph.bellman_ford(graph, indices=start)
    except scipy.sparse.csgraph.NegativeCycleError:
        return True
    return False


def _one_of_each_group(scores: Floats) -> Ints:
    return np.unique(connectivity(scores).component, return_index=True)[1]


def with_ties(pseudo: Floats, wins: Floats, ties: Floats) -> tuple[Floats, Floats]:
    """Pseudo-votes as wins and ties in the votes' proportion: the prior is not for the tie rate."""
    share = (ties.sum() / 2 + 0.5) / (ties.sum() / 2 + wins.sum() + 1)
    return (1 - share) * pseudo, 2 * share * pseudo


def _newton_davidson(wins: Floats, ties: Floats, theta: Floats, groups: Ints) -> tuple[Floats, float]:
    votes, scored, tied = wins + wins.T + ties, (wins + ties / 2).sum(axis=1), ties.sum() / 2
    M = len(theta)
    same_group = (groups[:, None] == groups).astype(np.float64)
    log_nu = float(np.log(2 * tied / wins.sum()))
    information = np.zeros((M + 1, M + 1))
    for _ in range(MAX_ROUNDS):
        win, tie = davidson_probabilities(theta[:, None] - theta, float(np.exp(log_nu)))
        score = win + tie / 2
        information[:M, :M] = laplacian(votes * (win + tie / 4 - score**2))
        information[:M, :M] += same_group * (np.trace(information) / M / M)
        information[M, :M] = information[:M, M] = (votes * tie * (0.5 - score)).sum(axis=1)
        information[M, M] = (votes * tie * (1 - tie)).sum() / 2
        gradient = np.append(scored - (votes * score).sum(axis=1), tied - (votes * tie).sum() / 2)
        step = np.linalg.solve(information, gradient)
        reach = reach_of(step[:M], votes)
        short = shortening(max(reach, abs(step[M]) + reach / 2)) * step
        theta, log_nu = theta + short[:M], log_nu + float(short[M])
        if gradient @ step < TOLERANCE:
            return theta, float(np.exp(log_nu))
    raise RuntimeError(f"no Davidson solution after {MAX_ROUNDS} rounds")
