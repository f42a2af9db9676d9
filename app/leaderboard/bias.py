"""What an order hangs on beside the responses: the side of the screen, and who judged."""

import numpy as np
import sqlalchemy as sa
from sqlmodel import Session, col

from app.leaderboard import memory, reading, sides
from app.leaderboard.sides import PositionBias
from app.models import Comparison, Judgment, Project
from ranking import Cells
from ranking import Outcome as Code
from ranking.annotators import Reliability, fit_reliability


def position(session: Session, project: Project) -> PositionBias:
    """Whether standing on the left helps; remembered until a judgment changes."""
    return memory.remembered(session, project, "position", lambda _: _position(session, project))


def weighted(session: Session, project: Project) -> Reliability | None:
    """Reliabilities by annotator id, and ratings weighted by them; None where they cannot be told."""
    return memory.remembered(session, project, "weighted", lambda _: _weighted(session, project))


def _position(session: Session, project: Project) -> PositionBias:
    _, codes = reading.models(session, project)
    straight = reading.tallied(session, project, codes, count="straight")
    swapped = reading.tallied(session, project, codes, count="swapped")
    # Where the order was swapped, the second model stood on the left.
    flipped = swapped.counts[[Code.B, Code.A, Code.TIE, Code.BOTH_BAD]]
    shown = Cells(
        np.concatenate([straight.left, swapped.right]),
        np.concatenate([straight.right, swapped.left]),
        np.concatenate([straight.counts, flipped], axis=1),
        straight.n_models,
        np.concatenate([straight.cluster, swapped.cluster]),
    )
    return sides.position(shown)


def _weighted(session: Session, project: Project) -> Reliability | None:
    counted = _by_annotator(session, project)
    if not len(counted):
        return None
    try:
        return fit_reliability(counted)
    except RuntimeError:
        return None


def _by_annotator(session: Session, project: Project) -> Cells:
    """Live judgments counted by pair and annotator; the cluster is the annotator's id."""
    _, codes = reading.models(session, project)
    columns = (*reading.PAIR, col(Judgment.annotator_id))
    said = sa.type_coerce(col(Judgment.outcome), sa.String)
    query = (
        sa.select(*columns, *(sa.func.sum(sa.case((said == one, 1), else_=0)) for one in reading.CODES))
        .join_from(Judgment, Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .where(*reading.counts(project))
        .group_by(*columns)
    )
    return reading.cells(codes, reading.columns(session, query, len(columns) + len(reading.CODES)))
