"""What ``tiebreak rank --show`` tells of a file of votes: the pages' numbers, with no database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from app.leaderboard import caveats, of_annotators, over_time, pairs, sides
from app.leaderboard.firmness import firmness
from app.leaderboard.over_time import Trajectory
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Parameters
from app.leaderboard.ranked_votes import by_bradley_terry, rank_votes
from app.leaderboard.shown import Line, Shown, Table, between, bounds, percent, points
from app.leaderboard.votes_file import Votes
from app.leaderboard.words import rank_range, share, tie_rule
from app.words import listed
from ranking import Cells, Outcome, elo
from ranking.clusters import MIN_CLUSTERS


def standings(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Who leads, how surely, and what the votes do not tell."""
    found = rank_votes(votes, parameters).as_object()
    k = found["parameters"].get("k")
    told = [_order("Elo goes through the votes", votes), _step(k)] if k else []
    return Shown(found, standings_table(found), [*found["notes"], *told])


def standings_table(found: Mapping[str, Any]) -> Table:
    """Of the object that ``rank`` and ``leaderboard`` print."""
    rows: list[Line | None] = []
    for before, row in zip([None, *found["models"]], found["models"], strict=False):
        if before and before["component"] != row["component"]:
            # Models that no votes join are no one list.
            rows.append(None)
        rows.append(_standing(row))
    interval = f"{found['parameters']['level']:.0%} interval"
    headings = ("Rank", "Model", "Rating", interval, "Win", "Tie", "Loss", "Both bad", "Judgments")
    if found["method"] == "elo":
        return Table(headings[1:], [row and row[1:] for row in rows])
    return Table(headings, rows, words=2)


def matrix(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Every model against every other, row against column."""
    rows = pairs.matrix(by_bradley_terry(votes, parameters))
    met = [asdict(one) for row in rows for one in row if one and one.judgments]
    names = [next((cell.model for cell in row if cell), "") for row in rows]
    lines: list[Line | None] = [
        line for number, row in enumerate(zip(names, rows, strict=True), 1) for line in _row(number, *row)
    ]
    told = (
        f"How often the row's model was preferred, {tie_rule(parameters.ties)}; below it the 95% interval, "
        "which takes the votes on the two as independent (Wilson's), how many of these count (those for both "
        "bad do not), and what the ratings expect."
    )
    return Shown(
        {"pairs": met}, Table(("", *map(str, range(1, len(rows) + 1))), lines), [told if lines else _UNRATED]
    )


def _row(number: int, name: str, row: Sequence[Meeting | None]) -> list[Line]:
    """One model's line of the matrix: shares, and below them their intervals, votes and expected shares."""
    shares = [cell.share("observed") if cell else (None, None, None) for cell in row]
    counts = [f"{cell.counted:,}" if cell and cell.counted else "" for cell in row]
    expected = [percent(cell.expected) if cell else "" for cell in row]
    return [
        (f"{number} {name}", *(percent(share) for share, _, _ in shares)),
        (
            "",
            *(
                "" if low is None or high is None else f"{100 * low:.0f}–{high:.0%}"
                for _, low, high in shares
            ),
        ),
        ("", *counts),
        ("  expected", *expected),
    ]


def head_to_head(votes: Votes, parameters: Parameters, models: Sequence[str]) -> Shown:
    """Two models against each other."""
    found = pairs.head_to_head(by_bradley_terry(votes, parameters), *models)
    apart = "No votes join these two, not even through other models, so nothing can be said of them."
    told = [apart if found.expected is None else _EXPECTED]
    return Shown({"slices": [_WHOLE | asdict(found)]}, _meetings([found]), told)


def model(votes: Votes, parameters: Parameters, models: Sequence[str]) -> Shown:
    """One model, and against each it met, what went worse than expected first."""
    found = by_bradley_terry(votes, parameters)
    (name,) = models
    row = asdict(next(row for row in found.rows if row.model == name))
    against = pairs.meetings(found, name)
    shown = {"slices": [_WHOLE | row], "against": [asdict(one) for one in against]}
    return Shown(shown, _meetings(against), [_summary(row), _EXPECTED])


def history(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Elo in the order the votes were given, as far as the file says it."""
    kept = votes.where(votes.outcome != Outcome.TIE) if parameters.ties == "drop" else votes
    columns = kept.a, kept.b, kept.outcome
    run = elo(*columns, len(votes.models), stops=over_time.marks(len(columns[0])))
    found = over_time.trajectory(votes.models, run.positions.tolist(), run.trajectory)
    told = [_order("Elo ratings after so many votes,", votes), _step(run.k)]
    return Shown(asdict(found), _trajectory(found), told if found.lines else [_UNRATED])


def _order(what: str, votes: Votes) -> str:
    return (
        f"{what} in the order of {f'their times ({votes.ordered_by})' if votes.ordered_by else 'the file'}."
    )


def _step(k: float) -> str:
    return f"A vote moves a rating by at most {k:g} points (Elo's K)."


def bias(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """Whether the side decides verdicts; a file that is no export has the left one of each row first."""
    known = votes if votes.left is None else votes.where(votes.left >= 0)
    swapped = np.zeros(len(known.a), bool) if known.left is None else known.left == 1
    outcome = np.where(swapped, of_annotators.TURNED[known.outcome], known.outcome)
    left, right = np.where(swapped, known.b, known.a), np.where(swapped, known.a, known.b)
    found = sides.position(Cells.from_votes(left, right, outcome, len(votes.models), cluster=known.cluster))
    row = (
        percent(found.share),
        between(found.lower, found.upper),
        *map(str, (found.left, found.right, found.ties)),
    )
    table = Table(("Left preferred, between equals", "95% interval", "Left", "Right", "Ties"), [row])
    return Shown(asdict(found), table, _told_of_sides(votes, found, parameters))


def _told_of_sides(votes: Votes, found: sides.PositionBias, parameters: Parameters) -> list[str]:
    if votes.left is None:
        told = ["The first model of each row is taken to have stood on the left."]
    else:
        told = [f"Which stood on the left is known of {found.judgments:,} votes (first_shown)."]
    if found.share is None:
        told[0] += (
            " The votes do not let the side be told from the models that stood on it."
            if found.left + found.right
            else " No vote prefers a side, so nothing can be said of it."
        )
    elif found.one_sided and found.lower is None:
        told.append("Each vote for one of the two is for the same side: no interval.")
    elif votes.cluster is None:
        told.append("The interval takes each vote as independent.")
    elif found.lower is None:
        kind = "annotator" if parameters.cluster == "both" else parameters.cluster
        told.append(f"Fewer than {MIN_CLUSTERS} {kind}s: no interval.")
    return told


def firm(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """How few votes hold the order."""
    found = firmness(by_bradley_terry(votes, parameters))
    holds = [*([found.top] if found.top else []), *found.neighbours]
    rows: list[Line | None] = [
        (one.leader, one.challenger, "none found" if one.needed is None else f"{one.needed:,}")
        for one in holds
    ]
    if rows:
        rows.insert(1, None)
    told = [
        "The fewest votes found without which the second would stand above the first; the top comes first.",
        "None found: no votes were found that could be left out to that end.",
    ]
    if not rows:
        told = ["Not enough data: no two models have been compared."]
    return Shown(asdict(found), Table(("Above", "Below", "Votes"), rows, words=2), told)


# As a page's file has all judgments, first among its slices.
_WHOLE = {"by": "", "value": "", "label": ""}
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
    "agreement": (of_annotators.agreement, 0),
    "annotators": (of_annotators.annotators, 0),
    "weighted": (of_annotators.weighted, 0),
    "with-judges": (of_annotators.with_judges, 0),
}
_UNRATED = "No vote rates a model: all call both responses bad, or are ties that are left out."
_EXPECTED = (
    "Observed counts a tie half, and its interval takes the votes on the two as independent (Wilson's); "
    "expected is what the ratings say of all votes, with its interval."
)


def show(view: str, votes: Votes, parameters: Parameters, models: Sequence[str]) -> Shown:
    """A view of the votes. Raises ValueError where it is not of so many models, or the votes have others."""
    make, wanted = VIEWS[view]
    if len(models) != wanted or len(set(models)) != wanted:
        many = {0: "no --model", 1: "one --model", 2: "two different models: --model A --model B"}[wanted]
        raise ValueError(f"--show {view} takes {many}.")
    for name in models:
        if name not in votes.models:
            raise ValueError(f"There is no model {name!r}; there are {listed(votes.models)}.")
    shown = make(votes, parameters, models)
    made_up = np.zeros(len(votes.a), bool) if votes.simulated is None else votes.simulated
    told = list(caveats.simulated(int((~made_up).sum()), int(made_up.sum())))
    if votes.untimed:
        told.append(votes.untimed)
    notes = [*told, *shown.found.get("notes", ())]
    return replace(shown, found={**shown.found, "notes": notes}, notes=[*told, *shown.notes])


def with_slices(whole: Shown, by: str, parts: Mapping[str, Shown]) -> dict[str, Any]:
    """The object of the whole with those of the values of a column.

    Each is one like it; a view that lists its slices itself has them in that list, with their notes.
    """
    if "slices" not in whole.found:
        slices = [{"value": value, "label": value, **part.found} for value, part in parts.items()]
        return {**whole.found, "by": by, "slices": slices}
    more = [
        {**one, "by": by, "value": value, "label": value, "notes": part.found["notes"]}
        for value, part in parts.items()
        for one in part.found["slices"]
    ]
    return {**whole.found, "slices": [*whole.found["slices"], *more]}


def _standing(row: Mapping[str, Any]) -> Line:
    rating, interval = points(row["rating"]), bounds(row["lower"], row["upper"])
    shares = [share(row, key) for key in ("wins", "ties", "losses")]
    counts = (f"{row[name]:,}" for name in ("both_bad", "judgments"))
    return (rank_range(row), row["model"], rating, interval, *shares, *counts)


def _summary(row: Mapping[str, Any]) -> str:
    rank, name, rating, interval, *_ = _standing(row)
    if row["rating"] is None:
        return f"{name}: not rated; see the standings for why."
    return f"{name}: rank {rank}, rating {rating} ({interval})."


def _meetings(found: Sequence[Meeting]) -> Table:
    headings = (
        "Model",
        "Against",
        "Wins",
        "Ties",
        "Losses",
        "Both bad",
        "Observed",
        "95% interval",
        "Expected",
        "95% interval",
    )
    rows: list[Line | None] = [
        (
            one.model,
            one.other,
            *(f"{n:,}" for n in (one.wins, one.ties, one.losses, one.both_bad)),
            percent(one.observed),
            between(one.observed_lower, one.observed_upper),
            percent(one.expected),
            between(one.lower, one.upper),
        )
        for one in found
    ]
    return Table(headings, rows, words=2)


def _trajectory(found: Trajectory) -> Table:
    rows: list[Line | None] = [
        (f"{position:,}", *map(points, ratings)) for position, ratings in found.milestones() if ratings
    ]
    return Table(("Votes", *(line.model for line in found.lines)), rows)
