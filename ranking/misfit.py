"""Does one number per model explain the votes? Observed against predicted win rates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from ranking.arrays import Floats, Mask
from ranking.bradley_terry import Fit


@dataclass(frozen=True, eq=False)
class LackOfFit:
    """Observed and predicted win rates of row over column, (M, M), and a test of the whole.

    `z` (M, M) is each pair's surprise, about standard normal when the model holds. `statistic` is
    compared with chi-square on `dof` = pairs with votes - (models - components); a small `p_value` says
    that some model beats others in a way no single order explains (intransitivity), or that votes are not
    independent. NaN without degrees of freedom. `dispersion` is a vote's variance as a share of a coin's:
    ties make it less than 1.
    """

    observed: Floats
    predicted: Floats
    z: Floats
    statistic: float
    dof: int
    p_value: float
    dispersion: float


def lack_of_fit(fit: Fit) -> LackOfFit:
    """Pearson's test of the Bradley-Terry model on the pairs: sum of (s - n p)^2 / (n p q dispersion)."""
    decisive, tied = fit.matrix.counted(fit.ties, fit.both_bad)
    scores, votes = decisive + tied / 2, decisive + decisive.T + tied
    predicted = fit.win_probability()
    variance = votes * vote_variance(fit, predicted)
    tested = (votes > 0) & (variance > 0)
    dispersion = _dispersion(fit, decisive, tied, predicted, variance, tested)
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = scores / votes
        z = np.where(tested, (scores - votes * predicted) / np.sqrt(variance * dispersion), np.nan)
    rated = tested.any(axis=1)
    n_components = len(np.unique(fit.component[rated]))
    dof = int(tested.sum() / 2 - (rated.sum() - n_components))
    statistic = float(np.nansum(z**2) / 2)
    p_value = float(scipy.special.chdtrc(dof, statistic)) if dof > 0 else float("nan")
    return LackOfFit(observed, predicted, z, statistic, dof, p_value, dispersion)


def vote_variance(fit: Fit, predicted: Floats) -> Floats:
    """(M, M) variance of one vote's score, `predicted` on average; with Davidson ties are in the model."""
    if fit.tie_parameter is None:
        return np.nan_to_num(predicted * (1 - predicted))
    _, tie, _ = fit.outcome_probabilities()
    return np.nan_to_num(predicted * (1 - predicted) - tie / 4)


def _dispersion(
    fit: Fit, decisive: Floats, tied: Floats, predicted: Floats, variance: Floats, tested: Mask
) -> float:
    if fit.tie_parameter is not None or not tested.any():
        return 1.0
    squares = 2 * decisive * (1 - predicted) ** 2 + tied * (0.5 - predicted) ** 2
    return float(squares[tested].sum() / variance[tested].sum())
