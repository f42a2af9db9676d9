"""People's verdicts and judge models' together, so that a judge's bias cannot enter. No database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.leaderboard.ranked import Row
from app.words import N_, sentence
from ranking.clusters import MIN_CLUSTERS
from ranking.codes import Ties
from ranking.prediction_powered import HumanVotes, JudgeVotes, PredictionPowered, fit_prediction_powered

# On fewer comparisons that both have judged, a judge model's errors are not known.
LEAST_SHARED = 30

_NO_TRUST = N_(
    "A trust of zero means that, among comparisons of the same two models, what judge models say tells "
    "nothing of what people say: both together are people alone."
)
_TURNED_ROUND = N_(
    "A trust below zero means that, among comparisons of the same two models, people preferred a response "
    "the less, the more judge models did: their judgments count the other way round."
)

Numbers = NDArray[np.number[Any]]
Rows = Mapping[str, Row]


@dataclass(frozen=True)
class ThreeRatings:
    """A model by people alone, by judge models alone, and by both together; None where not known."""

    model: str
    people: Row | None
    judges: Row | None
    rating: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class WithJudges:
    """What judge models add; `missing` says why there is nothing to tell.

    `power`: how far they are trusted, 0 not at all. `shared`: comparisons that both have judged.
    `effective`: how many judgments of people alone would be as precise as both together,
    taking judgments as independent.
    """

    missing: str = ""
    people: int = 0
    judges: int = 0
    shared: int = 0
    power: float = 0.0
    effective: float | None = None
    rows: tuple[ThreeRatings, ...] = ()

    @property
    def gained(self) -> int:
        """Judgments of people that the judge models stand for."""
        return round(self.effective - self.people) if self.effective is not None else 0

    @property
    def trust(self) -> float:
        """`power` as it is shown."""
        return round(self.power, 2) or 0.0

    @property
    def distrust(self) -> str:
        """What a trust of zero or below means; empty where it is more."""
        return "" if self.trust > 0 else _TURNED_ROUND if self.trust else _NO_TRUST


@dataclass(frozen=True, eq=False)
class Verdicts:
    """(n,) verdicts: the comparison, models' codes, outcome, whose, whether a judge model's.

    `score`: how far a is preferred, 0 to 1, NaN where that is not said. `cluster` None: nobody is named.
    """

    comparison: Numbers
    a: Numbers
    b: Numbers
    outcome: Numbers
    cluster: Numbers | None
    judge: NDArray[np.bool_]
    score: Numbers


def combine(
    votes: Verdicts, names: Sequence[str], alone: Callable[[], tuple[Rows, Rows]], ties: Ties = "half"
) -> WithJudges:
    """Both together; ``alone`` gives the standings by people and those by judge models, each by model."""
    if votes.judge.all() or not votes.judge.any():
        return WithJudges(N_("it takes judgments of people and of a judge model"))
    people, others, shared = _told_apart(votes)
    if shared < LEAST_SHARED:
        return WithJudges(
            sentence(
                "it takes %(least)s comparisons that both people and a judge model have judged, and there "
                "are %(there)s",
                least=LEAST_SHARED,
                there=shared,
            )
        )
    if not len(np.asarray(others.score)):
        return WithJudges(N_("the judge models have judged nothing that people have not judged too"))
    try:
        found = fit_prediction_powered(people, others, len(names), ties=ties)
        # The variances of a few annotators are too much chance for a ratio of them to mean anything.
        independent = fit_prediction_powered(
            replace(people, cluster=None), others, len(names), power=found.power, ties=ties
        )
    except RuntimeError:
        return WithJudges(N_("there are too few judgments of people to correct the judge models by"))
    effective = independent.effective_votes
    return WithJudges(
        people=found.human_votes,
        judges=found.judge_votes,
        shared=shared,
        power=found.power,
        effective=effective if np.isfinite(effective) else None,
        rows=_rows(names, found, *alone()),
    )


def _told_apart(votes: Verdicts) -> tuple[HumanVotes, JudgeVotes, int]:
    """People's votes with the judges' mean score beside each, the judges' on the rest, and those shared."""
    ids, first, place = np.unique(votes.comparison, return_index=True, return_inverse=True)
    said = votes.judge & ~np.isnan(votes.score)
    total = np.bincount(place[said], votes.score[said], len(ids))
    times = np.bincount(place[said], minlength=len(ids))
    mean = np.where(times > 0, total / np.maximum(times, 1), np.nan)
    human = np.bincount(place[~votes.judge], minlength=len(ids)) > 0
    own, alone = ~votes.judge, (times > 0) & ~human
    who = None if votes.cluster is None else votes.cluster[own]
    cluster = who if who is not None and len(np.unique(who)) >= MIN_CLUSTERS else None
    people = HumanVotes(votes.a[own], votes.b[own], votes.outcome[own], mean[place[own]], cluster, place[own])
    judged_alone = JudgeVotes(votes.a[first[alone]], votes.b[first[alone]], mean[alone])
    return people, judged_alone, int(np.count_nonzero(human & (times > 0)))


def _rows(
    names: Sequence[str], found: PredictionPowered, people: Rows, judges: Rows
) -> tuple[ThreeRatings, ...]:
    columns = (names, found.ratings().tolist(), *(bound.tolist() for bound in found.intervals()))
    rows = [
        ThreeRatings(
            name,
            people.get(name),
            judges.get(name),
            *(value if np.isfinite(value) else None for value in numbers),
        )
        for name, *numbers in zip(*columns, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (row.rating is None, -(row.rating or 0.0), row.model)))
