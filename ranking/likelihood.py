"""Maximum likelihood of the Bradley-Terry model on a strongly connected graph."""

from __future__ import annotations

import numpy as np
import scipy

from ranking.arrays import Floats
from ranking.laplacian import solve_laplacian

# choix's spectral iteration costs M^3 a round; beyond this many models conjugate gradients are faster.
_SPECTRAL_MODELS = 150
MAX_ROUNDS = 200
# On the squared Newton decrement, in units of log-likelihood, before a last quadratically convergent step.
TOLERANCE = 1e-12


def win_probabilities(theta: Floats) -> Floats:
    """(M, M) P(row beats column) for finite logits."""
    centred = theta - (theta.max() + theta.min()) / 2
    if abs(centred[0] if len(centred) == 1 else centred.max()) > 300:  # exp() of the sums would overflow
        return np.asarray(scipy.special.expit(theta[:, None] - theta))
    # M exponentials instead of M^2: this is the inner loop of every fit.
    w = np.exp(centred)
    return np.asarray(w[:, None] / (w[:, None] + w))


def maximum_likelihood(scores: Floats, start: Floats | None = None) -> Floats:
    """Bradley-Terry logits, mean zero, of a strongly connected (M, M) score matrix.

    choix's iterative spectral ranking (Maystre & Grossglauser, 2015) for small M, and Newton's method, which
    ends both. Raises RuntimeError when not solved.
    """
    if start is None:
        won, played = scores.sum(axis=1), (scores + scores.T).sum(axis=1)
        start = np.log((won + 0.5) / (played - won + 0.5))
        if len(scores) <= _SPECTRAL_MODELS:
            start = _spectral(scores, start)
    return _newton(scores, start)


def _spectral(scores: Floats, start: Floats) -> Floats:
    """choix's solution, or `start` where the weights are too far apart for its Markov chain."""
    # Here and not above: choix loads scipy's statistics, which take most of a program's start.
    import choix

    try:
        with np.errstate(all="ignore"):
            theta = choix.ilsr_pairwise_dense(scores, initial_params=start, tol=1e-6)
    except (ValueError, RuntimeError, np.linalg.LinAlgError):
        return start
    return np.asarray(theta) if np.isfinite(theta).all() else start


def _newton(scores: Floats, theta: Floats) -> Floats:
    votes = scores + scores.T
    for _ in range(MAX_ROUNDS):
        P = win_probabilities(theta)
        # Surprises for less surprises against: unlike scores less expected scores, no large numbers cancel.
        surprise = scores * P.T
        gradient = surprise.sum(axis=1) - surprise.sum(axis=0)
        step = solve_laplacian(votes * P * P.T, gradient)
        theta = theta + shortening(reach_of(step, votes)) * step
        if gradient @ step < TOLERANCE:
            return np.asarray(theta - theta.mean())
    raise RuntimeError(f"not solved in {MAX_ROUNDS} rounds: the comparison graph is not strongly connected")


def shortening(reach: float) -> float:
    """Factor by which a Newton step always gains (Sun & Tran-Dinh, 2019, Math. Programming 178).

    The third derivative of the log-likelihood along the step is at most `reach` times the second: how far the
    step moves one outcome of a vote against another, in logits.
    """
    return float(np.log1p(reach) / reach) if reach > 0 else 1.0


def reach_of(step: Floats, votes: Floats) -> float:
    """How far a step moves any two models that were compared."""
    reach = float(np.ptp(step))
    if reach < 1:  # the exact figure would hardly lengthen the step
        return reach
    return float(np.abs(step[:, None] - step)[votes > 0].max())
