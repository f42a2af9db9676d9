"""The leaderboard as JSON; a public project's needs no token."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from flask import Response, request

from app import db
from app.api.answers import Answer
from app.api.auth import enter
from app.api.operations import get
from app.leaderboard import asked, memory, objects, slicing, standings
from app.leaderboard.etags import unless_known
from app.leaderboard.firmness import Hold
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.over_time import Line
from app.leaderboard.page import Placed
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Row
from app.leaderboard.style import Restyled, StyleEffect
from app.leaderboard.together import WithJudges
from app.models import Scope
from app.permissions import Access


class StandingsOut(Answer):
    """Models best first, how they were ranked, and what the judgments do not tell."""

    method: str
    parameters: dict[str, Any]
    votes: int
    models: list[Row]
    notes: list[str]
    by: str | None = None
    value: str | None = None
    label: str | None = None
    slices: list["StandingsOut"] | None = None


class ViewOut(Answer):
    """A view beside the standings; ``notes`` say where judgments are by simulated annotators."""

    notes: list[str]


class MatrixOut(ViewOut):
    """Every pair of models that met."""

    pairs: list[Meeting]


class TrajectoryOut(ViewOut):
    """Ratings after so many judgments."""

    positions: list[int]
    lines: list[Line]


class BiasOut(ViewOut):
    """How often the left of two equal responses is preferred; null where the judgments do not tell."""

    share: float | None
    lower: float | None
    upper: float | None
    left: int
    right: int
    ties: int


class StyleOut(Answer):
    """What holding style equal changes; ``missing`` says why there is nothing to tell."""

    votes: int
    missing: str
    part: bool
    prompts: int
    few_annotators: bool
    effects: list[StyleEffect]
    rows: list[Restyled]


class RobustnessOut(ViewOut):
    """How few judgments hold the order, and what style and judge models do to it."""

    top: Hold | None
    neighbours: list[Hold]
    style: StyleOut
    judges: WithJudges


class FailureOut(Answer):
    """A failure tag: in how many judgments of a model, in what share of them, and of all models'."""

    tag: str
    severity: str
    times: int
    share: float
    usual: float


@dataclass(frozen=True)
class SlicedRow(Placed):
    """A model where ``by`` is ``value``, which pages call ``label``; all are empty for the whole."""

    by: str
    value: str
    label: str


@dataclass(frozen=True)
class SlicedMeeting(Meeting):
    """Two models where ``by`` is ``value``, which pages call ``label``; all are empty for the whole."""

    by: str
    value: str
    label: str


class ModelOut(ViewOut):
    """Where one model wins and loses."""

    slices: list[SlicedRow]
    against: list[Meeting]
    failures: list[FailureOut]


class PairOut(ViewOut):
    """Two models against each other."""

    slices: list[SlicedMeeting]


# A public project's are answered to anybody, and to who has them already in a few bytes.
view = partial(get, scope=Scope.READ, also={304: ("Nothing changed since this ETag", None)}, is_open=True)
HERE = "/projects/<slug>/leaderboard"


@view(HERE, query=StandingsQuery, gives=StandingsOut)
def leaderboard(slug: str) -> Response:
    """The standings, in the whole or by slice, with an ETag that changes when a judgment does."""
    return _answer(slug, lambda access, query: standings.as_object(db.session(), access.project, query))


@view(f"{HERE}/matrix", query=StandingsQuery, gives=MatrixOut)
def leaderboard_matrix(slug: str) -> Response:
    """Every pair of models that met: what was said of the two, and what their ratings expect."""
    return _answer(slug, objects.of_matrix)


@view(f"{HERE}/over-time", query=StandingsQuery, gives=TrajectoryOut)
def leaderboard_over_time(slug: str) -> Response:
    """How the ratings came about, judgment by judgment."""
    return _answer(slug, objects.of_history)


@view(f"{HERE}/bias", gives=BiasOut)
def leaderboard_bias(slug: str) -> Response:
    """Whether the side of the screen decides verdicts."""
    return _answer(slug, lambda access, _: objects.of_bias(access))


@view(f"{HERE}/robustness", gives=RobustnessOut)
def leaderboard_robustness(slug: str) -> Response:
    """Whether the order would survive other judgments, another style, or judge models."""
    return _answer(slug, lambda access, _: objects.of_firmness(access))


@view(f"{HERE}/models/<uid>", query=StandingsQuery, gives=ModelOut)
def leaderboard_model(slug: str, uid: str) -> Response:
    """Where one model wins and loses, by slice and against each other, and what failed in its responses."""
    return _answer(slug, lambda access, query: objects.of_model(access, query, asked.model(access, uid)))


@view(f"{HERE}/models/<uid>/<other_uid>", query=StandingsQuery, gives=PairOut)
def leaderboard_pair(slug: str, uid: str, other_uid: str) -> Response:
    """Two models against each other, in the whole and by slice."""
    return _answer(
        slug, lambda access, query: objects.of_pair(access, query, asked.pair(access, uid, other_uid))
    )


def _answer(slug: str, make: Callable[[Access, StandingsQuery], dict[str, Any]]) -> Response:
    access = enter(slug, asked.READ)
    query = StandingsQuery.read(request.args)
    slicing.check(db.session(), access.project, query)
    known = (memory.revision(db.session(), access.project), request.path, query)

    def answer() -> Response:
        return Response(orjson.dumps(make(access, query)), mimetype="application/json")

    return unless_known(known, answer)
