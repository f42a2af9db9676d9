"""Pages of the leaderboard room."""

from dataclasses import asdict
from typing import Any

import flask
from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import pgettext

from app import db, permissions, web
from app.leaderboard import (
    asked,
    bias,
    examples,
    failures,
    files,
    over_time,
    page,
    pairs,
    replay,
    robustness,
    spoken,
    standings,
    style,
    with_judges,
    words,
)
from app.leaderboard.charts import axis_of
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.page import Arrangement
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Row
from app.models import Model, Project
from app.permissions import Access

bp = Blueprint("leaderboard", __name__)

HERE = "/p/<slug>/leaderboard"

bp.add_app_template_filter(spoken.slice_name)
bp.add_app_template_filter(spoken.slice_value)
bp.add_app_template_filter(spoken.by_slice)
bp.add_app_template_filter(spoken.share)
bp.add_app_template_filter(spoken.capital)
bp.add_app_template_filter(spoken.where, "where_asked")
bp.add_app_template_filter(spoken.which, "which_asked")
bp.add_app_template_filter(spoken.days, "days_asked")


@bp.app_template_filter()
def rank_range(row: Row) -> str:
    """ "2–3"."""
    return words.rank_range(asdict(row))


@bp.get(HERE)
def show(slug: str) -> Response:
    """Who leads, how surely, and what the judgments do not tell."""
    access, query = asked.enter(slug)
    arrangement = Arrangement.read(request.args)
    return asked.answer(access, (query, arrangement), lambda: _page(access, query, arrangement))


@bp.get(f"{HERE}.<any(csv, json, svg):kind>")
def download(slug: str, kind: str) -> Response:
    """The same standings as a file."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query, kind), lambda: files.of_standings(access, query, kind))


@bp.get(f"{HERE}/matrix")
def matrix(slug: str) -> Response:
    """Every model against every other: observed, or as the ratings expect."""
    access, query = asked.enter(slug)
    shown = asked.shown()
    return asked.answer(access, (query, shown), lambda: _matrix_page(access, query, shown))


@bp.get(f"{HERE}/matrix.<any(csv, json, svg):kind>")
def download_matrix(slug: str, kind: str) -> Response:
    """Every pair of models that met, as a file."""
    access, query = asked.enter(slug)
    shown = asked.shown()
    return asked.answer(access, (query, kind, shown), lambda: files.of_matrix(access, query, shown, kind))


@bp.get(f"{HERE}/over-time")
def history(slug: str) -> Response:
    """How the ratings came about."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query,), lambda: _history_page(access, query))


@bp.get(f"{HERE}/over-time.<any(csv, json, svg):kind>")
def download_history(slug: str, kind: str) -> Response:
    """The trajectory as a file."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query, kind), lambda: files.of_history(access, query, kind))


@bp.get(f"{HERE}/bias")
def biases(slug: str) -> Response:
    """Whether the side of the screen decides verdicts."""
    access, _ = asked.enter(slug)
    return asked.answer(access, (), lambda: _bias_page(access))


@bp.get(f"{HERE}/bias.<any(csv, json, svg):kind>")
def download_bias(slug: str, kind: str) -> Response:
    """How far the side decides, as a file."""
    access, _ = asked.enter(slug)
    return asked.answer(access, (kind,), lambda: files.of_bias(access, kind))


@bp.get(f"{HERE}/robustness")
def firmness(slug: str) -> Response:
    """Whether the order would survive other judgments, another style, or judge models."""
    access, query = asked.enter(slug)
    return asked.answer(access, (query,), lambda: _firmness_page(access, query))


@bp.get(f"{HERE}/models/<uid>")
def model(slug: str, uid: str) -> Response:
    """Where one model wins and loses."""
    access, query = asked.enter(slug)
    one = asked.model(access, uid)
    result, offset = asked.result(), asked.offset()
    return asked.answer(
        access, (query, result, offset), lambda: _model_page(access, query, one, result, offset)
    )


@bp.get(f"{HERE}/models/<uid>.<any(csv, json, svg):kind>")
def download_model(slug: str, uid: str, kind: str) -> Response:
    """One model in each slice, and against each other model, as a file."""
    access, query = asked.enter(slug)
    one = asked.model(access, uid)
    return asked.answer(access, (query, kind), lambda: files.of_model(access, query, one, kind))


@bp.get(f"{HERE}/models/<uid>/comparisons/<pair_id>")
def comparison(slug: str, uid: str, pair_id: str) -> Response:
    """One judged comparison of a model, with all of its texts."""
    access = permissions.enter(db.session(), web.account(), slug, examples.READ)
    one = asked.model(access, uid)
    return asked.answer(access, (), lambda: _comparison_page(access, one, pair_id))


@bp.get(f"{HERE}/models/<uid>/<other_uid>")
def head_to_head(slug: str, uid: str, other_uid: str) -> Response:
    """Two models against each other."""
    access, query = asked.enter(slug)
    pair = asked.pair(access, uid, other_uid)
    offset = asked.offset()
    return asked.answer(access, (query, offset), lambda: _pair_page(access, query, pair, offset))


@bp.get(f"{HERE}/models/<uid>/<other_uid>.<any(csv, json, svg):kind>")
def download_pair(slug: str, uid: str, other_uid: str, kind: str) -> Response:
    """Two models against each other in each slice, as a file."""
    access, query = asked.enter(slug)
    pair = asked.pair(access, uid, other_uid)
    return asked.answer(access, (query, kind), lambda: files.of_pair(access, query, pair, kind))


def _page(access: Access, query: StandingsQuery, arrangement: Arrangement) -> Response:
    session, project = db.session(), access.project
    found, known = standings.load(session, project, query), standings.slices(session, project)
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


def _matrix_page(access: Access, query: StandingsQuery, shown: str) -> Response:
    rows = pairs.matrix(asked.bradley_terry(access, query))
    return _plain_page("leaderboard/matrix.html", access, query, "matrix", rows=rows, shown=shown)


def _history_page(access: Access, query: StandingsQuery) -> Response:
    trajectory = replay.trajectory(db.session(), access.project, query)
    return _plain_page(
        "leaderboard/history.html",
        access,
        query,
        "history",
        trajectory=trajectory,
        drawings={kind: over_time.draw(trajectory, size) for kind, size in over_time.SIZES.items()},
    )


def _bias_page(access: Access) -> Response:
    session, project = db.session(), access.project
    return _plain_page(
        "leaderboard/bias.html",
        access,
        StandingsQuery(),
        "biases",
        position=bias.position(session, project),
    )


def _firmness_page(access: Access, query: StandingsQuery) -> Response:
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


def _model_page(
    access: Access, query: StandingsQuery, one: Model, result: examples.Result, offset: int
) -> Response:
    found, parts = asked.bradley_terry(access, query), asked.all_slices(access, query)
    slices = {by: page.by_slice(found, values, one.name) for by, values in parts.items()}
    rows = [placed.row for values in slices.values() for placed in values.values()]
    return _plain_page(
        "leaderboard/model.html",
        access,
        query,
        "model",
        model=one,
        row=page.row_of(found, one.name),
        standings=found,
        slices=slices,
        axis=axis_of(rows),
        meetings=pairs.meetings(found, one.name),
        failures=failures.of_model(db.session(), access.project, query, one),
        **_examples(access, query, one, None, offset, result),
    )


def _comparison_page(access: Access, one: Model, pair_id: str) -> Response:
    return web.page_or_fragment(
        "leaderboard/comparison.html",
        "example",
        access=access,
        project=access.project,
        model=one,
        one=examples.one(db.session(), access.project, one, pair_id),
    )


def _pair_page(access: Access, query: StandingsQuery, pair: tuple[Model, Model], offset: int) -> Response:
    one, other = pair
    found = asked.meetings_by_slice(access, query, pair)
    slices: dict[str, dict[str, Meeting]] = {}
    for (by, value), meeting in found.items():
        if by:
            slices.setdefault(by, {})[value] = meeting
    return _plain_page(
        "leaderboard/pair.html",
        access,
        query,
        "head_to_head",
        model=one,
        other=other,
        meeting=next(iter(found.values())),
        slices=slices,
        **_examples(access, query, one, other, offset),
    )


def _plain_page(
    template: str, access: Access, query: StandingsQuery, endpoint: str, **context: Any
) -> Response:
    return flask.make_response(render_template(template, **_common(access, query, endpoint), **context))


def _common(access: Access, query: StandingsQuery, endpoint: str) -> dict[str, Any]:
    """What every page of the room shows."""
    return {
        "access": access,
        "project": access.project,
        "query": query,
        "uids": standings.uids(db.session(), access.project),
        "tabs": _tabs(access.project, query, endpoint),
        "here": url_for(f"leaderboard.{endpoint}", **request.view_args or {}),
        "choices": _choices(access.project, query, endpoint),
    }


def _choices(project: Project, query: StandingsQuery, endpoint: str) -> page.Choices:
    together = _("Side by side") if endpoint == "show" else _("All of them")
    return page.choices(standings.slices(db.session(), project), query, together)


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
    found = examples.find(db.session(), access.project, query, one, other, result=result, offset=offset)
    shown, more = found[: examples.A_PAGE], len(found) > examples.A_PAGE
    return {"examples": shown, "more": more, "offset": offset, "result": result}
