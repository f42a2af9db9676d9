"""What ``tiebreak rank --show`` tells of a file of votes: the pages' numbers, with no database."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from app.leaderboard import over_time, pairs, reliability, sides
from app.leaderboard.caveats import listed
from app.leaderboard.firmness import firmness
from app.leaderboard.over_time import Trajectory
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Parameters, Standings, rank_votes
from app.leaderboard.votes_file import Codes, Votes
from app.leaderboard.words import NONE, rank_range, share
from app.quality.coefficients import Pattern, coefficients, ratings
from app.words import counted
from ranking import Cells, Outcome, elo
from ranking.annotators import Reliability, fit_reliability
from ranking.clusters import MIN_CLUSTERS
from ranking.outcomes import Ties

Line = tuple[str, ...]
# As many points as a curve needs.
SAMPLES = 60


@dataclass(frozen=True)
class Table:
    """Text to be read: the first ``words`` columns are words, the others numbers. None is a line between."""

    headings: Line
    rows: list[Line | None]
    words: int = 1


@dataclass(frozen=True)
class Shown:
    """A view's object for programs, its table for people, and what these must be told."""

    found: dict[str, Any]
    table: Table
    notes: Sequence[str] = ()


def standings(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Who leads, how surely, and what the votes do not tell."""
    found = _ranked(votes, parameters).as_object()
    return Shown(found, standings_table(found), found["notes"])


def standings_table(found: Mapping[str, Any]) -> Table:
    """Of the object that ``rank`` and ``leaderboard`` print."""
    rows: list[Line | None] = []
    for before, row in zip([None, *found["models"]], found["models"], strict=False):
        if before and before["component"] != row["component"]:
            # Models that no votes join are no one list.
            rows.append(None)
        rows.append(_standing(row))
    interval = f"{found['parameters']['level']:.0%} interval"
    return Table(("Rank", "Model", "Rating", interval, "Win", "Tie", "Loss", "Judgments"), rows, words=2)


def matrix(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Every model against every other, row against column, a tie counting half."""
    rows = pairs.matrix(_bradley_terry(votes, parameters))
    met = [asdict(one) for row in rows for one in row if one and one.judgments]
    names = [next((cell.model for cell in row if cell), "") for row in rows]
    table = Table(
        ("", *map(str, range(1, len(rows) + 1))),
        [
            (f"{number} {name}", *(_percent(cell.observed if cell else None) for cell in row))
            for number, (name, row) in enumerate(zip(names, rows, strict=True), 1)
        ],
    )
    return Shown({"pairs": met}, table, ["How often the row's model was preferred; a tie counts half."])


def head_to_head(votes: Votes, parameters: Parameters, models: Sequence[str]) -> Shown:
    """Two models against each other."""
    found = pairs.head_to_head(_bradley_terry(votes, parameters), *models)
    return Shown(asdict(found), _meetings([found]), [_EXPECTED])


def model(votes: Votes, parameters: Parameters, models: Sequence[str]) -> Shown:
    """One model, and against each it met, what went worse than expected first."""
    found = _bradley_terry(votes, parameters)
    (name,) = models
    row = asdict(next(row for row in found.rows if row.model == name))
    against = pairs.meetings(found, name)
    return Shown(
        {**row, "against": [asdict(one) for one in against]}, _meetings(against), [_summary(row), _EXPECTED]
    )


def history(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Elo in the order of the file."""
    kept = votes.outcome != Outcome.TIE if parameters.ties == "drop" else np.ones(len(votes.outcome), bool)
    columns = votes.a[kept], votes.b[kept], votes.outcome[kept]
    run = elo(*columns, len(votes.models), samples=min(SAMPLES, max(len(columns[0]), 1)))
    found = over_time.trajectory(
        votes.models, run.positions.tolist() if len(columns[0]) else [], run.trajectory
    )
    return Shown(
        asdict(found), _trajectory(found), ["Elo ratings after so many votes, in the order of the file."]
    )


def bias(votes: Votes, _: Parameters, __: Sequence[str]) -> Shown:
    """Whether the side decides verdicts, where the first model of each row stood on the left."""
    clustered = votes.cluster is not None and len(np.unique(votes.cluster)) >= MIN_CLUSTERS
    cells = Cells.from_votes(
        votes.a, votes.b, votes.outcome, len(votes.models), cluster=votes.cluster if clustered else None
    )
    found = sides.position(cells)
    row = (
        _percent(found.share),
        _between(found.lower, found.upper),
        *map(str, (found.left, found.right, found.ties)),
    )
    table = Table(("Left preferred, between equals", "95% interval", "Left", "Right", "Ties"), [row])
    told = "The first model of each row is taken to have stood on the left."
    alone = "The interval takes each vote as independent." if not clustered else ""
    return Shown(asdict(found), table, [told, *filter(None, [alone])])


def firm(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """How few votes hold the order."""
    found = firmness(_bradley_terry(votes, parameters))
    holds = [*([found.top] if found.top else []), *found.neighbours]
    rows: list[Line | None] = [
        (one.leader, one.challenger, "none found" if one.needed is None else f"{one.needed:,}")
        for one in holds
    ]
    if rows:
        rows.insert(1, None)
    told = "The fewest votes found without which the second would stand above the first; the top comes first."
    return Shown(asdict(found), Table(("Above", "Below", "Votes"), rows, words=2), [told])


def agreement(votes: Votes, _: Parameters, __: Sequence[str]) -> Shown:
    """How far votes on the same comparison agree; ``cluster`` is the comparison."""
    patterns = _patterns(votes)
    found = coefficients(ratings(patterns))
    each = [
        {"name": one.name, **{key: getattr(one.found, key) for key in ("value", "lower", "upper", "units")}}
        for one in found
    ]
    rows: list[Line | None] = [
        (one.name, _decimal(one.found.value), _decimal(one.found.lower), _decimal(one.found.upper))
        for one in found
    ]
    told = [one.undefined for one in found[:1] if one.undefined]
    table = Table(("Agreement", "Value", "from", "to"), rows)
    return Shown({"comparisons": found[0].found.units, "coefficients": each}, table, told)


def annotators(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """How far each annotator's votes follow the ratings, the least reliable first."""
    found = _reliability(votes, parameters)
    known = reliability.reliabilities(found) if found else {}
    given = np.bincount(_who(votes), minlength=len(votes.clusters)).tolist()
    each = [
        {
            "annotator": name,
            "votes": given[code],
            **dict(zip(("reliability", "lower", "upper"), known.get(code, (None,) * 3), strict=True)),
        }
        for code, name in enumerate(votes.clusters)
        if given[code]
    ]
    each.sort(key=lambda one: (one["reliability"] is None, one["reliability"], -one["votes"]))
    rows: list[Line | None] = [
        (
            one["annotator"],
            f"{one['votes']:,}",
            *(_decimal(one[key]) for key in ("reliability", "lower", "upper")),
        )
        for one in each
    ]
    told = [
        "1 sees the differences between models that the median annotator sees, 0 votes at random, and less "
        "prefers what others find worse; an unusual taste looks the same.",
        f"Of an annotator with fewer than {reliability.LEAST_JUDGED} votes that count it is not known.",
    ]
    return Shown({"annotators": each}, Table(("Annotator", "Votes", "Reliability", "from", "to"), rows), told)


def weighted(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Ratings as they are, and with each vote weighted by its annotator's reliability."""
    found = _reliability(votes, parameters)
    models = reliability.reweighted(votes.models, found) if found else []
    rows: list[Line | None] = []
    for before, one in zip([None, *models], models, strict=False):
        if before and before.group != one.group:
            rows.append(None)
        numbers = one.rank, one.weighted_rank, f"{one.rating:.0f}", f"{one.weighted:.0f}"
        rows.append((one.model, *map(str, numbers)))
    moved = sum(one.moved for one in models)
    told = (
        f"{counted(moved, 'rank', 'ranks')} would change." if models else "It takes two annotators or more."
    )
    table = Table(("Model", "Rank", "Weighted rank", "Rating", "Weighted rating"), rows)
    return Shown({"models": [asdict(one) for one in models]}, table, [told])


View = Callable[[Votes, Parameters, Sequence[str]], Shown]
# Each view, and how many models it is of.
VIEWS: dict[str, tuple[View, int]] = {
    "standings": (standings, 0),
    "matrix": (matrix, 0),
    "head-to-head": (head_to_head, 2),
    "model": (model, 1),
    "over-time": (history, 0),
    "bias": (bias, 0),
    "firmness": (firm, 0),
    "agreement": (agreement, 0),
    "annotators": (annotators, 0),
    "weighted": (weighted, 0),
}
_EXPECTED = "Expected is what the ratings say, with its interval; observed counts a tie half."


def show(view: str, votes: Votes, parameters: Parameters, models: Sequence[str]) -> Shown:
    """A view of the votes. Raises ValueError where it is not of so many models, or the votes have others."""
    make, wanted = VIEWS[view]
    if len(models) != wanted or len(set(models)) != wanted:
        many = {0: "no --model", 1: "one --model", 2: "two different models: --model A --model B"}[wanted]
        raise ValueError(f"--show {view} takes {many}.")
    for name in models:
        if name not in votes.models:
            raise ValueError(f"There is no model {name!r}; there are {listed(votes.models)}.")
    return make(votes, parameters, models)


def _ranked(votes: Votes, parameters: Parameters) -> Standings:
    return rank_votes(votes.models, votes.a, votes.b, votes.outcome, parameters, votes.cluster, votes.prompt)


def _bradley_terry(votes: Votes, parameters: Parameters) -> Standings:
    return _ranked(votes, replace(parameters, method="bt"))


def _who(votes: Votes) -> Codes:
    return np.zeros(0, np.intp) if votes.cluster is None else votes.cluster


def _reliability(votes: Votes, parameters: Parameters) -> Reliability | None:
    """None where it does not settle. Weights are those of half wins, unless ties are dropped."""
    ties: Ties = "drop" if parameters.ties == "drop" else "half"
    cells = Cells.from_votes(votes.a, votes.b, votes.outcome, len(votes.models), cluster=_who(votes))
    try:
        return fit_reliability(cells, ties=ties)
    except RuntimeError:
        return None


def _patterns(votes: Votes) -> Counter[Pattern]:
    """How many comparisons got each outcome how often, in one order of their models."""
    turned = np.where(votes.a > votes.b, np.array([1, 0, 2, 3])[votes.outcome], votes.outcome)
    _, unit = np.unique(_who(votes), return_inverse=True)
    times = np.bincount(unit * len(Outcome) + turned, minlength=(unit.max(initial=-1) + 1) * len(Outcome))
    found, many = np.unique(times.reshape(-1, len(Outcome)), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, found.tolist()), many.tolist(), strict=True)))


def _standing(row: Mapping[str, Any]) -> Line:
    rating = NONE if row["rating"] is None else f"{row['rating']:.0f}"
    bounds = NONE if row["lower"] is None else f"{row['lower']:.0f} to {row['upper']:.0f}"
    shares = [share(row, key) for key in ("wins", "ties", "losses")]
    return (rank_range(row), row["model"], rating, bounds, *shares, f"{row['judgments']:,}")


def _summary(row: Mapping[str, Any]) -> str:
    rank, name, rating, bounds, *_ = _standing(row)
    return f"{name}: rank {rank}, rating {rating} ({bounds})."


def _meetings(found: Sequence[Meeting]) -> Table:
    headings = (
        "Model",
        "Against",
        "Wins",
        "Ties",
        "Losses",
        "Both bad",
        "Observed",
        "Expected",
        "95% interval",
    )
    rows: list[Line | None] = [
        (
            one.model,
            one.other,
            *(f"{n:,}" for n in (one.wins, one.ties, one.losses, one.both_bad)),
            _percent(one.observed),
            _percent(one.expected),
            _between(one.lower, one.upper),
        )
        for one in found
    ]
    return Table(headings, rows, words=2)


def _trajectory(found: Trajectory) -> Table:
    rows: list[Line | None] = [
        (f"{position:,}", *(NONE if rating is None else f"{rating:.0f}" for rating in ratings))
        for position, ratings in found.milestones()
    ]
    return Table(("Votes", *(line.model for line in found.lines)), rows)


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{value:.0%}"


def _decimal(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _between(lower: float | None, upper: float | None) -> str:
    return NONE if lower is None or upper is None else f"{lower:.0%} to {upper:.0%}"
