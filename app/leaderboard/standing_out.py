"""In which slices a model stands elsewhere than in all other judgments, as one look among many."""

from collections.abc import Mapping, Sequence

import numpy as np
from sqlmodel import Session

from app.leaderboard import reading, standings
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.memory import remembered
from app.leaderboard.tables import Part
from app.models import Project
from ranking.slices import Difference, difference, discoveries

# Of all that is marked in a project, the share that is expected to be chance is no larger.
RATE = 0.05

Marks = Mapping[tuple[Part, str], str]


def load(
    session: Session, project: Project, query: StandingsQuery, values: Mapping[str, Sequence[str]]
) -> Marks:
    """By (slice, model): "stronger" or "weaker", where the judgments tell; remembered until one changes.

    ``values`` are those looked at, by kind of slice; of the query only the days and how ties count matter.
    """
    # Ties as an outcome of their own are another scale, and no other question.
    ties = "drop" if query.ties == "drop" else "half"
    whole = query.model_copy(update={"method": "bt", "ties": ties, "by": "", "value": ""})
    looks = tuple((by, value) for by, some in values.items() for value in some)
    return remembered(
        session, project, ("standing out", whole, looks), lambda _: _marks(session, project, whole, looks)
    )


def _marks(session: Session, project: Project, query: StandingsQuery, looks: Sequence[Part]) -> Marks:
    names, _ = reading.models(session, project)
    told = [_difference(session, project, query, look) for look in looks]
    if not told:
        return {}
    found = discoveries(np.array([one.p_value for one in told]), RATE)
    return {
        (look, names[i]): "stronger" if one.logit[i] > 0 else "weaker"
        for look, one, row in zip(looks, told, found, strict=True)
        for i in np.flatnonzero(row)
    }


def _difference(session: Session, project: Project, query: StandingsQuery, look: Part) -> Difference:
    """A slice against the judgments that are not in it; the verdicts on a criterion against those overall."""
    by, value = look
    _, codes = reading.models(session, project)
    whole = standings.load(session, project, query)
    everything = standings.counted(session, project, query, codes)
    some = standings.counted(session, project, query.model_copy(update={"by": by, "value": value}), codes)
    if whole.fit is None:
        raise ValueError("slices are told apart from the fit of all judgments")
    # Verdicts on a criterion are none of those overall.
    contained = by != "criterion"
    return difference(whole.fit, some, everything, contained=contained, crossed=whole.crossed)
