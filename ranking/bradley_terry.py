"""Ratings of models from pairwise votes: Bradley-Terry and, for ties as an outcome of their own, Davidson.

P(i beats j) = 1 / (1 + exp(theta_j - theta_i)) (Bradley & Terry, 1952, Biometrika 39). Ratings are logits
with mean zero in each connected component; `Fit.ratings` puts them on the Elo scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import lapack
from scipy.sparse.csgraph import NegativeCycleError, bellman_ford, csgraph_from_dense
from scipy.special import expit

from ranking.connectivity import Connectivity, connectivity, extended_order
from ranking.outcomes import BothBad, Floats, Ints, Ties, WinMatrix, check_choice

Prior = Literal["firth", "none"]

ELO_PER_LOGIT = 400 / log(10)
CENTER = 1000.0

# choix's spectral iteration costs M^3 a round; beyond this many models conjugate gradients are faster.
_SPECTRAL_MODELS = 150
_MAX_ROUNDS = 200
# On the squared Newton decrement, in units of log-likelihood, before a last quadratically convergent step.
_TOLERANCE = 1e-12
# Logits that Firth's pseudo-votes still move by less than this have settled; each round divides by votes
# a pair.
_SETTLED = 1e-9
# Residuals this small, in the same units, are rounding.
_ROUNDING = 1e-26


@dataclass(frozen=True)
class Note:
    """Something a reader must be told about a result: a stable code and what it is about."""

    code: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fit:
    """Ratings and everything they were made from and with.

    `theta` (M,): logits with mean zero in each component; NaN for a model without counted votes. Without a
    prior, models the votes put infinitely far above or below the rest are +inf or -inf, and those that
    cannot be placed NaN (see `connectivity.extended_order`). `component` (M,): which models can be compared
    at all, 0 the largest group, -1 without counted votes. `pseudo` (M, M): the prior's votes of row over
    column, symmetric.
    `tie_parameter`: Davidson's nu, None for the other ways to count ties; Davidson's logits are a scale of
    their own and must not be mixed with the others. `notes`: "no_votes", "disconnected", "undefeated",
    "winless", "not_identifiable", "no_ties", with the models (codes) concerned.
    """

    theta: Floats
    component: Ints
    matrix: WinMatrix
    pseudo: Floats
    ties: Ties
    both_bad: BothBad
    prior: Prior
    tie_parameter: float | None
    notes: tuple[Note, ...]

    @property
    def n_models(self) -> int:
        return len(self.theta)

    @property
    def scores(self) -> Floats:
        """(M, M) half-win scores the fit was made from, the prior's votes left out."""
        return self.matrix.half_wins(self.ties, self.both_bad)

    @property
    def pseudo_votes(self) -> tuple[Floats, Floats]:
        """The prior's (wins, ties), both (M, M); with Davidson it ties as often as the votes."""
        if self.tie_parameter is None:
            return self.pseudo, np.zeros_like(self.pseudo)
        return _with_ties(self.pseudo, *self.matrix.counted(self.ties, self.both_bad))

    def ratings(self, *, anchor: tuple[int, float] | None = None, center: float = CENTER) -> Floats:
        """Ratings on the Elo scale, shape (M,): mean `center` in each component.

        `anchor=(model, rating)` shifts that model's component so that it has that rating.
        """
        return to_elo(shifted(self.theta, self.component, anchor, center), center)

    def win_probability(self) -> Floats:
        """(M, M): how often row is preferred to column, a tie counting half; NaN across components."""
        win, tie, _ = self.outcome_probabilities()
        return win + tie / 2

    def outcome_probabilities(self) -> tuple[Floats, Floats, Floats]:
        """P(row wins), P(tie), P(row loses), each (M, M); without Davidson's tie parameter ties have none."""
        with np.errstate(invalid="ignore"):
            difference = self.theta[:, None] - self.theta
        difference[self.component[:, None] != self.component] = np.nan
        win, tie = davidson_probabilities(difference, self.tie_parameter or 0.0)
        return win, tie, win.T.copy()


def fit(
    matrix: WinMatrix,
    *,
    ties: Ties = "half",
    both_bad: BothBad = "exclude",
    prior: Prior = "firth",
    start: ArrayLike | None = None,
) -> Fit:
    """Fit ratings to aggregated votes, each connected component by itself.

    `ties`: "half" counts a tie as half a win for each, "drop" leaves ties out, "davidson" gives them a
    probability of their own (Davidson, 1970, JASA 65). `both_bad`: "exclude", or "tie" to count them so.
    `prior`: "firth" is Jeffreys' prior, which removes the first-order bias and keeps every rating finite
    (Firth, 1993, Biometrika 80); "none" is plain maximum likelihood. `start` (M,): logits of an earlier fit;
    it saves time and changes nothing. Disconnected, undefeated and unvoted models never raise: they are in
    `Fit.notes`.
    """
    check_choice("prior", prior, ("firth", "none"))
    scores = matrix.half_wins(ties, both_bad)
    graph = connectivity(scores)
    theta, pseudo = np.full(len(scores), np.nan), np.zeros_like(scores)
    first = _starting_point(start, len(scores))
    for component in range(graph.n_components):
        models = graph.members(component)
        grid = np.ix_(models, models)
        if prior == "firth":
            theta[models], pseudo[grid] = _fit_firth(scores[grid], first[models])
        else:
            theta[models] = _fit_extended(scores[grid], first[models])
    nu = None
    if ties == "davidson":
        theta, nu = _fit_davidson(*matrix.counted(ties, both_bad), pseudo, theta, graph.component)
    notes = tuple(_notes(graph, theta, nu))
    return Fit(theta, graph.component, matrix, pseudo, ties, both_bad, prior, nu, notes)


def to_elo(theta: Floats, center: float = CENTER) -> Floats:
    """Logits to Elo points: 400 points are odds of ten to one."""
    return np.asarray(center + ELO_PER_LOGIT * theta)


def shifted(theta: Floats, component: Ints, anchor: tuple[int, float] | None, center: float) -> Floats:
    """Logits moved so that the anchor (model, rating) gets its rating by `to_elo`, in its component only."""
    if anchor is None:
        return theta
    model, rating = anchor
    if not 0 <= model < len(theta) or not np.isfinite(theta[model]):
        raise ValueError(f"anchor: model {model} has no finite rating to pin the others to")
    if not np.isfinite(rating):
        raise ValueError(f"anchor: {rating} is no rating")
    target = (rating - center) / ELO_PER_LOGIT
    return np.where(component == component[model], theta - theta[model] + target, theta)


def win_probabilities(theta: Floats) -> Floats:
    """(M, M) P(row beats column) for finite logits."""
    centred = theta - (theta.max() + theta.min()) / 2
    if abs(centred[0] if len(centred) == 1 else centred.max()) > 300:  # exp() of the sums would overflow
        return np.asarray(expit(theta[:, None] - theta))
    # M exponentials instead of M^2: this is the inner loop of every fit.
    w = np.exp(centred)
    return np.asarray(w[:, None] / (w[:, None] + w))


def davidson_probabilities(difference: Floats, nu: float) -> tuple[Floats, Floats]:
    """P(win) and P(tie) at rating differences in logits, for Davidson's tie parameter `nu`."""
    if np.isinf(nu):
        return np.zeros_like(difference), np.ones_like(difference)
    # Divided by exp(difference / 2), so that a large difference cannot overflow.
    small = np.exp(-np.abs(difference) / 2)
    total = 1 + small * small + nu * small
    win = np.where(difference > 0, 1.0, small * small) / total
    return win, nu * small / total


def laplacian(weights: Floats) -> Floats:
    """Graph Laplacian of a symmetric (M, M) weight matrix."""
    matrix = -weights
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix


def pseudo_inverse(matrix: Floats) -> Floats:
    """Moore-Penrose inverse of a connected graph's Laplacian, by Cholesky.

    Raises numpy.linalg.LinAlgError when the graph is not connected.
    """
    M = len(matrix)
    # The constant vector spans the null space: lifting it by its mean eigenvalue makes the matrix regular.
    lift = np.trace(matrix) / M / M
    return np.asarray(inverse_of_positive(matrix + lift) - 1 / (lift * M * M))


def grouped_inverse(information: Floats, component: Ints) -> Floats:
    """Inverse of an information matrix (M + F, M + F) whose first M parameters are ratings.

    Ratings have mean zero in each component (-1: no votes), where a Laplacian by itself is singular. For a
    connected graph's Laplacian alone this is `pseudo_inverse`.
    """
    M = len(component)
    alone = np.where(component < 0, component.size + np.arange(M), component)
    same = (alone[:, None] == alone).astype(np.float64)
    share = same / same.sum(1)
    lift = np.trace(information[:M, :M]) / M if M else 0.0
    lifted = information.copy()
    lifted[:M, :M] += (lift if lift > 0 else 1.0) * share
    scale = np.sqrt(np.diagonal(lifted))
    # Covariates have units of their own: unscaled, a large one would drown the rest in rounding.
    inverse: Floats = inverse_of_positive(lifted / np.outer(scale, scale)) / np.outer(scale, scale)
    inverse[:M, :M] -= share / (lift if lift > 0 else 1.0)
    return inverse


def inverse_of_positive(matrix: Floats) -> Floats:
    """Inverse of a symmetric positive definite matrix; raises numpy.linalg.LinAlgError for any other."""
    factor, failed = lapack.dpotrf(matrix, lower=1)
    if failed:
        raise np.linalg.LinAlgError("not positive definite: the comparison graph is not connected")
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse)
    return np.asarray(lower + np.tril(lower, -1).T)


def leverages(votes: Floats, theta: Floats) -> Floats:
    """(M, M) leverage of each pair's votes (the sum over pairs is M - 1); `votes` counts both directions."""
    P = win_probabilities(theta)
    V = votes * P * P.T
    C = pseudo_inverse(laplacian(V))
    spread = np.diagonal(C)
    return np.asarray(V * (spread[:, None] + spread - 2 * C))


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
    for _ in range(_MAX_ROUNDS):
        P = win_probabilities(theta)
        # Surprises for less surprises against: unlike scores less expected scores, no large numbers cancel.
        surprise = scores * P.T
        gradient = surprise.sum(axis=1) - surprise.sum(axis=0)
        step = _solve_laplacian(votes * P * P.T, gradient)
        theta = theta + _shortening(_reach(step, votes)) * step
        if gradient @ step < _TOLERANCE:
            return np.asarray(theta - theta.mean())
    raise RuntimeError(f"not solved in {_MAX_ROUNDS} rounds: the comparison graph is not strongly connected")


def _shortening(reach: float) -> float:
    """Factor by which a Newton step always gains (Sun & Tran-Dinh, 2019, Math. Programming 178).

    The third derivative of the log-likelihood along the step is at most `reach` times the second: how far the
    step moves one outcome of a vote against another, in logits.
    """
    return float(np.log1p(reach) / reach) if reach > 0 else 1.0


def _reach(step: Floats, votes: Floats) -> float:
    """How far a step moves any two models that were compared."""
    reach = float(np.ptp(step))
    if reach < 1:  # the exact figure would hardly lengthen the step
        return reach
    return float(np.abs(step[:, None] - step)[votes > 0].max())


def _solve_laplacian(weights: Floats, target: Floats) -> Floats:
    """Solve laplacian(weights) x = target, which sums to 0, by Jacobi-preconditioned conjugate gradients."""
    degree = weights.sum(axis=1)
    x, residual = np.zeros_like(target), target
    scaled = residual / degree
    direction, norm = scaled, residual @ scaled
    # Early Newton rounds need only the direction; the last ones a solution.
    enough = norm * 1e-4 * min(1.0, norm)
    for _ in range(4 * len(target)):
        image = degree * direction - weights @ direction
        curvature = direction @ image
        if norm <= max(enough, _ROUNDING) or curvature <= 0:
            break
        length = norm / curvature
        x = x + length * direction
        residual = residual - length * image
        scaled = residual / degree
        previous, norm = norm, residual @ scaled
        direction = scaled + (norm / previous) * direction
    return np.asarray(x - x.mean())


def _fit_firth(scores: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Logits and pseudo-votes of a component: half of a pair's leverage to both sides, until it settles."""
    votes = scores + scores.T
    theta, first = start, start if start.any() else None
    for _ in range(_MAX_ROUNDS):
        pseudo = leverages(votes, theta) / 2
        updated = maximum_likelihood(scores + pseudo, first)
        moved = np.abs(updated - theta).max()
        theta = first = updated
        if moved < _SETTLED:
            return theta, pseudo
    raise RuntimeError(f"Firth's prior did not settle in {_MAX_ROUNDS} rounds")


def _fit_extended(scores: Floats, start: Floats) -> Floats:
    """Maximum likelihood of one component, with infinities where the votes put them."""
    theta = extended_order(scores)
    core = np.flatnonzero(theta == 0)
    if len(core):
        first = start[core] if start[core].any() else None
        theta[core] = maximum_likelihood(scores[np.ix_(core, core)], first)
    return theta


def _fit_davidson(
    wins: Floats, ties: Floats, pseudo: Floats, theta: Floats, component: Ints
) -> tuple[Floats, float]:
    """Logits and the tie parameter, common to all components, by Newton's method on (theta, log nu)."""
    finite = np.flatnonzero(np.isfinite(theta))
    grid = np.ix_(finite, finite)
    wins, ties, pseudo, groups = wins[grid], ties[grid], pseudo[grid], component[finite]
    if not ties.any():
        return theta, 0.0
    more_wins, more_ties = _with_ties(pseudo, wins, ties)
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
    try:
        for start in _one_of_each_group(wins + ties):
            bellman_ford(csgraph_from_dense(bounds, null_value=np.inf), indices=start)
    except NegativeCycleError:
        return True
    return False


def _one_of_each_group(scores: Floats) -> Ints:
    return np.unique(connectivity(scores).component, return_index=True)[1]


def _with_ties(pseudo: Floats, wins: Floats, ties: Floats) -> tuple[Floats, Floats]:
    """Pseudo-votes as wins and ties in the votes' proportion: the prior is not for the tie rate."""
    share = (ties.sum() / 2 + 0.5) / (ties.sum() / 2 + wins.sum() + 1)
    return (1 - share) * pseudo, 2 * share * pseudo


def _newton_davidson(wins: Floats, ties: Floats, theta: Floats, groups: Ints) -> tuple[Floats, float]:
    votes, scored, tied = wins + wins.T + ties, (wins + ties / 2).sum(axis=1), ties.sum() / 2
    M = len(theta)
    same_group = (groups[:, None] == groups).astype(np.float64)
    log_nu = float(np.log(2 * tied / wins.sum()))
    information = np.zeros((M + 1, M + 1))
    for _ in range(_MAX_ROUNDS):
        win, tie = davidson_probabilities(theta[:, None] - theta, float(np.exp(log_nu)))
        score = win + tie / 2
        information[:M, :M] = laplacian(votes * (win + tie / 4 - score**2))
        information[:M, :M] += same_group * (np.trace(information) / M / M)
        information[M, :M] = information[:M, M] = (votes * tie * (0.5 - score)).sum(axis=1)
        information[M, M] = (votes * tie * (1 - tie)).sum() / 2
        gradient = np.append(scored - (votes * score).sum(axis=1), tied - (votes * tie).sum() / 2)
        step = np.linalg.solve(information, gradient)
        reach = _reach(step[:M], votes)
        short = _shortening(max(reach, abs(step[M]) + reach / 2)) * step
        theta, log_nu = theta + short[:M], log_nu + float(short[M])
        if gradient @ step < _TOLERANCE:
            return theta, float(np.exp(log_nu))
    raise RuntimeError(f"no Davidson solution after {_MAX_ROUNDS} rounds")


def _starting_point(start: ArrayLike | None, n_models: int) -> Floats:
    if start is None:
        return np.zeros(n_models)
    first = np.array(start, np.float64)
    if first.shape != (n_models,):
        raise ValueError(f"start: expected {n_models} logits, got shape {first.shape}")
    # Models that are new, or were infinitely far off, start in the middle.
    first[~np.isfinite(first)] = 0.0
    return first


def _notes(graph: Connectivity, theta: Floats, nu: float | None) -> list[Note]:
    notes = [
        Note(code, {"models": np.flatnonzero(mask).tolist()})
        for code, mask in (
            ("no_votes", graph.unvoted),
            ("undefeated", graph.undefeated),
            ("winless", graph.winless),
            ("not_identifiable", ~graph.unvoted & ~np.isfinite(theta)),
        )
        if mask.any()
    ]
    if graph.n_components > 1:
        groups = [graph.members(c).tolist() for c in range(graph.n_components)]
        notes.append(Note("disconnected", {"components": groups}))
    if nu == 0.0:
        notes.append(Note("no_ties"))
    return notes
