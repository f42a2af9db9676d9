"""A project's people and judge models put together: the judgments, read from the database."""

from itertools import chain

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlmodel import Session, col

from app.leaderboard import memory, reading, standings
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.ranked import Row
from app.leaderboard.together import Verdicts, WithJudges, combine
from app.models import Annotator, AnnotatorKind, Comparison, Judgment, Project
from ranking.codes import outcome_scores

# A larger project is told by a part drawn at random.
MOST_VOTES = 200_000


def load(session: Session, project: Project) -> WithJudges:
    """Remembered until a judgment changes."""
    return memory.remembered(session, project, "with judges", lambda _: _combined(session, project))


def _combined(session: Session, project: Project) -> WithJudges:
    names, codes = reading.models(session, project)

    def alone() -> tuple[dict[str, Row], dict[str, Row]]:
        people, judges = (_alone(session, project, kind) for kind in AnnotatorKind)
        return people, judges

    return combine(_votes(session, project, codes), names, alone)


def _alone(session: Session, project: Project, kind: AnnotatorKind) -> dict[str, Row]:
    found = standings.load(session, project, StandingsQuery(by="kind", value=kind.value))
    return {row.model: row for row in found.rows}


def _votes(session: Session, project: Project, codes: NDArray[np.int64]) -> Verdicts:
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
    return Verdicts(
        comparison,
        np.searchsorted(codes, a),
        np.searchsorted(codes, b),
        verdict,
        cluster,
        judge > 0,
        np.where(preference >= 0, preference, outcome_scores(verdict, "half", "exclude")),
    )
