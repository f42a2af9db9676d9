"""Sequential Elo: ratings that move with every vote, in the order the votes came.

The order matters: the same votes in another order give other ratings. It is here for charts over time and for
comparison; `bradley_terry.fit` uses all votes at once (Elo, 1978, "The Rating of Chessplayers, Past
and Present").
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from math import exp
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ranking.arrays import Floats, Ints
from ranking.bradley_terry import CENTER, ELO_PER_LOGIT
from ranking.codes import BothBad, outcome_scores
from ranking.outcomes import check_votes

# Votes turned into Python numbers at once: enough to be fast, few enough to stay small.
_CHUNK = 1 << 16


@dataclass(frozen=True, eq=False)
class EloState:
    """Where a run stands: what `elo` needs to go on from here.

    `points` (M,) Elo points above or below the centre, `played` (M,) counted votes of each model, `votes`
    how many were read so far, those that do not count included.
    """

    points: Floats
    played: Ints
    votes: int


@dataclass(frozen=True, eq=False)
class EloRun:
    """The end of a run, and samples of the way there.

    `ratings` (M,) and `trajectory` (T, M): Elo points, NaN until a model's first vote. `positions` (T,):
    how many votes had been read at each sample. `k`, `center` and `both_bad` are what it was made with.
    """

    ratings: Floats
    positions: Ints
    trajectory: Floats
    state: EloState
    k: float
    center: float
    both_bad: BothBad


def elo(
    a: ArrayLike,
    b: ArrayLike,
    outcome: ArrayLike,
    n_models: int,
    *,
    k: float = 4.0,
    center: float = CENTER,
    both_bad: BothBad = "exclude",
    weight: ArrayLike | None = None,
    start: EloState | None = None,
    stops: ArrayLike = (),
) -> EloRun:
    """Rate votes one after the other, as (n,) columns of codes in order of time.

    The winner gains k (score - expected), the loser loses as much; a tie scores one half; `weight`
    multiplies k. `start` goes on from an earlier run's state, whose models keep their codes and may have
    become more. `stops`, rising, are after how many of these votes the trajectory is sampled.
    """
    if not 0 <= k < np.inf:
        raise ValueError(f"k: {k} is not a finite number of at least 0")
    left, right, kinds, weights = check_votes(a, b, outcome, n_models, weight)
    scores = outcome_scores(kinds, both_bad=both_bad)
    state = _extended(start, n_models)
    total = len(scores)
    sampled: Ints = np.asarray(stops, np.intp)
    counted = ~np.isnan(scores)
    ends = np.append(sampled, total)
    if not counted.all():
        left, right, scores = left[counted], right[counted], scores[counted]
        weights = None if weights is None else weights[counted]
        ends = np.append(0, np.cumsum(counted))[ends]
    logits = (state.points / ELO_PER_LOGIT).tolist()
    played, trajectory, done = state.played.copy(), [], 0
    for end in ends.tolist():
        rows = slice(done, end)
        gain = k / ELO_PER_LOGIT if weights is None else k / ELO_PER_LOGIT * weights[rows]
        _play(logits, left[rows], right[rows], scores[rows], gain)
        played += np.bincount(left[rows], minlength=n_models) + np.bincount(right[rows], minlength=n_models)
        trajectory.append(_ratings(logits, played, center))
        done = end
    final = EloState(np.array(logits) * ELO_PER_LOGIT, played, state.votes + total)
    return EloRun(
        ratings=trajectory[-1],
        positions=state.votes + sampled,
        trajectory=np.array(trajectory[: len(sampled)]).reshape(len(sampled), n_models),
        state=final,
        k=k,
        center=center,
        both_bad=both_bad,
    )


def permuted_elo(
    a: ArrayLike,
    b: ArrayLike,
    outcome: ArrayLike,
    n_models: int,
    *,
    permutations: int = 100,
    seed: int = 0,
    **options: Any,
) -> tuple[Floats, Floats]:
    """(mean, standard deviation) of each model's Elo, both (M,), over random orders of the same votes.

    The deviation is what the order alone does to a rating. `options` are those of `elo`, without `start`.
    """
    columns = [np.asarray(column) for column in (a, b, outcome)]
    weight = options.pop("weight", None)
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(permutations):
        order = rng.permutation(len(columns[0]))
        shuffled = None if weight is None else np.asarray(weight)[order]
        left, right, kinds = (column[order] for column in columns)
        runs.append(elo(left, right, kinds, n_models, weight=shuffled, **options).ratings)
    ratings = np.array(runs)
    return ratings.mean(axis=0), ratings.std(axis=0)


def _play(
    logits: list[float], left: NDArray[Any], right: NDArray[Any], scores: Floats, gain: float | Floats
) -> None:
    """Move the logits by each vote in turn, in place."""
    for start in range(0, len(left), _CHUNK):
        rows = slice(start, start + _CHUNK)
        gains = repeat(gain) if isinstance(gain, float) else gain[rows].tolist()
        for i, j, score, step in zip(
            left[rows].tolist(), right[rows].tolist(), scores[rows].tolist(), gains, strict=False
        ):
            mine, other = logits[i], logits[j]
            move = step * (score - 1.0 / (1.0 + exp(other - mine)))
            logits[i], logits[j] = mine + move, other - move


def _extended(start: EloState | None, n_models: int) -> EloState:
    if start is None:
        return EloState(np.zeros(n_models), np.zeros(n_models, np.intp), 0)
    missing = n_models - len(start.points)
    if missing < 0:
        raise ValueError(f"start: {len(start.points)} models, but the votes have {n_models}")
    return EloState(np.pad(start.points, (0, missing)), np.pad(start.played, (0, missing)), start.votes)


def _ratings(logits: list[float], played: Ints, center: float) -> Floats:
    return np.where(played > 0, center + ELO_PER_LOGIT * np.array(logits), np.nan)
