"""The room's pages as they are sent, each of what its address asks for."""

from typing import Any

import flask
from flask import Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import pgettext

from app import db, web
from app.leaderboard import (
    asked,
    bias,
    examples,
    failures,
    over_time,
    page,
    pairs,
    replay,
    robustness,
    slicing,
    spoken,
    standings,
    style,
    with_judges,
)
from app.leaderboard.charts import axis_of
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.page import Arrangement
from app.leaderboard.pairs import ShareOf
from app.models import Model, Project
from app.permissions import Access
from ranking.bradley_terry import CENTER

# Views of all judgments, whatever part the reader came from.
WHOLE = ("biases", "firmness")


def standings_page(access: Access, query: StandingsQuery, arrangement: Arrangement) -> Response:
    """Who leads, how surely, and what the judgments do not tell."""
    session, project = db.session(), access.project
    found, known = standings.load(session, project, query), slicing.known(session, project)
    beside = known.get(query.by, [])[: page.MAX_SIDE_BY_SIDE] if not query.value else []
    head = standings.headline(session, project)
    return web.page_or_fragment(
        "leaderboard/show.html",
        "standings",
        **_common(access, query, "show"),
        arrangement=arrangement,
        standings=found,
        groups=page.groups(found, arrangement),
        axis=axis_of(found.rows),
        headline=page.headline(found, head, query),
        updated_at=head.updated_at,
        beside=standings.load_slices(session, project, query, beside),
    )


def matrix_page(access: Access, query: StandingsQuery, shown: ShareOf) -> Response:
    """Every model against every other."""
    found = asked.bradley_terry(access, query)
    return _plain_page(
        "leaderboard/matrix.html",
        access,
        query,
        "matrix",
        rows=pairs.matrix(found),
        votes=found.votes,
        shown=shown,
    )


def history_page(access: Access, query: StandingsQuery) -> Response:
    """How the ratings came about."""
    trajectory = replay.trajectory(db.session(), access.project, query)
    return _plain_page(
        "leaderboard/history.html",
        access,
        query,
        "history",
        trajectory=trajectory,
        k=replay.K,
        center=CENTER,
        votes=asked.bradley_terry(access, query).votes,
        drawings={kind: over_time.draw(trajectory, size) for kind, size in over_time.SIZES.items()},
    )


def bias_page(access: Access) -> Response:
    """Whether the side of the screen decides."""
    session, project = db.session(), access.project
    return _plain_page(
        "leaderboard/bias.html",
        access,
        StandingsQuery(),
        "biases",
        position=bias.position(session, project),
    )


def firmness_page(access: Access, query: StandingsQuery) -> Response:
    """Whether the order would survive."""
    session, project = db.session(), access.project
    return _plain_page(
        "leaderboard/robustness.html",
        access,
        query,
        "firmness",
        firmness=robustness.load(session, project),
        style=style.load(session, project),
        judges=with_judges.load(session, project),
    )


def model_page(
    access: Access, query: StandingsQuery, one: Model, result: examples.Result, offset: int
) -> Response:
    """Where one model wins and loses."""
    found, placed = asked.bradley_terry(access, query), asked.placed(access, query, one)
    slices = {by: page.best_first(some) for by, some in asked.by_kind(placed).items()}
    return _plain_page(
        "leaderboard/model.html",
        access,
        query,
        "model",
        model=one,
        row=page.row_of(found, one.name),
        standings=found,
        slices=slices,
        axis=axis_of(row for some in slices.values() for row in some.values()),
        meetings=pairs.meetings(found, one.name),
        failures=failures.of_model(db.session(), access.project, query, one),
        **_examples(access, query, one, None, offset, result),
    )


def comparison_page(access: Access, one: Model, pair_id: str) -> Response:
    """One judged comparison, whole."""
    return web.page_or_fragment(
        "leaderboard/comparison.html",
        "example",
        access=access,
        project=access.project,
        model=one,
        one=examples.one(db.session(), access.project, one, pair_id),
        fragment=web.wants_fragment(),
    )


def pair_page(access: Access, query: StandingsQuery, pair: tuple[Model, Model], offset: int) -> Response:
    """Two models against each other."""
    one, other = pair
    found = asked.meetings_by_slice(access, query, pair)
    return _plain_page(
        "leaderboard/pair.html",
        access,
        query,
        "head_to_head",
        model=one,
        other=other,
        meeting=next(iter(found.values())),
        slices=asked.by_kind(found),
        **_examples(access, query, one, other, offset),
    )


def _plain_page(
    template: str, access: Access, query: StandingsQuery, endpoint: str, **context: Any
) -> Response:
    return flask.make_response(render_template(template, **_common(access, query, endpoint), **context))


def _common(access: Access, query: StandingsQuery, endpoint: str) -> dict[str, Any]:
    """What every page of the room shows."""
    spoken.tell_called(asked.called(access))
    return {
        "access": access,
        "project": access.project,
        "query": query,
        # Of the whole project where a view is not of a part of it.
        "simulated": asked.simulated(access, StandingsQuery() if endpoint in WHOLE else query),
        "uids": standings.uids(db.session(), access.project),
        "tabs": _tabs(access.project, query, endpoint),
        "here": url_for(f"leaderboard.{endpoint}", **request.view_args or {}),
        "choices": _choices(access.project, query, endpoint),
    }


def _choices(project: Project, query: StandingsQuery, endpoint: str) -> page.Choices:
    together = _("Side by side") if endpoint == "show" else _("All of them")
    return page.choices(slicing.known(db.session(), project), query, together)


def _tabs(project: Project, query: StandingsQuery, endpoint: str) -> list[tuple[str, str, bool | str]]:
    """The views of the leaderboard: (label, address, whether it is this page, or "true" for one above it)."""
    views = (
        ("show", _("Standings")),
        ("matrix", _("Win matrix")),
        ("history", _("Over time")),
        ("biases", pgettext("of verdicts", "Bias")),
        ("firmness", _("How firm?")),
    )
    above = {"model": "show", "head_to_head": "matrix"}.get(endpoint)
    return [
        (label, _address(to, project, query), to == endpoint or ("true" if to == above else False))
        for to, label in views
    ]


def _address(endpoint: str, project: Project, query: StandingsQuery) -> str:
    arguments: dict[str, Any] = query.arguments()
    return url_for(f"leaderboard.{endpoint}", slug=project.slug, **arguments)


def _examples(
    access: Access,
    query: StandingsQuery,
    one: Model,
    other: Model | None,
    offset: int,
    result: examples.Result = "",
) -> dict[str, Any]:
    """A page of comparisons, for those who may read them; None for others."""
    if not examples.may_read(access):
        return {"examples": None}
    session, project = db.session(), access.project
    found = examples.find(session, project, query, one, other, result=result, offset=offset)
    return {
        "examples": found[: examples.A_PAGE],
        "more": len(found) > examples.A_PAGE,
        "textless": examples.count_textless(session, project, query, one, other, result=result),
        "offset": offset,
        "result": result,
    }
