"""How far annotators agree, beyond what chance alone would give.

Every coefficient here is ``1 - observed / expected`` disagreement and differs only in what it expects by
chance. Ratings are a reliability matrix of shape (annotators, units): integer codes from 0, and -1 (or NaN)
where an annotator did not rate a unit. What the data cannot answer comes back undefined, with a note why.

Intervals resample the units, so they speak of *these* annotators on further units of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from ranking.bradley_terry import Note
from ranking.outcomes import BothBad, Floats, Ints, Outcome, check_choice
from ranking.uncertainty import critical_value, wilson

Disagreements = Callable[[Floats], tuple[Floats, Floats]]

MISSING = -1
MAX_RESAMPLED = 1024
# With fewer units resampling claims too much: simulated, 95 % intervals of alpha held the truth in 71 % of
# cases for 5 units, 85 % for 7, 90 % for 10 and 96 % for 20; in the worst of nine populations in 37, 48, 63
# and 85 % (`python -m benchmarks.agreement_coverage`).
FEWEST_UNITS = 20
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Agreement:
    """An agreement coefficient, its interval, and what it was computed from.

    ``value`` is None when the coefficient is undefined: "few_annotators" (no two rated anything),
    "no_overlap" (no unit was rated by two) or "one_category" (nothing could have differed). ``lower`` and
    ``upper`` are also None for "one_unit", "few_units" (fewer than `FEWEST_UNITS`) and "little_variation".
    ``observed`` and ``expected`` are *dis*agreements; ``units`` counts the units that two or more annotators
    rated.
    """

    coefficient: str
    annotators: int
    units: int
    level: float
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    observed: float | None = None
    expected: float | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class PairwiseKappa:
    """Cohen's kappa of each two annotators (R, R), NaN where undefined, and the units (R, R) they share."""

    kappa: Floats
    units: Ints


def reliability_matrix(annotators: ArrayLike, units: ArrayLike, codes: ArrayLike) -> Ints:
    """The (R, U) matrix of votes given as three integer arrays of shape (n,), with -1 where there is none.

    Raises ValueError when lengths differ, an index is negative, or one annotator rates a unit twice.
    """
    r, u, c = (np.asarray(x, dtype=np.intp) for x in (annotators, units, codes))
    if not r.shape == u.shape == c.shape or r.ndim != 1:
        raise ValueError("annotators, units and codes must be one-dimensional and equally long")
    if r.size == 0:
        return np.empty((0, 0), dtype=np.intp)
    if min(r.min(), u.min(), c.min()) < 0:
        raise ValueError("annotators, units and codes must not be negative")
    matrix = np.full((r.max() + 1, u.max() + 1), MISSING, dtype=np.intp)
    matrix[r, u] = c
    if np.count_nonzero(matrix != MISSING) != r.size:
        raise ValueError("an annotator rates the same unit twice")
    return matrix


def preference_scale(outcomes: ArrayLike, *, both_bad: BothBad = "exclude") -> Ints:
    """Outcome codes of any shape as steps from one side to the other: a 0, tie 1, b 2, for ordinal metrics.

    Both-bad says nothing of which is better: it counts as missing (-1), or as a tie if so asked.
    """
    check_choice("both_bad", both_bad, ("exclude", "tie"))
    steps = {
        Outcome.A: 0,
        Outcome.TIE: 1,
        Outcome.B: 2,
        Outcome.BOTH_BAD: 1 if both_bad == "tie" else MISSING,
    }
    codes = np.asarray(outcomes, dtype=np.intp)
    if codes.size and not MISSING <= codes.min() <= codes.max() < len(Outcome):
        raise ValueError(f"outcome codes lie in 0..{len(Outcome) - 1}, or are {MISSING} where missing")
    return np.array([*(steps[outcome] for outcome in Outcome), MISSING], dtype=np.intp)[codes]


def unit_agreement(ratings: ArrayLike) -> Floats:
    """The share (U,) of annotator pairs who agree on each unit; NaN where fewer than two rated it."""
    return _pair_agreement(_counts(_codes(ratings)))


def raw_agreement(ratings: ArrayLike, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Agreement:
    """The mean over units of the share of annotator pairs who agree. Not corrected for chance.

    Where units are too few or too alike to resample, unanimous ones too, the interval is Wilson's of so many
    units, which is wide enough for two annotators and more than that for several.
    """
    codes = _codes(ratings)
    features = _share_features(_counts(codes))

    def disagreements(sums: Floats) -> tuple[Floats, Floats]:
        observed = _mean_disagreement(sums)
        return observed, np.ones_like(observed)

    found = _estimate("raw agreement", codes, features, disagreements, level, draws, seed)
    if found.value is None or (found.observed and found.lower is not None):
        return found
    lower, upper = wilson(found.value, found.units, level)
    return replace(found, lower=lower, upper=upper, notes=())


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    metric: Literal["nominal", "ordinal"] = "nominal",
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Krippendorff's alpha, for any number of annotators and any pattern of missing ratings.

    The ordinal metric takes the codes in rising order; see `preference_scale` for outcomes.
    Krippendorff, *Content Analysis* (Sage, 2004).
    """
    codes = _codes(ratings)
    check_choice("metric", metric, ("nominal", "ordinal"))
    counts = _counts(codes)
    size = counts.sum(1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    coincidences = (pairs / np.maximum(size - 1, 1)[:, None, None]).reshape(len(counts), counts.shape[1] ** 2)

    measured = partial(_alpha_disagreements, size=counts.shape[1])
    return _estimate(
        f"Krippendorff's alpha ({metric})",
        codes,
        coincidences[size >= 2],
        partial(measured, ordinal=metric == "ordinal"),
        level,
        draws,
        seed,
        differing=partial(measured, ordinal=False),
    )


def fleiss_kappa(ratings: ArrayLike, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Agreement:
    """Fleiss' kappa; with unequal numbers of ratings per unit, Gwet's (2014) generalisation.

    Fleiss, *Psychological Bulletin* 76 (1971) 378-382; Gwet, *Handbook of Inter-Rater Reliability* (2014).
    """
    codes = _codes(ratings)

    def disagreements(sums: Floats) -> tuple[Floats, Floats]:
        shares = _mean_shares(sums)
        return _mean_disagreement(sums), (shares * (1 - shares)).sum(-1)

    return _estimate(
        "Fleiss' kappa", codes, _share_features(_counts(codes)), disagreements, level, draws, seed
    )


def gwet_ac1(
    ratings: ArrayLike,
    *,
    categories: int | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Gwet's AC1, which stays near the raw agreement when one category prevails.

    ``categories`` is how many the annotators could choose from; by default, those that occur.
    Gwet, *British Journal of Mathematical and Statistical Psychology* 61 (2008) 29-48, whose variance between
    units gives the same intervals to a few percent; unequal numbers of ratings as in his *Handbook* (2014).
    """
    codes = _codes(ratings)
    counts = _counts(codes)
    used = counts.shape[1]
    offered = used if categories is None else categories
    if offered < used:
        raise ValueError(f"{used} categories occur, but only {offered} are said to exist")

    def disagreements(sums: Floats) -> tuple[Floats, Floats]:
        shares = _mean_shares(sums)
        chance = (shares * (1 - shares)).sum(-1) / max(offered - 1, 1)
        return _mean_disagreement(sums), 1 - chance if offered > 1 else np.zeros_like(chance)

    return _estimate("Gwet's AC1", codes, _share_features(counts), disagreements, level, draws, seed)


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    *,
    weights: Literal["none", "linear", "quadratic"] = "none",
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Cohen's kappa of two annotators, each of shape (U,); weighted kappa takes the codes as a scale.

    Distances are between the codes themselves, so a category nobody used still counts as a step.
    Cohen, *Educational and Psychological Measurement* 20 (1960) 37-46; weighted:
    *Psychological Bulletin* 70 (1968) 213-220.
    """
    check_choice("weights", weights, ("none", "linear", "quadratic"))
    if np.shape(first) != np.shape(second) or np.ndim(first) != 1:
        raise ValueError("two annotators' ratings must be one-dimensional and equally long")
    codes = _codes(np.stack([np.asarray(first, dtype=float), np.asarray(second, dtype=float)]))
    both = codes[:, (codes != MISSING).all(0)]
    categories, index = np.unique(both, return_inverse=True)
    size = categories.size
    cells = index.reshape(both.shape)
    table = np.eye(size * size)[cells[0] * size + cells[1]] if size else np.empty((0, 0))
    distance = np.abs(categories[:, None] - categories[None, :]).astype(float)
    losses = {"none": (distance > 0) * 1.0, "linear": distance, "quadratic": distance**2}

    def disagreements(sums: Floats, loss: Floats = losses[weights]) -> tuple[Floats, Floats]:
        joint = sums.reshape(*sums.shape[:-1], size, size)
        joint = joint / joint.sum((-2, -1), keepdims=True)
        chance = joint.sum(-1)[..., :, None] * joint.sum(-2)[..., None, :]
        return (joint * loss).sum((-2, -1)), (chance * loss).sum((-2, -1))

    name = "Cohen's kappa" if weights == "none" else f"Cohen's kappa ({weights} weights)"
    return _estimate(
        name,
        codes,
        table,
        disagreements,
        level,
        draws,
        seed,
        differing=lambda sums: disagreements(sums, losses["none"]),
    )


def pairwise_kappa(ratings: ArrayLike) -> PairwiseKappa:
    """Cohen's (unweighted) kappa of every two annotators on the units both rated."""
    codes = _codes(ratings)
    categories = np.unique(codes[codes != MISSING])
    chose = (codes[None] == categories[:, None, None]).astype(float)
    rated = (codes != MISSING).astype(float)
    shared = rated @ rated.T
    agreed = sum((x @ x.T for x in chose), np.zeros_like(shared))
    by_chance = sum(((x @ rated.T) * (rated @ x.T) for x in chose), np.zeros_like(shared))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = 1 - by_chance / shared**2
        kappa = 1 - (1 - agreed / shared) / np.where(expected > 0, expected, np.nan)
    return PairwiseKappa(kappa, np.rint(shared).astype(np.intp))


def _codes(ratings: ArrayLike) -> Ints:
    """Validated ratings as integers, missing ones -1."""
    values = np.asarray(ratings)
    if values.ndim != 2:
        raise ValueError(f"ratings must have the shape (annotators, units), not {values.shape}")
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), MISSING, values)
        if not (np.isfinite(values).all() and (values == np.rint(values)).all()):
            raise ValueError("ratings must be whole category codes, or NaN where missing")
    elif values.dtype.kind not in "iu":
        raise ValueError(f"ratings must be category codes, not {values.dtype}")
    codes = values.astype(np.intp)
    if codes.size and codes.min() < MISSING:
        raise ValueError("category codes must not be negative (-1 means missing)")
    return codes


def _counts(codes: Ints) -> Floats:
    """How many annotators put each unit into each category that occurs, rising: shape (U, K)."""
    categories = np.unique(codes[codes != MISSING])
    columns = [np.count_nonzero(codes == category, axis=0) for category in categories]
    return np.array(columns, dtype=float).reshape(categories.size, codes.shape[1]).T


def _pair_agreement(counts: Floats) -> Floats:
    size = counts.sum(1)
    return _ratio((counts * (counts - 1)).sum(1), size * (size - 1))


def _share_features(counts: Floats) -> Floats:
    """Per rated unit: pairable?, share of pairs that disagree, rated, share of each category. (U', 3 + K)"""
    counts = counts[counts.sum(1) > 0]
    size = counts.sum(1, keepdims=True)
    differ = np.nan_to_num(1 - _pair_agreement(counts))[:, None]
    return np.hstack([size > 1, differ, np.ones_like(size), counts / np.maximum(size, 1)])


def _mean_disagreement(sums: Floats) -> Floats:
    return _ratio(sums[..., 1], sums[..., 0])


def _mean_shares(sums: Floats) -> Floats:
    shares: Floats = sums[..., 3:] / sums[..., 2:3]
    return shares


def _alpha_disagreements(sums: Floats, size: int, *, ordinal: bool) -> tuple[Floats, Floats]:
    coincidences = sums.reshape(*sums.shape[:-1], size, size)
    margin = coincidences.sum(-1)
    total = margin.sum(-1)
    # Halfway ranks: their differences are Krippendorff's ordinal distances.
    rank = margin.cumsum(-1) - margin / 2
    distance = (rank[..., :, None] - rank[..., None, :]) ** 2 if ordinal else 1 - np.eye(size)
    observed = (coincidences * distance).sum((-2, -1))
    expected = (margin[..., :, None] * margin[..., None, :] * distance).sum((-2, -1))
    return _ratio(observed, total), _ratio(expected, total * (total - 1))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    ratio = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=ratio, where=denominator > 0)
    return ratio


def _estimate(
    coefficient: str,
    codes: Ints,
    features: Floats,
    disagreements: Disagreements,
    level: float,
    draws: int,
    seed: int,
    differing: Disagreements | None = None,
) -> Agreement:
    """The coefficient whose disagreements are a function of ``features`` (U', F) summed over units.

    ``differing`` gives the chance that two ratings merely differ, where that is not ``expected`` itself.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    annotators = int((codes != MISSING).any(1).sum())
    units = int(((codes != MISSING).sum(0) > 1).sum())

    result = partial(Agreement, coefficient, annotators, units, level)
    if annotators < 2:
        return result(notes=(Note("few_annotators"),))
    if units == 0:
        return result(notes=(Note("no_overlap"),))
    observed, expected = (float(x) for x in disagreements(features.sum(0)))
    if not expected > 0:
        return result(observed=observed, notes=(Note("one_category"),))
    value = 1 - observed / expected
    result = partial(result, value=value, observed=observed, expected=expected)
    if units == 1:
        return result(notes=(Note("one_unit"),))
    if units < FEWEST_UNITS:
        return result(notes=(Note("few_units"),))
    if observed == 0:
        chance = expected if differing is None else float(differing(features.sum(0))[1])
        return result(lower=_lower_when_perfect(units, chance, level), upper=1.0)
    units_alike = _Patterns.of(features, np.random.default_rng(seed))
    sample = units_alike.resampled(disagreements, draws)
    if sample.size < draws / 2 or np.ptp(sample) == 0:
        return result(notes=(Note("little_variation"),))
    lower, upper = np.quantile(sample, units_alike.quantile_levels(sample, value, disagreements, level))
    return result(lower=float(lower), upper=float(upper))


def _lower_when_perfect(units: int, chance: float, level: float) -> float:
    """Resampling unanimous units can only repeat them; use the exact binomial bound on agreement instead.

    Clopper and Pearson, *Biometrika* (1934).
    """
    return float(1 - (1 - ((1 - level) / 2) ** (1 / units)) / chance)


@dataclass(frozen=True, eq=False)
class _Patterns:
    """Units that are alike, counted once: features (D, F) and how many units have them (D,)."""

    features: Floats
    times: Ints
    rng: np.random.Generator

    @classmethod
    def of(cls, features: Floats, rng: np.random.Generator) -> _Patterns:
        patterns, times = np.unique(features, axis=0, return_counts=True)
        if len(patterns) <= MAX_RESAMPLED:
            return cls(patterns, times, rng)
        # Random groups of units vary as units do, and there are few enough of them to draw.
        group = rng.permutation(len(features)) % MAX_RESAMPLED
        sums = np.zeros((MAX_RESAMPLED, features.shape[1]))
        np.add.at(sums, group, features)
        return cls(sums, np.ones(MAX_RESAMPLED, dtype=np.intp), rng)

    def resampled(self, disagreements: Disagreements, draws: int) -> Floats:
        """The coefficient on ``draws`` resamples of the units, without those where it is undefined."""
        samples = []
        total = self.times.sum()
        step = max(1, _CHUNK // max(self.features.shape))
        for start in range(0, draws, step):
            drawn = self.rng.multinomial(total, self.times / total, size=min(step, draws - start))
            observed, expected = disagreements(drawn @ self.features)
            samples.append(1 - _ratio(observed, expected))
        sample = np.concatenate(samples)
        return sample[np.isfinite(sample)]

    def quantile_levels(
        self, sample: Floats, value: float, disagreements: Disagreements, level: float
    ) -> Floats:
        """Which quantiles of the sample bound the interval: bias-corrected, accelerated, with Student's t.

        Efron, "Better bootstrap confidence intervals" (1987); Hesterberg, "What teachers should know about
        the bootstrap" (2014), arXiv:1411.5279.
        """
        below = np.mean(sample < value) + np.mean(sample == value) / 2
        bias = ndtri(np.clip(below, 0.5 / sample.size, 1 - 0.5 / sample.size))
        observed, expected = disagreements(self.times @ self.features - self.features)
        without = 1 - _ratio(observed, expected)
        without = np.where(np.isfinite(without), without, value)
        pull = np.average(without, weights=self.times) - without
        cubes, squares = (self.times @ pull**power for power in (3, 2))
        acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0
        n = self.times.sum()
        tail = critical_value(level, n - 1) * np.sqrt(n / (n - 1))
        reach = bias + np.array([-tail, tail])
        return np.asarray(ndtr(bias + reach / (1 - acceleration * reach)))
