"""Does a model stand elsewhere in some of the votes than in the others?

At the fit of all votes, one Newton step for some of them and one for the others tell how far a model's rating
differs between the two, and what annotators add to each tells how surely (a score test that allows for
clusters: Boos, 1992, "On generalized score tests", The American Statistician 46). An annotator's taste, which
is in both, drops out. The difference of two fits would be lost where a model wins nearly everything, since
its error then grows faster than it does (Hauck & Donner, 1977, JASA 72).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, Ints, Mask, summed
from ranking.bradley_terry import Fit
from ranking.clusters import Counted, deal, small_sample
from ranking.connectivity import connectivity
from ranking.crossed import Crossed
from ranking.laplacian import grouped_inverse, laplacian
from ranking.misfit import lack_of_fit, vote_variance
from ranking.outcomes import Cells

# The variance, in votes, of a model's wins at the common fit. With less, wins are far from normal (Cochran,
# 1954, Biometrics 10, asks for five expected of each kind).
LEAST_INFORMATION = 5.0


@dataclass(frozen=True, eq=False)
class Difference:
    """How much higher models stand in some votes than in the others, all (M,); NaN where that is not known.

    `logit` is a first approximation, of ratings with mean zero in each component. `se` is its error between
    clusters, with Student's t of `dof`; `least` is the error it would have if votes were independent.
    """

    logit: Floats
    se: Floats
    dof: Floats
    least: Floats

    @property
    def p_value(self) -> Floats:
        """(M,) how often chance alone would bring about a difference as large, in either direction.

        Both errors must make it so rare: where nearly all is won, clusters agree with each other by chance.
        """
        size = -np.abs(self.logit)
        clustered = scipy.special.stdtr(self.dof, size / self.se)
        return np.asarray(2 * np.maximum(clustered, scipy.special.ndtr(size / self.least)))


def difference(
    fit: Fit,
    some: Cells,
    others: Cells,
    *,
    contained: bool = False,
    crossed: Crossed | None = None,
    seed: int = 0,
) -> Difference:
    """Ratings in `some` votes less those in the `others`, looked at from the `fit` of all of them.

    Both by cluster, with the same number for the same one. `contained`: `some` are among the others as
    given, and are taken away. `crossed` is what the votes share besides. A model is told of where both
    connect it with the same models, five clusters judged it in either, and its wins could have come out
    otherwise (`LEAST_INFORMATION`). Raises ValueError for cells without clusters, or of other models than
    the fit's.
    """
    for cells in (some, others):
        if cells.cluster is None or cells.n_models != fit.n_models:
            raise ValueError("cells: expected those of the fit's models, by cluster")
    group, n_groups, _ = deal(np.concatenate([np.asarray(cells.cluster) for cells in (some, others)]), seed)
    these, all_those = (
        _Columns.of(fit, cells, own)
        for cells, own in zip((some, others), np.split(group, [len(some)]), strict=True)
    )
    one = _Side.of(fit, these, n_groups)
    other = _Side.of(fit, all_those.without(these) if contained else all_those, n_groups)
    gap = one.step - other.step
    between = ((one.influence - other.influence) ** 2).sum(axis=0)
    independent = lack_of_fit(fit).dispersion * (one.spread + other.spread)
    dof = np.minimum(one.dof, other.dof)
    if crossed is not None and crossed.known:
        shared, dof = crossed.excess * independent, np.minimum(dof, crossed.dof)
        between, independent = between + shared, independent + shared
    told = (one.together == other.together).all(axis=1) & np.isfinite(dof)
    told &= np.minimum(one.information, other.information) >= LEAST_INFORMATION
    columns = gap, np.sqrt(between), dof, np.sqrt(independent)
    return Difference(*(np.where(told, column, np.nan) for column in columns))


def discoveries(p_values: ArrayLike, rate: float = 0.05) -> NDArray[np.bool_]:
    """Which of many looks, of any shape, found something; NaN never.

    Of those that did, a share of at most `rate` is expected to be chance (Benjamini & Hochberg, 1995, J. R.
    Statist. Soc. B 57); where there is nothing to be found, that is how often anything is.
    """
    values = np.asarray(p_values, np.float64)
    known = np.isfinite(values)
    found = np.zeros(values.shape, bool)
    if known.any():
        found[known] = scipy.stats.false_discovery_control(values[known]) <= rate
    return found


@dataclass(frozen=True, eq=False)
class _Columns:
    """Cells of votes that count, (n,): what the left one scored of those played; negative if taken away."""

    left: Ints
    right: Ints
    group: Ints
    scored: Floats
    played: Floats

    @classmethod
    def of(cls, fit: Fit, cells: Cells, group: Ints) -> _Columns:
        tie = fit.ties != "drop"
        scored, played, _ = Counted(cells, tie=tie, both_bad=tie and fit.both_bad == "tie").of()
        left, right = cells.left.astype(np.intp), cells.right.astype(np.intp)
        finite = np.isfinite(fit.theta)
        rated = finite[left] & finite[right]
        return cls(left[rated], right[rated], group[rated], scored[rated], played[rated])

    def without(self, others: _Columns) -> _Columns:
        """The votes that are left when the others are taken away."""
        return _Columns(
            np.concatenate([self.left, others.left]),
            np.concatenate([self.right, others.right]),
            np.concatenate([self.group, others.group]),
            np.concatenate([self.scored, -others.scored]),
            np.concatenate([self.played, -others.played]),
        )


@dataclass(frozen=True, eq=False)
class _Side:
    """One Newton step of some votes from a common fit, (M,): the `step`, its `spread` if votes were
    independent coins, and each group's `influence` (G, M) on it beyond the step itself.

    `together` (M, M): which models these votes connect; `information`: the variance of a model's wins.
    """

    step: Floats
    spread: Floats
    influence: Floats
    dof: Floats
    information: Floats
    together: Mask

    @classmethod
    def of(cls, fit: Fit, votes: _Columns, n_groups: int) -> _Side:
        M, left, right = fit.n_models, votes.left, votes.right
        pair, expected = left * M + right, np.nan_to_num(fit.win_probability())
        slope = vote_variance(fit, expected)
        # What was counted before a vote came in, and after, may differ by it.
        played = np.maximum(summed(votes.played, pair, M, M), 0)
        weights = (played + played.T) * slope
        component = connectivity(weights).component
        inverse = grouped_inverse(laplacian(weights), component)
        surplus = votes.scored - votes.played * expected.take(pair)
        step = inverse @ (summed(surplus, left, M) - summed(surplus, right, M))
        left_over = surplus - votes.played * slope.take(pair) * (step[left] - step[right])
        shape = n_groups, M
        first, second = votes.group * M + left, votes.group * M + right
        scores = summed(left_over, first, *shape) - summed(left_over, second, *shape)
        given = summed(votes.played, first, *shape) + summed(votes.played, second, *shape)
        inflation, dof = small_sample(np.maximum(given, 0))
        return cls(
            step=step,
            spread=np.diagonal(inverse),
            influence=(scores * np.sqrt(inflation)) @ inverse,
            dof=dof,
            information=weights.sum(axis=1),
            together=(component[:, None] == component) & (component >= 0),
        )
