"""The leaderboard as JSON; a public project's needs no token."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson
from flask import Response, request

from app import db
from app.api.auth import enter
from app.api.operations import get
from app.api.results import MatrixOut, StandingsOut, TrajectoryOut
from app.leaderboard import memory, pairs, replay, standings
from app.leaderboard.etags import unless_known
from app.leaderboard.forms import StandingsQuery
from app.models import Project, Scope

UNCHANGED = {304: ("Nothing changed since this ETag", None)}


@get(
    "/projects/<slug>/leaderboard",
    scope=Scope.READ,
    query=StandingsQuery,
    gives=StandingsOut,
    also=UNCHANGED,
    is_open=True,
)
def leaderboard(slug: str) -> Response:
    """The standings, in the whole or by slice, with an ETag that changes when a judgment does."""
    return _answer(slug, lambda project, query: standings.as_object(db.session(), project, query))


@get(
    "/projects/<slug>/leaderboard/matrix",
    scope=Scope.READ,
    query=StandingsQuery,
    gives=MatrixOut,
    also=UNCHANGED,
    is_open=True,
)
def leaderboard_matrix(slug: str) -> Response:
    """Every pair of models that met: what was said of the two, and what their ratings expect."""

    def make(project: Project, query: StandingsQuery) -> dict[str, Any]:
        asked = query.model_copy(update={"method": "bt"})
        rows = pairs.matrix(standings.load(db.session(), project, asked))
        return {"pairs": [asdict(one) for row in rows for one in row if one and one.judgments]}

    return _answer(slug, make)


@get(
    "/projects/<slug>/leaderboard/over-time",
    scope=Scope.READ,
    query=StandingsQuery,
    gives=TrajectoryOut,
    also=UNCHANGED,
    is_open=True,
)
def leaderboard_over_time(slug: str) -> Response:
    """How the ratings came about, judgment by judgment."""
    return _answer(slug, lambda project, query: asdict(replay.trajectory(db.session(), project, query)))


def _answer(slug: str, make: Callable[[Project, StandingsQuery], dict[str, Any]]) -> Response:
    access = enter(slug, "read the leaderboard")
    query = StandingsQuery.read(request.args)
    known = (memory.revision(db.session(), access.project), request.path, query)

    def answer() -> Response:
        return Response(orjson.dumps(make(access.project, query)), mimetype="application/json")

    return unless_known(known, answer)
