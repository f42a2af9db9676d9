"""The counts that a change of judgments changes, all of them in its own transaction."""

from collections.abc import Mapping

from sqlmodel import Session

from app import adding, divided, tallies
from app.models import Outcome


def add(
    session: Session,
    project_id: int,
    deltas: Mapping[tallies.Key, int],
    votes: Mapping[tuple[int, Outcome], int],
) -> None:
    """Add to the tallies, and to the votes by (comparison's id, outcome)."""
    adding.add(
        session,
        (tallies.KEPT, tallies.rows(project_id, deltas)),
        (divided.KEPT, divided.rows(project_id, votes)),
    )
