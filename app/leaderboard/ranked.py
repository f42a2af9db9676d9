"""From counted votes to standings: who leads, how surely, and what the votes do not tell. No database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from app.leaderboard import caveats
from app.words import N_, listed
from ranking import (
    Cells,
    Crossed,
    Fit,
    Intervals,
    Note,
    RankRanges,
    WinMatrix,
    connectivity,
    fit,
    intervals,
    rank_ranges,
)
from ranking.bradley_terry import CENTER, Prior
from ranking.clusters import MIN_CLUSTERS
from ranking.codes import Ties
from ranking.ranks import ranked

Method = Literal["bt", "elo"]
# By what votes are put into an order where that matters.
Order = Literal["time", "file"]
Interval = Literal["sandwich", "bootstrap", "none"]
ClusterBy = Literal["both", "annotator", "prompt", "comparison", "none"]

# Fewer prompts say little of others, and are what was asked about. Where clusters begin to be few has no
# sharp edge (Cameron & Miller, 2015, J. Human Resources 50).
FEW_PROMPTS = 30
# Of fewer annotators each has a large part in every interval.
FEW_ANNOTATORS = 10


@dataclass(frozen=True)
class Parameters:
    """How standings are made; every value is repeated in the result.

    `cluster` says which votes are not independent of each other: those of one annotator, on one prompt, or
    "both"; unless it was `chosen`, fewer than FEW_PROMPTS prompts are taken as they are. `anchor` pins a
    model's rating.
    """

    method: Method = "bt"
    ties: Ties = "half"
    prior: Prior = "firth"
    interval: Interval = "sandwich"
    cluster: ClusterBy = "both"
    chosen: bool = False
    anchor: tuple[str, float] | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        """Raises ValueError for choices that exclude each other."""
        if self.ties == "davidson" and self.method == "elo":
            raise ValueError(N_("Elo has no outcome of its own for ties: count them half, or drop them."))
        if self.ties == "davidson" and self.interval == "bootstrap":
            raise ValueError(N_("Davidson's model is not refitted: use the sandwich interval with it."))


@dataclass(frozen=True)
class Prompts:
    """How many the votes are on, as far as these say, and what votes on one share; None: not to be told.

    `kind` is what they are where votes name no prompts: comparisons. `unknown`: no vote came with its own;
    `partly`: some did not.
    """

    number: int = 0
    crossed: Crossed | None = None
    kind: Literal["prompt", "comparison"] = "prompt"
    unknown: bool = False
    partly: bool = False

    @classmethod
    def of(
        cls,
        prompts: NDArray[np.integer[Any]],
        crossed: Crossed,
        kind: Literal["prompt", "comparison"] = "prompt",
    ) -> Self:
        """What all votes tell whose prompts are (n,) codes, -1 for one that came without; some have one."""
        known = prompts >= 0
        partly = kind == "prompt" and not bool(known.all())
        return cls(len(np.unique(prompts[known])), crossed, kind, partly=partly)


@dataclass(frozen=True)
class Row:
    """One model; None where the votes say nothing. Ranks count within the component, 1 the best."""

    model: str
    rating: float | None
    lower: float | None
    upper: float | None
    rank: int | None
    rank_lower: int | None
    rank_upper: int | None
    wins: int
    losses: int
    ties: int
    both_bad: int
    judgments: int
    component: int

    @property
    def counted(self) -> int:
        """The judgments that its wins, ties and losses are shares of: those that did not call both bad."""
        return self.wins + self.ties + self.losses


@dataclass(frozen=True, eq=False)
class Standings:
    """Models best first, what they were ranked with, and what a reader must be told.

    `models` are the names by code, for the matrices of `fit` and `intervals`, which Elo does not have;
    `crossed` is what prompts added to the intervals, if that is known.
    """

    method: Method
    parameters: Mapping[str, Any]
    votes: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    models: tuple[str, ...]
    matrix: WinMatrix
    fit: Fit | None = None
    intervals: Intervals | None = None
    crossed: Crossed | None = None

    def as_object(self) -> dict[str, Any]:
        """What `rank --json`, `leaderboard --json` and the API print."""
        return {
            "method": self.method,
            "parameters": dict(self.parameters),
            "votes": self.votes,
            "models": [asdict(row) for row in self.rows],
            "notes": list(self.notes),
        }


def with_slices(whole: Standings, by: str, slices: Mapping[tuple[str, str], Standings]) -> dict[str, Any]:
    """The object of the whole, and one like it for each slice, by its value and what that is called."""
    parts = [
        {"value": value, "label": label, **standings.as_object()}
        for (value, label), standings in slices.items()
    ]
    return {**whole.as_object(), "by": by, "slices": parts}


def rank_cells(
    models: Sequence[str],
    cells: Cells,
    parameters: Parameters,
    start: NDArray[np.float64] | None = None,
    prompts: Callable[[Fit], Prompts] = lambda _: Prompts(),
) -> Standings:
    """Bradley-Terry standings of aggregated votes; `start` are the logits of an earlier, similar fit.

    `prompts` tells what votes on the same ones have in common beyond a fit. Raises ValueError when the
    anchor is not a model that has a rating.
    """
    matrix = WinMatrix.from_cells(cells)
    fitted = fit(matrix, ties=parameters.ties, prior=parameters.prior, start=start)
    anchor = _anchor(models, parameters)
    if parameters.interval == "none":
        return _standings(models, matrix, parameters, fitted.ratings(anchor=anchor), fitted)
    counted, shared, used, notes = _clustered(cells, prompts(fitted), parameters)
    found = intervals(
        fitted, counted, crossed=shared, kind=parameters.interval, level=parameters.level, anchor=anchor
    )
    # Codes are given in one order by a project and in another by a file.
    by_name = sorted(range(len(models)), key=models.__getitem__)
    ranges = rank_ranges(found, joint=True, order=by_name)
    told = caveats.of_intervals(models, fitted, found, ranges)
    rating, lower, upper = found.ratings()
    if not np.isfinite(rating).any():
        # Nothing narrows intervals that are not there.
        notes = ()
    standings = _standings(models, matrix, used, rating, fitted, (lower, upper), ranges)
    return replace(standings, intervals=found, crossed=shared, notes=(*standings.notes, *told, *notes))


def _anchor(models: Sequence[str], parameters: Parameters) -> tuple[int, float] | None:
    if parameters.anchor is None:
        return None
    name, rating = parameters.anchor
    if name not in models:
        raise ValueError(f"There is no model {name!r} to anchor; there are {listed(models)}.")
    return list(models).index(name), rating


def _clustered(
    cells: Cells, prompts: Prompts, parameters: Parameters
) -> tuple[Cells | None, Crossed | None, Parameters, tuple[str, ...]]:
    """The annotators and prompts there are enough of to allow for, and a sentence where there are not."""
    kind = parameters.cluster
    named = "annotator" if kind == "both" else kind
    notes: list[str] = []
    n = 0 if cells.cluster is None or kind == "none" else len(np.unique(cells.cluster))
    by_prompt = named in ("prompt", "comparison")
    if by_prompt and 0 < n < FEW_PROMPTS and not parameters.chosen:
        n, notes = 0, [caveats.as_they_are(n, named, by_annotator=False)]
    elif 0 < n < MIN_CLUSTERS:
        notes = [caveats.few_clusters(n, named)]
    elif not by_prompt and 0 < n < FEW_ANNOTATORS:
        notes = [caveats.WIDENED_BY_ONE]
    if (by_prompt or kind == "none") and not parameters.chosen:
        # What a file names is allowed for unless another choice is made, so this one names nobody.
        notes.insert(0, caveats.ANNOTATORS_UNKNOWN)
    clustered = n >= MIN_CLUSTERS
    shared, told = _shared(prompts, parameters, by_annotator=clustered and not by_prompt)
    used: ClusterBy = "both" if clustered and shared else "prompt" if shared else "none"
    if clustered and not shared:
        used = named
    return cells if clustered else None, shared, replace(parameters, cluster=used), (*notes, *told)


def _shared(
    prompts: Prompts, parameters: Parameters, *, by_annotator: bool
) -> tuple[Crossed | None, list[str]]:
    """What prompts add to the variance, or why they do not."""
    found = prompts.crossed
    if prompts.number == 0:
        return None, [caveats.PROMPTS_UNKNOWN] if prompts.unknown else []
    partly = [caveats.SOME_PROMPTS_UNKNOWN] if prompts.partly else []
    if prompts.number < FEW_PROMPTS and not parameters.chosen:
        taken = caveats.as_they_are(prompts.number, prompts.kind, by_annotator=by_annotator)
        return None, [*partly, taken]
    if found is None:
        return None, [*partly, caveats.prompts_not_told(by_annotator=by_annotator)]
    if not found.known:
        return None, [*partly, caveats.few_clusters(found.items, prompts.kind)]
    return found, partly


def rank_elo(
    models: Sequence[str],
    matrix: WinMatrix,
    ratings: NDArray[np.float64],
    parameters: Parameters,
    *,
    k: float,
    spread: float,
    order: Order,
) -> Standings:
    """Standings by Elo ratings; `spread` is how far another order of the votes moves one, NaN if unknown.

    No model has a rank: Elo does not know which of them the votes can tell apart. Raises
    ValueError when the anchor is not a model that has a rating.
    """
    anchor = _anchor(models, parameters)
    if anchor is not None:
        ratings = ratings - ratings[anchor[0]] + anchor[1]
    chosen = replace(parameters, interval="none", cluster="none")
    standings = _standings(models, matrix, chosen, ratings, None)
    shown = {**standings.parameters, "k": k, "prior": None, "order": order}
    rows = tuple(replace(row, rank=None) for row in standings.rows)
    notes = (*standings.notes, caveats.elo(spread))
    return replace(standings, parameters=shown, rows=rows, notes=notes)


def _standings(
    models: Sequence[str],
    matrix: WinMatrix,
    parameters: Parameters,
    ratings: NDArray[np.float64],
    fitted: Fit | None,
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ranges: RankRanges | None = None,
) -> Standings:
    graph = connectivity(matrix.half_wins(parameters.ties))
    rank = ranks(ratings, graph.component) if ranges is None else ranges.rank
    lower, upper = bounds or (np.full_like(ratings, np.nan),) * 2
    wins, losses = matrix.wins.sum(axis=1), matrix.wins.sum(axis=0)
    ties, both_bad, judgments = matrix.ties.sum(axis=1), matrix.both_bad.sum(axis=1), matrix.judgments
    rows = tuple(
        Row(
            model=models[i],
            rating=_number(ratings[i]),
            lower=_number(lower[i]),
            upper=_number(upper[i]),
            rank=_rank(rank[i]),
            rank_lower=None if ranges is None else _rank(ranges.best[i]),
            rank_upper=None if ranges is None else _rank(ranges.worst[i]),
            wins=int(wins[i]),
            losses=int(losses[i]),
            ties=int(ties[i]),
            both_bad=int(both_bad[i]),
            judgments=int(judgments[i]),
            component=int(graph.component[i]),
        )
        for i in _best_first(models, ratings, graph.component)
    )
    notes = fitted.notes if fitted is not None else _graph_notes(matrix, parameters)
    votes = round(judgments.sum() / 2)
    told = caveats.of_votes(models, matrix, notes)
    nu = None if fitted is None else fitted.tie_parameter
    return Standings(
        parameters.method, _shown(parameters, nu), votes, rows, told, tuple(models), matrix, fitted
    )


def _graph_notes(matrix: WinMatrix, parameters: Parameters) -> tuple[Note, ...]:
    """What is to be said of who met whom, whatever the method."""
    return fit(matrix, ties=parameters.ties).notes


def _shown(parameters: Parameters, tie_parameter: float | None) -> dict[str, Any]:
    anchor = parameters.anchor and {"model": parameters.anchor[0], "rating": parameters.anchor[1]}
    return {
        "ties": parameters.ties,
        "both_bad": "exclude",
        "tie_parameter": tie_parameter,
        "prior": parameters.prior,
        "interval": parameters.interval,
        "cluster": parameters.cluster,
        "level": parameters.level,
        "anchor": anchor,
        "center": CENTER,
    }


def _best_first(
    models: Sequence[str], ratings: NDArray[np.float64], component: NDArray[np.intp]
) -> list[int]:
    """The largest component first, in it by rating, then by name; models without votes at the end."""

    def place(i: int) -> tuple[bool, int, float, str]:
        unrated = np.isnan(ratings[i])
        return bool(component[i] < 0), int(component[i]), np.inf if unrated else -ratings[i], models[i]

    return sorted(range(len(models)), key=place)


def ranks(ratings: NDArray[np.float64], component: NDArray[np.intp]) -> NDArray[np.intp]:
    """Ranks of ratings within each component, equal ones sharing the better; 0 without a place."""
    together = component[:, None] == component
    better = ratings > ratings[:, None] + 1e-6
    return np.where(ranked(ratings, component), 1 + (together & better).sum(axis=1), 0)


def _rank(value: np.intp) -> int | None:
    return int(value) or None


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
