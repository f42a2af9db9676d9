"""Pages of the leaderboard room."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import flask
import orjson
from flask import Blueprint, Response, render_template, request, url_for
from sqlmodel import select

from app import assets, db, permissions, web
from app.errors import NotFound
from app.leaderboard import (
    bias,
    examples,
    memory,
    over_time,
    page,
    pairs,
    pictures,
    replay,
    robustness,
    standings,
    style,
    tables,
    with_judges,
    words,
)
from app.leaderboard.charts import shared_axis
from app.leaderboard.etags import unless_known
from app.leaderboard.forms import StandingsQuery
from app.leaderboard.page import Arrangement
from app.leaderboard.pairs import Meeting
from app.leaderboard.ranked import Row, Standings
from app.models import Model, Project
from app.permissions import Access

bp = Blueprint("leaderboard", __name__)

READ = "read the leaderboard"
HERE = "/p/<slug>/leaderboard"
LAST_OFFSET = 1_000_000
TYPES = {"csv": "text/csv", "json": "application/json", "svg": "image/svg+xml"}
# What makes each kind of file.
Makers = dict[str, Callable[[], str | bytes]]
Found = TypeVar("Found")
# What a file's name may keep of a slice's value.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")

bp.add_app_template_filter(words.slice_name)
bp.add_app_template_filter(words.slice_value)
bp.add_app_template_filter(words.where, "where_asked")
bp.add_app_template_filter(words.days, "days_asked")


@bp.app_template_filter()
def rank_range(row: Row) -> str:
    """ "2–3"."""
    return words.rank_range(asdict(row))


@bp.app_template_filter()
def share(row: Row, key: str) -> str:
    """ "61%"."""
    return words.share(asdict(row), key)


@bp.get(HERE)
def show(slug: str) -> Response:
    """Who leads, how surely, and what the judgments do not tell."""
    access, query = _enter(slug)
    arrangement = Arrangement.read(request.args)
    return _answer(access, (query, arrangement), lambda: _page(access, query, arrangement))


@bp.get(f"{HERE}.<any(csv, json, svg):kind>")
def download(slug: str, kind: str) -> Response:
    """The same standings as a file."""
    access, query = _enter(slug)
    return _answer(access, (query, kind), lambda: _standings_file(access, query, kind))


@bp.get(f"{HERE}/matrix")
def matrix(slug: str) -> Response:
    """Every model against every other: observed, or as the ratings expect."""
    access, query = _enter(slug)
    shown = _shown()
    return _answer(access, (query, shown), lambda: _matrix_page(access, query, shown))


@bp.get(f"{HERE}/matrix.<any(csv, json, svg):kind>")
def download_matrix(slug: str, kind: str) -> Response:
    """Every pair of models that met, as a file."""
    access, query = _enter(slug)
    shown = _shown()
    return _answer(access, (query, kind, shown), lambda: _matrix_file(access, query, shown, kind))


@bp.get(f"{HERE}/over-time")
def history(slug: str) -> Response:
    """How the ratings came about."""
    access, query = _enter(slug)
    return _answer(access, (query,), lambda: _history_page(access, query))


@bp.get(f"{HERE}/over-time.<any(csv, json, svg):kind>")
def download_history(slug: str, kind: str) -> Response:
    """The trajectory as a file."""
    access, query = _enter(slug)
    return _answer(access, (query, kind), lambda: _history_file(access, query, kind))


@bp.get(f"{HERE}/bias")
def biases(slug: str) -> Response:
    """Whether the side of the screen decides verdicts."""
    access, _ = _enter(slug)
    return _answer(access, (), lambda: _bias_page(access))


@bp.get(f"{HERE}/bias.<any(csv, json, svg):kind>")
def download_bias(slug: str, kind: str) -> Response:
    """How far the side decides, as a file."""
    access, _ = _enter(slug)
    return _answer(access, (kind,), lambda: _bias_file(access, kind))


@bp.get(f"{HERE}/robustness")
def firmness(slug: str) -> Response:
    """Whether the order would survive other judgments, another style, or judge models."""
    access, query = _enter(slug)
    return _answer(access, (query,), lambda: _firmness_page(access, query))


@bp.get(f"{HERE}/models/<uid>")
def model(slug: str, uid: str) -> Response:
    """Where one model wins and loses."""
    access, query = _enter(slug)
    one = _model(access, uid)
    offset = _offset()
    return _answer(access, (query, offset), lambda: _model_page(access, query, one, offset))


@bp.get(f"{HERE}/models/<uid>.<any(csv, json, svg):kind>")
def download_model(slug: str, uid: str, kind: str) -> Response:
    """One model in each slice, and against each other model, as a file."""
    access, query = _enter(slug)
    one = _model(access, uid)
    return _answer(access, (query, kind), lambda: _model_file(access, query, one, kind))


@bp.get(f"{HERE}/models/<uid>/<other_uid>")
def head_to_head(slug: str, uid: str, other_uid: str) -> Response:
    """Two models against each other."""
    access, query = _enter(slug)
    pair = _pair(access, uid, other_uid)
    offset = _offset()
    return _answer(access, (query, offset), lambda: _pair_page(access, query, pair, offset))


@bp.get(f"{HERE}/models/<uid>/<other_uid>.<any(csv, json, svg):kind>")
def download_pair(slug: str, uid: str, other_uid: str, kind: str) -> Response:
    """Two models against each other in each slice, as a file."""
    access, query = _enter(slug)
    pair = _pair(access, uid, other_uid)
    return _answer(access, (query, kind), lambda: _pair_file(access, query, pair, kind))


def _enter(slug: str) -> tuple[Access, StandingsQuery]:
    access = permissions.enter(db.session(), web.account(), slug, READ)
    return access, StandingsQuery.read(request.args)


def _model(access: Access, uid: str) -> Model:
    found = select(Model).where(Model.project_id == access.project.id, Model.uid == uid)
    one = db.session().exec(found).one_or_none()
    if one is None:
        raise NotFound("This project has no such model.")
    return one


def _pair(access: Access, uid: str, other_uid: str) -> tuple[Model, Model]:
    if uid == other_uid:
        raise NotFound("A model is not compared with itself.")
    return _model(access, uid), _model(access, other_uid)


def _shown() -> str:
    """Which shares a win matrix shows."""
    return "expected" if request.args.get("show") == "expected" else "observed"


def _offset() -> int:
    """How many comparisons the pages before have shown."""
    return min(max(request.args.get("offset", 0, type=int), 0), LAST_OFFSET)


def _answer(access: Access, asked: tuple[object, ...], make: Callable[[], Response]) -> Response:
    known = memory.revision(db.session(), access.project), request.path, *asked, *_reader(access)
    return unless_known(known, make)


def _reader(access: Access) -> tuple[object, ...]:
    """What of the reader a page depends on: their name, rights, colours and the form's token."""
    account = access.account
    who = (account.id, account.name, account.session_key) if account else None
    frame = (web.theme(), web.wants_fragment(), assets.edition())
    return (who, access.role, *frame, flask.session.get("csrf_token"), flask.session.get("_flashes"))


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
        axis=shared_axis(found),
        headline=page.headline(found, head, query),
        updated_at=head.updated_at,
        beside=standings.load_slices(session, project, query, beside),
    )


def _matrix_page(access: Access, query: StandingsQuery, shown: str) -> Response:
    rows = pairs.matrix(_bradley_terry(access, query))
    return _plain_page("leaderboard/matrix.html", access, query, "matrix", rows=rows, shown=shown)


def _history_page(access: Access, query: StandingsQuery) -> Response:
    trajectory = replay.trajectory(db.session(), access.project, query)
    return _plain_page(
        "leaderboard/history.html",
        access,
        query,
        "history",
        trajectory=trajectory,
        drawings=[over_time.draw(trajectory, size) for size in (over_time.WIDE, over_time.SMALL)],
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


def _model_page(access: Access, query: StandingsQuery, one: Model, offset: int) -> Response:
    found = _bradley_terry(access, query)
    return _plain_page(
        "leaderboard/model.html",
        access,
        query,
        "model",
        model=one,
        row=_row_of(found, one),
        standings=found,
        slices=_rows_by_slice(access, query, one),
        meetings=pairs.meetings(found, one.name),
        **_examples(access, query, one, None, offset, lost=True),
    )


def _pair_page(access: Access, query: StandingsQuery, pair: tuple[Model, Model], offset: int) -> Response:
    one, other = pair
    found = _meetings_by_slice(access, query, pair)
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


def _meetings_by_slice(
    access: Access, query: StandingsQuery, pair: tuple[Model, Model]
) -> dict[tables.Part, Meeting]:
    """Two models where the query looks, first, and in each slice."""
    names = pair[0].name, pair[1].name
    parts = {_part(query): _bradley_terry(access, query), **_flat(_all_slices(access, query))}
    return {part: pairs.head_to_head(found, *names) for part, found in parts.items()}


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
    together = "Side by side" if endpoint == "show" else "All of them"
    return page.choices(standings.slices(db.session(), project), query, together)


def _tabs(project: Project, query: StandingsQuery, endpoint: str) -> list[tuple[str, str, bool]]:
    """The views of the leaderboard: (label, address, current)."""
    views = (
        ("show", "Standings"),
        ("matrix", "Win matrix"),
        ("history", "Over time"),
        ("biases", "Bias"),
        ("firmness", "How firm?"),
    )
    return [(label, _address(to, project, query), to == endpoint) for to, label in views]


def _address(endpoint: str, project: Project, query: StandingsQuery) -> str:
    arguments: dict[str, Any] = query.arguments()
    return url_for(f"leaderboard.{endpoint}", slug=project.slug, **arguments)


def _bradley_terry(access: Access, query: StandingsQuery) -> Standings:
    """Pairs are read from Bradley-Terry ratings, whatever method the reader came from."""
    return standings.load(db.session(), access.project, query.model_copy(update={"method": "bt"}))


def _all_slices(access: Access, query: StandingsQuery) -> dict[str, dict[str, Standings]]:
    session, project = db.session(), access.project
    found = {}
    for by, values in standings.slices(session, project).items():
        asked = query.model_copy(update={"method": "bt", "by": by})
        if len(values) > 1 or by in page.TELLING_ALONE:
            found[by] = standings.load_slices(session, project, asked, values[: page.MAX_SIDE_BY_SIDE])
    return found


def _rows_by_slice(access: Access, query: StandingsQuery, one: Model) -> dict[str, dict[str, Row]]:
    return {
        by: {value: _row_of(part, one) for value, part in parts.items()}
        for by, parts in _all_slices(access, query).items()
    }


def _row_of(found: Standings, one: Model) -> Row:
    return next(row for row in found.rows if row.model == one.name)


def _examples(
    access: Access, query: StandingsQuery, one: Model, other: Model | None, offset: int, *, lost: bool = False
) -> dict[str, Any]:
    """A page of comparisons, for those who may read them; None for others."""
    if not examples.may_read(access):
        return {"examples": None}
    found = examples.find(db.session(), access.project, query, one, other, lost=lost, offset=offset)
    return {"examples": found[: examples.A_PAGE], "more": len(found) > examples.A_PAGE, "offset": offset}


def _standings_file(access: Access, query: StandingsQuery, kind: str) -> Response:
    session, project = db.session(), access.project

    def rows() -> str:
        parts = standings.load_parts(session, project, query)
        return tables.rows_csv({part: found.rows for part, found in parts.items()})

    makers: Makers = {
        "csv": rows,
        "json": lambda: _json(standings.as_object(session, project, query)),
        "svg": lambda: pictures.standings_svg(
            _title(project, query), standings.load(session, project, query)
        ),
    }
    return _file(makers, kind, project, query, "leaderboard")


def _matrix_file(access: Access, query: StandingsQuery, shown: str, kind: str) -> Response:
    rows, project = pairs.matrix(_bradley_terry(access, query)), access.project
    met = [one for row in rows for one in row if one and one.judgments]
    makers: Makers = {
        "csv": lambda: tables.meetings_csv({_part(query): met}),
        "json": lambda: _json({"pairs": [asdict(one) for one in met]}),
        "svg": lambda: pictures.matrix_svg(_title(project, query), rows, shown),
    }
    return _file(makers, kind, project, query, "matrix")


def _history_file(access: Access, query: StandingsQuery, kind: str) -> Response:
    trajectory, project = replay.trajectory(db.session(), access.project, query), access.project
    makers: Makers = {
        "csv": lambda: tables.trajectory_csv(trajectory),
        "json": lambda: _json(asdict(trajectory)),
        "svg": lambda: pictures.over_time_svg(_title(project, query), trajectory),
    }
    return _file(makers, kind, project, query, "over-time")


def _model_file(access: Access, query: StandingsQuery, one: Model, kind: str) -> Response:
    found, project = _bradley_terry(access, query), access.project
    meetings = pairs.meetings(found, one.name)
    rows = {_part(query): _row_of(found, one), **_flat(_rows_by_slice(access, query, one))}
    subtitle = f"How often {one.name} is preferred: expected, with 95% interval, and observed (ring)"
    makers: Makers = {
        "csv": lambda: tables.rows_csv({part: [row] for part, row in rows.items()}),
        "json": lambda: _json({"slices": _listed(rows), "against": [asdict(one) for one in meetings]}),
        "svg": lambda: pictures.shares_svg(
            _title(project, query), subtitle, [pictures.bar(one.other, one) for one in meetings]
        ),
    }
    return _file(makers, kind, project, query, one.name)


def _pair_file(access: Access, query: StandingsQuery, pair: tuple[Model, Model], kind: str) -> Response:
    found, project = _meetings_by_slice(access, query, pair), access.project
    one, other = (model.name for model in pair)
    subtitle = f"How often {one} is preferred to {other}: expected, with 95% interval, and observed (ring)"

    def bars() -> list[pictures.Bar]:
        labels = [
            f"{words.slice_name(by)}: {words.slice_value(value, by)}" if by else "All" for by, value in found
        ]
        return [pictures.bar(*both) for both in zip(labels, found.values(), strict=True)]

    makers: Makers = {
        "csv": lambda: tables.meetings_csv({part: [meeting] for part, meeting in found.items()}),
        "json": lambda: _json({"slices": _listed(found)}),
        "svg": lambda: pictures.shares_svg(_title(project, query), subtitle, bars()),
    }
    return _file(makers, kind, project, query, f"{one}-{other}")


def _bias_file(access: Access, kind: str) -> Response:
    found, project = bias.position(db.session(), access.project), access.project
    subtitle = "How often the left of two equal responses is preferred, with 95% interval"
    left = pictures.Bar("on the left", None, found.share, found.lower, found.upper, found.judgments)
    makers: Makers = {
        "csv": lambda: tables.position_csv(found),
        "json": lambda: _json(asdict(found)),
        "svg": lambda: pictures.shares_svg(project.name, subtitle, [left]),
    }
    return _file(makers, kind, project, StandingsQuery(), "bias")


def _title(project: Project, query: StandingsQuery) -> str:
    return project.name + words.where(query)


def _part(query: StandingsQuery) -> tables.Part:
    return (query.by, query.value) if query.value else ("", "")


def _flat(found: Mapping[str, Mapping[str, Found]]) -> dict[tables.Part, Found]:
    """What is kept by kind of slice and value, by both at once."""
    return {(by, value): one for by, parts in found.items() for value, one in parts.items()}


def _listed(parts: Mapping[tables.Part, Any]) -> list[dict[str, Any]]:
    return [{"by": by, "value": value, **asdict(one)} for (by, value), one in parts.items()]


def _json(found: object) -> bytes:
    return orjson.dumps(found, option=orjson.OPT_INDENT_2)


def _file(makers: Makers, kind: str, project: Project, query: StandingsQuery, what: str) -> Response:
    response = Response(makers[kind](), mimetype=TYPES[kind])
    parts = (project.slug, what, query.by, query.value, query.since, query.until)
    name = "-".join(_plain(str(part)) for part in parts if part)
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return response


def _plain(text: str) -> str:
    return "".join(letter if letter in PLAIN else "-" for letter in text)
