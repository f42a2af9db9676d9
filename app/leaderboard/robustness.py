"""How firm a project's order is."""

from sqlmodel import Session

from app.leaderboard import memory, standings
from app.leaderboard.firmness import Firmness, firmness
from app.leaderboard.forms import StandingsQuery
from app.models import Project


def load(session: Session, project: Project) -> Firmness:
    """Remembered until a judgment changes."""
    return memory.remembered(
        session,
        project,
        "firmness",
        lambda _: firmness(standings.load(session, project, StandingsQuery())),
    )
