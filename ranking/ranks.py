"""What ratings with their uncertainty say of the order: rank ranges, probabilities, votes still needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, Ints, Mask
from ranking.bradley_terry import Fit
from ranking.uncertainty import Intervals

# Ratings closer than this, in logits, are equal: it is less than a millionth of an Elo point.
_EQUAL = 1e-9
# Draws held at once.
_CHUNK = 500


@dataclass(frozen=True, eq=False)
class RankRanges:
    """Ranks within each component, 1 the best, 0 for a model without a place (`ranked`); all (M,).

    `rank` is of the ratings, equal ones sharing the better rank; `best` and `worst` bound what the votes
    allow at `level`: one model at a time, or, when `joint`, for all models at once. Models whose `best`
    is the same cannot be ordered by the votes. `critical` (M, M): by how many standard errors a difference
    of two must lie from zero to tell which is above.
    """

    rank: Ints
    best: Ints
    worst: Ints
    critical: Floats
    joint: bool
    level: float


def rank_ranges(
    intervals: Intervals,
    *,
    joint: bool = False,
    draws: int = 2000,
    seed: int = 0,
    order: ArrayLike | None = None,
) -> RankRanges:
    """Rank ranges from the pairwise differences of ratings.

    A model is surely below those whose difference to it is significant. With `joint` the critical value
    is the quantile of the largest |z| of all pairs, simulated, so that the ranges of all models hold
    together (Mogstad, Romano, Shaikh & Wilhelm, 2024, "Inference for ranks", Review of Economic Studies).
    `order` (M,): the models in the order they are drawn in, by default that of their codes; with the order of
    their names, say, the same votes are told the same whatever the codes.
    """
    theta, rated = intervals.theta, ranked(intervals.theta, intervals.component)
    same = _same_component(intervals) & rated & rated[:, None]
    with np.errstate(invalid="ignore"):
        difference = theta - theta[:, None]
        z = _z(intervals)
    if joint:
        places = np.arange(len(theta)) if order is None else np.asarray(order, np.intp)
        critical = _joint_quantile(intervals, places, draws, seed)
    else:
        critical = _pair_quantile(intervals)
    above = np.sum(z < -critical, axis=1)
    below = np.sum(z > critical, axis=1)
    rank = 1 + np.sum(same & (difference > _EQUAL), axis=1)
    return RankRanges(
        rank=np.where(rated, rank, 0),
        best=np.where(rated, 1 + above, 0),
        worst=np.where(rated, same.sum(axis=1) - below, 0),
        critical=np.broadcast_to(critical, z.shape),
        joint=joint,
        level=intervals.level,
    )


def probability_better(intervals: Intervals) -> Floats:
    """(M, M) probability that row is truly better than column, NaN where they cannot be compared."""
    dof = np.minimum(intervals.dof, intervals.dof[:, None])
    return np.asarray(scipy.special.stdtr(dof, _z(intervals)))


def probability_top(intervals: Intervals, k: int = 1, *, draws: int = 2000, seed: int = 0) -> Floats:
    """(M,) probability of being among the k best of the component, by draws; NaN where not known."""
    if k < 1:
        raise ValueError(f"k: {k} is not a number of models")
    top = np.full(len(intervals.theta), np.nan)
    for component in range(int(intervals.component.max(initial=-1)) + 1):
        models = np.flatnonzero((intervals.component == component) & np.isfinite(intervals.se))
        hits = np.zeros(len(models))
        for deviation in _draws(intervals, models, draws, seed):
            sampled = intervals.theta[models, None] + deviation
            threshold = np.sort(sampled, axis=0)[-min(k, len(models))]
            hits += np.sum(sampled >= threshold, axis=1)
        top[models] = hits / draws
    return top


def votes_to_separate(
    fit: Fit, intervals: Intervals, *, ranges: RankRanges | None = None, power: float = 0.8
) -> Floats:
    """(M, M) further votes until two models are told apart at the intervals' level, with probability `power`.

    Votes are of the component, spread over models, and over whatever the intervals are clustered by, as they
    were so far, and the ratings are taken as they stand: N (c + z2)^2 se^2 / difference^2, less the N there
    are. c is what tells two models apart now, in `ranges` or, without, as a pair; 0 for pairs it tells apart.
    Infinite for equal ratings, NaN where they cannot be compared.
    """
    if not 0 < power < 1:
        raise ValueError(f"power: {power} is not between 0 and 1")
    votes = fit.scores.sum(axis=1)
    sizes = np.array([votes[fit.component == c].sum() for c in fit.component])
    critical = _pair_quantile(intervals) if ranges is None else ranges.critical
    z = np.abs(_z(intervals))
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = sizes[:, None] * ((critical + scipy.special.ndtri(power)) / z) ** 2
        needed[z > critical] = 0.0
    return np.asarray(np.maximum(np.ceil(needed - sizes[:, None]), 0))


def ranked(theta: Floats, component: Ints) -> Mask:
    """(M,): whether a rating has a place in its component's order.

    An infinite one is above or below the finite ones; where there are none, the votes order too little.
    """
    finite = np.unique(component[np.isfinite(theta)])
    return (component >= 0) & ~np.isnan(theta) & np.isin(component, finite)


def _same_component(intervals: Intervals) -> Mask:
    return np.asarray(intervals.component == intervals.component[:, None])


def _z(intervals: Intervals) -> Floats:
    """(M, M) difference of row and column over its standard error; 0 for equals, NaN where not known."""
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = intervals.theta[:, None] - intervals.theta
        z = difference / intervals.difference_se()
    z[np.abs(difference) <= _EQUAL] = 0.0
    return np.asarray(z)


def _pair_quantile(intervals: Intervals) -> Floats:
    """(M, M): the less certain model of a pair decides how far apart is apart."""
    return np.asarray(np.maximum(intervals.quantile, intervals.quantile[:, None]))


def _joint_quantile(intervals: Intervals, order: Ints, draws: int, seed: int) -> Any:
    """(M, M): what the largest |z| of all pairs rarely exceeds, made larger for pairs of fewer clusters."""
    models = order[np.isfinite(intervals.se[order])]
    with np.errstate(divide="ignore"):
        precision = 1 / intervals.difference_se()[np.ix_(models, models)]
    precision[~np.isfinite(precision)] = 0.0
    if len(models) < 2:
        return np.inf
    # Half the digits take half the time, and are far more than draws can tell.
    half = precision.astype(np.float32)
    sampled = _draws(intervals, models, draws, seed)
    peaks = np.concatenate([_peaks(deviation.astype(np.float32), half) for deviation in sampled])
    typical = _typical_dof(intervals, models)
    tail = scipy.special.stdtr(typical, np.quantile(peaks, intervals.level))
    critical = scipy.special.stdtrit(np.minimum(intervals.dof, typical), tail)
    return np.maximum(critical, critical[:, None])


def _peaks(deviation: NDArray[np.float32], precision: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest of |deviation i - deviation j| * precision ij in each of (K, m) draws."""
    peaks, buffer = np.zeros(deviation.shape[1], np.float32), np.empty_like(deviation)
    for i in range(len(deviation) - 1):
        z = buffer[i + 1 :]
        np.subtract(deviation[i + 1 :], deviation[i], out=z)
        np.multiply(z, precision[i, i + 1 :, None], out=z)
        np.maximum(peaks, np.abs(z, out=z).max(axis=0), out=peaks)
    return peaks


def _draws(intervals: Intervals, models: Ints, draws: int, seed: int) -> Iterator[Floats]:
    """Yield (K, m) draws of the ratings' errors: normal, or Student's t of the typical degrees of freedom."""
    values, vectors = np.linalg.eigh(intervals.covariance[np.ix_(models, models)])
    # The symmetric root, the only one that does not hang on the last digits of the covariance.
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    rng = np.random.default_rng(seed)
    dof = _typical_dof(intervals, models)
    for start in range(0, draws, _CHUNK):
        m = min(_CHUNK, draws - start)
        sampled = root @ rng.standard_normal((len(models), m))
        yield sampled if np.isinf(dof) else sampled * np.sqrt(dof / rng.chisquare(dof, m))


def _typical_dof(intervals: Intervals, models: Ints) -> float:
    return float(np.median(intervals.dof[models])) if len(models) else np.inf
