"""What an order hangs on beside the responses: the side of the screen, and who judged."""

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from scipy.special import expit
from sqlmodel import Session, col

from app.leaderboard import memory, reading
from app.models import Comparison, Judgment, Project
from ranking import Cells
from ranking import Outcome as Code
from ranking.annotators import Reliability, fit_reliability
from ranking.covariates import position_bias

# Fewer judgments say nothing of an annotator.
LEAST_JUDGED = 10


@dataclass(frozen=True)
class PositionBias:
    """How often the left of two equal responses is preferred, with its 95 % interval; and how that was seen.

    None where the judgments do not tell. `left`, `right` and `ties` are verdicts whose order on the
    screen is known.
    """

    share: float | None
    lower: float | None
    upper: float | None
    left: int
    right: int
    ties: int

    @property
    def judgments(self) -> int:
        """Verdicts whose order on the screen is known."""
        return self.left + self.right + self.ties

    @property
    def biased(self) -> bool:
        """Whether the interval leaves out an even chance."""
        return self.lower is not None and self.upper is not None and not self.lower <= 0.5 <= self.upper


def position(session: Session, project: Project) -> PositionBias:
    """Whether standing on the left helps; remembered until a judgment changes."""
    return memory.remembered(session, project, "position", lambda _: _position(session, project))


def weighted(session: Session, project: Project) -> Reliability | None:
    """Reliabilities by annotator id, and ratings weighted by them; None where they cannot be told."""
    return memory.remembered(session, project, "weighted", lambda _: _weighted(session, project))


def _position(session: Session, project: Project) -> PositionBias:
    straight = reading.tallied(session, project, "position", "straight")
    swapped = reading.tallied(session, project, "position", "swapped")
    # Where the order was swapped, the second model stood on the left.
    flipped = np.array([Code.B, Code.A, Code.TIE, Code.BOTH_BAD])[swapped.outcome]
    shown = Cells(
        np.concatenate([straight.left, swapped.right]),
        np.concatenate([straight.right, swapped.left]),
        np.concatenate([straight.outcome, flipped]),
        np.concatenate([straight.count, swapped.count]),
        straight.n_models,
        np.concatenate([straight.cluster, swapped.cluster]),
    )
    left, right, ties = (int(shown.count[shown.outcome == code].sum()) for code in range(3))
    unknown = PositionBias(None, None, None, left, right, ties)
    if not left + right:
        return unknown
    try:
        effect = position_bias(shown).effects()[0]
    except ValueError:
        # Each model always stood on the same side: the side cannot be told from the models.
        return unknown
    share, lower, upper = (float(expit(x)) for x in (effect.logit, effect.lower, effect.upper))
    known = np.isfinite([lower, upper]).all()
    return PositionBias(share, lower if known else None, upper if known else None, left, right, ties)


def _weighted(session: Session, project: Project) -> Reliability | None:
    counted = _by_annotator(session, project)
    if not len(counted):
        return None
    try:
        return fit_reliability(counted)
    except RuntimeError:
        return None


def _by_annotator(session: Session, project: Project) -> Cells:
    """Live judgments counted by pair, outcome and annotator; the cluster is the annotator's id."""
    _, codes = reading.models(session, project)
    columns = (*reading.PAIR, reading.OUTCOME, col(Judgment.annotator_id))
    query = (
        sa.select(*columns, sa.func.count())
        .join_from(Judgment, Comparison, col(Judgment.comparison_id) == col(Comparison.id))
        .where(*reading.counts(project))
        .group_by(*columns)
    )
    a, b, outcome, annotator, n = reading.columns(session, query, 5)
    pair = np.searchsorted(codes, a), np.searchsorted(codes, b)
    return Cells(*pair, outcome, n.astype(np.float64), len(codes), annotator)
