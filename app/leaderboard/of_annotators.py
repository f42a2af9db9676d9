"""What ``tiebreak rank --show`` tells of those who voted: how they agree, how reliable they are, what judge
models add.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.leaderboard import reliability
from app.leaderboard.ranked import Parameters, Row
from app.leaderboard.ranked_votes import by_bradley_terry
from app.leaderboard.shown import Line, Shown, Table, bounds, decimal, points
from app.leaderboard.together import Verdicts, WithJudges, combine
from app.leaderboard.votes_file import Codes, Votes
from app.leaderboard.words import NONE
from app.quality.coefficients import Coefficient, Pattern, coefficients, ratings
from app.words import counted, listed
from ranking import Cells, Outcome
from ranking.annotators import Reliability, fit_reliability
from ranking.codes import Ties, outcome_scores

# Each outcome's code where the models change places.
TURNED = np.array([Outcome.B, Outcome.A, Outcome.TIE, Outcome.BOTH_BAD])


def agreement(votes: Votes, _: Parameters, __: Sequence[str]) -> Shown:
    """How far people agree on the same comparison, and how far all do where judge models voted too."""
    last = votes.where(_last_of_each(votes))
    repeated = len(votes.a) - len(last.a)
    judge = np.zeros(len(last.a), bool) if last.judge is None else last.judge
    people = _agreement(last.where(~judge))
    everybody = _agreement(last) if judge.any() else None
    rows: list[Line | None] = [*people.lines("")]
    if everybody:
        rows += [None, *everybody.lines(", judge models too")]
    told = [people.told(_called(last.where(~judge), judged_too=everybody is not None))]
    if everybody:
        told.append(everybody.told("annotators, judge models too,"))
    told += people.caveats()
    if repeated:
        told.append(
            f"{counted(repeated, 'vote repeats', 'votes repeat')} an annotator's own on the same comparison; "
            f"the last {'by time' if votes.ordered_by else 'in the file'} counts."
        )
    if votes.cluster is None:
        told.append("The file names no annotators: every vote is taken to be another one's.")
    found = {**people.found(), "with_judges": everybody and everybody.found()}
    return Shown(found, Table(("Agreement", "Value", "from", "to"), rows), told)


def _called(votes: Votes, *, judged_too: bool) -> str:
    """Those whose votes are no judge model's: nobody simulated is called people."""
    made_up = np.zeros(0, bool) if votes.simulated is None else votes.simulated
    if made_up.any():
        return "simulated annotators" if made_up.all() else "annotators, some simulated,"
    return "people" if judged_too else "annotators"


@dataclass(frozen=True)
class _Agreed:
    """The coefficients of some verdicts, on how many comparisons with two or more they rest."""

    comparisons: int
    verdicts: int
    coefficients: tuple[Coefficient, ...]

    def lines(self, whose: str) -> list[Line]:
        return [
            (f"{one.name}{whose}", *(decimal(value) for value in (one.found.value, *_bounds(one))))
            for one in self.coefficients
        ]

    def told(self, whose: str) -> str:
        if not self.comparisons:
            return f"Not identifiable: no comparison has votes of two {whose.rstrip(',')}."
        return (
            f"From {counted(self.verdicts, 'vote', 'votes')} on "
            f"{counted(self.comparisons, 'comparison', 'comparisons')} that two {whose} or more judged."
        )

    def caveats(self) -> list[str]:
        if not self.comparisons:
            return []
        why = [(one.name, one.undefined or one.no_interval) for one in self.coefficients]
        reasons = dict.fromkeys(reason for _, reason in why if reason)
        return [
            "The interval is of further comparisons like these, judged by the same annotators.",
            *(f"{listed([name for name, one in why if one == reason])}: {reason}." for reason in reasons),
        ]

    def found(self) -> dict[str, Any]:
        keys = ("value", "lower", "upper", "units")
        each = [
            {"name": one.name, **{key: getattr(one.found, key) for key in keys}} for one in self.coefficients
        ]
        return {"comparisons": self.comparisons, "votes": self.verdicts, "coefficients": each}


def _agreement(votes: Votes) -> _Agreed:
    patterns = Counter({pattern: n for pattern, n in _patterns(votes).items() if sum(pattern) > 1})
    verdicts = sum(sum(pattern) * n for pattern, n in patterns.items())
    return _Agreed(patterns.total(), verdicts, coefficients(ratings(patterns)))


def _bounds(one: Coefficient) -> tuple[float | None, float | None]:
    return one.found.lower, one.found.upper


def _last_of_each(votes: Votes) -> NDArray[np.bool_]:
    """Nobody agrees with themselves: of an annotator's votes on one comparison the last."""
    kept = np.ones(len(votes.a), bool)
    if votes.cluster is not None and len(kept):
        _, unit = np.unique(np.asarray(votes.comparison), return_inverse=True)
        key = unit[::-1].astype(np.int64) * (int(votes.cluster.max()) + 1) + votes.cluster[::-1]
        kept[:] = False
        kept[len(kept) - 1 - np.unique(key, return_index=True)[1]] = True
    return kept


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
        f"{counted(moved, 'rank', 'ranks')} would change."
        if models
        else "It takes two annotators or more whose votes count."
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
        f"judge models alone; trust in these is {found.trust:.2f} (0 is none).",
        f"What judge models {adds}. Their bias does not enter, as long as the comparisons people judged are "
        "a random choice among those of the same two models.",
        *filter(None, [found.distrust]),
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
    _, unit = np.unique(np.asarray(votes.comparison), return_inverse=True)
    times = np.bincount(unit * len(Outcome) + turned, minlength=(unit.max(initial=-1) + 1) * len(Outcome))
    found, many = np.unique(times.reshape(-1, len(Outcome)), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, found.tolist()), many.tolist(), strict=True)))


def _in_order(votes: Votes) -> tuple[Codes, Codes, Codes]:
    """(a, b, outcome) with each vote's models in one order."""
    turned = votes.a > votes.b
    outcome = np.where(turned, TURNED[votes.outcome], votes.outcome)
    return np.minimum(votes.a, votes.b), np.maximum(votes.a, votes.b), outcome
