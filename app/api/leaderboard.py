"""The leaderboard as JSON; a public project's needs no token."""

import orjson
from flask import Response, request

from app import db, permissions
from app.api import auth, bp
from app.leaderboard import memory, standings
from app.leaderboard.etags import unless_known
from app.leaderboard.forms import StandingsQuery
from app.models import Project


@bp.get("/projects/<slug>/leaderboard")
def leaderboard(slug: str) -> Response:
    """The object `tiebreak leaderboard --json` prints, with an ETag that changes when a judgment does."""
    asker = auth.asker()
    access = permissions.enter(db.session(), asker, slug, "read the leaderboard")
    query = StandingsQuery.read(request.args)
    known = (memory.revision(db.session(), access.project), query)
    return unless_known(known, lambda: _answer(access.project, query))


def _answer(project: Project, query: StandingsQuery) -> Response:
    found = standings.as_object(db.session(), project, query)
    return Response(orjson.dumps(found), mimetype="application/json")
