"""How far annotators agree, beyond what chance alone would give.

Every coefficient here is ``1 - observed / expected`` disagreement and differs only in what it expects by
chance. Ratings are a reliability matrix of shape (annotators, units): integer codes from 0, and -1 (or NaN)
where an annotator did not rate a unit. What the data cannot answer comes back undefined, with a note why.

``sides`` are two codes that would change places if a unit had been written down the other way round, as A
and B of a comparison would. Each unit is then counted half in either order, so that neither what chance gives
nor the interval depends on an order that means nothing; None, the default, takes every code for what it is.

Intervals resample the units, so they speak of *these* annotators on further units of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ranking.arrays import Floats, Ints, check_choice
from ranking.codes import BothBad, Outcome
from ranking.uncertainty import wilson
from ranking.units import MISSING, Agreement, estimate, ratio

Sides = tuple[int, int] | None


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
    codes = _codes(ratings)
    return _pair_agreement(_counts(codes, _categories(codes)))


def raw_agreement(
    ratings: ArrayLike, *, sides: Sides = None, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Agreement:
    """The mean over units of the share of annotator pairs who agree. Not corrected for chance.

    Where units are too few or too alike to resample, unanimous ones too, the interval is Wilson's of so many
    units, which is wide enough for two annotators and more than that for several.
    """
    codes = _codes(ratings)
    features = _in_either_order(_share_features, codes, sides)

    def disagreements(sums: Floats) -> tuple[Floats, Floats]:
        observed = _mean_disagreement(sums)
        return observed, np.ones_like(observed)

    found = estimate("raw agreement", codes, features, disagreements, level, draws, seed)
    if found.value is None or (found.observed and found.lower is not None):
        return found
    lower, upper = wilson(found.value, found.units, level)
    return replace(found, lower=lower, upper=upper, notes=())


def krippendorff_alpha(
    ratings: ArrayLike,
    *,
    metric: Literal["nominal", "ordinal"] = "nominal",
    sides: Sides = None,
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
    coincidences = _in_either_order(_coincidences, codes, sides)
    measured = partial(_alpha_disagreements, size=len(_categories(codes, sides)))
    return estimate(
        f"Krippendorff's alpha ({metric})",
        codes,
        coincidences,
        partial(measured, ordinal=metric == "ordinal"),
        level,
        draws,
        seed,
        differing=partial(measured, ordinal=False),
    )


def fleiss_kappa(
    ratings: ArrayLike, *, sides: Sides = None, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Agreement:
    """Fleiss' kappa; with unequal numbers of ratings per unit, Gwet's (2014) generalisation.

    Fleiss, *Psychological Bulletin* 76 (1971) 378-382; Gwet, *Handbook of Inter-Rater Reliability* (2014).
    """
    codes = _codes(ratings)
    features = _in_either_order(_share_features, codes, sides)

    def disagreements(sums: Floats) -> tuple[Floats, Floats]:
        shares = _mean_shares(sums)
        return _mean_disagreement(sums), (shares * (1 - shares)).sum(-1)

    return estimate("Fleiss' kappa", codes, features, disagreements, level, draws, seed)


def gwet_ac1(
    ratings: ArrayLike,
    *,
    categories: int | None = None,
    sides: Sides = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Gwet's AC1, which stays near the raw agreement when one category prevails.

    ``categories`` is how many the annotators could choose from; by default, those that occur, and both
    ``sides`` where either does.
    Gwet, *British Journal of Mathematical and Statistical Psychology* 61 (2008) 29-48, whose variance between
    units gives the same intervals to a few percent; unequal numbers of ratings as in his *Handbook* (2014).
    """
    codes = _codes(ratings)
    features = _in_either_order(_share_features, codes, sides)
    used = len(_categories(codes, sides))
    offered = used if categories is None else categories
    if offered < used:
        raise ValueError(f"{used} categories occur, but only {offered} are said to exist")

    def disagreements(sums: Floats) -> tuple[Floats, Floats]:
        shares = _mean_shares(sums)
        chance = (shares * (1 - shares)).sum(-1) / max(offered - 1, 1)
        return _mean_disagreement(sums), 1 - chance if offered > 1 else np.zeros_like(chance)

    return estimate("Gwet's AC1", codes, features, disagreements, level, draws, seed)


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
    return estimate(
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


def _categories(codes: Ints, sides: Sides = None) -> Ints:
    """The categories that occur in either order of the units, rising: shape (K,)."""
    return np.union1d(*(np.unique(found[found != MISSING]) for found in (codes, _turned(codes, sides))))


def _turned(codes: Ints, sides: Sides) -> Ints:
    """The codes, had each unit been written down the other way round."""
    if sides is None:
        return codes
    one, other = sides
    return np.where(codes == one, other, np.where(codes == other, one, codes))


def _in_either_order(make: Callable[[Floats], Floats], codes: Ints, sides: Sides) -> Floats:
    """What ``make`` makes of the counts of each unit, averaged over the two orders it may have."""
    categories = _categories(codes, sides)
    found, other = (make(_counts(each, categories)) for each in (codes, _turned(codes, sides)))
    both: Floats = (found + other) / 2
    return both


def _counts(codes: Ints, categories: Ints) -> Floats:
    """How many annotators put each unit into each of (K,) categories: shape (U, K)."""
    columns = [np.count_nonzero(codes == category, axis=0) for category in categories]
    return np.array(columns, dtype=float).reshape(categories.size, codes.shape[1]).T


def _pair_agreement(counts: Floats) -> Floats:
    size = counts.sum(1)
    return ratio((counts * (counts - 1)).sum(1), size * (size - 1))


def _coincidences(counts: Floats) -> Floats:
    """Per unit that two or more rated: how often two of its ratings fall together. (U', K * K)"""
    counts = counts[counts.sum(1) > 1]
    kinds = counts.shape[1]
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(kinds)
    shares: Floats = pairs / (counts.sum(1) - 1)[:, None, None]
    return shares.reshape(len(counts), kinds**2)


def _share_features(counts: Floats) -> Floats:
    """Per rated unit: pairable?, share of pairs that disagree, rated, share of each category. (U', 3 + K)"""
    counts = counts[counts.sum(1) > 0]
    size = counts.sum(1, keepdims=True)
    differ = np.nan_to_num(1 - _pair_agreement(counts))[:, None]
    return np.hstack([size > 1, differ, np.ones_like(size), counts / np.maximum(size, 1)])


def _mean_disagreement(sums: Floats) -> Floats:
    return ratio(sums[..., 1], sums[..., 0])


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
    return ratio(observed, total), ratio(expected, total * (total - 1))
