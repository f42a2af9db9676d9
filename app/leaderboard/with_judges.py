"""People's judgments and judge models' put together, so that a judge model's bias cannot enter."""

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app.leaderboard import memory, reading, standings
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.ranked import Row
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Project
from ranking.clusters import MIN_CLUSTERS
from ranking.outcomes import outcome_scores
from ranking.prediction_powered import HumanVotes, JudgeVotes, PredictionPowered, fit_prediction_powered

# On fewer comparisons that both have judged, a judge model's errors are not known.
LEAST_SHARED = 30
# A larger project is told by a part drawn at random.
MOST_VOTES = 200_000

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, eq=False)
class _Votes:
    """Judgments (n,): comparison, models' codes, outcome, cluster, whether a judge's, weight of a."""

    comparison: Floats
    a: NDArray[np.intp]
    b: NDArray[np.intp]
    outcome: NDArray[np.intp]
    cluster: Floats
    judge: NDArray[np.bool_]
    score: Floats


def load(session: Session, project: Project) -> WithJudges:
    """Remembered until a judgment changes."""
    return memory.remembered(session, project, "with judges", lambda _: _combined(session, project))


def _combined(session: Session, project: Project) -> WithJudges:
    names, codes = reading.models(session, project)
    votes = _votes(session, project, codes)
    if votes.judge.all() or not votes.judge.any():
        return WithJudges("it takes judgments of people and of a judge model")
    people, others, shared = _told_apart(votes)
    if shared < LEAST_SHARED:
        return WithJudges(
            f"it takes {LEAST_SHARED} comparisons that both people and a judge model have judged, and there "
            f"are {shared}"
        )
    if not len(np.asarray(others.score)):
        return WithJudges("the judge models have judged nothing that people have not judged too")
    try:
        found = fit_prediction_powered(people, others, len(codes))
        # The variances of a few annotators are too much chance for a ratio of them to mean anything.
        alone = fit_prediction_powered(replace(people, cluster=None), others, len(codes), power=found.power)
    except RuntimeError:
        return WithJudges("there are too few judgments of people to correct the judge models by")
    effective = alone.effective_votes
    return WithJudges(
        people=found.human_votes,
        judges=found.judge_votes,
        shared=shared,
        power=found.power,
        effective=effective if np.isfinite(effective) else None,
        rows=_rows(session, project, names, found),
    )


def _told_apart(votes: _Votes) -> tuple[HumanVotes, JudgeVotes, int]:
    """People's votes with the judges' mean score beside each, the judges' on the rest, and those shared."""
    ids, place, first = _unique(votes.comparison)
    said = votes.judge & ~np.isnan(votes.score)
    total = np.bincount(place[said], votes.score[said], len(ids))
    times = np.bincount(place[said], minlength=len(ids))
    mean = np.where(times > 0, total / np.maximum(times, 1), np.nan)
    human = np.bincount(place[~votes.judge], minlength=len(ids)) > 0
    own, alone = ~votes.judge, (times > 0) & ~human
    cluster = votes.cluster[own] if len(np.unique(votes.cluster[own])) >= MIN_CLUSTERS else None
    people = HumanVotes(
        votes.a[own], votes.b[own], votes.outcome[own], mean[place[own]], cluster, votes.comparison[own]
    )
    judged_alone = JudgeVotes(votes.a[first[alone]], votes.b[first[alone]], mean[alone])
    return people, judged_alone, int(np.count_nonzero(human & (times > 0)))


def _unique(values: Floats) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """The values, where each row's is among them, and the first row of each."""
    found, first, place = np.unique(values, return_index=True, return_inverse=True)
    return found, place, first


def _votes(session: Session, project: Project, codes: NDArray[np.int64]) -> _Votes:
    """A comparison's public name is a digest, so the first of them are as good as drawn."""
    is_judge = sa.case((col(Annotator.kind) == AnnotatorKind.MODEL, 1), else_=0)
    columns = (
        col(Comparison.id),
        *reading.PAIR,
        reading.OUTCOME,
        col(Annotator.cluster),
        is_judge,
        sa.func.coalesce(col(Judgment.preference), -1.0),
    )
    found = (
        sa.select(*columns)
        .select_from(Comparison)
        .join(Judgment, col(Judgment.comparison_id) == col(Comparison.id))
        .join(Annotator, col(Judgment.annotator_id) == col(Annotator.id))
        .where(*reading.counts(project), col(Comparison.project_id) == project.id)
        .order_by(col(Comparison.pair_id), col(Judgment.id))
        .limit(MOST_VOTES)
    )
    values = np.fromiter(chain.from_iterable(session.execute(found)), np.float64)
    comparison, a, b, outcome, cluster, judge, preference = values.reshape(-1, len(columns)).T
    verdict = outcome.astype(np.intp)
    return _Votes(
        comparison,
        np.searchsorted(codes, a),
        np.searchsorted(codes, b),
        verdict,
        cluster,
        judge > 0,
        np.where(preference >= 0, preference, outcome_scores(verdict, "half", "exclude")),
    )


def _rows(
    session: Session, project: Project, names: list[str], found: PredictionPowered
) -> tuple[ThreeRatings, ...]:
    by_kind = {
        kind: {
            row.model: row
            for row in standings.load(session, project, StandingsQuery(by="kind", value=kind.value)).rows
        }
        for kind in AnnotatorKind
    }
    columns = (names, found.ratings().tolist(), *(bound.tolist() for bound in found.intervals()))
    rows = [
        ThreeRatings(
            name,
            by_kind[AnnotatorKind.HUMAN].get(name),
            by_kind[AnnotatorKind.MODEL].get(name),
            *(value if np.isfinite(value) else None for value in numbers),
        )
        for name, *numbers in zip(*columns, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (row.rating is None, -(row.rating or 0.0), row.model)))
