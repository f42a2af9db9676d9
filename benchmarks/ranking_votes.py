"""Simulated votes with a known truth, for the ranking's benchmarks and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtr

import ranking
from ranking.arrays import Floats
from ranking.prediction_powered import HumanVotes, JudgeVotes


@dataclass(frozen=True)
class Votes:
    """Columns of votes, shape (n,), and the logits (M,) that infinitely many of them would give."""

    a: NDArray[np.int16]
    b: NDArray[np.int16]
    outcome: NDArray[np.uint8]
    annotator: NDArray[np.intp]
    truth: Floats

    @property
    def n_models(self) -> int:
        return len(self.truth)

    def matrix(self) -> ranking.WinMatrix:
        return ranking.WinMatrix.from_votes(self.a, self.b, self.outcome, self.n_models)

    def cells(self) -> ranking.Cells:
        return ranking.Cells.from_votes(self.a, self.b, self.outcome, self.n_models, cluster=self.annotator)


def simulate(
    n: int,
    n_models: int,
    *,
    seed: Any = 0,
    theta: Floats | None = None,
    spread: float = 1.0,
    ties: float = 0.5,
    annotators: int = 50,
    taste: float = 0.0,
    uneven: float = 0.0,
) -> Votes:
    """Draw votes on random pairs from Bradley-Terry.

    `ties` 0..1 turns that share of P(win) P(loss) on each side into ties, which leaves the half-win score
    as it was; `taste` is the standard deviation of an annotator's own logit for each model; the k-th
    annotator gives 1 / k ** `uneven` times the votes of the first.
    """
    rng = np.random.default_rng(seed)
    if theta is None:
        theta = rng.normal(0, spread, n_models)
    theta = theta - theta.mean()
    a, b = draw_pairs(n, n_models, rng)
    annotator = draw_annotators(n, annotators, uneven, rng)
    own = rng.normal(0, taste, (annotators, n_models)) + theta
    p = 1 / (1 + np.exp(own[annotator, b] - own[annotator, a]))
    tied = ties * p * (1 - p)
    u = rng.random(n)
    outcome = np.where(u < p - tied, ranking.Outcome.A, ranking.Outcome.B)
    outcome[(u >= p - tied) & (u < p + tied)] = ranking.Outcome.TIE
    truth = marginal_truth(theta, taste) if taste else theta
    return Votes(a.astype(np.int16), b.astype(np.int16), outcome.astype(np.uint8), annotator, truth)


def draw_pairs(n: int, n_models: int, rng: np.random.Generator) -> tuple[Any, Any]:
    a = rng.integers(0, n_models, n)
    return a, (a + rng.integers(1, n_models, n)) % n_models


def draw_annotators(n: int, annotators: int, uneven: float, rng: np.random.Generator) -> Any:
    if not uneven:
        return rng.integers(0, annotators, n)
    share = np.arange(1, annotators + 1) ** -float(uneven)
    return rng.choice(annotators, n, p=share / share.sum())


def simulate_with_judge(
    comparisons: int,
    more: int,
    theta: Floats,
    *,
    seed: Any = 0,
    each: int = 1,
    annotators: int = 30,
    taste: float = 0.0,
    uneven: float = 0.0,
    alike: float = 0.5,
    insight: float = 0.6,
    liking: float | Floats = 0.6,
) -> tuple[HumanVotes, JudgeVotes]:
    """`each` people's votes on each of some comparisons, and a biased judge's on those and on `more` others.

    What is special about a comparison is the share `alike` of what moves each person besides the ratings,
    and the share `insight` of what moves the judge; `liking` is the judge's own logit for each model, or
    the standard deviation of it.
    """
    rng = np.random.default_rng(seed)
    n_models = len(theta)
    a, b = draw_pairs(comparisons + more, n_models, rng)
    special = rng.standard_normal(comparisons + more)
    row = np.repeat(np.arange(comparisons), each)
    who = draw_annotators(len(row), annotators, uneven, rng)
    own = rng.normal(0, taste, (annotators, n_models)) + theta
    gap = own[who, a[row]] - own[who, b[row]]
    outcome = np.where(gap + _logistic(special[row], alike, rng) > 0, ranking.Outcome.A, ranking.Outcome.B)
    judges = theta + (rng.normal(0, liking, n_models) if np.isscalar(liking) else liking)
    score = (judges[a] - judges[b] + _logistic(special, insight, rng) > 0).astype(float)
    rest = slice(comparisons, None)
    return (
        HumanVotes(a[row], b[row], outcome, score[row], cluster=who, comparison=row),
        JudgeVotes(a[rest], b[rest], score[rest]),
    )


def simulate_prompts(
    prompts: int,
    n_models: int,
    *,
    seed: Any = 0,
    pairs: int = 1,
    each: int = 3,
    annotators: int = 30,
    taste: float = 0.5,
    alike: float = 0.5,
    quality: float = 0.0,
) -> tuple[Votes, NDArray[np.intp]]:
    """`each` people's votes on each of `pairs` comparisons on each prompt, and the prompt of each vote.

    `alike` is the share that is special about a comparison of what moves each person besides the ratings;
    `quality` the standard deviation of how much better a model answers one prompt than others, in logits.
    """
    rng = np.random.default_rng(seed)
    theta = np.linspace(-1, 1, n_models)
    prompt = np.repeat(np.arange(prompts), pairs)
    a, b = draw_pairs(len(prompt), n_models, rng)
    row = np.repeat(np.arange(len(prompt)), each)
    who = np.argsort(rng.random((len(prompt), annotators)), axis=1)[:, :each].ravel()
    own = rng.normal(0, taste, (annotators, n_models)) + theta
    luck = rng.normal(0, quality, (prompts, n_models))
    shared = luck[prompt, a] - luck[prompt, b]
    gap = own[who, a[row]] - own[who, b[row]] + shared[row]
    special = rng.standard_normal(len(prompt))
    outcome = np.where(gap + _logistic(special[row], alike, rng) > 0, ranking.Outcome.A, ranking.Outcome.B)
    truth = marginal_truth(theta, float(np.hypot(taste, quality)))
    columns = a[row].astype(np.int16), b[row].astype(np.int16), outcome.astype(np.uint8)
    return Votes(*columns, who, truth), prompt[row]


def _logistic(special: Floats, share: float, rng: np.random.Generator) -> Floats:
    """Logistic noise, of which a share is what was drawn already."""
    mixed = np.sqrt(share) * special + np.sqrt(1 - share) * rng.standard_normal(len(special))
    return np.asarray(logit(ndtr(mixed)))


def marginal_truth(theta: Floats, taste: float) -> Floats:
    """Logits of the average annotator, all pairs equally often: tastes make preferences less extreme."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    difference = theta[:, None] - theta
    p = sum(
        w / weights.sum() / (1 + np.exp(-difference - np.sqrt(2) * taste * x))
        for x, w in zip(nodes, weights, strict=True)
    )
    wins = np.asarray(p)
    np.fill_diagonal(wins, 0.0)
    return ranking.fit(ranking.WinMatrix.from_wins(wins), prior="none").theta


def draw_matrix(votes: Floats, theta: Floats, *, ties: float, rng: np.random.Generator) -> ranking.WinMatrix:
    """A win matrix for a given (M, M) number of votes of each pair, however large, drawn pair by pair."""
    i, j = np.nonzero(np.triu(votes))
    p = 1 / (1 + np.exp(theta[j] - theta[i]))
    tied = ties * p * (1 - p)
    drawn = rng.multinomial(votes[i, j].astype(np.int64), np.column_stack([p - tied, 2 * tied, 1 - p - tied]))
    wins, draws = np.zeros_like(votes), np.zeros_like(votes)
    wins[i, j], wins[j, i] = drawn[:, 0], drawn[:, 2]
    draws[i, j] = draws[j, i] = drawn[:, 1]
    return ranking.WinMatrix.from_wins(wins, draws)
