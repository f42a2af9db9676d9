"""Standings of votes one by one, such as a file holds. No database."""

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.leaderboard.ranked import FEW_PROMPTS, Order, Parameters, Prompts, Standings, rank_cells, rank_elo
from ranking import Cells, Crossed, Fit, WinMatrix, crossed, elo, permuted_elo
from ranking.codes import Outcome
from ranking.crossed import sample_items

if TYPE_CHECKING:
    # A web worker that ranks has no need of pyarrow, which takes 30 MB and long to start.
    from app.leaderboard.votes_file import Votes

Codes = NDArray[np.integer[Any]]

# How far the order of votes moves an Elo rating is told by replaying them in this many random orders.
PERMUTATIONS = 20
MAX_PERMUTED = 200_000
# What votes on the same prompts share is learnt from about so many of them.
MAX_SHARED = 200_000


def rank_votes(votes: "Votes", parameters: Parameters) -> Standings:
    """Standings of votes in the order they were given."""
    if parameters.method == "elo":
        return _by_elo(votes, parameters)
    cells = Cells.from_votes(votes.a, votes.b, votes.outcome, len(votes.models), cluster=votes.cluster)
    return rank_cells(
        votes.models, cells, parameters, prompts=lambda fitted: _prompts(votes, fitted, parameters)
    )


def by_bradley_terry(votes: "Votes", parameters: Parameters) -> Standings:
    """The same, whatever the method asked for."""
    return rank_votes(votes, replace(parameters, method="bt"))


def _prompts(votes: "Votes", fitted: Fit, parameters: Parameters) -> Prompts:
    if votes.prompt is None:
        # Prompts that a file names are allowed for unless another choice is made, so it names none.
        return Prompts(unknown=parameters.cluster in ("annotator", "none") and not parameters.chosen)
    if not (votes.prompt >= 0).any():
        return Prompts(unknown=True)
    some = votes.where(sample_items(votes.prompt, MAX_SHARED))
    found = crossed(fitted, some.a, some.b, some.outcome, np.asarray(some.prompt), some.cluster)
    told = Prompts.of(votes.prompt, found, votes.item)
    # A slice too small to tell is taken to be like the whole, where that tells.
    whole = _shared(votes.part_of, parameters) if votes.part_of and found.items < FEW_PROMPTS else None
    return replace(told, number=whole.items, crossed=whole) if whole else told


@lru_cache(maxsize=1)
def _shared(votes: "Votes", parameters: Parameters) -> Crossed | None:
    """What votes on one prompt share, for all slices of these."""
    return by_bradley_terry(votes, parameters).crossed


def _by_elo(votes: "Votes", parameters: Parameters) -> Standings:
    columns, n_models = (votes.a, votes.b, votes.outcome), len(votes.models)
    matrix = WinMatrix.from_votes(*columns, n_models)
    if parameters.ties == "drop":
        kept = votes.where(votes.outcome != Outcome.TIE)
        columns = kept.a, kept.b, kept.outcome
    run, spread = elo(*columns, n_models), elo_spread(*columns, n_models)
    order: Order = "time" if votes.ordered_by else "file"
    return rank_elo(votes.models, matrix, run.ratings, parameters, k=run.k, spread=spread, order=order)


def elo_spread(a: Codes, b: Codes, outcome: Codes, n_models: int) -> float:
    """How far another order of the same votes moves an Elo rating; NaN where that would take too long."""
    if not 1 < len(a) <= MAX_PERMUTED:
        return np.nan
    _, deviation = permuted_elo(a, b, outcome, n_models, permutations=PERMUTATIONS)
    return float(np.nanmax(deviation, initial=0.0))
