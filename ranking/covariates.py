"""Ratings with something else held equal: the side a response was shown on, its length, its style.

logit P(a beats b) = theta_a - theta_b + beta . x, where x describes how a's response differs from b's (or
that a stood on the left). Effects are maximum likelihood, never shrunk: a penalty on beta would give part of
every effect back to the ratings it is meant to be kept out of. Only the models' ratings have the prior of
the raw fit, as the votes it amounts to.

Order effects in the Bradley-Terry model: Davidson and Beaver, *Biometrics* 33 (1977) 693-702. The clustered
covariance: Liang and Zeger, *Biometrika* 73 (1986) 13-22.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ranking.arrays import Floats, Ints, Mask
from ranking.bradley_terry import CENTER, Fit, Note, Prior, fit, shifted, to_elo
from ranking.clusters import MIN_CLUSTERS, deal, small_sample
from ranking.codes import BothBad, Ties, outcome_scores
from ranking.crossed import Crossed, crossed
from ranking.laplacian import grouped_inverse, laplacian
from ranking.likelihood import win_probabilities
from ranking.outcomes import Cells, WinMatrix
from ranking.uncertainty import critical_value

_CHUNK = 1 << 15
_MAX_ROUNDS = 60
_TOLERANCE = 1e-12
# Relative to what the votes could tell of an effect if the ratings were known, and to what they tell at zero.
_COLLINEAR = 1e-9
_VANISHED = 1e-6


@dataclass(frozen=True)
class Effect:
    """What one unit of a covariate adds to the logit that a is preferred: estimate, error, interval and z."""

    name: str
    logit: float
    standard_error: float
    lower: float
    upper: float

    @property
    def z(self) -> float:
        return self.logit / self.standard_error


@dataclass(frozen=True, eq=False)
class ControlledFit:
    """Ratings with covariates held equal, beside the raw ones, and how they were made.

    `raw`: the fit without covariates. `theta` (M,): controlled logits, mean zero in each component, NaN for a
    model without counted votes. `beta` (F,): effects of the covariates `names`. `covariance` (M + F, M + F),
    of theta and beta together. `dof` (M + F,): degrees of freedom of the t quantiles, infinite for
    independent votes, NaN where too few clusters bear on a parameter: those have no interval. `votes`:
    how many entered. `notes`: those of the raw fit, "random_groups" and "few_clusters".
    """

    raw: Fit
    names: tuple[str, ...]
    theta: Floats
    beta: Floats
    covariance: Floats
    dof: Floats
    votes: float
    notes: tuple[Note, ...]

    def ratings(self, *, anchor: tuple[int, float] | None = None, center: float = CENTER) -> Floats:
        """Controlled ratings on the Elo scale, shape (M,), to stand beside `raw.ratings()`."""
        return to_elo(shifted(self.theta, self.raw.component, anchor, center), center)

    def intervals(self, *, level: float = 0.95, center: float = CENTER) -> tuple[Floats, Floats]:
        """Lower and upper bounds of the controlled ratings, each against its component's mean."""
        half = self._half_widths(level)[: len(self.theta)]
        return to_elo(self.theta - half, center), to_elo(self.theta + half, center)

    def effects(self, *, level: float = 0.95) -> tuple[Effect, ...]:
        """The covariates' effects in logits; times `ELO_PER_LOGIT` they are Elo points."""
        errors, half = (
            x[len(self.theta) :].tolist()
            for x in (np.sqrt(np.diagonal(self.covariance)), self._half_widths(level))
        )
        return tuple(
            Effect(name, b, e, b - h, b + h)
            for name, b, e, h in zip(self.names, self.beta.tolist(), errors, half, strict=True)
        )

    def _half_widths(self, level: float) -> Floats:
        return np.asarray(critical_value(level, self.dof) * np.sqrt(np.diagonal(self.covariance)))


def fit_covariates(
    left: ArrayLike,
    right: ArrayLike,
    outcome: ArrayLike,
    covariates: ArrayLike,
    n_models: int,
    *,
    names: Sequence[str],
    weight: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    item: ArrayLike | None = None,
    ties: Ties = "half",
    both_bad: BothBad = "exclude",
    prior: Prior = "firth",
    seed: int = 0,
) -> ControlledFit:
    """Fit ratings and effects together, by Newton's method over chunks of the votes.

    `left`, `right`, `outcome` (n,): as for `Cells.from_votes`. `covariates` (n, F): how left's response
    differs from right's. `weight` (n,) repeats votes. `cluster` (n,): who or what votes share, for the
    covariance; `item` (n,): the prompt or comparison a vote is on, for what votes share besides (see
    `crossed`). `seed` divides more than 256 clusters into 256 random groups.

    Raises ValueError for malformed columns, for covariates that are not finite, and for those the votes
    cannot tell from the models or from each other; RuntimeError when the effects are infinite, which is so
    when a covariate predicts every vote.
    """
    matrix = WinMatrix.from_votes(left, right, outcome, n_models, weight=weight)
    raw = fit(matrix, ties=ties, both_bad=both_bad, prior=prior)
    if np.isinf(raw.theta).any() or np.isnan(raw.theta[raw.component >= 0]).any():
        raise ValueError("without a prior these votes leave some ratings infinite: nothing can be held equal")
    score = outcome_scores(outcome, ties, both_bad)
    x = _checked(covariates, len(score), names)
    times = np.ones(len(score)) if weight is None else np.asarray(weight, np.float64)
    counted = ~np.isnan(score) & (times > 0)
    keep = slice(None) if counted.all() else counted
    group, n_groups, notes = _groups(cluster, len(score), keep, seed)
    pair = np.asarray(left, np.intp) * n_models + np.asarray(right, np.intp)
    rows = _Rows(pair[keep], score[keep], times[keep], x[:, keep], group)
    model = _Model(rows, raw, n_groups)
    parameters, inverse = model.solve(names)
    shared = None if item is None else crossed(raw, left, right, outcome, item, cluster)
    covariance, dof = model.covariance(parameters, inverse, shared)
    few = np.flatnonzero(np.isnan(dof[:n_models]) & (raw.component >= 0)).tolist()
    if few or np.isnan(dof[n_models:]).any():
        notes += (Note("few_clusters", {"models": few, "needed": MIN_CLUSTERS}),)
    return ControlledFit(
        raw=raw,
        names=tuple(names),
        theta=np.where(raw.component < 0, np.nan, parameters[:n_models]),
        beta=parameters[n_models:],
        covariance=covariance,
        dof=dof,
        votes=float(rows.weight.sum()),
        notes=raw.notes + notes,
    )


def position_bias(
    cells: Cells, *, ties: Ties = "half", both_bad: BothBad = "exclude", prior: Prior = "firth", seed: int = 0
) -> ControlledFit:
    """How much standing on the left is worth, from cells whose `left` was shown on the left.

    The effect is in logits for the left response against an equal one; the covariance is clustered by
    `cells.cluster` where it is given.
    """
    left, right, outcome, count, cluster = cells.by_outcome()
    return fit_covariates(
        left,
        right,
        outcome,
        np.ones((len(count), 1)),
        cells.n_models,
        names=["left"],
        weight=count,
        cluster=cluster,
        ties=ties,
        both_bad=both_bad,
        prior=prior,
        seed=seed,
    )


def _checked(covariates: ArrayLike, n: int, names: Sequence[str]) -> Floats:
    """The covariates turned on their side, (F, n): each one's values lie together in memory."""
    x = np.asarray(covariates, np.float64)
    if x.ndim != 2 or len(x) != n:
        raise ValueError(f"covariates: expected shape ({n}, F), got {x.shape}")
    if len(names) != x.shape[1]:
        raise ValueError(f"names: {len(names)} for {x.shape[1]} covariates")
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise ValueError(f"row {row}: covariate {column} is {x[row, column]}")
    return np.ascontiguousarray(x.T)


def _groups(
    cluster: ArrayLike | None, n: int, keep: slice | Mask, seed: int
) -> tuple[Ints, int, tuple[Note, ...]]:
    """What `deal` makes of the votes to keep; no groups for independent ones."""
    if cluster is None:
        return np.empty(0, np.intp), 0, ()
    codes = np.asarray(cluster)
    if codes.shape != (n,):
        raise ValueError(f"cluster: {codes.shape} values for {n} votes")
    return deal(codes[keep], seed)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The n votes that count: the pair as left * M + right, the left side's score, weight, covariates (F, n).

    `group` (n,), 0..G-1, is what votes share; it is empty when they are independent.
    """

    pair: Ints
    score: Floats
    weight: Floats
    x: Floats
    group: Ints

    def chunks(self, size: int) -> Iterator[_Rows]:
        """The rows, a cache's worth at a time."""
        for start in range(0, len(self.pair), size):
            s = slice(start, start + size)
            yield _Rows(self.pair[s], self.score[s], self.weight[s], self.x[:, s], self.group[s])


class _Gram:
    """A running sum of weight * z z', where z has +1 for the left model, -1 for the right one, then x."""

    def __init__(self, M: int, F: int) -> None:
        self.pair, self.cross, self.inner = np.zeros(M * M), np.zeros((F, M * M)), np.zeros((F, F))
        self.M = M

    def add(self, rows: _Rows, weight: Floats) -> None:
        weighted = weight * rows.x
        self.pair += np.bincount(rows.pair, weight, len(self.pair))
        self.inner += weighted @ rows.x.T
        for total, row in zip(self.cross, weighted, strict=True):
            total += np.bincount(rows.pair, row, len(self.pair))

    def matrix(self) -> Floats:
        """The (M + F, M + F) sum."""
        M = self.M
        pair = self.pair.reshape(M, M)
        cross = self.cross.reshape(-1, M, M)
        total = np.empty((M + len(cross), M + len(cross)))
        total[:M, :M] = laplacian(pair + pair.T)
        total[M:, :M] = cross.sum(2) - cross.sum(1)
        total[:M, M:] = total[M:, :M].T
        total[M:, M:] = self.inner
        return total


@dataclass(frozen=True, eq=False)
class _Model:
    """The joint likelihood of ratings and effects; parameters are stacked, theta (M,) then beta (F,)."""

    rows: _Rows
    raw: Fit
    n_groups: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.raw.n_models, len(self.rows.x)

    def solve(self, names: Sequence[str]) -> tuple[Floats, Floats]:
        """Parameters (M + F,) of maximum likelihood, and the inverse of their information."""
        M, F = self.shape
        parameters = np.append(np.nan_to_num(self.raw.theta), np.zeros(F))
        spread = np.append(np.ones(M), np.sqrt((self.rows.x**2).sum(1) / max(len(self.rows.pair), 1)))
        gradient, information = self.derivatives(parameters)
        at_zero = self.told_of_effects(information, names)
        for _ in range(_MAX_ROUNDS):
            inverse = self.inverse(parameters, information)
            step = inverse @ gradient
            # While no typical vote's logit moves by more than two, Newton's method stays in its basin.
            parameters = parameters + step * min(1.0, 2.0 / max(np.abs(step * spread).max(), 1.0))
            if gradient @ step < _TOLERANCE:
                break
            gradient, information = self.derivatives(parameters)
        vanished = self.told_of_effects(information, names) / at_zero
        if gradient @ step >= _TOLERANCE or (vanished < _VANISHED).any():
            worst = names[int(np.argmin(vanished))]
            raise RuntimeError(f"covariate {worst!r} predicts the votes outright, so its effect is infinite")
        return parameters, inverse

    def told_of_effects(self, information: Floats, names: Sequence[str]) -> Floats:
        """The information (F,) the votes hold on each effect with the ratings free, the prior left out."""
        M, _ = self.shape
        models = grouped_inverse(information[:M, :M], self.raw.component)
        left = information[M:, M:] - information[M:, :M] @ models @ information[:M, M:]
        total = np.sqrt(np.diagonal(information)[M:])
        values, vectors = np.linalg.eigh(left / np.where(total > 0, np.outer(total, total), np.inf))
        if values.size and values[0] < _COLLINEAR:
            involved = ", ".join(names[int(f)] for f in np.flatnonzero(np.abs(vectors[:, 0]) > 0.1))
            raise ValueError(f"the votes cannot tell the effect of {involved} from the models or each other")
        return np.diagonal(left)

    def residuals(self, parameters: Floats) -> Iterator[tuple[_Rows, Floats, Floats]]:
        """Per chunk: rows, what the left side scored beyond expectation, and the variance expected of it."""
        M, _ = self.shape
        theta, beta = parameters[:M], parameters[M:]
        difference = np.subtract.outer(theta, theta)
        for rows in self.rows.chunks(max(_CHUNK, M * M)):
            with np.errstate(over="ignore"):  # infinite odds are a certainty
                # As expit() says, and three times as fast: this is the inner loop.
                p = 1 / (1 + np.exp(-(difference.take(rows.pair) + beta @ rows.x)))
            yield rows, rows.score - p, p * (1 - p)

    def derivatives(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Gradient (M + F,) of the log-likelihood, prior included, and the votes' information matrix."""
        M, F = self.shape
        moved, slope, gram = np.zeros(M * M), np.zeros(F), _Gram(M, F)
        for rows, residual, variance in self.residuals(parameters):
            pull = rows.weight * residual
            moved += np.bincount(rows.pair, pull, M * M)
            slope += rows.x @ pull
            gram.add(rows, rows.weight * variance)
        pulls, P = moved.reshape(M, M), win_probabilities(parameters[:M])
        gradient = pulls.sum(1) - pulls.sum(0) + (self.raw.pseudo * (1 - 2 * P)).sum(1)
        return np.append(gradient, slope), gram.matrix()

    def inverse(self, parameters: Floats, information: Floats) -> Floats:
        """Inverse of the votes' information and the prior's."""
        M, _ = self.shape
        P = win_probabilities(parameters[:M])
        total = information.copy()
        total[:M, :M] += laplacian(2 * self.raw.pseudo * P * P.T)
        return grouped_inverse(total, self.raw.component)

    def covariance(
        self, parameters: Floats, inverse: Floats, shared: Crossed | None
    ) -> tuple[Floats, Floats]:
        """Sandwich covariance (M + F, M + F) and the degrees of freedom (M + F,) of each parameter."""
        M, F = self.shape
        P = win_probabilities(parameters[:M])
        dof, meat = np.full(M + F, np.inf), np.zeros((M + F, M + F))
        if self.n_groups:
            scores, votes = self.group_scores(parameters)
            inflation, dof = small_sample(votes)
            meat = scores.T @ scores * np.sqrt(np.outer(inflation, inflation))
        known = shared if shared is not None and shared.known else None
        if known or not self.n_groups:
            gram = _Gram(M, F)
            for rows, residual, _ in self.residuals(parameters):
                gram.add(rows, rows.weight * residual**2)
            meat += gram.matrix() * ((known.excess if known else 0.0) + (not self.n_groups))
        if known:
            dof = np.minimum(dof, known.dof)
        meat[:M, :M] += laplacian(self.raw.pseudo * (P**2 + P.T**2))
        return inverse @ meat @ inverse, np.where(np.diagonal(meat) > 0, dof, np.nan)

    def group_scores(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Votes' score vectors summed by group, and how many bear on a parameter: both (G, M + F)."""
        M, F = self.shape
        G = self.n_groups
        of_models, of_effects = np.zeros((2, G * M)), np.zeros((2, F, G))
        for rows, residual, _ in self.residuals(parameters):
            pull = rows.weight * residual
            for model, sign in zip(np.divmod(rows.pair, M), (1.0, -1.0), strict=True):
                key = rows.group * M + model
                of_models[0] += np.bincount(key, sign * pull, G * M)
                of_models[1] += np.bincount(key, rows.weight, G * M)
            for f, x in enumerate(rows.x):
                of_effects[0, f] += np.bincount(rows.group, pull * x, G)
                of_effects[1, f] += np.bincount(rows.group, rows.weight * x**2, G)
        scores, votes = (
            np.hstack([models.reshape(G, M), effects.T])
            for models, effects in zip(of_models, of_effects, strict=True)
        )
        return scores, votes
