"""What the speed of rankings is measured of: our methods and others', and the votes in every shape they read.

"L-BFGS" is the method of FastChat: the mean log-loss of the distinct rows, minimised by scipy. arena-rank is
measured when it is installed, as `make bench` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import ranking  # first of all numerical libraries: it keeps BLAS to one thread
from ranking.covariates import ControlledFit, fit_covariates

import choix  # isort: skip
import evalica  # isort: skip
import numpy as np  # isort: skip
from scipy.optimize import minimize  # isort: skip

from benchmarks.ranking_votes import Votes, simulate

MILLION = 1_000_000


def repeated(votes: Votes, times: int) -> Votes:
    columns = (np.tile(c, times) for c in (votes.a, votes.b, votes.outcome, votes.annotator))
    return Votes(*columns, votes.truth)


class Data:
    """The same votes in every shape that somebody reads."""

    def __init__(self, votes: Votes) -> None:
        self.votes = votes
        self.columns = (votes.a, votes.b, votes.outcome)
        self.n_models = votes.n_models

    @classmethod
    def simulated(cls, n: int, n_models: int) -> Data:
        # Beyond a million the same votes come again, lest making them take more memory than all methods.
        once = simulate(min(n, MILLION), n_models, seed=0, annotators=200)
        return cls(repeated(once, max(1, n // MILLION)))

    @cached_property
    def words(self) -> tuple[list[str], list[str], list[str]]:
        names = np.array([f"model-{i:03d}" for i in range(self.n_models)], object)
        outcomes = np.array([outcome.label for outcome in ranking.Outcome], object)
        return (
            names[self.votes.a].tolist(),
            names[self.votes.b].tolist(),
            outcomes[self.votes.outcome].tolist(),
        )

    @cached_property
    def codes(self) -> tuple[list[int], list[int]]:
        return self.votes.a.tolist(), self.votes.b.tolist()

    @cached_property
    def winners(self) -> list[evalica.Winner]:
        kinds = np.array([evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw], object)
        return list(kinds[self.votes.outcome])

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        a, b, outcome = self.columns
        winner = np.where(outcome == ranking.Outcome.B, b, a)
        return list(zip(winner.tolist(), np.where(outcome == ranking.Outcome.B, a, b).tolist(), strict=True))

    @cached_property
    def style(self) -> Any:
        return np.random.default_rng(0).normal(size=(len(self.votes.a), 4))

    @cached_property
    def tally(self) -> ranking.Cells:
        return ranking.Cells.from_votes(*self.columns, self.n_models)

    @cached_property
    def tally_by_annotator(self) -> ranking.Cells:
        return self.votes.cells()

    @cached_property
    def fit(self) -> ranking.Fit:
        return ranking.fit(self.votes.matrix())


def read(data: Data) -> Any:
    return [column.sum() for column in data.columns]


def ours(data: Data, prior: Any = "none") -> ranking.Fit:
    return ranking.fit(ranking.WinMatrix.from_votes(*data.columns, data.n_models), prior=prior)


def ours_firth(data: Data) -> ranking.Fit:
    return ours(data, "firth")


def ours_intervals(data: Data) -> ranking.Intervals:
    return ranking.intervals(ours(data))


def ours_bootstrap(data: Data) -> ranking.Intervals:
    return ranking.intervals(ours(data), kind="bootstrap", replicates=100)


def ours_words(data: Data) -> ranking.Fit:
    names, (a, b) = ranking.encode_names(*data.words[:2])
    outcome = ranking.encode_outcomes(data.words[2])
    return ranking.fit(ranking.WinMatrix.from_votes(a, b, outcome, len(names)), prior="none")


def ours_refresh(data: Data) -> ranking.RankRanges:
    matrix = ranking.WinMatrix.from_cells(data.tally)
    return ranking.rank_ranges(ranking.intervals(ranking.fit(matrix, start=data.fit.theta)))


def ours_refresh_clustered(data: Data) -> ranking.RankRanges:
    cells = data.tally_by_annotator
    result = ranking.fit(ranking.WinMatrix.from_cells(cells), start=data.fit.theta)
    return ranking.rank_ranges(ranking.intervals(result, cells))


def ours_style(data: Data) -> ControlledFit:
    return fit_covariates(*data.columns, data.style, data.n_models, names="wxyz")


def ours_elo(data: Data) -> ranking.EloRun:
    return ranking.elo(*data.columns, data.n_models)


def ours_elo_words(data: Data) -> ranking.EloRun:
    names, (a, b) = ranking.encode_names(*data.words[:2])
    return ranking.elo(a, b, ranking.encode_outcomes(data.words[2]), len(names))


def evalica_codes(data: Data) -> Any:
    return evalica.bradley_terry(*data.codes, data.winners)


def evalica_words(data: Data) -> Any:
    return evalica.bradley_terry(*data.words[:2], data.winners)


def evalica_bootstrap(data: Data) -> Any:
    return evalica.bootstrap(
        evalica.bradley_terry, *data.codes, data.winners, n_resamples=100, bootstrap_method="percentile"
    )


def evalica_elo(data: Data) -> Any:
    return evalica.elo(*data.words[:2], data.winners, k=4.0, initial=1000.0)


def choix_lists(data: Data) -> Any:
    return choix.ilsr_pairwise(data.n_models, data.pairs)


def lbfgs(data: Data) -> Any:
    return _minimise(*_distinct(data), data.n_models)


def lbfgs_bootstrap(data: Data) -> Any:
    left, right, score, count = _distinct(data)
    drawn = np.random.default_rng(0).multinomial(int(count.sum()), count / count.sum(), 100)
    return [_minimise(left, right, score, weights, data.n_models) for weights in drawn]


def arena_ratings(data: Data) -> Any:
    system, dataset = _arena(data)
    return system.fit(dataset)


def arena_intervals(data: Data) -> Any:
    system, dataset = _arena(data)
    return system.compute_ratings_and_cis(dataset)


def _arena(data: Data) -> tuple[Any, Any]:
    import pandas as pd
    from arena_rank.models.bradley_terry import BradleyTerry
    from arena_rank.utils.data_utils import PairDataset

    frame = pd.DataFrame(dict(zip(("model_a", "model_b", "winner"), data.words, strict=True)))
    frame["winner"] = frame["winner"].map({"a": "model_a", "b": "model_b", "tie": "tie"})
    return BradleyTerry(n_competitors=data.n_models), PairDataset.from_pandas(frame)


def _distinct(data: Data) -> tuple[Any, Any, Any, Any]:
    rows = np.column_stack(data.columns)
    distinct, count = np.unique(rows, axis=0, return_counts=True)
    score = np.array([1.0, 0.0, 0.5])[distinct[:, 2]]
    return distinct[:, 0], distinct[:, 1], score, count.astype(float)


def _minimise(left: Any, right: Any, score: Any, count: Any, n_models: int) -> Any:
    weight = count / count.sum()

    def loss(theta: Any) -> tuple[float, Any]:
        p = 1 / (1 + np.exp(theta[right] - theta[left]))
        surplus = weight * (p - score)
        gradient = np.bincount(left, surplus, n_models) - np.bincount(right, surplus, n_models)
        return -float(weight @ (score * np.log(p) + (1 - score) * np.log1p(-p))), gradient

    return minimize(loss, np.zeros(n_models), jac=True, method="L-BFGS-B", options={"gtol": 1e-6}).x


@dataclass(frozen=True)
class Method:
    """What is measured, and the shapes of the votes it reads: they are made before the clock starts.

    More votes than `most` would take it minutes, or its input gigabytes.
    """

    run: Callable[[Data], Any]
    reads: tuple[str, ...] = ()
    most: int = 10 * MILLION

    def prepare(self, data: Data) -> None:
        for shape in self.reads:
            getattr(data, shape)


OURS: dict[str, Method] = {
    "read the columns once": Method(read),
    "ratings, no prior": Method(ours),
    "ratings, Firth's prior": Method(ours_firth),
    "ratings and sandwich": Method(ours_intervals),
    "ratings and bootstrap, 100": Method(ours_bootstrap),
    "ratings from words": Method(ours_words, ("words",)),
    "refresh from tallies": Method(ours_refresh, ("tally", "fit")),
    "refresh from tallies of 200 annotators": Method(ours_refresh_clustered, ("tally_by_annotator", "fit")),
    "ratings, 4 covariates and sandwich": Method(ours_style, ("style",), MILLION),
    "Elo": Method(ours_elo),
    "Elo from words": Method(ours_elo_words, ("words",)),
}
OTHERS: dict[str, Method] = {
    "choix on lists, ratings": Method(choix_lists, ("pairs",)),
    "evalica, ratings": Method(evalica_codes, ("codes", "winners")),
    "evalica, ratings from words": Method(evalica_words, ("words", "winners")),
    "evalica, bootstrap, 100": Method(evalica_bootstrap, ("codes", "winners"), 100_000),
    "evalica, Elo": Method(evalica_elo, ("words", "winners")),
    "L-BFGS, ratings": Method(lbfgs),
    "L-BFGS, bootstrap, 100": Method(lbfgs_bootstrap, (), MILLION),
}
if find_spec("arena_rank"):
    OTHERS["arena-rank, ratings"] = Method(arena_ratings, ("words",))
    OTHERS["arena-rank, ratings and sandwich"] = Method(arena_intervals, ("words",))
METHODS = OURS | OTHERS
