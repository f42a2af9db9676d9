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
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from ranking.bradley_terry import (
    CENTER,
    Fit,
    Note,
    Prior,
    fit,
    grouped_inverse,
    laplacian,
    shifted,
    to_elo,
    win_probabilities,
)
from ranking.clusters import MAX_CLUSTERS, MIN_CLUSTERS
from ranking.outcomes import BothBad, Cells, Floats, Ints, Ties, WinMatrix, outcome_scores

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
    independent votes, NaN where fewer than 5 clusters bear on a parameter: those have no interval. `votes`:
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
        if not 0 < level < 1:
            raise ValueError(f"level: {level} is not between 0 and 1")
        quantiles = np.asarray(scipy.stats.t.ppf((1 + level) / 2, self.dof))
        return np.asarray(quantiles * np.sqrt(np.diagonal(self.covariance)))


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
    ties: Ties = "half",
    both_bad: BothBad = "exclude",
    prior: Prior = "firth",
    seed: int = 0,
) -> ControlledFit:
    """Fit ratings and effects together, by Newton's method over chunks of the votes.

    `left`, `right`, `outcome` (n,): as for `Cells.from_votes`. `covariates` (n, F): how left's response
    differs from right's. `weight` (n,) repeats votes. `cluster` (n,): who or what votes share, for the
    covariance. `seed` divides more than 256 clusters into 256 random groups.

    Raises ValueError for malformed columns, for covariates that are not finite, and for those the votes
    cannot tell from the models or from each other; RuntimeError when the effects are infinite, which is so
    when a covariate predicts every vote.
    """
    matrix = WinMatrix.from_votes(left, right, outcome, n_models, weight=weight)
    raw = fit(matrix, ties=ties, both_bad=both_bad, prior=prior)
    rows = _Rows.counted(left, right, outcome, covariates, weight, cluster, ties, both_bad)
    if len(names) != rows.x.shape[1]:
        raise ValueError(f"names: {len(names)} for {rows.x.shape[1]} covariates")
    if np.isinf(raw.theta).any() or np.isnan(raw.theta[raw.component >= 0]).any():
        raise ValueError("without a prior these votes leave some ratings infinite: nothing can be held equal")
    rows, notes = rows.dealt(seed)
    model = _Model(rows, raw)
    parameters = model.solve(names)
    covariance, dof = model.covariance(parameters)
    few = np.flatnonzero(np.isnan(dof[:n_models]) & (raw.component >= 0)).tolist()
    if few or np.isnan(dof[n_models:]).any():
        notes += (Note("few_clusters", {"models": few, "needed": MIN_CLUSTERS}),)
    theta = np.where(raw.component < 0, np.nan, parameters[:n_models])
    return ControlledFit(
        raw=raw,
        names=tuple(names),
        theta=theta,
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
    return fit_covariates(
        cells.left,
        cells.right,
        cells.outcome,
        np.ones((len(cells), 1)),
        cells.n_models,
        names=["left"],
        weight=cells.count,
        cluster=cells.cluster,
        ties=ties,
        both_bad=both_bad,
        prior=prior,
        seed=seed,
    )


@dataclass(frozen=True, eq=False)
class _Rows:
    """The votes that count: codes, score of the left side, covariates, weight, and cluster codes 0..G-1.

    `cluster` is empty when votes are independent.
    """

    left: NDArray[np.integer]
    right: NDArray[np.integer]
    score: Floats
    x: Floats
    weight: Floats
    cluster: Ints

    @classmethod
    def counted(
        cls,
        left: ArrayLike,
        right: ArrayLike,
        outcome: ArrayLike,
        covariates: ArrayLike,
        weight: ArrayLike | None,
        cluster: ArrayLike | None,
        ties: Ties,
        both_bad: BothBad,
    ) -> _Rows:
        said = np.asarray(outcome)
        x = np.asarray(covariates, np.float64)
        if x.ndim != 2 or len(x) != len(said):
            raise ValueError(f"covariates: expected shape ({len(said)}, F), got {x.shape}")
        if not np.isfinite(x).all():
            row, column = np.argwhere(~np.isfinite(x))[0]
            raise ValueError(f"row {row}: covariate {column} is {x[row, column]}")
        score = outcome_scores(said, ties, both_bad)
        times = np.ones(len(said)) if weight is None else np.asarray(weight, np.float64)
        keep = ~np.isnan(score) & (times > 0)
        codes = np.empty(0, np.intp)
        if cluster is not None:
            group = np.asarray(cluster)
            if group.shape != said.shape:
                raise ValueError(f"cluster: {group.shape} values for {said.shape} votes")
            codes = np.unique(group[keep], return_inverse=True)[1]
        a, b = np.asarray(left), np.asarray(right)
        return cls(a[keep], b[keep], score[keep], x[keep], times[keep], codes)

    @property
    def n_clusters(self) -> int:
        return int(self.cluster.max(initial=-1)) + 1

    def dealt(self, seed: int) -> tuple[_Rows, tuple[Note, ...]]:
        """With at most 256 clusters: random groups of clusters are clusters too, and fewer to sum over."""
        if self.n_clusters <= MAX_CLUSTERS:
            return self, ()
        group = np.random.default_rng(seed).permutation(self.n_clusters) % MAX_CLUSTERS
        note = Note("random_groups", {"clusters": self.n_clusters, "groups": MAX_CLUSTERS})
        return replace(self, cluster=group[self.cluster]), (note,)

    def chunks(self) -> Iterator[_Rows]:
        """The rows, a cache's worth at a time."""
        for start in range(0, len(self.score), _CHUNK):
            s = slice(start, start + _CHUNK)
            yield _Rows(
                self.left[s], self.right[s], self.score[s], self.x[s], self.weight[s], self.cluster[s]
            )


class _Gram:
    """A running sum of weight * z z', where z has +1 for the left model, -1 for the right one, then x."""

    def __init__(self, M: int, F: int) -> None:
        self.pair, self.cross, self.inner = np.zeros(M * M), np.zeros((F, M * M)), np.zeros((F, F))
        self.M = M

    def add(self, key: Ints, weight: Floats, x: Floats) -> None:
        weighted = weight[:, None] * x
        self.pair += np.bincount(key, weight, len(self.pair))
        self.inner += x.T @ weighted
        for f, column in enumerate(weighted.T):
            self.cross[f] += np.bincount(key, column, len(self.pair))

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

    @property
    def shape(self) -> tuple[int, int]:
        return self.raw.n_models, self.rows.x.shape[1]

    def solve(self, names: Sequence[str]) -> Floats:
        """Parameters (M + F,) of maximum likelihood."""
        M, F = self.shape
        parameters = np.append(np.nan_to_num(self.raw.theta), np.zeros(F))
        at_zero = self.told_of_effects(parameters, names)
        spread = np.append(np.ones(M), np.sqrt(np.mean(self.rows.x**2, axis=0)))
        for _ in range(_MAX_ROUNDS):
            gradient, information = self.derivatives(parameters)
            step = self.inverse(parameters, information) @ gradient
            # While no typical vote's logit moves by more than two, Newton's method stays in its basin.
            parameters = parameters + step * min(1.0, 2.0 / max(np.abs(step * spread).max(), 1.0))
            if gradient @ step < _TOLERANCE:
                break
        vanished = self.told_of_effects(parameters, names) / at_zero
        if gradient @ step >= _TOLERANCE or (vanished < _VANISHED).any():
            worst = names[int(np.argmin(vanished))]
            raise RuntimeError(f"covariate {worst!r} predicts the votes outright, so its effect is infinite")
        return parameters

    def told_of_effects(self, parameters: Floats, names: Sequence[str]) -> Floats:
        """The information (F,) the votes hold on each effect with the ratings free, the prior left out."""
        M, _ = self.shape
        information = self.derivatives(parameters)[1]
        models = grouped_inverse(information[:M, :M], self.raw.component)
        left = information[M:, M:] - information[M:, :M] @ models @ information[:M, M:]
        total = np.sqrt(np.diagonal(information)[M:])
        values, vectors = np.linalg.eigh(left / np.where(total > 0, np.outer(total, total), np.inf))
        if values.size and values[0] < _COLLINEAR:
            involved = ", ".join(names[int(f)] for f in np.flatnonzero(np.abs(vectors[:, 0]) > 0.1))
            raise ValueError(f"the votes cannot tell the effect of {involved} from the models or each other")
        return np.diagonal(left)

    def residuals(self, parameters: Floats) -> Iterator[tuple[_Rows, Ints, Floats, Floats]]:
        """Per chunk: rows, pair keys, what the left side scored beyond expectation, and the expectation."""
        M, _ = self.shape
        theta, beta = parameters[:M], parameters[M:]
        for rows in self.rows.chunks():
            p = expit(theta[rows.left] - theta[rows.right] + rows.x @ beta)
            yield rows, rows.left.astype(np.intp) * M + rows.right, rows.score - p, p

    def derivatives(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Gradient (M + F,) of the log-likelihood, prior included, and the votes' information matrix."""
        M, F = self.shape
        moved, slope, gram = np.zeros(M * M), np.zeros(F), _Gram(M, F)
        for rows, key, residual, p in self.residuals(parameters):
            pull = rows.weight * residual
            moved += np.bincount(key, pull, M * M)
            slope += pull @ rows.x
            gram.add(key, rows.weight * p * (1 - p), rows.x)
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

    def covariance(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Sandwich covariance (M + F, M + F) and the degrees of freedom (M + F,) of each parameter."""
        M, F = self.shape
        P = win_probabilities(parameters[:M])
        if not self.rows.n_clusters:
            dof, gram = np.full(M + F, np.inf), _Gram(M, F)
            for rows, key, residual, _ in self.residuals(parameters):
                gram.add(key, rows.weight * residual**2, rows.x)
            meat = gram.matrix()
        else:
            scores, seen = self.cluster_scores(parameters)
            groups = seen.sum(0)
            dof = np.where(groups < MIN_CLUSTERS, np.nan, groups - 1.0)
            meat = scores.T @ scores * (len(scores) / max(len(scores) - 1, 1))
        meat[:M, :M] += laplacian(self.raw.pseudo * (P**2 + P.T**2))
        bread = self.inverse(parameters, self.derivatives(parameters)[1])
        return bread @ meat @ bread, np.where(np.diagonal(meat) > 0, dof, np.nan)

    def cluster_scores(self, parameters: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Votes' score vectors summed by cluster, and whether they bear on a parameter: both (G, M + F)."""
        M, F = self.shape
        G = self.rows.n_clusters
        scores, seen = np.zeros((G, M + F)), np.zeros((G, M + F))
        for rows, _, residual, _ in self.residuals(parameters):
            pull = rows.weight * residual
            for model, sign in ((rows.left, 1.0), (rows.right, -1.0)):
                key = rows.cluster * M + model
                scores[:, :M] += np.bincount(key, sign * pull, G * M).reshape(G, M)
                seen[:, :M] += np.bincount(key, minlength=G * M).reshape(G, M)
            for f, column in enumerate(rows.x.T, start=M):
                scores[:, f] += np.bincount(rows.cluster, pull * column, G)
                seen[:, f] += np.bincount(rows.cluster, column != 0, G)
        return scores, seen > 0
