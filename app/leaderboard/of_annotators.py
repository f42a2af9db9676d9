"""What ``tiebreak rank --show`` tells of those who voted: how they agree, how reliable they are, what judge
models add.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from app.leaderboard import reliability
from app.leaderboard.ranked import Parameters, Row
from app.leaderboard.ranked_votes import by_bradley_terry
from app.leaderboard.shown import Line, Shown, Table, bounds, decimal, points
from app.leaderboard.together import Verdicts, WithJudges, combine
from app.leaderboard.votes_file import Codes, Votes
from app.leaderboard.words import NONE
from app.quality.coefficients import Pattern, coefficients, ratings
from app.words import counted
from ranking import Cells, Outcome
from ranking.annotators import Reliability, fit_reliability
from ranking.outcomes import Ties, outcome_scores

# Each outcome's code where the models change places.
TURNED = np.array([Outcome.B, Outcome.A, Outcome.TIE, Outcome.BOTH_BAD])


def agreement(votes: Votes, _: Parameters, __: Sequence[str]) -> Shown:
    """How far votes on the same comparison agree; ``cluster`` is the comparison."""
    patterns = _patterns(votes)
    found = coefficients(ratings(patterns))
    each = [
        {"name": one.name, **{key: getattr(one.found, key) for key in ("value", "lower", "upper", "units")}}
        for one in found
    ]
    rows: list[Line | None] = [
        (one.name, decimal(one.found.value), decimal(one.found.lower), decimal(one.found.upper))
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
            *(decimal(one[key]) for key in ("reliability", "lower", "upper")),
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


def with_judges(votes: Votes, parameters: Parameters, _: Sequence[str]) -> Shown:
    """People's votes and judge models', these corrected where both judged the same comparison."""
    ties = _half_unless_dropped(parameters)
    found = combine(_verdicts(votes, parameters, ties), votes.models, lambda: _apart(votes, parameters), ties)
    rows: list[Line | None] = [
        (
            one.model,
            *(points(one.rating), bounds(one.lower, one.upper)),
            *_rated(one.people),
            _rated(one.judges)[0],
        )
        for one in found.rows
    ]
    headings = ("Model", "Both", "95% interval", "People alone", "95% interval", "Judge models alone")
    return Shown(asdict(found), Table(headings, rows), _told_of_judges(found))


def _rated(row: Row | None) -> Line:
    return (points(row.rating), bounds(row.lower, row.upper)) if row else (NONE, NONE)


def _told_of_judges(found: WithJudges) -> list[str]:
    if found.missing:
        return [f"Not enough data: {found.missing}."]
    if found.effective is None:
        adds = "can add, nobody can say"
    elif found.gained > 0:
        adds = f"add is worth {counted(found.gained, 'vote', 'votes')} of people"
    else:
        adds = "add is nothing"
    shared = counted(found.shared, "comparison", "comparisons")
    return [
        f"{counted(found.people, 'vote', 'votes')} of people; {shared} judged by both, {found.judges:,} by "
        f"judge models alone; trust in these is {found.power:.2f} (0 is none).",
        f"What judge models {adds}. Their bias does not enter, as long as the comparisons people judged are "
        "a random choice among those of the same two models.",
    ]


def _verdicts(votes: Votes, parameters: Parameters, ties: Ties) -> Verdicts:
    """With every comparison's models in one order; prompts are no clusters beside the comparisons on them."""
    a, b, outcome = _in_order(votes)
    who = votes.cluster if parameters.cluster in ("annotator", "both") else None
    score = outcome_scores(outcome, ties)
    return Verdicts(np.asarray(votes.comparison), a, b, outcome, who, np.asarray(votes.judge), score)


def _apart(votes: Votes, parameters: Parameters) -> tuple[dict[str, Row], dict[str, Row]]:
    """The standings by people, and those by judge models."""
    judge = np.asarray(votes.judge)
    people, judges = (
        {row.model: row for row in by_bradley_terry(part, parameters).rows}
        for part in (votes.where(~judge), votes.where(judge))
    )
    return people, judges


def _who(votes: Votes) -> Codes:
    return np.zeros(0, np.intp) if votes.cluster is None else votes.cluster


def _reliability(votes: Votes, parameters: Parameters) -> Reliability | None:
    """None where it does not settle."""
    cells = Cells.from_votes(votes.a, votes.b, votes.outcome, len(votes.models), cluster=_who(votes))
    try:
        return fit_reliability(cells, ties=_half_unless_dropped(parameters))
    except RuntimeError:
        return None


def _half_unless_dropped(parameters: Parameters) -> Ties:
    """Weights and judge models' corrections know no ties of their own."""
    return "drop" if parameters.ties == "drop" else "half"


def _patterns(votes: Votes) -> Counter[Pattern]:
    """How many comparisons got each outcome how often, in one order of their models."""
    *_, turned = _in_order(votes)
    _, unit = np.unique(_who(votes), return_inverse=True)
    times = np.bincount(unit * len(Outcome) + turned, minlength=(unit.max(initial=-1) + 1) * len(Outcome))
    found, many = np.unique(times.reshape(-1, len(Outcome)), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, found.tolist()), many.tolist(), strict=True)))


def _in_order(votes: Votes) -> tuple[Codes, Codes, Codes]:
    """(a, b, outcome) with each vote's models in one order."""
    turned = votes.a > votes.b
    outcome = np.where(turned, TURNED[votes.outcome], votes.outcome)
    return np.minimum(votes.a, votes.b), np.maximum(votes.a, votes.b), outcome
